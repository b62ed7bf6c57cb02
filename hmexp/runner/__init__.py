"""The composition root: config -> data, model, trainer, record -> result."""
