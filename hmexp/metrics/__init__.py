"""Numbers from predictions, and the one table of names and directions."""
