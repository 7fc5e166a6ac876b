"""A finished release described for those who download it."""
