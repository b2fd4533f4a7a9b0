"""What training means for each kind of generator, one module a task."""
