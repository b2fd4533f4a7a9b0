"""Work that visitors have asked for: what is running, what was given up, who still waits, for how long."""
