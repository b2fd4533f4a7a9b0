"""Scores on photos whose truth is known."""
