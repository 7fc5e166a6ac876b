"""A target folder whose units were read and written by a pretended Cargo."""

from __future__ import annotations

import json
import os
import time
from functools import partial

import pytest

from ferrule.engine.sources import SourceFiles, StatIndex
from ferrule.tools.cargo_units import Units, notes_of, package_name, parse_dep_info

APP, LIB = "path+file:///w/app#app-ffi@0.1.0", "registry+index#lib@1.0.0"
HASH = "0123456789abcdef"


class Folder:
    """Cargo at work: a build script, a published crate and a library."""

    def __init__(self, root):
        self.root = root
        self.target = root / "t"
        for name in ("w/app/Cargo.toml", "w/app/src/lib.rs", "w/app/build.rs", "w/app/data/one", "home/lib/src/lib.rs"):
            self.write(name, name)
        self.write("home/lib/Cargo.toml", "lib")
        past = time.time_ns() - 10**10
        for path in (root / "w").rglob("*"):
            os.utime(path, ns=(past, past))
        time.sleep(0.02)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def messages(self, *, fresh=False):
        release = self.target / "x" / "release"
        shared = {"reason": "compiler-artifact", "profile": {}, "features": [], "fresh": fresh}
        return [
            shared
            | {
                "package_id": APP,
                "manifest_path": str(self.root / "w/app/Cargo.toml"),
                "target": {"name": "build-script-build", "crate_types": ["bin"]},
                "filenames": [str(self.target / f"release/build/app-ffi-{HASH}/build-script-build")],
            },
            {
                "reason": "build-script-executed",
                "package_id": APP,
                "env": [["GIVEN", "1"]],
                "out_dir": str(release / f"build/app-ffi-{HASH}/out"),
            },
            shared
            | {
                "package_id": LIB,
                "manifest_path": str(self.root / "home/lib/Cargo.toml"),
                "target": {"name": "lib", "crate_types": ["lib"]},
                "filenames": [str(release / f"deps/liblib-{HASH}.rlib")],
            },
            shared
            | {
                "package_id": APP,
                "manifest_path": str(self.root / "w/app/Cargo.toml"),
                "target": {"name": "app_ffi", "crate_types": ["cdylib"]},
                "filenames": [str(release / "libapp_ffi.so")],
            },
            {"reason": "build-finished"},
        ]

    def compile(self, said="cargo:rerun-if-changed=data\ncargo::rerun-if-env-changed=MODE\n"):
        self.write(f"t/release/build/app-ffi-{HASH}/build-script-build", "program")
        self.write(f"t/release/build/app-ffi-{HASH}/build_script_build-{HASH}.d", "build: app/build.rs\n")
        self.write(f"t/x/release/build/app-ffi-{HASH}/output", said)
        self.write(f"t/x/release/build/app-ffi-{HASH}/out/made.rs", "made")
        self.write(f"t/x/release/deps/liblib-{HASH}.rlib", "lib")
        self.write(f"t/x/release/deps/lib-{HASH}.d", f"lib: {self.root}/home/lib/src/lib.rs {self.root}/system.h\n")
        self.write("t/x/release/libapp_ffi.so", "library")
        self.write("t/x/release/deps/app_ffi.d", f"x: app/src/lib.rs {self.target}/made.rs\n\n# env-dep:FOO=a\\nb\n")
        for path in ("release", "x/release"):
            for package in ("app-ffi", "app-ffi-more", "lib"):
                self.write(f"t/{path}/.fingerprint/{package}-{HASH}/mark", "")

    @property
    def believed(self):
        """Packages that Cargo would not compile again."""
        return {path.name.removesuffix(f"-{HASH}") for path in self.target.glob("x/release/.fingerprint/*")}

    def units(self):
        return Units(
            self.target, self.root / "w", (), partial(SourceFiles(self.root, ()).content, StatIndex(None, time.time_ns))
        )

    def build(self, **options):
        units = self.units()
        with units.watched():
            self.compile(**options)
            for message in self.messages():
                units.note(message)
        return units

    def look_again(self):
        """What a later build finds: packages that Cargo is to make again."""
        with self.units().watched():
            pass
        return {"app-ffi", "app-ffi-more", "lib"} - self.believed


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_what_was_read_and_asked_for(folder):
    units = folder.build()
    assert units.suspect(folder.messages()) == set()
    script, ran, published, library = units.of(folder.messages())
    path = f"{folder.root}/w/app"
    assert list(script.read) == [f"{path}/Cargo.toml", f"{path}/build.rs"]
    assert (list(ran.read), ran.asks) == ([f"{path}/data"], ("MODE",))
    assert published.read == {f"{folder.root}/system.h": None}
    assert (list(library.read), library.asks) == ([f"{path}/Cargo.toml", f"{path}/src/lib.rs"], ("FOO",))
    assert library.package == "app-ffi"


@pytest.mark.parametrize("said", ["hello\n", "cargo::rerun-if-env-changed=CC\n"])
def test_a_script_that_names_no_file_reads_its_whole_package(folder, said):
    assert list(folder.build(said=said).of(folder.messages())[1].read) == [f"{folder.root}/w/app"]


def test_what_stands_is_believed(folder):
    folder.build()
    units = folder.units()
    with units.watched():
        fresh = folder.messages(fresh=True)
        for message in fresh:
            units.note(message)
        assert units.suspect(fresh) == set()
    assert folder.believed == {"app-ffi", "app-ffi-more", "lib"}


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("x/release/libapp_ffi.so", "app-ffi"),
        (f"x/release/deps/liblib-{HASH}.rlib", "lib"),
        (f"x/release/deps/lib-{HASH}.d", "lib"),
        (f"x/release/build/app-ffi-{HASH}/out/made.rs", "app-ffi"),
        (f"x/release/build/app-ffi-{HASH}/output", "app-ffi"),
        (f"release/build/app-ffi-{HASH}/build-script-build", "app-ffi"),
    ],
)
@pytest.mark.parametrize("change", ["added", "gone", "new"])
def test_what_changed_since_cargo_wrote_it_is_made_again(folder, name, package, change):
    folder.build()
    path = folder.target / name
    if change == "gone":
        path.unlink()
    elif change == "added":
        path.write_text(path.read_text() + "x")
    elif path.parent.name == "out":
        (path.parent / "another").touch()
    else:
        return
    assert folder.look_again() == {package}


@pytest.mark.parametrize("name", ["app/src/lib.rs", "app/build.rs", "app/Cargo.toml"])
def test_a_changed_source_that_looks_old_is_compiled_again(folder, name):
    folder.build()
    path = folder.root / "w" / name
    times = path.stat()
    path.write_text("changed")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert folder.look_again() == {"app-ffi"}


def test_a_changed_source_that_looks_new_is_cargos_affair(folder):
    folder.build()
    time.sleep(0.02)
    folder.write("w/app/src/lib.rs", "changed")
    assert folder.look_again() == set()


def test_a_source_that_is_gone_is_noticed(folder):
    folder.build()
    (folder.root / "w/app/src/lib.rs").unlink()
    assert folder.look_again() == {"app-ffi"}


def test_a_source_that_changed_while_it_was_compiled_is_compiled_again(folder):
    units = folder.units()
    with units.watched():
        folder.compile()
        path = folder.write("w/app/src/lib.rs", "changed meanwhile")
        os.utime(path, ns=(0, 0))
        for message in folder.messages():
            units.note(message)
    assert folder.look_again() == {"app-ffi"}


def test_what_nobody_wrote_down_is_not_believed(folder):
    folder.compile()
    (folder.target / "link").symlink_to(folder.root)
    units = folder.units()
    with units.watched():
        assert [path.name for path in folder.target.iterdir()] == ["ferrule-units.jsonl"]
        folder.compile()
        for message in folder.messages(fresh=True):
            units.note(message)
        assert units.suspect(folder.messages(fresh=True)) == {"app-ffi", "lib"}


def test_a_script_that_ran_before_and_was_not_written_down_is_not_believed(folder):
    folder.build()
    units = folder.units()
    with units.watched():
        units.entries = {name: unit for name, unit in units.entries.items() if "out" not in name}
        for message in folder.messages(fresh=True):
            units.note(message)
        assert units.suspect(folder.messages(fresh=True)) == {"app-ffi"}


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data.replace(b"0", b"1")])
def test_a_damaged_journal_costs_time_only(folder, damage):
    folder.build()
    journal = folder.target / "ferrule-units.jsonl"
    journal.write_bytes(damage(journal.read_bytes()))
    units = folder.units()
    with units.watched():
        if folder.believed:
            assert units.suspect(folder.messages(fresh=True)) != set()


def test_a_folder_from_the_future_is_emptied(folder):
    folder.build()
    ahead = time.time_ns() + 10**12
    path = folder.target / "x/release/libapp_ffi.so"
    os.utime(path, ns=(ahead, ahead))
    units = folder.units()
    with units.watched():
        pass
    folder.compile()
    os.utime(path, ns=(ahead, ahead))
    units = folder.units()
    with units.watched():
        for message in folder.messages():
            units.note(message)
    with folder.units().watched():
        assert not path.exists()


def test_a_layout_of_cargo_that_nobody_knows_is_emptied(folder):
    units = folder.build()
    for path in folder.target.rglob(".fingerprint"):
        path.rename(path.with_name("fingerprints"))
    units.forget({"lib"})
    assert list(folder.target.iterdir()) == []


def test_two_builds_in_one_folder_wait_for_each_other(folder):
    import threading  # noqa: PLC0415

    order = []

    def other():
        with folder.units().watched():
            order.append("second")

    with folder.units().watched():
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_names_of_packages():
    assert package_name("path+file:///w/a#0.1.0") == "a"
    assert package_name(APP) == "app-ffi"
    assert package_name(LIB) == "lib"


def test_notes_are_beside_a_file_or_where_it_was_linked_from(tmp_path):
    for name in ("release/deps/x.d", "release/deps/y-0.d", "build/build_script_build-0.d", "release/wasm.d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert notes_of(tmp_path / "release/libx.so") == [tmp_path / "release/deps/x.d"]
    assert notes_of(tmp_path / "release/deps/liby-0.rlib") == [tmp_path / "release/deps/y-0.d"]
    assert notes_of(tmp_path / "build/build-script-build") == [tmp_path / "build/build_script_build-0.d"]
    assert notes_of(tmp_path / "release/wasm.wasm") == []


def test_where_the_notes_of_a_program_are(tmp_path):
    deps = tmp_path / "release" / "deps"
    deps.mkdir(parents=True)
    for digest in (HASH, HASH[::-1]):
        (deps / f"my_x-{digest}").write_text(digest)
        (deps / f"my_x-{digest}.d").touch()
    (deps / "my_x-other.d").touch()
    program = tmp_path / "release" / "my-x"
    assert notes_of(program) == []
    program.hardlink_to(deps / f"my_x-{HASH}")
    assert notes_of(program) == [deps / f"my_x-{HASH}.d"]
    program.unlink()
    program.write_text("a copy")
    assert notes_of(program) == sorted([deps / f"my_x-{HASH}.d", deps / f"my_x-{HASH[::-1]}.d"])


def test_notes_as_rustc_and_cbindgen_write_them():
    paths, names = parse_dep_info(
        "# env-dep:X: y\n/t/a.d: /w/b.rs /w/c\\ d.rs\n\n/w/b.rs:\n# env-dep:Y=1\n# env-dep:Z\n"
    )
    assert [str(path) for path in paths] == ["/w/b.rs", "/w/c d.rs"]
    assert names == {"X: y", "Y", "Z"}
    assert [str(path) for path in parse_dep_info("x.h: \\\n    /w/a.rs \\\n    /w/b.rs")[0]] == ["/w/a.rs", "/w/b.rs"]


def test_the_journal_is_lines_of_json(folder):
    folder.build()
    lines = (folder.target / "ferrule-units.jsonl").read_text().splitlines()
    assert {json.loads(line.partition(" ")[2])[1] for line in lines} == {"app-ffi", "lib"}
