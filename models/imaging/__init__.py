"""Pictures in memory and in files: decoding, encoding, metadata."""
