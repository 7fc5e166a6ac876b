"""sealed-box computes in constant time: with its secrets undefined, valgrind sees no branch and no address of them.

The library is built as it is released, with its line numbers. Whether a tag is right has to become public at some time:
such a branch is accepted in the one function that is there for it, and where the ciphers compare the tag.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from judges import CHECKOUT, OWN, run

from fakes.triples import X86

if TYPE_CHECKING:
    from collections.abc import Callable

    Watch = Callable[[str], list[tuple[str, str, str]]]

pytestmark = pytest.mark.only_on(X86, reason="what is measured is the code of this processor")

CRATE = CHECKOUT / "rust" / "sealed-box-ffi"
FOLDER = OWN / "rust" / "constant-time"
WORK = {"seal": 0, "open": 8, "stream": 0, "hash": 1, "derive": 0, "sign": 0, "agree": 1, "equal": 0}
"""What the program can do, and how many places there make a comparison public: a cipher's own, and ours behind it."""

# In each cipher the line that compares the tag, in constant time, and branches.
COMPARISONS = {
    "aes-gcm": r"if expected_tag\[.*\]\.ct_eq\(tag\)\.into\(\) \{",
    "aes-gcm-siv": r"if expected_tag\.ct_eq\(tag\)\.into\(\) \{",
    "chacha20poly1305": r"if self\.mac\.verify\(tag\)\.is_ok\(\) \{",
}
# The code that runs where a processor has no instructions for it, and in WebAssembly.
PORTABLE = (
    *('--cfg=aes_backend="soft"', '--cfg=polyval_backend="soft"', '--cfg=chacha20_backend="soft"'),
    *('--cfg=poly1305_backend="soft"', '--cfg=sha2_backend="soft"', '--cfg=curve25519_dalek_backend="serial"'),
)


def watching(programs: dict[str, str], folder: Path, *flags: str) -> Watch:
    """Build library and program; the function runs the program under valgrind and says what depends on a secret.

    That is the kind of each place, its function, and its line in the sources or their folder.
    """
    cargo, target = programs["cargo"], folder / "target"
    profile = {"CARGO_PROFILE_RELEASE_STRIP": "none", "CARGO_PROFILE_RELEASE_DEBUG": "1"}
    environment = profile | {"CARGO_TARGET_DIR": str(target), "RUSTC": programs["rustc"], "RUSTFLAGS": " ".join(flags)}
    run(cargo, "build", "--locked", "--release", "-p", "sealed-box-ffi", cwd=CRATE, **environment)
    header, program = folder / "sealed_box.h", folder / "secrets"
    run(programs["cbindgen"], "--config", "cbindgen.toml", "--output", header, ".", cwd=CRATE)
    source = CRATE / "examples" / "c" / "secrets.c"
    libraries = ("-L", target / "release", "-lsealed_box_ffi", f"-Wl,-rpath,{target / 'release'}")
    strict = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic")
    run("gcc", *strict, "-I", folder, source, "-o", program, *libraries)

    def watch(work: str) -> list[tuple[str, str, str]]:
        report = folder / f"{work}.xml"
        options = ("--xml=yes", f"--xml-file={report}", "--num-callers=3", "--read-inline-info=yes")
        assert run("valgrind", *options, program, work).stdout == f"{work} done, watched\n"
        return [read_error(error) for error in ET.parse(report).iter("error")]

    return watch


def read_error(error: ET.Element) -> tuple[str, str, str]:
    frame = error.find("stack/frame")
    kind, function = error.findtext("kind", ""), "" if frame is None else frame.findtext("fn", "")
    path = Path() if frame is None else Path(frame.findtext("dir", ""), frame.findtext("file", ""))
    if frame is None or not path.is_file():
        return kind, function, str(path)
    line = path.read_text(encoding="utf-8").splitlines()[int(frame.findtext("line", "1")) - 1]
    crates = (re.sub(r"-[\d.]+$", "", part) for part in path.parts)
    crate = next((crate for crate in crates if crate in COMPARISONS), "")
    return kind, function, f"{crate}: {line.strip()}"


def is_disclosure(kind: str, function: str, source: str) -> bool:
    """Whether this is a place where a comparison becomes public."""
    crate, _, line = source.partition(": ")
    pattern = COMPARISONS.get(crate)
    is_tag = function.partition("<")[0] == "decrypt_inout_detached" and bool(pattern and re.fullmatch(pattern, line))
    return kind == "UninitCondition" and (is_tag or function == "sealed_box::compare::disclose")


@pytest.fixture(scope="module")
def detected(programs):
    """What a processor with the instructions for it runs."""
    return watching(programs, FOLDER / "detected")


@pytest.fixture(scope="module")
def portable(programs):
    """What every other processor runs."""
    return watching(programs, FOLDER / "portable", *PORTABLE)


@pytest.mark.parametrize("work", WORK)
def test_nothing_but_a_verdict_depends_on_a_secret(detected, work):
    errors = detected(work)
    assert [error for error in errors if not is_disclosure(*error)] == []
    assert len(errors) == WORK[work]


def test_a_branch_and_an_address_would_be_noticed(detected):
    assert sorted(kind for kind, _, _ in detected("leak")) == ["UninitCondition", "UninitValue"]


@pytest.mark.parametrize("work", WORK)
def test_nothing_but_a_verdict_depends_on_a_secret_in_portable_code(portable, work):
    assert [error for error in portable(work) if not is_disclosure(*error)] == []
