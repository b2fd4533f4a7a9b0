"""What a person touches: the commands, the page, and batches of files."""
