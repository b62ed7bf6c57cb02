"""Networks, and the bundle that a trained one is saved as."""
