"""The demo project with a crate of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakes.toolchain import Demo

MANIFEST = '[package]\nname = "demo-cli"\nversion.workspace = true\nlicense.workspace = true\nedition = "2021"\n'
GENERATED = 'generated: {completions: ["*.bash"]}'
BUILD = f"cli: {{kind: program, crate: demo-cli, files: {{man/man1/demo-cli.1: LICENSE}}, {GENERATED}}}"


def with_program(demo: Demo, artifact: str = BUILD) -> Demo:
    """The demo project with a crate of a program, and nothing else released but what describes it."""
    crate = demo.project / "rust" / "demo-cli"
    (crate / "src").mkdir(parents=True)
    (crate / "src" / "main.rs").write_text("fn main() {}\n")
    (crate / "build.rs").write_text("fn main() {}\n")
    (crate / "README.md").write_text("# demo-cli\n")
    (crate / "Cargo.toml").write_text(MANIFEST)
    demo.edit("members = [", 'members = ["demo-cli", ', "rust/Cargo.toml")
    lock = demo.project / "rust" / "Cargo.lock"
    lock.write_text(lock.read_text() + '\n[[package]]\nname = "demo-cli"\nversion = "1.2.3"\n')
    text = (demo.project / "targets.yaml").read_text()
    above = text.partition("\nartifacts:")[0]
    described = "sbom: {kind: sbom}\n  sums: {kind: checksums}\n  provenance: {kind: provenance}\n"
    (demo.project / "targets.yaml").write_text(f"{above}\nartifacts:\n  {artifact}\n  {described}")
    return demo
