"""Losses of pictures and of discriminators, penalties, and networks that give features."""
