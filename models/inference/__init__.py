"""Running a network on a picture: crops, tiles, compositing, and the two restorers."""
