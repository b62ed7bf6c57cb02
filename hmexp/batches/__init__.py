"""A manifest and its store -> batches in an order that is a function of (seed, epoch)."""
