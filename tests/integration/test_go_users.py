"""The Go module as Go's own tools judge it, with its own tests, on both machines and in a container."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from judges import CHECKOUT, VECTORS, run
from released import HOST, LIBRARY, LINUX, PLATFORM, sha256

from fakes.triples import ARM, MAC, X86
from ferrule.formats.oci import docker_archive, read_layout

pytestmark = pytest.mark.consumer

MODULE = "example.org/ferrule/email-validator"
GENERATED = "internal/ferrule/native"
PLACE = {X86: "linux_amd64", ARM: "linux_arm64", MAC: "darwin_arm64"}
CONSUMER = CHECKOUT / "tests" / "consumers" / "go"
VARIABLE = "EMAIL_VALIDATOR_LIBRARY"


@dataclass(frozen=True)
class Go:
    """Go as a user has it, without cgo, and with no other version of itself or of a module than is locked."""

    program: Path
    folder: Path

    def __call__(self, *argv: str | Path, cwd: Path | None = None, **environment: str) -> str:
        given = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
        return run(self.program, *argv, cwd=cwd or self.folder, **{**given, **environment}).stdout


@pytest.fixture(scope="module")
def go(release, programs) -> Go:
    return Go(Path(programs["go"]), release.dist / "go")


@pytest.fixture(scope="module")
def consumer(go, tmp_path_factory):
    """Builds the program of a user with more options, against the module by a `replace`."""
    folder = tmp_path_factory.mktemp("consumer") / "source"
    shutil.copytree(CONSUMER, folder)
    go("mod", "edit", f"-replace={MODULE}={go.folder}", cwd=folder)

    def build(name: str, *options: str, **environment: str) -> Path:
        program = folder.parent / name
        if not program.exists():
            go("build", *options, "-o", program, cwd=folder, **environment)
            program.chmod(0o755)
        return program

    return build


def test_it_is_formatted(go):
    assert run(go.program.with_name("gofmt"), "-l", go.folder).stdout == ""


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"])
def test_vet_finds_nothing(go, platform):
    system, machine = platform.split("/")
    go("vet", "./...", GOOS=system, GOARCH=machine)


def test_the_module_file_holds_what_is_needed_and_no_more(go):
    go("mod", "tidy", "-diff")
    go("mod", "verify")


@pytest.mark.parametrize("target", [X86, ARM, MAC])
def test_it_embeds_the_library_that_was_compiled_once(release, go, target):
    (library,) = (go.folder / GENERATED / PLACE[target]).iterdir()
    assert sha256(library) == release.packed("library", target)[library.name] == sha256(release.library(target))
    assert f'const digest = "{sha256(library)}"' in (go.folder / GENERATED / f"embedded_{PLACE[target]}.go").read_text()


def test_its_own_tests_pass(go):
    output = go("test", "-count=1", "-json", "./...")
    ended = [json.loads(line) for line in output.splitlines()]
    passed = {event["Test"] for event in ended if event["Action"] == "pass" and "Test" in event}
    assert not [event for event in ended if event["Action"] in ("fail", "skip") and "Test" in event]
    assert {"TestHundredGoroutines/native", "TestHundredGoroutines/wasm"} <= passed
    assert {"TestManyProcessesAtOnce", "TestDamagedEntryIsReplaced"} <= passed


def test_the_race_detector_finds_nothing(go):
    go("test", "-count=1", "-race", "./...", CGO_ENABLED="1")


@pytest.mark.only_on(X86, reason="the other machine is emulated on this one")
def test_its_own_tests_pass_on_arm64(release, go, tmp_path):
    program, root = tmp_path / "arm64.test", str(release.rootfs(ARM))
    go("test", "-c", "-o", program, ".", GOARCH="arm64")
    output = run("qemu-aarch64-static", program, "-test.v", QEMU_LD_PREFIX=root, cwd=go.folder).stdout
    assert output.endswith("PASS\n")
    assert "--- PASS: TestManyProcessesAtOnce" in output


def test_a_program_without_a_library_says_so_and_takes_an_installed_one(release, consumer, expected, tmp_path):
    program = consumer("bare", "-tags", "ferrule_noembed")
    done = run(program, VECTORS, "native", ok=False)
    assert done.returncode == 1
    assert f"this program carries no library email_validator for {PLACE[HOST].replace('_', '/')}" in done.stderr
    assert f"name its file in {VARIABLE}" in done.stderr
    installed = release.library(HOST)
    assert run(program, VECTORS, "native", **{VARIABLE: str(installed)}).stdout == expected
    beside = tmp_path / "program"
    shutil.copy(program, beside)
    shutil.copy(installed, tmp_path / LIBRARY[HOST].replace(".0.1.0", ""))
    assert run(beside, VECTORS, "native").stdout == expected


@pytest.mark.only_on(*LINUX, reason="containers are of Linux")
def test_a_cache_where_nothing_may_run_is_told_and_another_way_works(release, programs, consumer, expected, tmp_path):
    engine, tag = programs["container"], "ferrule-integration/go-users:1"
    archive, target = tmp_path / "image.tar", f"/usr/lib/{LIBRARY[HOST]}"
    docker_archive(archive, read_layout(release.dist / "image"), PLATFORM[HOST], tags=[tag])
    run(engine, "load", "--input", archive)
    mounts = [
        word
        for source, path in ((consumer("whole"), "/program"), (VECTORS, "/vectors.json"))
        for word in ("--mount", f"type=bind,source={source},target={path},readonly")
    ]
    options = ("--rm", "--pull", "never", "--network", "none", "--read-only", "--cap-drop", "ALL", *mounts)

    def start(*more: str, ok: bool = True):
        return run(engine, "run", *options, *more, "--entrypoint", "/program", tag, "/vectors.json", "native", ok=ok)

    try:
        done = start("--tmpfs", "/tmp:noexec,mode=1777", ok=False)
        assert done.returncode == 1
        assert "lies on a file system that is mounted noexec" in done.stderr
        assert f"install its file and name it in {VARIABLE}" in done.stderr
        assert start("--tmpfs", "/tmp:exec,mode=1777").stdout == expected
        assert start("--env", f"{VARIABLE}={target}").stdout == expected
    finally:
        run(engine, "rmi", "--force", tag)
