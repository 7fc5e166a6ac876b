"""Releases of programs in Rust by the real command line, with pretended compilers."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess  # noqa: TID251 - the script is what is tested
import tarfile
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fakes.nfpm import with_nfpm
from fakes.pretended import executable
from fakes.program_project import BUILD, with_program
from fakes.toolchain import Demo, lay_out
from fakes.triples import ARM, MAC, X86

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ARCHIVES = {triple: f"demo-cli-1.2.3-{triple}.tar.gz" for triple in (X86, ARM, MAC)}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    demo = with_program(lay_out(tmp_path_factory.mktemp("released")))
    done = demo.ferrule("release", "-j", "2")
    assert done.returncode == 0, done.stderr
    return demo


def manifest(demo: Demo) -> Any:
    return json.loads((demo.dist / "manifest.json").read_bytes())


def members(demo: Demo, triple: str) -> dict[str, tuple[int, bytes]]:
    """Mode and content of what is in an archive, by name below its only folder."""
    with tarfile.open(demo.dist / ARCHIVES[triple]) as archive:
        top = ARCHIVES[triple].removesuffix(".tar.gz")
        return {
            one.name.removeprefix(f"{top}/"): (one.mode, (archive.extractfile(one) or io.BytesIO()).read())
            for one in archive
        }


def test_an_archive_a_target_with_all_that_belongs_to_the_program(released: Demo) -> None:
    assert {name for name in released.files() if name.endswith(".tar.gz")} == {*ARCHIVES.values()}
    result = members(released, X86)
    assert {name: mode for name, (mode, _) in result.items()} == {
        "LICENSE": 0o644,
        "README.md": 0o644,
        "THIRD-PARTY-LICENSES": 0o644,
        "completions/demo-cli.bash": 0o644,
        "demo-cli": 0o755,
        "man/man1/demo-cli.1": 0o644,
    }
    assert result["demo-cli"][1].startswith(executable("amd64"))  # behind it is the list of its crates
    assert result["README.md"][1] == b"# demo-cli\n"
    assert members(released, ARM)["demo-cli"][1].startswith(executable("arm64"))


def test_the_manifest_says_what_was_measured(released: Demo) -> None:
    facts = manifest(released)["facts"]
    assert facts[f"cli@{X86}"]["interpreter"] == "/lib64/ld-linux-x86-64.so.2"
    assert facts[f"cli@{MAC}"]["interpreter"] is None
    assert (facts[f"cli@{ARM}"]["program"]["format"], facts[f"cli@{ARM}"]["program"]["machine"]) == ("elf", "aarch64")
    packed = {(row["artifact"], row["name"]) for row in manifest(released)["packed"] if row["kind"] == "program"}
    lists = {("cli", "crates.json"), ("cli", "licences.json")}  # what is linked into it
    assert packed == {("cli", "demo-cli"), ("cli", "generated/completions/demo-cli.bash"), *lists}


def test_its_bill_of_materials_has_the_crates_and_the_program(released: Demo) -> None:
    bill = json.loads((released.dist / f"{ARCHIVES[X86]}.cdx.json").read_bytes())
    names = {(component["name"], component["type"]) for component in bill["components"]}
    assert names >= {("demo-cli", "application"), ("demo-cli", "library"), ("sha2", "library")}


def test_verify_reads_the_program_in_the_archive(released: Demo) -> None:
    done = released.ferrule("verify", str(released.dist), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    claims = {row["subject"]: row["claim"] for row in json.loads(done.stdout)["verdicts"]}
    assert claims[ARCHIVES[X86]] == "archive with 1 of the compiled files"


def test_it_is_explained(released: Demo) -> None:
    done = released.ferrule("explain", f"dist/{ARCHIVES[X86]}")
    assert done.returncode == 0, done.stderr
    assert f"{ARCHIVES[X86]} of cli (program) for {X86}" in done.stdout


def test_elsewhere_the_same_bytes(released: Demo, tmp_path: Path) -> None:
    demo = with_program(lay_out(tmp_path / "a folder with spaces"))
    assert demo.ferrule("release", "-q", TZ="Asia/Kathmandu", LC_ALL="C").returncode == 0
    assert {n: c for n, c in demo.files().items() if n in ARCHIVES.values()} == {
        n: c for n, c in released.files().items() if n in ARCHIVES.values()
    }


URL = 'program: cli, url: "https://downloads.example/v{version}"}'
AROUND = f"""
  setup: {{kind: installer, {URL}
  formula: {{kind: homebrew, {URL}
  packages: {{kind: linux-package, program: cli, maintainer: "A. Demo <demo@example.org>"}}
  wheels: {{kind: program-wheel, program: cli}}
  npm: {{kind: program-npm, program: cli}}"""


@pytest.fixture(scope="module")
def installable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Demo, str]]:
    """A release with everything that is around a program, and where a server on this machine has its files."""
    demo = with_program(lay_out(tmp_path_factory.mktemp("installable")), BUILD + AROUND)
    with_nfpm(demo.root / "cache" / "tools" / "nfpm-2.48.0")
    done = demo.ferrule("release", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(demo.dist))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield demo, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def install(script: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "HOME": str(home)}
    return subprocess.run(
        ["/bin/sh", script, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_an_installer_downloads_verifies_and_installs(installable: tuple[Demo, str], tmp_path: Path) -> None:
    demo, address = installable
    script = demo.dist / "demo-cli-installer.sh"
    assert "from='https://downloads.example/v1.2.3'" in script.read_text()
    folder = tmp_path / "a folder" / "bin"
    for _ in range(2):  # it may be there already
        done = install(script, "--target", ARM, "--to", str(folder), "--from", address, home=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"installed demo-cli 1.2.3 as {folder}/demo-cli\n")
    assert f"add {folder} to PATH" in done.stdout
    assert [(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()] == [("demo-cli", 0o755)]
    assert (folder / "demo-cli").read_bytes().startswith(executable("arm64"))


def test_other_bytes_are_not_installed(installable: tuple[Demo, str], tmp_path: Path) -> None:
    demo, address = installable
    script, other = tmp_path / "installer.sh", "0" * 64
    text = (demo.dist / "demo-cli-installer.sh").read_text()
    script.write_text(re.sub(r"sha256='[0-9a-f]{64}'", f"sha256='{other}'", text))
    done = install(script, "--target", X86, "--from", address, home=tmp_path)
    assert done.returncode == 1
    assert f"that of the release is {other}: nothing was installed" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["installer.sh"]


def test_half_a_script_does_nothing(installable: tuple[Demo, str], tmp_path: Path) -> None:
    demo, address = installable
    half = tmp_path / "installer.sh"
    half.write_text((demo.dist / "demo-cli-installer.sh").read_text().rpartition("main ")[0])
    install(half, "--target", X86, "--from", address, home=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["installer.sh"]


def test_shellcheck_has_nothing_to_say_of_an_installer(installable: tuple[Demo, str]) -> None:
    script = installable[0].dist / "demo-cli-installer.sh"
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def verdicts(demo: Demo, folder: str = "dist") -> dict[tuple[str, str], str | None]:
    done = demo.ferrule("verify", folder, "--json")
    return {(row["subject"], row["claim"]): row["problem"] for row in json.loads(done.stdout)["verdicts"]}


def test_everything_around_a_program_is_verified(installable: tuple[Demo, str]) -> None:
    result = verdicts(installable[0])
    assert {problem for problem in result.values() if problem} == set()
    packages = (
        "demo-cli_1.2.3_amd64.deb",
        "demo-cli-1.2.3-1.aarch64.rpm",
        "demo_cli-1.2.3-py3-none-macosx_11_0_arm64.whl",
        "demo-cli-darwin-arm64-1.2.3.tgz",
    )
    assert {(name, "archive with 1 of the compiled files") for name in packages} <= result.keys()
    assert {("demo-cli-installer.sh", "names"), ("demo-cli.rb", "names")} <= result.keys()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: re.sub(r'sha256 "[0-9a-f]{64}"', f'sha256 "{"0" * 64}"', text), "it has another digest for demo"),
        (lambda text: text.replace("-1.2.3-", "-1.2.4-"), "which is not in the release"),
        (lambda _: "class DemoCli < Formula\nend\n", "it names no file of the release"),
    ],
)
def test_a_formula_that_names_something_else(
    installable: tuple[Demo, str], tmp_path: Path, change: Callable[[str], str], problem: str
) -> None:
    folder, name = tmp_path / "dist", "demo-cli.rb"
    shutil.copytree(installable[0].dist, folder)
    content = change((folder / name).read_text()).encode()
    (folder / name).write_bytes(content)
    document = json.loads((folder / "manifest.json").read_bytes())
    (row,) = (row for row in document["artifacts"] if row["file"] == name)
    row |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (folder / "manifest.json").write_text(json.dumps(document))
    assert problem in str(verdicts(installable[0], str(folder))[name, "names"])


IMAGE = "\n  image: {kind: image, program: cli, base: "


def static(architecture: str) -> bytes:
    """The same program without a loader: its only segment is a note."""
    content = bytearray(executable(architecture))
    content[64:68] = (4).to_bytes(4, "little")  # PT_NOTE (System V ABI, "Program Header")
    return bytes(content)


def test_it_goes_into_an_image(tmp_path: Path) -> None:
    demo = with_program(lay_out(tmp_path / "demo"), f"{BUILD[:-1]}, ship: true}}{IMAGE}packaging/base.lock}}")
    done = demo.ferrule("release", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    facts = manifest(demo)["facts"]["image"]
    assert facts["platforms"] == ["linux/amd64", "linux/arm64"]
    assert f"{ARCHIVES[X86]}" in demo.files()
    assert demo.ferrule("verify", "dist").returncode == 0


def test_a_static_program_needs_no_base_and_any_other_does(tmp_path: Path) -> None:
    demo = with_program(lay_out(tmp_path / "demo"), f"cli: {{kind: program, crate: demo-cli}}{IMAGE}scratch}}")
    done = demo.ferrule("build", "image")
    assert done.returncode != 0
    assert "demo-cli is started by /lib64/ld-linux-x86-64.so.2, which the base for linux/amd64" in done.stdout
    for triple, architecture in ((X86, "amd64"), (ARM, "arm64")):
        (demo.home / f"tamper-{triple}").write_bytes(static(architecture))
    (demo.project / "rust" / "demo-cli" / "src" / "main.rs").write_text("fn main() { }\n")
    done = demo.ferrule("release", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    (image, *_) = (row for row in manifest(demo)["artifacts"] if row["file"] == "image/index.json")
    assert image["artifact"] == "image"
    assert demo.ferrule("verify", "dist").returncode == 0


def test_a_program_for_another_machine_is_refused(tmp_path: Path) -> None:
    demo = with_program(lay_out(tmp_path / "demo"))
    (demo.home / f"tamper-{X86}").write_bytes(executable("arm64"))
    done = demo.ferrule("build", "cli", "--target", X86)
    assert done.returncode != 0
    assert f"it is a executable for linux on aarch64, not for {X86}" in done.stdout


def test_a_glob_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    artifact = 'cli: {kind: program, crate: demo-cli, generated: {man/man1: ["*.1"]}}'
    demo = with_program(lay_out(tmp_path / "demo"), artifact)
    done = demo.ferrule("build", "cli", "--target", X86)
    assert done.returncode != 0
    assert "the build script of demo-cli writes nothing into OUT_DIR that matches *.1" in done.stdout + done.stderr
