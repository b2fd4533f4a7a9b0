"""What a fill takes from the known part of the photo, without weights: structure and texture."""
