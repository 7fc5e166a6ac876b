"""app/compatibility."""
