"""Checks of what a run needs, each a small function, none of which another's failure keeps from being made.

`check` and `packages` import the standard library alone, so that they can speak where a package is broken.
"""
