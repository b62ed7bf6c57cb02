"""Sweeps: what is tried, in which processes, and what is kept of it."""
