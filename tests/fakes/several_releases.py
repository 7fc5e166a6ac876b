"""The demo project as two releases of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.toolchain import lay_out
from fakes.triples import ARM, X86

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo

FILE = f"""targets:
  {X86}: {{glibc: "2.17"}}
  {ARM}: {{glibc: "2.17"}}
  wasm32-unknown-unknown: {{}}
artifacts:
  native: {{kind: library, crate: demo-ffi, header: header}}
  header: {{kind: header, crate: demo-ffi}}
  sdk: {{kind: sdk, library: native, header: header}}
  web: {{kind: component, crate: demo-wasm}}
  sums: {{kind: checksums}}
  provenance: {{kind: provenance}}
releases:
  core: {{version: {{cargo: rust/demo-ffi}}, artifacts: [sdk], changelog: CHANGES.md}}
  page: {{version: "0.4.0", artifacts: [web], tag: "page/{{version}}"}}
"""


def several(root: Path) -> Demo:
    """The demo as two releases: `core` 1.9.1 with an SDK, and `page` 0.4.0 with a component."""
    demo = lay_out(root)
    (demo.project / "CHANGES.md").write_text("# Changes\n\n## 1.9.10\n")
    for crate, version in (("demo-ffi", "1.9.1"), ("demo-wasm", "0.4.0")):
        demo.edit("version.workspace = true", f'version = "{version}"', f"rust/{crate}/Cargo.toml")
        demo.edit(f'name = "{crate}"\nversion = "1.2.3"', f'name = "{crate}"\nversion = "{version}"', "rust/Cargo.lock")
    path = demo.project / "targets.yaml"
    path.write_text(path.read_text().partition("targets:\n")[0] + FILE)
    return demo
