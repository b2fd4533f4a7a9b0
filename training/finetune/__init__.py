"""Fitting shipped weights to a few photos of one kind; what decides when to stop and what to keep."""
