"""The Upscale tab: what it offers, shows before the work, and makes."""
