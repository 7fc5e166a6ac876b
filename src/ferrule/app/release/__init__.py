"""app/release."""
