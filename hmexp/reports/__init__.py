"""Figures and pages from saved numbers: any of them can be drawn again without training."""
