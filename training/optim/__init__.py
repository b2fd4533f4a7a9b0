"""Optimisers, learning rates, averages of weights, and networks that grow."""
