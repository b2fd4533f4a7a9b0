"""Colours that files name without a profile, as profiles that every format can hold."""
