"""The toy problems: what is trained, on points, textures and small photos."""
