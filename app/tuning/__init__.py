"""Fine-tunes as people ask for them, in a command or on the page: the request, the run, its process."""
