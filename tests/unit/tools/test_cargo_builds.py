"""What Cargo says it made is read, compared with what lies there, and taken."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import pytest

from fakes.machine import LINUX
from ferrule.core.errors import BuildError
from ferrule.core.platforms import PLATFORMS
from ferrule.engine.sources import SourceFiles, StatIndex
from ferrule.tools import cargo_builds
from ferrule.tools.cargo_builds import CargoArtifact, CargoBuild
from ferrule.tools.cargo_units import Units
from ferrule.tools.command import Command
from ferrule.tools.program_output import Listener
from ferrule.tools.run import Captured, ToolFailed


def artifact(package_id, *files, manifest="/w/Cargo.toml", fresh=False):
    return json.dumps(
        {
            "reason": "compiler-artifact",
            "package_id": package_id,
            "manifest_path": manifest,
            "target": {"crate_types": ["cdylib"]},
            "filenames": list(files),
            "fresh": fresh,
        }
    )


def test_messages_that_tell_of_units():
    stdout = "\n".join(
        [
            artifact("registry+index#idna@1.1.0", "/t/libidna.rlib"),
            "text of a build script",
            '{"reason":"build-script-executed"}',
            artifact("path+file:///w/rust/x-ffi#0.1.0", "/t/release/libx_ffi.so"),
            '{"reason":"build-finished","success":true}',
        ]
    )
    result = list(cargo_builds.parse_messages(stdout))
    assert [one.get("package_id", one["reason"]) for one in result] == [
        "registry+index#idna@1.1.0",
        "build-script-executed",
        "path+file:///w/rust/x-ffi#0.1.0",
    ]


def test_a_file_is_found_by_package_and_kind():
    built = CargoBuild((CargoArtifact("x-ffi", ("cdylib",), (Path("/t/libx.so"), Path("/t/libx.a"))),), (), ())
    assert built.file("x-ffi", PLATFORMS[LINUX], "cdylib", "x") == Path("/t/libx.so")
    assert built.file("x-ffi", PLATFORMS[LINUX], "staticlib", "x") == Path("/t/libx.a")
    with pytest.raises(BuildError, match="Cargo built x-ffi but made no liby"):
        built.file("x-ffi", PLATFORMS[LINUX], "cdylib", "y")


def test_a_program_is_found_by_its_package():
    built = CargoBuild((CargoArtifact("x", ("bin",), (Path("/t/my-x"),)),), (), (), out_folders={"x": Path("/t/out")})
    assert built.program("x", PLATFORMS[LINUX], "my-x") == Path("/t/my-x")
    with pytest.raises(BuildError, match="Cargo built x but made no y"):
        built.program("x", PLATFORMS[LINUX], "y")
    assert (built.out_folder("x"), built.out_folder("y")) == (Path("/t/out"), None)


def units(tmp_path, workspace=Path("/w")):
    return Units(
        tmp_path / "t", workspace, (), partial(SourceFiles(tmp_path, ()).content, StatIndex(None, time.time_ns))
    )


def test_a_build_tells_what_it_reads_links_and_does(tmp_path):
    output, notes = tmp_path / "t/release/libx.so", tmp_path / "t/release/deps/x.d"
    messages = []

    def run(_command, /, *, on_line=None, marks=()):
        notes.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(b"library")
        notes.write_text(f"{output}: src/lib.rs /w/a\\ b.rs {tmp_path}/t/out/made.rs\n# env-dep:X=1\n# env-dep:Y\n")
        message = artifact("path+file:///w/x-ffi#0.1.0", str(output))
        for line in ("   Compiling idna v1.1.0", "note: native-static-libs: -lc -lm", message):
            Listener(on_line, marks).hear(f"{line}\n".encode())
        return message

    command = Command(("cargo",), {"CARGO_TARGET_DIR": str(tmp_path / "t"), "Y": "2"})
    built = cargo_builds.build(run, command, messages.append, units(tmp_path))
    assert messages == ["compiling idna v1.1.0"]
    assert built.native_libraries == ("-lc", "-lm")
    assert built.read == (Path("/w/Cargo.toml"), Path("/w/a b.rs"), Path("/w/src/lib.rs"))
    assert built.asks == {"X": "x-ffi"}
    built.take(output, tmp_path / "taken", partial(SourceFiles(tmp_path, ()).content, StatIndex(None, time.time_ns)))
    assert (tmp_path / "taken").read_bytes() == b"library"
    output.write_bytes(b"library ")
    with pytest.raises(BuildError, match="this was changed after Cargo had written it"):
        built.take(
            output, tmp_path / "taken", partial(SourceFiles(tmp_path, ()).content, StatIndex(None, time.time_ns))
        )


@pytest.mark.parametrize("times", [1, 9])
def test_what_nobody_wrote_down_is_not_taken(tmp_path, times):
    """Cargo says `fresh` of what another program put there: it is made to forget, and then has to make it."""
    output, runs = tmp_path / "t/release/libx.so", []

    def run(_command, /, *, on_line=None, marks=()):
        runs.append(len(runs))
        output.parent.mkdir(parents=True, exist_ok=True)
        fresh = len(runs) <= times
        output.write_text("of somebody else" if fresh else "compiled")
        message = artifact("path+file:///w/x-ffi#0.1.0", str(output), fresh=fresh)
        Listener(on_line, marks).hear(f"{message}\n".encode())
        return message

    command = Command(("cargo",), {"CARGO_TARGET_DIR": str(tmp_path / "t")})
    if times > 1:
        with pytest.raises(BuildError, match="what Cargo made of x-ffi changes while it builds"):
            cargo_builds.build(run, command, print, units(tmp_path))
    else:
        built = cargo_builds.build(run, command, print, units(tmp_path))
        built.take(
            output, tmp_path / "taken", partial(SourceFiles(tmp_path, ()).content, StatIndex(None, time.time_ns))
        )
        assert (tmp_path / "taken").read_text() == "compiled"
    assert runs == [0, 1]


def test_a_failed_build_is_explained(tmp_path):
    def run(_command, /, *, on_line=None, marks=()):
        written = "error[E0308]: mismatched types\n  --> x/src/lib.rs:12:5\n"
        Listener(on_line, marks).hear(written.encode())
        raise ToolFailed("cargo ended", command="cargo", code=101, captured=Captured("", written))

    with pytest.raises(BuildError, match="mismatched types"):
        cargo_builds.build(run, Command(("cargo",), {}), print, units(tmp_path))
