"""Who watches a run: a guard against divergence, an exam on held-out photos, a keeper of checkpoints."""
