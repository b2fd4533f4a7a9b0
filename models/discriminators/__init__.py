"""Networks that judge pictures, for training only."""
