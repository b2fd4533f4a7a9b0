"""What visitors have running and how they left the dials: stopping, who still waits, for how long."""
