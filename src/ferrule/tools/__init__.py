"""One file per program: how it is found, checked, provided and called; none of them knows why."""
