"""Many files: which becomes which, what it takes, doing it, and the record of what was done."""
