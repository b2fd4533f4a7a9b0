"""The training loop: batches, steps, discriminators, several processes, the run folder."""
