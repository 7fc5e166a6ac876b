"""app/reproduce."""
