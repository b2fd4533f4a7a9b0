"""Holes to train filling with: as people paint them, and from mask files of one's own."""
