"""Versions that follow from what has changed: decided, written into every file, and told in changelog and notes."""
