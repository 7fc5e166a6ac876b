"""Ferrule: one Rust core, every platform."""

__version__ = "0.1.0"
