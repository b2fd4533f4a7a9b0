"""Weights files: their cards, opening and saving them, and tensors of other makers."""
