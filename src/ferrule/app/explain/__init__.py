"""app/explain."""
