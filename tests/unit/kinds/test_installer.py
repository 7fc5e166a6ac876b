"""Which target an installer chooses, on machines that stand-ins of uname, getconf and sw_vers describe."""

from __future__ import annotations

import subprocess  # noqa: TID251 - the script is what is tested
from typing import TYPE_CHECKING

import pytest

from fakes.triples import ARM, MAC, X86
from ferrule.core.model import Digest
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds.installer import _TEMPLATE, KIND, archive_case, choices, filled

if TYPE_CHECKING:
    from pathlib import Path

MUSL = "x86_64-unknown-linux-musl"
CONDITIONS = {X86: "has_glibc 2 17", MUSL: None, ARM: "has_glibc 2 17", MAC: "has_macos 11 0"}


def script() -> str:
    rows = [PLATFORMS[triple] for triple in CONDITIONS]
    return filled(
        _TEMPLATE.read_text(),
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


def test_where_no_shell_of_unix_is() -> None:
    assert "Windows" in str(KIND.unsupported(PLATFORMS["x86_64-pc-windows-gnullvm"]))
    assert KIND.unsupported(PLATFORMS[MUSL]) is None
