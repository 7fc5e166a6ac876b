"""Whole releases by the real command line, with pretended compilers."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import tarfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from fakes.toolchain import PATIENCE_SECONDS, Demo, c_library, lay_out, sums_agree, wait_until
from fakes.triples import ARM, MAC, WASM, X86
from ferrule.core.manifest import SCHEMA
from ferrule.engine import recipe_code

if TYPE_CHECKING:
    from collections.abc import Iterator

WHEELS = {
    X86: "demo-1.2.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    ARM: "demo-1.2.3-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
    MAC: "demo-1.2.3-py3-none-macosx_11_0_arm64.whl",
}
SDKS = {triple: f"demo-c-1.2.3-{triple}.tar.gz" for triple in (X86, ARM, MAC)}
REAL_NAMES = {X86: "libdemo.so.1.2.3", ARM: "libdemo.so.1.2.3", MAC: "libdemo.1.2.3.dylib"}
MODULES = ("demo-1.2.3.core.wasm", "demo-1.2.3.wasm", "example-demo-1.2.3.tgz")
PACKED = (*SDKS.values(), *WHEELS.values(), *MODULES, "image")
BILLS = ("demo-1.2.3.cdx.json", *(f"{name}.cdx.json" for name in PACKED))
ACTIONS = 27


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A release that nobody disturbed; tests only look at it."""
    demo = lay_out(tmp_path_factory.mktemp("released"))
    done = demo.ferrule("release", "-j", "2")
    assert done.returncode == 0, done.stderr
    return demo


@pytest.fixture
def shipped(demo: Demo) -> Demo:
    """A release of the test's own."""
    done = demo.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr
    return demo


def manifest(demo: Demo) -> dict[str, Any]:
    value = json.loads((demo.dist / "manifest.json").read_bytes())
    assert isinstance(value, dict)
    return value


def compilations(demo: Demo) -> list[str]:
    return [call for call in demo.calls if " rustc --locked " in call]


def libraries(demo: Demo, triple: str) -> dict[str, str]:
    """Digest of a target's cdylib in every package that holds it."""
    result: dict[str, str] = {}
    with tarfile.open(demo.dist / SDKS[triple]) as sdk:
        member = sdk.extractfile(f"demo-c-1.2.3-{triple}/lib/{REAL_NAMES[triple]}")
        assert member is not None
        result["sdk"] = hashlib.sha256(member.read()).hexdigest()
    with zipfile.ZipFile(demo.dist / WHEELS[triple]) as wheel:
        name = next(n for n in wheel.namelist() if n.startswith("demo/_native/libdemo"))
        result["wheel"] = hashlib.sha256(wheel.read(name)).hexdigest()
    if triple != MAC:
        result["image"] = hashlib.sha256(in_image(demo, triple, f"usr/lib/{REAL_NAMES[triple]}")).hexdigest()
    return result


def in_image(demo: Demo, triple: str, name: str) -> bytes:
    def blob(digest: str) -> Path:
        return demo.dist / "image" / "blobs" / Path(digest.replace(":", "/"))

    index = json.loads((demo.dist / "image" / "index.json").read_bytes())
    while "layers" not in index:
        expected = {X86: "amd64", ARM: "arm64"}[triple]
        entries = index["manifests"]
        chosen = next(e for e in entries if e.get("platform", {}).get("architecture", expected) == expected)
        index = json.loads(blob(chosen["digest"]).read_bytes())
    for layer in index["layers"]:
        with tarfile.open(blob(layer["digest"])) as archive:
            if name in archive.getnames():
                member = archive.extractfile(name)
                assert member is not None
                return member.read()
    raise AssertionError(f"no {name} in the image for {triple}")


# What is made


def test_dist_holds_exactly_what_the_plan_says(released: Demo) -> None:
    files = set(released.files())
    blobs = {f for f in files if f.startswith("image/blobs/sha256/")}
    assert files - blobs == {
        "SHA256SUMS",
        "demo-1.2.3.core.wasm",
        "demo-1.2.3.tar.gz",
        "demo-1.2.3.wasm",
        "example-demo-1.2.3.tgz",
        "image/index.json",
        "image/oci-layout",
        "manifest.json",
        "provenance.intoto.jsonl",
        *SDKS.values(),
        *WHEELS.values(),
        *BILLS,
    }
    assert all(hashlib.sha256((released.dist / b).read_bytes()).hexdigest() == b.rpartition("/")[2] for b in blobs)


def test_files_have_plain_modes(released: Demo) -> None:
    assert {oct(p.stat().st_mode & 0o777) for p in released.dist.rglob("*") if p.is_file()} == {"0o644"}


def test_sha256sum_agrees(released: Demo, tmp_path: Path) -> None:
    assert sums_agree(released.dist)
    copy = tmp_path / "dist"
    shutil.copytree(released.dist, copy)
    (copy / WHEELS[X86]).write_bytes(b"other")
    assert not sums_agree(copy)


def test_sums_name_every_file_but_themselves_and_what_names_them(released: Demo) -> None:
    named = {line.split("  ")[1] for line in (released.dist / "SHA256SUMS").read_text().splitlines()}
    assert named == set(released.files()) - {"SHA256SUMS", "manifest.json", "provenance.intoto.jsonl"}


def test_manifest_names_every_file_with_its_digest_size_and_origin(released: Demo) -> None:
    output = manifest(released)
    assert (output["version"], output["project"], output["release"]) == (1, "demo", "1.2.3")
    files = released.files()
    jsonschema.validate(output, SCHEMA)
    assert {a["file"] for a in output["artifacts"]} == set(files) - {"manifest.json"}
    for artifact in output["artifacts"]:
        content = files[artifact["file"]]
        assert artifact["size"] == len(content)
        assert artifact["sha256"] == hashlib.sha256(content).hexdigest()
        assert re.fullmatch("[0-9a-f]{64}", artifact["key"])
    wheel = next(a for a in output["artifacts"] if a["file"] == WHEELS[MAC])
    assert (wheel["artifact"], wheel["kind"], wheel["role"], wheel["target"]) == ("sdk-py", "wheel", "wheel", MAC)


def test_manifest_names_what_is_packed_inside(released: Demo) -> None:
    packed = {(p["artifact"], p["target"], p["name"]): p["sha256"] for p in manifest(released)["packed"]}
    names = {name for _, _, name in packed if not name.startswith("go/")}
    assert names == {"demo.h", "libdemo.so.1", "libdemo.1.dylib", "libdemo.a", "base.tar.gz", "server"} | {
        "crates.json",
        "licences.json",
    }
    folders = {X86: "linux_amd64", ARM: "linux_arm64", MAC: "darwin_arm64"}
    for triple, name in ((X86, "libdemo.so.1"), (ARM, "libdemo.so.1"), (MAC, "libdemo.1.dylib")):
        compiled = packed["native", triple, name]
        assert set(libraries(released, triple).values()) == {compiled}
        assert packed["go", None, f"go/internal/ferrule/native/{folders[triple]}/{name}"] == compiled


def test_manifest_tells_measured_facts_and_tools(released: Demo) -> None:
    output = manifest(released)
    facts = output["facts"][f"native@{X86}"]["cdylib"]
    assert (facts["name"], facts["glibc"], facts["exports"]) == ("libdemo.so.1", "2.14", ["demo_add", "demo_copy"])
    assert output["facts"][f"native@{MAC}"]["cdylib"]["name"] == "@rpath/libdemo.1.dylib"
    tools = output["toolchain"]["tools"]
    assert tools["zig"] == "zig 0.17.0"
    assert "release: 1.96.0" in tools["rustc"]
    assert str(released.root) not in (released.dist / "manifest.json").read_text()


def test_each_target_is_compiled_once(released: Demo) -> None:
    targets = [re.search(r"--target (\S+)", call) for call in compilations(released)]
    assert sorted(t[1] for t in targets if t) == sorted([MAC, f"{ARM}.2.17", f"{X86}.2.17", WASM])


@pytest.mark.parametrize("triple", [X86, ARM, MAC])
def test_every_package_carries_the_same_library(released: Demo, triple: str) -> None:
    assert len(set(libraries(released, triple).values())) == 1


def test_one_interface_fingerprint_everywhere(released: Demo) -> None:
    facts = manifest(released)["facts"]
    interface = facts["header"]["interface"]
    assert {facts[f"native@{t}"]["interface"] for t in (X86, ARM, MAC)} == {interface}
    with zipfile.ZipFile(released.dist / WHEELS[X86]) as wheel:
        assert f'INTERFACE: str = "{interface}"' in wheel.read("demo/_native/__init__.py").decode()
    with tarfile.open(released.dist / SDKS[ARM]) as sdk:
        header = sdk.extractfile(f"demo-c-1.2.3-{ARM}/include/demo.h")
        assert header is not None
        assert f'#define DEMO_INTERFACE "{interface}"' in header.read().decode()


def test_sdist_holds_the_crate_and_the_package(released: Demo) -> None:
    with tarfile.open(released.dist / "demo-1.2.3.tar.gz") as sdist:
        names = set(sdist.getnames())
    assert {f"demo-1.2.3/{n}" for n in ("PKG-INFO", "pyproject.toml", "src/demo/__init__.py", "LICENSE")} <= names
    assert {f"demo-1.2.3/rust/{n}" for n in ("Cargo.toml", "Cargo.lock", "demo-ffi/src/lib.rs")} <= names


def test_image_holds_the_base_the_library_and_the_program(released: Demo) -> None:
    for triple in (X86, ARM):
        packed = {(p["kind"], p["target"]): p["sha256"] for p in manifest(released)["packed"]}
        program = in_image(released, triple, "usr/bin/server")
        assert hashlib.sha256(program).hexdigest() == packed["goprogram", triple]
    assert in_image(released, X86, "usr/lib/libc.so.6") == c_library("amd64")
    assert in_image(released, ARM, "usr/lib/libc.so.6") == c_library("arm64")


def test_table_tells_every_artifact(released: Demo) -> None:
    done = released.ferrule("release")
    for name in (*SDKS.values(), *WHEELS.values(), "image/", "SHA256SUMS"):
        assert name in done.stdout
    assert f"{ACTIONS} unchanged" in done.stderr


# Nothing is done twice, nothing depends on the place


def test_second_run_starts_no_program_and_writes_nothing(shipped: Demo) -> None:
    calls, files = shipped.calls, shipped.touched()
    done = shipped.ferrule("release")
    assert done.returncode == 0
    assert shipped.calls == calls
    assert shipped.touched() == files
    assert f"0 built, {ACTIONS} unchanged" in done.stderr


def test_a_release_that_stands_is_told_without_reading_the_configuration(shipped: Demo) -> None:
    first = shipped.ferrule("release").stdout
    again = shipped.ferrule("release", "--setup", PYTHONPROFILEIMPORTTIME="1")
    assert again.stdout == first
    assert "yaml" not in again.stderr
    assert "recipe_code" not in again.stderr
    (shipped.dist / "SHA256SUMS").write_text("something else\n")
    mended = shipped.ferrule("release", "--setup", PYTHONPROFILEIMPORTTIME="1")
    assert mended.stdout == first
    assert "yaml" in mended.stderr
    assert "recipe_code" in mended.stderr
    assert sums_agree(shipped.dist)


def test_other_folder_user_settings_and_moment_give_the_same_bytes(released: Demo, tmp_path: Path) -> None:
    demo = lay_out(tmp_path / "a folder with spaces, ümläute & more")
    for number, path in enumerate(sorted(demo.project.rglob("*"))):
        os.utime(path, (number * 1000, number * 1000))
        if path.is_file():
            path.chmod(0o664)
    mask = os.umask(0o077)
    try:
        done = demo.ferrule(
            "release", "-j", "7", TZ="Asia/Kathmandu", LC_ALL="de_DE.UTF-8", PYTHONHASHSEED="7", USER="somebody"
        )
    finally:
        os.umask(mask)
    assert done.returncode == 0, done.stderr
    assert demo.files() == released.files()
    assert {oct(p.stat().st_mode & 0o777) for p in demo.dist.rglob("*") if p.is_file()} == {"0o644"}


def test_the_first_release_of_a_machine_is_the_same_and_keeps_what_it_read_of_the_code(
    released: Demo, demo: Demo
) -> None:
    record = demo.root / "cache" / recipe_code.RECORD
    record.unlink()
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    assert record.is_file()
    assert (demo.dist / "SHA256SUMS").read_bytes() == (released.dist / "SHA256SUMS").read_bytes()


def test_source_date_epoch_changes_times_only_where_it_is_told(released: Demo, demo: Demo) -> None:
    done = demo.ferrule("release", "--quiet", SOURCE_DATE_EPOCH="1700000000")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(demo.dist / WHEELS[X86]) as wheel:
        assert {i.date_time for i in wheel.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    assert libraries(demo, X86) == libraries(released, X86)
    assert sums_agree(demo.dist)


def test_changed_python_source_compiles_nothing(shipped: Demo) -> None:
    before, files = compilations(shipped), shipped.files()
    (shipped.project / "packaging" / "python" / "src" / "demo" / "more.py").write_text("x = 1\n")
    assert shipped.ferrule("release").returncode == 0
    assert compilations(shipped) == before
    changed = {name for name, content in shipped.files().items() if files.get(name) != content}
    bills = {f"{wheel}.cdx.json" for wheel in WHEELS.values()}
    described = {"SHA256SUMS", "manifest.json", "provenance.intoto.jsonl"}
    assert changed == {*WHEELS.values(), "demo-1.2.3.tar.gz", *bills, *described}
    assert sums_agree(shipped.dist)


def test_file_that_only_the_compiler_knew_of_counts(shipped: Demo) -> None:
    """What is not named under `reads` is known when Cargo tells of it: too late for the key, which was another."""
    for named in ("    reads: [assets/words.txt]\n", ", reads: [assets]"):
        shipped.edit(named, "")
    once = len(compilations(shipped))
    assert "native also reads assets/words.txt, so its key changed" in shipped.ferrule("release").stderr
    assert len(compilations(shipped)) == 3 * once
    files, words = shipped.files(), shipped.project / "assets" / "words.txt"
    before = words.read_bytes()
    words.write_text("four")
    done = shipped.ferrule("release")
    old, new = (hashlib.sha256(content).hexdigest()[:12] for content in (before, b"four"))
    assert f"native@{X86} … (read assets/words.txt: {old} -> {new})" in done.stderr
    assert len(compilations(shipped)) == 4 * once
    words.write_bytes(before)
    assert " 0 built" in " " + shipped.ferrule("release").stderr.splitlines()[-1]
    assert shipped.files() == files


def test_file_that_a_build_is_said_to_read_counts_at_once(shipped: Demo) -> None:
    before = compilations(shipped)
    (shipped.project / "assets" / "words.txt").write_text("four")
    done = shipped.ferrule("release")
    assert f"native@{X86} … (sources assets/words.txt: " in done.stderr
    assert len(compilations(shipped)) == 2 * len(before)


def test_what_nothing_reads_rebuilds_nothing(shipped: Demo) -> None:
    before, files = len(shipped.calls), shipped.files()
    for name in ("README.md", "tests/all.rs", "examples/use.rs", "notes.txt"):
        path = shipped.project / "rust" / "demo-ffi" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("changed")
    assert shipped.ferrule("release").returncode == 0
    # The source distribution holds these files, so Cargo reads it again; nothing is compiled.
    assert {" ".join(call.split()[:2]) for call in shipped.calls[before:]} == {"cargo metadata"}
    packed = {*SDKS.values(), *WHEELS.values(), "demo-1.2.3.wasm", "image/index.json"}
    assert {n for n in packed if shipped.files()[n] != files[n]} == set()


def test_byte_that_was_added_to_what_the_compiler_wrote_is_not_shipped(shipped: Demo) -> None:
    files = shipped.files()
    for path in (shipped.project / ".ferrule" / "cache" / "cargo").rglob("libdemo*.*"):
        with path.open("ab") as stream:
            stream.write(b"x")
    before = len(compilations(shipped))
    shutil.rmtree(shipped.dist)
    shutil.rmtree(shipped.project / ".ferrule" / "store")
    done = shipped.ferrule("release")
    assert done.returncode == 0, done.stderr
    assert len(compilations(shipped)) == before + 4
    assert {name: content for name, content in shipped.files().items() if files[name] != content} == {}


def test_other_compiler_means_a_new_build(shipped: Demo) -> None:
    before = len(compilations(shipped))
    (shipped.home / "commit").write_text("0fedcba98")
    (shipped.root / "bin" / "rustc").touch()
    assert shipped.ferrule("release").returncode == 0
    assert len(compilations(shipped)) == 2 * before


# The output folder


def test_damaged_missing_and_planted_files_are_put_right(shipped: Demo) -> None:
    files, calls = shipped.files(), shipped.calls
    (shipped.dist / WHEELS[X86]).write_bytes(b"damaged")
    (shipped.dist / "SHA256SUMS").unlink()
    (shipped.dist / SDKS[ARM]).unlink()
    (shipped.dist / SDKS[ARM]).symlink_to("/etc/hostname")
    (shipped.dist / "manifest.json").write_text("{}")
    shutil.rmtree(shipped.dist / "image")
    assert shipped.ferrule("release").returncode == 0
    assert shipped.files() == files
    assert not (shipped.dist / SDKS[ARM]).is_symlink()
    assert shipped.calls == calls


def test_files_of_others_are_left_alone_and_named(shipped: Demo) -> None:
    (shipped.dist / "notes.txt").write_text("mine")
    done = shipped.ferrule("release")
    assert done.returncode == 0
    assert "dist/notes.txt is not part of this release and is kept" in done.stderr
    assert (shipped.dist / "notes.txt").read_text() == "mine"


def test_artifact_that_is_no_longer_wanted_goes_away_and_comes_back(shipped: Demo) -> None:
    files, calls = shipped.files(), shipped.calls
    path = shipped.project / "targets.yaml"
    text = path.read_text()
    path.write_text("".join(line for line in text.splitlines(keepends=True) if "kind: image" not in line))
    assert shipped.ferrule("release").returncode == 0
    assert not (shipped.dist / "image").exists()
    assert sums_agree(shipped.dist)
    path.write_text(text)
    assert shipped.ferrule("release").returncode == 0
    assert shipped.files() == files
    assert shipped.calls == calls


def test_what_a_killed_run_left_in_the_output_folder_is_taken_away(shipped: Demo) -> None:
    files = shipped.files()
    (shipped.dist / "manifest.json").unlink()
    for path in (shipped.dist / ".aside-half", shipped.dist / "image" / "blobs" / ".aside-x1y2"):
        path.write_bytes(b"half of a wheel")
    (shipped.dist / ".manifest.json.aside").write_bytes(b"{")
    assert shipped.ferrule("release").returncode == 0
    assert shipped.files() == files


def test_another_output_folder(shipped: Demo) -> None:
    done = shipped.ferrule("release", "--output", "../elsewhere/out")
    assert done.returncode == 0, done.stderr
    elsewhere = shipped.root / "elsewhere" / "out"
    assert {p.relative_to(elsewhere).as_posix() for p in elsewhere.rglob("*") if p.is_file()} == set(shipped.files())


# Kills, crowds and damage


def events(process: Any) -> Iterator[dict[str, Any]]:
    for line in process.stdout:
        yield json.loads(line)


@pytest.mark.parametrize("after", [1, 8, 20, 34])
def test_killed_after_any_event_the_next_run_gives_the_same_bytes(released: Demo, demo: Demo, after: int) -> None:
    for _ in range(10):
        process, output = demo.start("release", "--json"), []
        for event in events(process):
            output.append(event["event"])
            if len(output) == after:
                process.send_signal(signal.SIGKILL)
        process.communicate()
        if "run-finished" not in output:
            break
        shutil.rmtree(demo.project / ".ferrule")  # where much else runs, the kill may come too late
        shutil.rmtree(demo.dist, ignore_errors=True)
    assert process.returncode == -signal.SIGKILL
    assert not (demo.dist / "manifest.json").exists()
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    assert demo.files() == released.files()


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments_again_and_again(released: Demo, demo: Demo, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(3):
        process = demo.start("release", "--quiet")
        time.sleep(moments.uniform(0.25, 1.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (demo.dist / "manifest.json").exists():
            assert sums_agree(demo.dist)
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    assert demo.files() == released.files()


@pytest.mark.parametrize("delay", [0.0, 0.005])
def test_killed_while_it_ships(released: Demo, demo: Demo, delay: float) -> None:
    process = demo.start("release", "--json")
    for event in events(process):
        if event["event"] == "run-finished":
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    process.communicate()
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    assert demo.files() == released.files()


def test_two_runs_at_once_wait_for_each_other(released: Demo, demo: Demo) -> None:
    with demo.held():
        first = demo.start("release")
        demo.await_call(" rustc --locked ")
        second = demo.start("release")
        assert second.stderr is not None
        waits = second.stderr.readline()
    processes = [first, second]
    ends = [p.communicate(timeout=PATIENCE_SECONDS) for p in processes]
    assert [p.returncode for p in processes] == [0, 0], ends
    assert "another run works in this project; waiting for it to end" in waits
    assert "another run" not in ends[0][1] + ends[1][1]
    assert len(compilations(demo)) == len(compilations(released))
    assert demo.files() == released.files()


def test_two_projects_at_once_share_a_cache_in_peace(released: Demo, tmp_path: Path) -> None:
    demos = [lay_out(tmp_path / name) for name in ("one", "two")]
    processes = [d.start("release", FERRULE_CACHE=demos[0].environment["FERRULE_CACHE"]) for d in demos]
    ends = [p.communicate(timeout=PATIENCE_SECONDS) for p in processes]
    assert [p.returncode for p in processes] == [0, 0], ends
    assert demos[0].files() == demos[1].files() == released.files()


@pytest.mark.parametrize("pattern", ["store/objects/*/*", "**/*.json"])
def test_damaged_cache_gives_the_same_bytes(released: Demo, demo: Demo, pattern: str) -> None:
    assert demo.ferrule("release", "--quiet").returncode == 0
    damaged = list((demo.project / ".ferrule").glob(pattern))
    assert len(damaged) > ACTIONS
    for path in damaged:
        path.chmod(0o644)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    assert demo.files() == released.files()


def test_state_may_be_deleted(released: Demo, demo: Demo) -> None:
    assert demo.ferrule("release", "--quiet").returncode == 0
    shutil.rmtree(demo.project / ".ferrule")
    assert demo.ferrule("release", "--quiet").returncode == 0
    assert demo.files() == released.files()


def test_everything_left_of_a_run_lies_in_the_state_folder(released: Demo) -> None:
    beside = {p.name for p in released.project.iterdir()}
    assert beside == {".ferrule", "LICENSE", "assets", "dist", "packaging", "rust", "targets.yaml"}
    assert not list(released.root.glob("ferrule-jobs-*"))


# Failures


def test_failing_target_is_told_with_its_place_and_leaves_dist_as_it_was(shipped: Demo) -> None:
    files = shipped.touched()
    (shipped.home / f"fail-{ARM}").touch()
    source = shipped.project / "rust" / "demo-ffi" / "src" / "lib.rs"
    source.write_text(source.read_text() + "fn changed() {}\n")
    done = shipped.ferrule("release")
    assert done.returncode == 5
    assert "demo-ffi/src/lib.rs:7:5: mismatched types [E0308]" in done.stdout + done.stderr
    assert f"sdk-py@{ARM} skipped: native@{ARM} failed" in done.stderr
    for sibling in (f"native@{X86} built", f"native@{MAC} built", f"sdk-c@{X86} built", f"sdk-py@{MAC} built"):
        assert sibling in done.stderr
    assert "dist/ was not changed" in done.stderr
    assert shipped.touched() == files

    (shipped.home / f"fail-{ARM}").unlink()
    before = len(compilations(shipped))
    assert shipped.ferrule("release").returncode == 0
    assert len(compilations(shipped)) == before + 1
    assert sums_agree(shipped.dist)


def test_library_that_is_not_what_it_should_be_is_not_shipped(demo: Demo) -> None:
    shutil.copy(demo.home / "binaries" / "demo-aarch64.so", demo.home / f"tamper-{X86}")
    done = demo.ferrule("release")
    assert done.returncode == 6
    assert f"not for {X86}" in done.stdout + done.stderr
    assert not demo.dist.exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_interrupt_ends_everything_soon_and_is_not_an_error(released: Demo, demo: Demo, name: str) -> None:
    with demo.held():
        process = demo.start("release")
        demo.await_call(" rustc --locked ")
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=PATIENCE_SECONDS)  # how soon: tests/faults/test_signals.py
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not demo.dist.exists()
    assert not list(demo.root.glob("ferrule-jobs-*"))
    assert demo.ferrule("release").returncode == 0
    assert demo.files() == released.files()


def test_source_that_changes_meanwhile_is_refused(demo: Demo) -> None:
    source = demo.project / "rust" / "demo-ffi" / "src" / "lib.rs"
    with demo.held():
        process = demo.start("release", "-j", "1")
        wait_until(lambda: any("demo-ffi" in call and "--lib" in call for call in compilations(demo)), "a compilation")
        source.write_text(source.read_text() + "// while it compiles\n")
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 5
    assert "a source changed while this was built" in out + err
    assert not demo.dist.exists()
    assert demo.ferrule("release", "--quiet").returncode == 0


# A part of it


def test_developer_builds_for_this_machine_only(demo: Demo) -> None:
    done = demo.ferrule("build", "native")
    assert done.returncode == 0, done.stderr
    out = demo.project / ".ferrule" / "out"
    result = [p.relative_to(out).as_posix() for p in out.rglob("libdemo*")]
    assert len(result) == 2
    assert all(f.startswith("native/") for f in result)
    assert len(compilations(demo)) == 1
    assert not demo.dist.exists()


def test_a_build_says_what_it_did_not_make(demo: Demo) -> None:
    for _ in range(2):  # and again when nothing is left to do
        done = demo.ferrule("build")
        assert done.returncode == 0, done.stderr
        assert re.search(r"^not built: component, npm: for other targets", done.stderr, re.MULTILINE)
    assert "not made" not in demo.ferrule("build", "header").stderr


def test_part_of_the_plan_for_one_target(released: Demo, demo: Demo) -> None:
    done = demo.ferrule("build", "sdk-py", "--target", MAC)
    assert done.returncode == 0, done.stderr
    wheel = demo.project / ".ferrule" / "out" / WHEELS[MAC]
    assert wheel.read_bytes() == (released.dist / WHEELS[MAC]).read_bytes()


def test_release_after_a_partial_build_compiles_only_the_rest(released: Demo, demo: Demo) -> None:
    assert demo.ferrule("build", "native", "--target", "all").returncode == 0
    before = len(compilations(demo))
    assert before == 3
    assert demo.ferrule("release").returncode == 0
    assert len(compilations(demo)) == before + 1
    assert demo.files() == released.files()


def test_what_cargos_settings_include_is_part_of_the_key(demo: Demo) -> None:
    for name, text in {"config.toml": 'include = ["more.toml"]\n', "more.toml": "[env]\nA = '1'\n"}.items():
        (demo.project / "rust" / ".cargo").mkdir(exist_ok=True)
        (demo.project / "rust" / ".cargo" / name).write_text(text)
    assert demo.ferrule("build", "native", "--quiet").returncode == 0
    before = len(compilations(demo))
    assert demo.ferrule("build", "native", "--quiet").returncode == 0
    assert len(compilations(demo)) == before
    demo.edit("'1'", "'2'", "rust/.cargo/more.toml")
    assert demo.ferrule("build", "native", "--quiet").returncode == 0
    assert len(compilations(demo)) > before
