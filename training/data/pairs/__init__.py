"""Real pairs: a high-resolution photo and the low-resolution picture of the same thing."""
