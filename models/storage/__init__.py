"""Files on disks and behind URLs, written whole or not at all."""
