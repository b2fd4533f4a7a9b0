"""Holes as people paint them, for `training.data.masks`."""
