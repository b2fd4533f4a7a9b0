"""Pictures, networks, and running a network on a picture."""
