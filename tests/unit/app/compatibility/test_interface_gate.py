"""Seeded changes of every interface: each break is caught, what is compatible passes, and the version follows."""

# ruff: noqa: E501 - tables have one change a line

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from fakes import worlds
from fakes.machine import Machine
from ferrule.app.compatibility import interface_gate as abi
from ferrule.core.errors import IncomparableError, VerificationError
from ferrule.core.facts import MeasuredFile
from ferrule.core.platforms import PLATFORMS
from ferrule.formats import wit
from ferrule.formats.interfaces import header, python, symbols, typescript, world

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakes.toolchain import Demo
    from ferrule.formats.interfaces import Surface

LINUX, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
C = """\
#define DEMO_LIMIT 64
#define DEMO_VERSION "1.2.3"
typedef struct Demo Demo;
enum DemoStatus { DEMO_OK = 0, DEMO_BAD = 1, DEMO_LATE };
typedef struct DemoOptions {
    uint32_t struct_size;
    uint8_t strict;
    uint8_t reserved[3];
    const char *name;
} DemoOptions;
typedef struct DemoPoint {
    double x;
} DemoPoint;
typedef struct DemoRange {
    uint32_t size;
    double low;
} DemoRange;
struct DemoScale {
    struct DemoRange range;
};
typedef int32_t (*DemoLookup)(void *user_data, const char *text);
/* Makes one. */
enum DemoStatus demo_new(const DemoOptions *options, DemoLookup lookup, Demo **made);
void demo_free(Demo *demo);
size_t demo_name(const Demo *demo, char *buffer, size_t length);
"""
PYTHON = '''\
"""Adds."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

__all__ = ["Adder", "Colour", "Lookups", "Options", "add", "find"]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Lookups(Protocol):
    def known(self, name: str, /) -> bool: ...


@dataclass(frozen=True)
class Options:
    strict: bool = False
    name: str = ""


class Adder(Exception):
    def __init__(self, options: Options, *, trace: bool = False) -> None: ...

    @property
    def total(self) -> int: ...

    def add(self, a: int, b: int = 1, *rest: int) -> int: ...


def add(a: int, b: int, *, base: int = 10) -> int: ...


def find(name: str, default: str | None = None) -> str | None: ...
'''
TYPES = """\
export type Kind = 'a' | 'b';
export interface Options { readonly strict?: boolean; readonly kinds?: Iterable<Kind>; level?: number }
export interface Hooks { log?(message: string): void }
export interface Answer { readonly ok: boolean; readonly note?: string; readonly kind?: Kind; readonly code: number }
export interface Checker { check(text: string): Answer; close(): void }
export declare function open(options?: Options, hooks?: Hooks): Promise<Checker>;
export declare function version(): string;
export declare class DemoError extends Error { readonly code: number }
export declare const name: string;
"""
PACKAGE = {"name": "demo", "exports": {".": {"types": "./index.d.ts"}, "./raw": {"types": "./raw.d.ts"}}}
TEXT, BOOL, U32 = wit.Scalar("string"), wit.Scalar("bool"), wit.Scalar("u32")


def record(*fields: tuple[str, wit.Type], name: str = "options") -> wit.Record:
    return wit.Record(fields, wit.Name(None, name))


OPTIONS = record(("strict", BOOL), ("limit", U32))
SHADE = wit.Enum(("dark", "light"), wit.Name(None, "shade"))
LOG = wit.Interface("demo:demo/log@1.2.0", (("debug", wit.Function((("message", TEXT),), None)),))


def exports(**more: wit.Function) -> wit.Interface:
    own = {
        "check": wit.Function((("text", TEXT), ("options", OPTIONS)), wit.ResultOf(TEXT, TEXT)),
        "shade": wit.Function((), SHADE),
    }
    return wit.Interface(None, tuple((own | {n.replace("_", "-"): f for n, f in more.items()}).items()))


def a_world(*imports: wit.Interface, **more: wit.Function) -> wit.World:
    return wit.World("demo:demo/demo@1.2.0", imports or (LOG,), (exports(**more),))


WORLD = a_world()


LIBRARY = MeasuredFile(
    "elf",
    name="libdemo.so.1",
    exports=("demo_free", "demo_name", "demo_new"),
    needed=("libc.so.6",),
    glibc="2.17",
)


def a_library(**facts: Any) -> MeasuredFile:
    return replace(LIBRARY, **facts)


@dataclass(frozen=True)
class Sources:
    """What a release of the demo is read from, each part to be edited."""

    c: str = C
    python: str = PYTHON
    types: str = TYPES
    package: str = json.dumps(PACKAGE)
    requires: str | None = ">=3.11"
    world: wit.World = WORLD
    linux: Any = None
    arm: Any = None
    release: str = "1.2.3"

    def read(self, folder: Path) -> Surface:
        package = folder / "demo"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(self.python)
        standard = header.stand_ins()["ferrule-standard.h"].replace("#pragma once\n", "")
        text = f'# 1 "standard.h"\n{standard}# 1 "demo.h"\n{re.sub("/[*].*?[*]/", " ", self.c)}'
        files = {"package.json": self.package.encode(), "index.d.ts": self.types.encode()}
        files["raw.d.ts"] = b"export declare function raw(): void;\n"
        declared = header.read(text, "demo.h", release=self.release)
        libraries = {LINUX: self.linux or LIBRARY, ARM: self.arm or LIBRARY}
        return {
            "format": 1,
            "project": "demo",
            "release": self.release,
            "libraries": {"native": {t: symbols.read(facts) for t, facts in libraries.items() if facts != "none"}},
            "headers": {"demo.h": {LINUX: declared, ARM: declared}},
            "worlds": {"component": world.read(self.world)},
            "python": {"wheel": {"requires": self.requires, "names": python.read(folder)}},
            "npm": {"npm": typescript.read(files)},
        }


@dataclass(frozen=True)
class Edit:
    """One change of one part, and what has to be said of it: the first matching change's line holds this text."""

    name: str
    part: str
    old: Any
    new: Any
    says: str

    def sources(self) -> Sources:
        if self.part in ("c", "python", "types", "package"):
            before = getattr(Sources(), self.part)
            assert before.count(self.old) == 1, f"{self.old!r} is {before.count(self.old)} times in {self.part}"
            return Sources(**{self.part: before.replace(self.old, self.new)})
        return Sources(**{self.part: self.new})


def edits(*rows: tuple[str, str, Any, Any, str]) -> Any:
    return pytest.mark.parametrize("edit", [Edit(*row) for row in rows], ids=lambda edit: edit.name)


BOTH = None  # the whole value is given, nothing is replaced
BREAKS = (
    # what                                part      before                        after
    ("symbol removed", "linux", BOTH, a_library(exports=("demo_free", "demo_new")), f"demo_name ({LINUX}) is no longer"),
    ("soname changed", "linux", BOTH, a_library(name="libdemo.so.2"), "is now called libdemo.so.2"),
    ("glibc floor raised", "linux", BOTH, a_library(glibc="2.28"), "is needed from 2.28 on, and was from 2.17"),
    ("another library needed", "arm", BOTH, a_library(needed=("libc.so.6", "libssl.so.3")), "libssl.so.3"),
    ("architecture dropped", "arm", BOTH, "none", f"{ARM} is no longer made for it"),
    ("c function removed", "c", "void demo_free(Demo *demo);", "", "demo_free() is gone"),
    ("c parameter of another type", "c", "char *buffer, size_t length", "char *buffer, int length", "takes i32"),
    ("c parameter added", "c", "DemoLookup lookup, ", "DemoLookup lookup, int flags, ", "demo_new() takes ("),
    ("c parameter loses const", "c", "const Demo *demo", "Demo *demo", "takes struct Demo * as its parameter 1"),
    ("c result of another type", "c", "size_t demo_name", "uint32_t demo_name", "returns u32, and returned u64"),
    ("c field moved", "c", "uint8_t strict;\n    uint8_t reserved[3];", "uint8_t reserved[3];\n    uint8_t strict;", "order"),
    ("c field appended to what does not tell its size", "c", "double x;", "double x;\n    double y;", "size 16, and had 8"),
    ("c field appended to what is held by value", "c", "    double low;", "    double low;\n    double high;", "which is compiled into struct DemoScale.range"),
    ("c field in padding", "c", "double low;", "uint32_t more;\n    double low;", "DemoRange.more is new where older programs leave"),
    ("c field of another width", "c", "uint8_t strict;\n    uint8_t", "uint16_t strict;\n    uint8_t", "is u16"),
    ("c field removed", "c", "    const char *name;\n", "", "DemoOptions.name is gone"),
    ("c enumerator removed", "c", ", DEMO_LATE", "", "DEMO_LATE is gone"),
    ("c enumerator renumbered", "c", "DEMO_BAD = 1", "DEMO_BAD = 2", "DEMO_BAD is 2, and was 1"),
    ("c callback changed", "c", "(void *user_data, const char *text)", "(const char *text)", "DemoLookup stands for"),
    ("c macro of another value", "c", "DEMO_LIMIT 64", "DEMO_LIMIT 32", "DEMO_LIMIT is 32, and 64 is compiled in"),
    ("c macro removed", "c", "#define DEMO_LIMIT 64\n", "", "#define DEMO_LIMIT is gone"),
    ("wit import added", "world", BOTH, a_world(LOG, wit.Interface("demo:demo/clock@1.2.0", (("now", wit.Function((), U32)),))), "supplied by every host"),
    ("wit function added to an import", "world", BOTH, a_world(wit.Interface(LOG.name, (*LOG.functions, ("warn", LOG.functions[0][1])))), "log@1: warn has to be supplied"),
    ("wit export removed", "world", BOTH, wit.World("demo:demo/demo@1.2.0", (LOG,), (wit.Interface(None, exports().functions[1:]),)), "export check is gone"),
    ("wit record field added", "world", BOTH, a_world(check=wit.Function((("text", TEXT), ("options", record(*OPTIONS.fields, ("more", BOOL)))), wit.ResultOf(TEXT, TEXT))), "has more now"),
    ("wit record fields reordered", "world", BOTH, a_world(check=wit.Function((("text", TEXT), ("options", record(*OPTIONS.fields[::-1]))), wit.ResultOf(TEXT, TEXT))), "another order: limit, strict"),
    ("wit result of another type", "world", BOTH, a_world(check=wit.Function((("text", TEXT), ("options", OPTIONS)), wit.OptionOf(TEXT))), "-> option<string>, and was"),
    ("wit enum narrowed", "world", BOTH, a_world(shade=wit.Function((), wit.Enum(("dark",), SHADE.name))), "no longer has light"),
    ("wit enum widened", "world", BOTH, a_world(shade=wit.Function((), wit.Enum(("dark", "light", "red"), SHADE.name))), "has red now"),
    ("python name removed", "python", ', "find"]', "]", "demo.find is gone"),
    ("python parameter removed", "python", "def add(a: int, b: int, *,", "def add(a: int, *,", "b is no longer a parameter"),
    ("python parameter renamed", "python", "def find(name: str,", "def find(title: str,", "title is a new parameter that has"),
    ("python parameters swapped", "python", "def add(a: int, b: int, *", "def add(b: int, a: int, *", "is parameter 2, and was 1"),
    ("python default removed", "python", "default: str | None = None", "default: str | None", "has to be given, and had a default"),
    ("python default changed", "python", "base: int = 10", "base: int = 16", "is 16 where it is not given"),
    ("python keyword required", "python", "base: int = 10", "base: int = 10, digits: int", "digits is a new parameter that has"),
    ("python positional no longer", "python", "def find(name: str, ", "def find(*, name: str, ", "name is keyword-only, and was"),
    ("python parameter narrowed", "python", "default: str | None = None", "default: str = ''", "takes str, and took str | None"),
    ("python result widened", "python", "-> int: ...\n\n\ndef find", "-> int | None: ...\n\n\ndef find", "returns int | None, and returned int"),
    ("python base class lost", "python", "class Adder(Exception)", "class Adder", "is no longer a Exception"),
    ("python method removed", "python", "    def add(self, a: int, b: int = 1, *rest: int) -> int: ...\n", "", "demo.Adder.add is gone"),
    ("python enum value changed", "python", 'BLUE = "blue"', 'BLUE = "navy"', "BLUE is 'navy', and was 'blue'"),
    ("python protocol grown", "python", "(self, name: str, /) -> bool: ...\n", "(self, name: str, /) -> bool: ...\n    def free(self) -> bool: ...\n", "has to be supplied"),
    ("python dataclass field inserted", "python", "    strict: bool = False\n", "    deep: bool = False\n    strict: bool = False\n", "strict is parameter 2, and was 1"),
    ("python becomes a coroutine", "python", "def find(", "async def find(", "is a coroutine"),
    ("python 3.11 given up", "requires", BOTH, ">=3.12", "without 3.11"),
    ("npm export removed", "types", "export declare function version(): string;\n", "", "version is gone"),
    ("npm entry removed", "package", ', "./raw": {"types": "./raw.d.ts"}', "", "./raw is no longer an entry"),
    ("npm option required", "types", "level?: number", "level: number", "level is required, and was optional"),
    ("npm required option added", "types", "level?: number", "level?: number; depth: number", "depth has to be given now"),
    ("npm option narrowed", "types", "strict?: boolean", "strict?: true", "strict is true, and was boolean"),
    ("npm answer may be missing", "types", "readonly ok: boolean", "readonly ok?: boolean", "ok is optional, and was always there"),
    ("npm answer widened", "types", "ok: boolean; readonly note", "ok: boolean | null; readonly note", "ok is boolean | null"),
    ("npm union of answers and options widened", "types", "'a' | 'b'", "'a' | 'b' | 'c'", "Kind is"),
    ("npm parameter required", "types", "options?: Options", "options: Options", "parameter 1 has to be given"),
    ("npm parameter added", "types", "check(text: string)", "check(text: string, mode: string)", "parameter 2 is new and has to"),
    ("npm result changed", "types", "version(): string", "version(): number", "result is number, and was string"),
    ("npm class of another base", "types", "DemoError extends Error", "DemoError", "no longer extends Error"),
    ("npm method removed", "types", "; close(): void", "", "Checker.close is gone"),
)  # fmt: skip
FINE = (
    ("symbol added", "linux", BOTH, a_library(exports=("demo_free", "demo_name", "demo_new", "demo_x")), "demo_x"),
    ("glibc floor lowered", "linux", BOTH, a_library(glibc="2.12"), "from 2.12 on instead of 2.17"),
    ("a part of glibc needed", "linux", BOTH, a_library(needed=("libc.so.6", "libm.so.6")), ""),
    ("c function added", "c", "void demo_free", "int demo_more(void);\nvoid demo_free", "demo_more() is new"),
    ("c comment changed", "c", "/* Makes one. */", "/* Makes a new one. */", ""),
    ("c parameter renamed", "c", "char *buffer, size_t length", "char *into, size_t room", ""),
    ("c parameter gains const", "c", "void demo_free(Demo *demo)", "void demo_free(const Demo *demo)", "takes const"),
    ("c the same type by another name", "c", "size_t demo_name", "uint64_t demo_name", ""),
    ("c field appended", "c", "const char *name;\n", "const char *name;\n    void *more;\n", "size 24, and had 16, which its struct_size tells"),
    ("c reserved room used", "c", "uint8_t reserved[3];", "uint8_t deep;\n    uint8_t reserved[2];", "deep is new"),
    ("c enumerator added", "c", "DEMO_LATE }", "DEMO_LATE, DEMO_MORE }", "DEMO_MORE is new"),
    ("c type added", "c", "void demo_free", "typedef struct More { int a; } More;\nvoid demo_free", "struct More is new"),
    ("c macro added", "c", "#define DEMO_LIMIT 64", "#define DEMO_LIMIT 64\n#define DEMO_MORE 1", "DEMO_MORE is new"),
    ("wit export added", "world", BOTH, a_world(more=wit.Function((), None)), "export more is new"),
    ("wit import dropped", "world", BOTH, wit.World("demo:demo/demo@1.2.0", (), (exports(),)), "no longer asked for"),
    ("wit package of a later minor version", "world", BOTH, wit.World("demo:demo/demo@1.3.0", (wit.Interface("demo:demo/log@1.3.0", LOG.functions),), (exports(),)), ""),
    ("python function added", "python", "def add(a", "def more() -> None: ...\n\n\ndef add(a", ""),
    ("python public function added", "python", '"find"]', '"find", "more"]\n\n\ndef more() -> None: ...', "demo.more is new"),
    ("python optional keyword added", "python", "base: int = 10", "base: int = 10, trace: bool = False", "trace is a new parameter"),
    ("python documentation changed", "python", '"""Adds."""', '"""Adds numbers."""', ""),
    ("python parameter widened", "python", "def find(name: str,", "def find(name: str | bytes,", "takes str | bytes"),
    ("python result narrowed", "python", "= None) -> str | None: ...", "= None) -> str: ...", "returns str, and returned"),
    ("python positional-only renamed", "python", "known(self, name: str, /)", "known(self, title: str, /)", ""),
    ("python enum member added", "python", '    BLUE = "blue"\n', '    BLUE = "blue"\n    GREEN = "green"\n', "GREEN is new"),
    ("python union in another order", "python", "default: str | None = None", "default: None | str = None", ""),
    ("python older one supported", "requires", BOTH, ">=3.10", "is >=3.10, and was >=3.11"),
    ("npm type added", "types", "export interface Hooks", "export type More = string;\nexport interface Hooks", "More is new"),
    ("npm option added", "types", "level?: number", "level?: number; depth?: number", "Options.depth is new"),
    ("npm option widened", "types", "level?: number", "level?: number | string", "level is number | string"),
    ("npm answer grown", "types", "readonly ok: boolean;", "readonly ok: boolean; readonly why: string;", "Answer.why is new"),
    ("npm optional parameter added", "types", "check(text: string)", "check(text: string, mode?: string)", "parameter 2 is new"),
    ("npm overload added", "types", "version(): string;", "version(): string;\nexport declare function version(of: string): string;", "can be called as"),
    ("npm comment added", "types", "export interface Hooks", "/** What to call. */\nexport interface Hooks", ""),
)  # fmt: skip


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Surface:
    return Sources().read(tmp_path_factory.mktemp("before"))


def lines(old: Surface, new: Surface, *, breaking: bool) -> list[str]:
    result = abi.compare(copy.deepcopy(old), new).changes
    return [f"{c.item} {c.what}" for c in result if c.breaking is breaking]


def test_there_are_as_many_as_were_asked_for():
    assert len(BREAKS) >= 25
    assert len(FINE) >= 15
    assert len({row[0] for row in (*BREAKS, *FINE)}) == len(BREAKS) + len(FINE)


@edits(*BREAKS)
def test_break_is_caught(before, tmp_path, edit):
    rows = lines(before, edit.sources().read(tmp_path), breaking=True)
    assert any(edit.says in line for line in rows), rows


@edits(*FINE)
def test_compatible_change_passes(before, tmp_path, edit):
    new = edit.sources().read(tmp_path)
    assert lines(before, new, breaking=True) == []
    rows = lines(before, new, breaking=False)
    assert rows == [] if not edit.says else any(edit.says in line for line in rows), rows


def test_nothing_changed(before, tmp_path):
    changes = abi.compare(before, Sources().read(tmp_path))
    assert (changes.changes, changes.problems, changes.needed.version) == ((), (), "1.2.3")


@pytest.mark.parametrize(
    ("recorded", "release", "edit", "needed", "covered"),
    [
        ("1.2.3", "2.0.0", BREAKS[5], "2.0.0", True),
        ("1.2.3", "1.3.0", BREAKS[5], "2.0.0", False),
        ("1.2.3", "2.0.0-rc.1", BREAKS[5], "2.0.0", True),
        ("1.2.3", "1.3.0", FINE[3], "1.3.0", True),
        ("1.2.3", "1.2.4", FINE[3], "1.3.0", False),
        ("1.2.3", "1.2.4", FINE[4], "1.2.3", True),
        ("1.2.3", "1.2.2", FINE[4], "1.2.3", False),
        ("0.3.1", "0.4.0", BREAKS[5], "0.4.0", True),
        ("0.3.1", "0.3.2", BREAKS[5], "0.4.0", False),
        ("0.3.1", "0.3.2", FINE[3], "0.3.2", True),
        ("0.3.1", "0.3.1", FINE[3], "0.3.2", False),
        ("0.0.3", "0.0.4", BREAKS[5], "0.0.4", True),
        ("0.0.3", "0.0.3", BREAKS[5], "0.0.4", False),
        ("0.0.3", "0.0.4", FINE[3], "0.0.4", True),
        ("1.0.0-rc.1", "1.0.0-rc.2", BREAKS[5], "1.0.0", True),
        ("1.0.0-rc.1", "1.0.0-rc.1", BREAKS[5], "1.0.0", False),
        ("1.0.0-rc.2", "1.0.0-rc.10", FINE[4], "1.0.0-rc.2", True),
    ],
)
def test_version_that_changes_ask_for(before, tmp_path, recorded, release, edit, needed, covered):
    new = Edit(*edit).sources().read(tmp_path) | {"release": release}
    if edit in BREAKS:  # a library that breaks programs has another name, see below
        for library in new["libraries"]["native"].values():
            library["name"] = "libdemo.so.2"
    changes = abi.compare(before | {"release": recorded}, new)
    assert (changes.needed.version, changes.problems == ()) == (needed, covered), changes.problems


def test_library_that_breaks_programs_must_not_keep_its_name(before, tmp_path):
    changes = abi.compare(before, Edit(*BREAKS[5]).sources().read(tmp_path) | {"release": "2.0.0"})
    assert changes.problems == (
        "the library is still called libdemo.so.1, so that programs built before would load it",
    )
    raised = Edit(*next(row for row in BREAKS if row[0] == "glibc floor raised")).sources().read(tmp_path / "b")
    assert abi.compare(before, raised | {"release": "2.0.0"}).problems == ()


def test_parts_that_come_and_go(before):
    less = before | {"npm": {}, "release": "2.0.0"}
    assert lines(before, less, breaking=True) == ["npm is no longer part of the release"]
    assert lines(less, before | {"release": "3.0.0"}, breaking=False) == ["npm is a new part of the release"]


# Keeping


def test_what_is_recorded_is_recalled(before, tmp_path):
    abi.record(before, tmp_path / "abi")
    assert abi.recall(tmp_path / "abi") == json.loads(json.dumps(before))
    text = (tmp_path / "abi" / "interface.json").read_text()
    assert text.count('"DEMO_LATE": 2') == 1, "both targets see the same, so that it is there once"
    abi.record(before, tmp_path / "again")
    assert (tmp_path / "again" / "interface.json").read_text() == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no earlier release is recorded"),
        ("", "the record is damaged"),
        ("[]", "the record is damaged"),
        ("[" * 100_000, "the record is damaged"),
        ('{"format": 2}', "use the ferrule that wrote it"),
        ('{"format": 1, "release": "one", "libraries": {}, "headers": {}}', "not a version"),
        ('{"format": 1, "release": "1.0.0", "libraries": [], "headers": {}}', "the record is damaged"),
    ],
)
def test_record_that_cannot_be_read(tmp_path, text, says):
    if text is not None:
        (tmp_path / "interface.json").write_text(text)
    with pytest.raises(IncomparableError) as caught:
        abi.recall(tmp_path)
    assert says in str(caught.value)


def test_what_another_header_holds_by_value_does_not_grow(before, tmp_path):
    """The other one does not change, so that nothing would be said of it."""
    of_another = header.read(
        '# 1 "b.h"\nstruct DemoOptions;\nvoid use(struct DemoOptions options);', "b.h", release="1.2.3"
    )
    old = before | {"headers": before["headers"] | {"b.h": {LINUX: of_another}}}
    text = C.replace("const char *name;", "const char *name;\n    void *more;")
    new = Sources(c=text).read(tmp_path)
    assert lines(before, new, breaking=True) == []
    new["headers"]["b.h"] = old["headers"]["b.h"]
    says = "struct DemoOptions has the size 24, and had 16, which is compiled into use()"
    assert lines(old, new, breaking=True) == [says]


@pytest.mark.parametrize("part", ["libraries", "headers", "worlds", "python", "npm", "project"])
def test_record_that_lacks_a_part(before, part):
    damaged = {name: value for name, value in before.items() if name != part}
    with pytest.raises(IncomparableError, match="damaged"):
        abi.compare(damaged, before)


def test_headers_that_ask_for_a_layout_are_refused_before_any_is_read(tmp_path):
    machine = Machine(tmp_path)
    machine.program("cc", "exit 1")
    preprocess = abi.preprocessor(machine.host(system="Darwin"))
    guarded = b"#ifdef __GNUC__\n#define PACKED __attribute__((packed))\n#endif\n"
    for name in ("demo.h", "parts.inc"):
        with pytest.raises(VerificationError, match="the layout that") as caught:
            preprocess({"a.h": b"int f(void);", name: guarded}, PLATFORMS[LINUX])
        assert caught.value.where == f"{name}:2"
    with pytest.raises(VerificationError, match="cannot be preprocessed"):  # by a cc that fails: C++ is none of its
        preprocess({"a.h": b"int f(void);", "demo.hpp": guarded}, PLATFORMS[LINUX])


def test_record_of_another_project(before):
    with pytest.raises(IncomparableError, match="the record is of other"):
        abi.compare(before | {"project": "other"}, before)


# The command line, on a release of every kind


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    from fakes.toolchain import add_preprocessor, lay_out  # noqa: PLC0415

    demo = lay_out(tmp_path_factory.mktemp("released"))
    output = worlds.custom("component-type:demo", (worlds.GOLDEN / "email-validator.wasm").read_bytes())
    (demo.home / "tamper-wasm32-unknown-unknown").write_bytes(output)
    done = demo.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr
    add_preprocessor(demo)
    return demo


@pytest.fixture
def change(released: Demo) -> Callable[..., None]:
    """Edits what is recorded of the demo."""

    def edit(old: str, new: str) -> None:
        abi_record = released.project / "packaging" / "abi" / "interface.json"
        text = abi_record.read_text()
        assert old in text
        abi_record.write_text(text.replace(old, new))

    released.ferrule("abi", "--record", "--quiet")
    return edit


@pytest.fixture(autouse=True)
def _forget(request: pytest.FixtureRequest) -> Any:
    yield
    if "released" in request.fixturenames:
        released = request.getfixturevalue("released")
        (released.project / "packaging" / "abi" / "interface.json").unlink(missing_ok=True)


def test_command_records_and_compares(released):
    nothing = released.ferrule("abi")
    assert nothing.returncode == 9
    assert "no earlier release is recorded" in nothing.stderr
    assert "ferrule abi --record" in nothing.stderr
    recorded = released.ferrule("abi", "--record")
    assert (recorded.returncode, recorded.stdout) == (
        0,
        "recorded the interface of 1.2.3 in packaging/abi/\n",
    ), recorded.stderr
    same = released.ferrule("abi")
    assert (same.returncode, same.stdout) == (0, "changes since 1.2.3: none\nversion 1.2.3 is high enough\n"), (
        same.stderr
    )
    kept = json.loads((released.project / "packaging" / "abi" / "interface.json").read_text())
    assert sorted(kept["headers"]) == ["demo.h"]
    (declared,) = kept["headers"]["demo.h"].values()
    assert declared["functions"] == {
        "demo_add": {"returns": "i32", "parameters": ["i32", "i32"]},
        "demo_copy": {"returns": "char *", "parameters": ["const char *"]},
    }
    assert {n for n, v in declared["macros"].items() if v is None} >= {"DEMO_VERSION", "DEMO_FINGERPRINT"}
    assert kept["worlds"]["component"]["world"] == "ferrule:email-validator/email-validator@0.1"
    assert kept["python"]["sdk-py"]["requires"]
    assert kept["npm"]["npm"]


def test_command_finds_a_break_and_tells_programs_too(released, change):
    change('"demo_add": {', '"demo_gone": {')
    done = released.ferrule("abi")
    assert done.returncode == 6
    assert "BREAKS  C header demo.h: demo_gone() is gone" in done.stdout
    assert "adds    C header demo.h: demo_add() is new" in done.stdout
    assert "required version: 2.0.0 or later (a breaking change raises the major number)" in done.stdout
    document = json.loads(released.ferrule("abi", "--json").stdout)
    assert (document["ok"], document["recorded"], document["release"]) == (False, "1.2.3", "1.2.3")
    assert document["needed"]["bump"] == "major"
    assert {"of": "C header demo.h", "item": "demo_gone()", "what": "is gone", "breaking": True} in document["changes"]


def test_a_version_is_recorded_with_one_interface_only(released, change):
    change('"demo_add": {', '"demo_gone": {')
    assert released.ferrule("abi", "--record").returncode == 6
    assert "demo_gone" in (released.project / "packaging" / "abi" / "interface.json").read_text()


def test_command_needs_a_release_of_now_and_a_compiler(released, change):
    change('"release": "1.2.3"', '"release": "1.2.2"')
    assert released.ferrule("abi").returncode == 0
    released.set_version("1.2.4")
    try:
        stale = released.ferrule("abi")
        assert (stale.returncode, "build the current release first" in stale.stderr) == (9, True), stale.stderr
        assert released.ferrule("abi", "dist").returncode == 0
    finally:
        released.set_version("1.2.3", before="1.2.4")
    assert released.ferrule("abi", "rust").returncode == 9
    compiler = released.root / "bin" / "cc"
    text = compiler.read_text()
    compiler.write_text("#!/bin/sh\necho 'demo.h: no' >&2\nexit 1\n")
    refused = released.ferrule("abi")
    assert (refused.returncode, "cannot be preprocessed" in refused.stderr) == (9, True), refused.stderr
    compiler.write_text(text)
