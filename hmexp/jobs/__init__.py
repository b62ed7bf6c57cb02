"""Jobs: the place of a run, and the table of a sweep's."""
