"""The targets of the demo project, and of this repository."""

from __future__ import annotations

X86 = "x86_64-unknown-linux-gnu"
ARM = "aarch64-unknown-linux-gnu"
MAC = "aarch64-apple-darwin"
WASM = "wasm32-unknown-unknown"
