"""How tools are installed: one file a package manager; each installer says what it would run and why it could not."""
