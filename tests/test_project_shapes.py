"""Releases of projects of other shapes than the demo's, by the real command line, with pretended compilers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.triples import X86

if TYPE_CHECKING:
    from fakes.toolchain import Demo

ONE_TARGET = f'targets:\n  {X86}: {{glibc: "2.17"}}\n'


def release(demo: Demo, *artifacts: str) -> str:
    """Release these artifacts for one target; returns what the command printed."""
    path = demo.project / "targets.yaml"
    head = path.read_text().partition("targets:\n")[0]
    path.write_text(f"{head}{ONE_TARGET}artifacts:\n" + "".join(f"  {line}\n" for line in artifacts))
    done = demo.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_crate_without_cdylib_is_released_as_it_is(demo: Demo) -> None:
    manifest = demo.project / "rust/demo-ffi/Cargo.toml"
    demo.edit('crate-type = ["cdylib", "staticlib"]\n', "", "rust/demo-ffi/Cargo.toml")
    before = manifest.read_bytes()
    release(demo, "native: {kind: library, crate: demo-ffi}")
    assert {f"lib/{X86}/libdemo.a", f"lib/{X86}/libdemo.so.1"} <= set(demo.files())
    assert manifest.read_bytes() == before
    assert any("--crate-type cdylib,staticlib" in call for call in demo.calls)
