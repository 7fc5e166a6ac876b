"""app/distributed."""
