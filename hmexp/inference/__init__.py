"""A trained model taken elsewhere."""
