"""Bytes only: archives, wheels, images and binaries written and read from what is handed in, and nothing else."""
