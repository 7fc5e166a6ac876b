"""The gate for interfaces, on real files: programs of the recorded release, other compilers' layouts, and abidiff."""

# ruff: noqa: E501 - the table has one change a line

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from judges import CHECKOUT, OWN, VECTORS, ferrule, program, run
from released import HOST, LINUX

from ferrule.core.platforms import PLATFORMS
from ferrule.formats import binary
from ferrule.formats.interfaces import header, symbols

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.only_on(*LINUX, reason="libraries are compared where gcc and abidiff are")

RECORDED = CHECKOUT / "packaging" / "abi" / "email-validator"
CONSUMERS = CHECKOUT / "tests" / "consumers"
CONSUMER = CONSUMERS / "c" / "vectors.c"
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror")
ZIG = {
    "x86_64-unknown-linux-gnu": "x86_64-linux-gnu.2.17",
    "aarch64-unknown-linux-gnu": "aarch64-linux-gnu.2.17",
    "aarch64-apple-darwin": "aarch64-macos.11.0-none",
}
BEFORE = """
struct Box { int width; int height; };
int box_area(const struct Box *box);
void box_turn(struct Box *box);
"""
BODIES = """
int box_area(const struct Box *box) { return box->width * box->height; }
void box_turn(struct Box *box) { int w = box->width; box->width = box->height; box->height = w; }
"""


@pytest.fixture(scope="module")
def interface() -> dict[str, Any]:
    """What is recorded of the last release."""
    return json.loads((RECORDED / "interface.json").read_bytes())


def seen_by(kept: dict[str, Any], target: str) -> Any:
    """The part of a record that a target sees."""
    return next(output for targets, output in kept.items() if target in targets.split())


def test_this_release_says_in_its_version_what_changed(release):
    done = ferrule("abi", release.dist, "--against", RECORDED, "--json")
    document = json.loads(done.stdout)
    assert document["ok"], document["problems"]
    assert (RECORDED / "include" / "email_validator.h").is_file()


# Programs of recorded releases


def built_before(name: str, source: Path, library: str, folder: Path, headers: Path | None = None) -> Path:
    """A program built against a recorded header and a library that has the recorded name and symbols, and does nothing."""
    recorded = CHECKOUT / "packaging" / "abi" / name
    (libraries,) = json.loads((recorded / "interface.json").read_bytes())["libraries"].values()
    surface = seen_by(libraries, HOST)
    stub = folder / "stub.c"
    stub.write_text("".join(f"void {name}(void);\nvoid {name}(void) {{}}\n" for name in surface["exports"]))
    options = ("-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,{surface['name']}")
    run("gcc", *options, stub, "-o", folder / f"lib{library}.so")
    run(
        *(
            "gcc",
            *STRICT,
            "-I",
            headers or recorded / "include",
            source,
            "-o",
            folder / "program",
            "-L",
            folder,
            f"-l{library}",
        ),
        # The stub refers to nothing, and what is not there when linking must not be found when running either.
        "-Wl,-z,now",
    )
    assert f"[{surface['name']}]" in run("readelf", "--wide", "--dynamic", folder / "program", LC_ALL="C").stdout
    assert run(folder / "program", LD_LIBRARY_PATH="", ok=False).returncode == 127, "nothing else has that name"
    return folder / "program"


def test_program_of_the_recorded_release_runs_with_this_library(release, expected, tmp_path):
    program = built_before("email-validator", CONSUMER, "email_validator", tmp_path)
    assert run(program, VECTORS, LD_LIBRARY_PATH=str(release.sdk(HOST) / "lib")).stdout == expected


def test_program_of_the_recorded_sealed_box_runs_with_this_library(sealed_box, tmp_path):
    program = built_before("sealed-box", CONSUMERS / "sealed-box" / "earlier.c", "sealed_box", tmp_path)
    printed = run(program, LD_LIBRARY_PATH=str(sealed_box.sdk(HOST) / "lib")).stdout
    assert printed.splitlines() == SEALED


SEALED = [
    # The tag is that of RFC 4231; 24 is REJECTED, 1 NULL_POINTER; import, hash, seal, open, open are uses.
    *("new 0", "import 0", "hash 0", "tag 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    *("import 0", "seal 0", "open 0", "same 1", "altered 24", "null 1", "uses 6"),
]


def test_program_of_before_the_callbacks_grew_runs_with_this_library(sealed_box, tmp_path):
    """Its structure has no `release` yet, which the gate calls an addition."""
    text = (CHECKOUT / "packaging/abi/sealed-box/include/sealed_box.h").read_text()
    earlier = re.sub(r"    /\*\*(?:(?!\*/).)*\*/\n    SealedBoxRelease release;\n", "", text, flags=re.DOTALL)
    assert len(earlier) < len(text)
    headers = tmp_path / "earlier"
    for name, content in (("earlier", earlier), ("now", text)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sealed_box.h").write_text(content)
    surfaces = (read_header(tmp_path / name, "sealed_box.h") for name in ("earlier", "now"))
    changes = {(one.item, one.breaking) for one in header.compare(*surfaces)}
    assert changes == {("struct SealedBoxCallbacks", False), ("struct SealedBoxCallbacks.release", False)}
    program = built_before("sealed-box", CONSUMERS / "sealed-box" / "earlier.c", "sealed_box", tmp_path, headers)
    assert run(program, LD_LIBRARY_PATH=str(sealed_box.sdk(HOST) / "lib")).stdout.splitlines() == SEALED


def test_program_of_the_recorded_signal_stats_runs_with_this_library(signal_stats, tmp_path):
    program = built_before("signal-stats", CONSUMERS / "signal-stats" / "earlier.c", "signal_stats", tmp_path)
    printed = run(program, LD_LIBRARY_PATH=str(signal_stats.sdk(HOST) / "lib")).stdout
    assert printed.splitlines() == [
        *("new 0", "mean 0", "variance 0", "quantiles 0", "6.2000000000000002 37.200000000000003 4 16"),
        *("sketch 0", "add 0", "quantiles 0", "1", "null 1"),
    ]


# Layout, as other compilers have it


@pytest.mark.parametrize("target", list(ZIG))
def test_compilers_agree_about_layout_and_values(interface, programs, tmp_path, target):
    output = seen_by(interface["headers"]["email_validator.h"], target)
    claims = [
        claim
        for label, one in output["types"].items()
        if "fields" in one
        for claim in (
            f"sizeof({label}) == {one['size']}",
            f"_Alignof({label}) == {one['align']}",
            *(f"offsetof({label}, {field['name']}) == {field['offset']}" for field in one["fields"]),
        )
    ]
    claims += [f"{name} == {value}" for values in output["enums"].values() for name, value in values.items()]
    assert len(claims) > 30
    source = tmp_path / "claims.c"
    lines = "".join(f'_Static_assert({claim}, "{claim}");\n' for claim in claims)
    source.write_text(f"#include <stddef.h>\n#include <email_validator.h>\n{lines}")
    compile_ = (programs["zig"], "cc", "-target", ZIG[target], "-std=c11", "-I", RECORDED / "include", "-c", source)
    run(*compile_, "-o", tmp_path / "claims.o", ZIG_GLOBAL_CACHE_DIR=str(OWN / "zig"))
    source.write_text(source.read_text() + f'_Static_assert(!({claims[0]}), "a lie");\n')
    lie = run(*compile_, "-o", tmp_path / "lie.o", ok=False, ZIG_GLOBAL_CACHE_DIR=str(OWN / "zig"))
    assert (lie.returncode != 0, "a lie" in lie.stderr) == (True, True)


# abidiff as the judge


def compiled(folder: Path, name: str, declarations: str, bodies: str) -> Path:
    """A library of a header, with the debug information that abidiff reads types from."""
    path = folder / name
    path.mkdir()
    (path / "box.h").write_text(declarations)
    source = path / "box.c"
    source.write_text(f'#include "box.h"\n{bodies}')
    library = path / "libbox.so.1"
    run("gcc", "-g", "-shared", "-fPIC", "-Wl,-soname,libbox.so.1", source, "-o", library)
    return library


def our_verdict(old: Path, new: Path) -> set[bool]:
    """Whether there are breaking and compatible changes, by the library and its header."""
    libraries = [symbols.read(binary.summary(binary.measure(path))) for path in (old, new)]
    output = [read_header(path.parent, "box.h") for path in (old, new)]
    return {c.breaking for c in (*symbols.compare(*libraries), *header.compare(*output))}


def read_header(folder: Path, name: str) -> Any:
    for file, text in header.stand_ins().items():
        (folder / "standard" / file).parent.mkdir(exist_ok=True)
        (folder / "standard" / file).write_text(text)
    options = (*header.preprocessor_options(PLATFORMS[HOST]), "-isystem", "standard")
    return header.read(run("gcc", *options, name, cwd=folder).stdout, name, release="1.0.0")


def abidiff(old: Path, new: Path) -> tuple[bool, bool]:
    """Whether abidiff sees changes, and whether it knows that they break (abidiff(1), "Return values": 4 and 8)."""
    done = run(program("abidiff"), old, new, ok=False)
    assert done.returncode & 3 == 0, done.stderr
    return bool(done.returncode & 4), bool(done.returncode & 8)


@pytest.mark.parametrize(
    ("name", "declarations", "bodies", "ours", "theirs"),
    [
        ("nothing", ("", ""), ("", ""), set(), (False, False)),
        ("function removed", ("void box_turn(struct Box *box);\n", ""), ("void box_turn", "static void unused"), {True}, (True, True)),
        ("function added", ("void box_turn", "void box_more(void);\nvoid box_turn"), ("void box_turn", "void box_more(void) {}\nvoid box_turn"), {False}, (True, False)),
        # abidiff leaves it to a person whether these break: 4 without 8.
        ("field added", ("int height;", "int height; int depth;"), ("", ""), {True, False}, (True, False)),
        ("result changed", ("int box_area", "long box_area"), ("int box_area", "long box_area"), {True}, (True, False)),
    ],
)  # fmt: skip
def test_abidiff_sees_what_we_see(tmp_path, name, declarations, bodies, ours, theirs):
    old = compiled(tmp_path, "old", BEFORE, BODIES)
    new = compiled(tmp_path, "new", BEFORE.replace(*declarations), BODIES.replace(*bodies))
    assert abidiff(old, new) == theirs, name
    assert our_verdict(old, new) == ours, name


def test_abidiff_on_the_release_itself(release, interface, tmp_path):
    """Without debug information it compares symbols, and so finds one that is gone."""
    library = release.library(HOST)
    assert abidiff(library, library) == (False, False)
    less = tmp_path / "less.so"
    name = b"email_validator_check_batch"
    less.write_bytes(library.read_bytes().replace(b"\0" + name + b"\0", b"\0email_validator_other_name_\0"))
    assert abidiff(library, less) == (True, True)
    before, after = (symbols.read(binary.summary(binary.measure(path))) for path in (library, less))
    result = {(c.item, c.breaking) for c in symbols.compare(before, after)}
    assert result == {(name.decode(), True), ("email_validator_other_name_", False)}
    recorded = seen_by(interface["libraries"]["native"], HOST)
    assert recorded["exports"] == before["exports"]
    assert re.fullmatch(r"libemail_validator\.so\.\d+(\.\d+)*", recorded["name"])
