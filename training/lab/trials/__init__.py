"""The trials: which arms of a technique are compared on which problem, and what is said of it."""
