"""Jobs: the folder of a run and the ways to name one; the trials of a sweep and their table."""
