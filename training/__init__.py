"""Turning pictures into weights: data, losses, adversary, and the loop."""
