"""Which target an installer chooses, on machines that stand-ins of uname, getconf and sw_vers describe."""

from __future__ import annotations

import subprocess  # noqa: TID251 - the script is what is tested
from typing import TYPE_CHECKING, Any

import pytest

from fakes.triples import ARM, MAC, X86
from ferrule.core.cargo_workspace import Workspace
from ferrule.core.model import Action, Digest, Output, Target
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds.base import Context, NamedDigest, PlanProblem, ReleaseInfo, Spec
from ferrule.kinds.installer import (
    _HERE,
    KIND,
    InstallerSpec,
    PowerShellInstaller,
    ShellInstaller,
    archive_case,
    choices,
    filled,
    plan,
)
from ferrule.kinds.packed_program import PackedProgram

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

MUSL = "x86_64-unknown-linux-musl"
WINDOWS = "x86_64-pc-windows-gnullvm"
WINDOWS_ARM = "aarch64-pc-windows-gnullvm"
CONDITIONS = {X86: "has_glibc 2 17", MUSL: None, ARM: "has_glibc 2 17", MAC: "has_macos 11 0"}


def script() -> str:
    rows = [PLATFORMS[triple] for triple in CONDITIONS]
    return filled(
        (_HERE / "installer.sh").read_text(),
        {
            "NAME": "demo",
            "PROGRAM": "demo",
            "VERSION": "1.2.3",
            "URL": "https://downloads.example",
            "TARGETS": " ".join(CONDITIONS),
            "CHOICES": "\n".join(choices(rows, CONDITIONS)),
            "ARCHIVES": "\n".join(archive_case(row, f"demo-{row.triple}.tar.gz", Digest("0" * 64)) for row in rows),
        },
    )


def said(folder: Path, machine: str, **programs: str) -> str:
    """What the script says on a machine on which nothing can be downloaded."""
    system, _, processor = machine.partition("/")
    stand_ins = {
        "uname": f'case "$1" in -s) echo {system} ;; *) echo {processor} ;; esac',
        "curl": "exit 7",
        **programs,
    }
    for name, text in {"getconf": "exit 1", "sw_vers": "exit 1", **stand_ins}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    (folder / "installer.sh").write_text(script())
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(
        ["/bin/sh", folder / "installer.sh"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    return done.stderr.strip()


@pytest.mark.parametrize(
    ("machine", "programs", "message"),
    [
        ("Linux/x86_64", {"getconf": "echo glibc 2.36"}, f"demo-{X86}.tar.gz could not be downloaded"),
        ("Linux/x86_64", {"getconf": "echo glibc 2.17"}, f"demo-{X86}.tar.gz could not be downloaded"),
        ("Linux/x86_64", {"getconf": "echo glibc 2.9"}, f"demo-{MUSL}.tar.gz could not be downloaded"),
        ("Linux/x86_64", {"getconf": "echo glibc strange"}, f"demo-{MUSL}.tar.gz could not be downloaded"),
        ("Linux/x86_64", {}, f"demo-{MUSL}.tar.gz could not be downloaded"),
        ("Linux/aarch64", {"getconf": "echo glibc 3.0"}, f"demo-{ARM}.tar.gz could not be downloaded"),
        ("Linux/aarch64", {"getconf": "echo glibc 2.5"}, "demo for Linux/aarch64 needs glibc 2.17"),
        ("Darwin/arm64", {"sw_vers": "echo 15"}, f"demo-{MAC}.tar.gz could not be downloaded"),
        ("Darwin/arm64", {"sw_vers": "echo 10.15.7"}, "demo for Darwin/arm64 needs macOS 11.0"),
        ("FreeBSD/amd64", {}, f"there is no demo for FreeBSD/amd64; there are: {X86} {MUSL} {ARM} {MAC}"),
    ],
)
def test_the_target_for_a_machine(tmp_path: Path, machine: str, programs: dict[str, str], message: str) -> None:
    assert message in said(tmp_path, machine, **programs)


def planned(url: str, ship: bool, triples: tuple[str, ...], *actions: Action) -> list[Action]:
    return plan(
        InstallerSpec(kind="installer", program="cli", url=url),
        Context(
            artifact="setup",
            project=ReleaseInfo("demo", "1.2.3"),
            workspace=Workspace(".", {}, locked=True),
            targets=tuple(Target(triple) for triple in triples),
            spec_for=lambda _: Spec(kind="installer"),
            actions_of=lambda _: actions,
            action_for=lambda *_: None,
            shipping=tuple,
            read_text=str,
            folders=lambda _: (),
            ship=ship,
        ),
    )


def made(triple: str, role: str, name: str, program: str = "demo") -> Action:
    recipe: Any = None
    return Action(
        f"{role}@{triple}", "cli", "program", recipe, (Output(name, role),), triple, traits=(("program", program),)
    )


BOTH = [made(t, *pair) for t in (X86, ARM) for pair in (("program", "demo"), ("archive", f"d-1.2.3-{t}.tar.gz"))]
URL = "https://downloads.example/v{version}/"


def test_what_is_planned() -> None:
    (action,) = planned(URL, True, (X86, ARM), *BOTH)
    assert action.outputs == (Output("d-installer.sh", "installer", "d-installer.sh"),)
    assert action.recipe.url == "https://downloads.example/v1.2.3"
    assert action.needs == tuple(one.id for one in BOTH)
    assert planned(URL, False, (X86,), *BOTH)[0].outputs[0].ships is None
    assert planned(URL, True, (), *BOTH) == []


@pytest.mark.parametrize(
    ("url", "actions", "message"),
    [
        ("https://downloads.example/{tag}", BOTH, "braces stand around `version` only"),
        ("https://downloads.example/v}", BOTH, "braces stand around `version` only"),
        (URL, [made(X86, "program", "demo")], "cli ships no archive"),
        (URL, [*BOTH[:2], BOTH[2], made(ARM, "archive", "x", "other")], "cli is another program on some targets"),
    ],
)
def test_what_cannot_be_installed(url: str, actions: list[Action], message: str) -> None:
    with pytest.raises(PlanProblem, match=message):
        planned(url, True, (X86, ARM), *actions)


def test_the_script_has_the_digests_and_what_was_measured(bench: Bench) -> None:
    rows = {X86: {"format": "elf", "glibc": "2.28"}, ARM: {"format": "elf"}, MAC: {"format": "macho", "macos": "11.0"}}
    rows |= {MUSL: {"format": "elf"}}
    programs, needed, facts = [], {}, {}
    for triple, measured in rows.items():
        program, files = bench.made(f"cli@{triple}", {"demo": b"x"}, (Output("demo", "program"),), program="demo")
        archive, packed = bench.made(f"cli:archive@{triple}", {"d.tar.gz": b"y"}, (Output("d.tar.gz", "archive"),))
        programs.append(PackedProgram(PLATFORMS[triple], program, archive))
        needed |= {program.id: files, archive.id: packed}
        facts[program.id] = {"program": measured, "interpreter": None}
    recipe = ShellInstaller("d", "1.2.3", "https://downloads.example", tuple(programs))
    text = (
        bench.make(recipe, Output("d-installer.sh", "installer"), needed=needed, facts=facts)
        .output("installer")
        .read_text()
    )
    assert text.count(f"sha256='{Digest.of(b'y')}'") == len(rows)
    for line in ("has_glibc 2 28; then", "has_glibc 0 0; then", "has_macos 11 0; then", 'needs glibc"'):
        assert line in text
    assert 'needs glibc 2.28 or Linux with musl"' in text
    assert "__" not in text
    assert KIND.named_digests is not None
    assert list(KIND.named_digests(text)) == [NamedDigest("d.tar.gz", Digest.of(b"y").hex)] * len(rows)


def test_the_script_for_powershell(bench: Bench) -> None:
    programs, needed = [], {}
    for triple, file in ((WINDOWS, b"x"), (WINDOWS_ARM, b"y")):
        program, files = bench.made(f"cli@{triple}", {"d.exe": b"x"}, (Output("d.exe", "program"),), program="d")
        name = f"d-1.2.3-{triple}.zip"
        archive, packed = bench.made(f"cli:archive@{triple}", {name: file}, (Output(name, "archive"),))
        programs.append(PackedProgram(PLATFORMS[triple], program, archive))
        needed |= {program.id: files, archive.id: packed}
    recipe = PowerShellInstaller("d", "1.2.3", "https://downloads.example", tuple(programs))
    text = bench.make(recipe, Output("d-installer.ps1", "installer"), needed=needed).output("installer").read_text()
    row = f"'{WINDOWS}' = @{{ Machine = 'X64'; Archive = 'd-1.2.3-{WINDOWS}.zip'; Sha256 = '{Digest.of(b'x')}' }}"
    assert row in text
    assert "Machine = 'Arm64'" in text
    assert "__" not in text
    assert KIND.named_digests is not None
    assert list(KIND.named_digests(text)) == [
        NamedDigest(f"d-1.2.3-{WINDOWS}.zip", Digest.of(b"x").hex),
        NamedDigest(f"d-1.2.3-{WINDOWS_ARM}.zip", Digest.of(b"y").hex),
    ]


def test_scripts_for_unix_and_for_windows() -> None:
    windows = [
        made(WINDOWS, "program", "demo.exe"),
        made(WINDOWS, "archive", f"d-1.2.3-{WINDOWS}.zip"),
    ]
    both = planned(URL, True, (X86, ARM, WINDOWS), *BOTH, *windows)
    assert {action.id: action.outputs[0].name for action in both} == {
        "setup": "d-installer.sh",
        "setup:powershell": "d-installer.ps1",
    }
    (alone,) = planned(URL, True, (WINDOWS,), *windows)
    assert (alone.id, alone.outputs[0].ships) == ("setup", "d-installer.ps1")
    assert alone.needs == (f"program@{WINDOWS}", f"archive@{WINDOWS}")


def test_where_no_script_runs() -> None:
    assert "WebAssembly" in str(KIND.unsupported(PLATFORMS["wasm32-unknown-unknown"]))
    assert "a script takes the archive" in str(KIND.unsupported(PLATFORMS["universal2-apple-darwin"]))
    assert KIND.unsupported(PLATFORMS[MUSL]) is None
    assert KIND.unsupported(PLATFORMS[WINDOWS]) is None
