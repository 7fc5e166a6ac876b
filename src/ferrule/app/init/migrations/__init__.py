"""Files of other release tools, a reader each: what Ferrule has too is taken over, all the rest is reported."""

from __future__ import annotations

from ferrule.app.init.migrations import cargo_c, cargo_dist, cibuildwheel, cross, goreleaser, maturin, napi

READERS = (cargo_c.read, cargo_dist.read, goreleaser.read, cross.read, maturin.read, cibuildwheel.read, napi.read)
"""Adding a tool: one file, its import and its name here."""
