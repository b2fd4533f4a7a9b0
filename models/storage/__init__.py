"""Files on disks and behind URLs, written whole or not at all; processes that answer requests."""
