"""Runs a plan: what must be done again, in which order, side by side, and where results are kept. Knows no kind."""
