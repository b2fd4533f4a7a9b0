"""Fitting shipped weights to a few photos of one kind."""
