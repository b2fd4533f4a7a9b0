"""Holes to train filling with that come from files, not from a program."""
