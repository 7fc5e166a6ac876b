"""Adds two numbers."""
