"""Building blocks of the networks: small modules, each with its paper, chosen by name from tables."""
