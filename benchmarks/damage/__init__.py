"""How well damage is found; see ``measure``."""
