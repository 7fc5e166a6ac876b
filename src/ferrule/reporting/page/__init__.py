"""The parts of the page about a release: each turns values into markup, and nothing here reads a file of a project."""
