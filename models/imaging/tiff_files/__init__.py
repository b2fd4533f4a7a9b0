"""TIFF files: what kinds there are, reading the samples of rare layouts, writing plain ones."""
