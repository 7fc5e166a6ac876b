"""Readers of interfaces: what each form of a declaration becomes, and what is refused."""

# ruff: noqa: E501 - tables have one declaration a line

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pycparser import c_ast

from ferrule.core.errors import VerificationError
from ferrule.core.facts import MeasuredFile
from ferrule.core.platforms import PLATFORMS, DataModel
from ferrule.formats import wit
from ferrule.formats.interfaces import header, python, symbols, typescript, versions, world

if TYPE_CHECKING:
    from pathlib import Path

STANDARD = header.stand_ins()["ferrule-standard.h"].replace("#pragma once\n", "")


# C


def c(text: str, **options: Any) -> Any:
    return header.read(f'# 1 "standard.h"\n{STANDARD}# 1 "x.h"\n{text}', "x.h", release="1.0.0", **options)


@pytest.mark.parametrize(
    ("declared", "size", "offsets"),
    [
        ("struct S { char a; int b; char c; };", 12, [0, 4, 8]),
        ("struct S { char a; char b; short c; };", 4, [0, 1, 2]),
        ("struct S { char a; double b; };", 16, [0, 8]),
        ("struct S { char a; void *b; char c; };", 24, [0, 8, 16]),
        ("struct S { char a[5]; uint16_t b; };", 8, [0, 6]),
        ("struct S { uint32_t a[2][3]; uint8_t b; };", 28, [0, 24]),
        ("struct I { short x; char y; }; struct S { char a; struct I b; };", 6, [0, 2]),
        ("struct S { char a; struct { long x; } b; };", 16, [0, 8]),
        ("union S { char a; double b; int c; };", 8, [0, 0, 0]),
        ("enum E { A }; struct S { char a; enum E b; };", 8, [0, 4]),
        ("struct S { char a; long double b; };", 32, [0, 16]),
        ("struct S { size_t a; _Bool b; wchar_t c; };", 16, [0, 8, 12]),
        ("struct S { void (*a)(int); int32_t b; };", 16, [0, 8]),
        ("enum { N = 4 }; struct S { char a[N * 2 + (1 << 1)]; };", 10, [0]),
        ("struct S { char a[sizeof(int)]; const char b; };", 5, [0, 4]),
        ("struct S { int a; char b[]; };", 4, [0, 4]),
        ('struct S { int a; _Static_assert(1, ""); int b; };', 8, [0, 4]),
    ],
)
def test_layout(declared, size, offsets):
    label = "union S" if "union" in declared else "struct S"
    told = c(declared)["types"][label]
    assert told["size"] == size
    assert [field["offset"] for field in told["fields"]] == offsets


@pytest.mark.parametrize(
    ("model", "size", "offsets"),
    [
        (DataModel(), 64, [0, 8, 16, 32, 48]),
        (DataModel(pointer=4, long=4, long_double=8), 32, [0, 4, 8, 16, 24]),  # AAPCS
        (DataModel(4, 4, 12, 4), 32, [0, 4, 8, 16, 28]),  # System V i386
        (DataModel(long=4), 64, [0, 8, 16, 32, 48]),  # 64-bit Windows, by GNU compilers
    ],
)
def test_sizes_and_places_are_those_of_the_machine(model: DataModel, size: int, offsets: list[int]):
    struct = c("struct S { long a; void *b; uint64_t c; long double d; size_t e; };", data_model=model)["types"][
        "struct S"
    ]
    assert (struct["size"], [f["offset"] for f in struct["fields"]]) == (size, offsets)
    assert struct["fields"][0]["type"] == f"i{8 * model.long}"
    assert struct["fields"][4]["type"] == f"u{8 * model.pointer}"


def test_what_each_program_settles_itself_has_no_size_on_a_narrow_machine():
    text = "struct S { time_t a; };"
    assert c(text)["types"]["struct S"]["size"] == 8
    with pytest.raises(VerificationError, match="the size of time_t"):
        c(text, data_model=DataModel(pointer=4, long=4))


def test_long_double_of_apple():
    assert (
        c("struct S { char a; long double b; };", data_model=DataModel(long_double=8))["types"]["struct S"]["size"]
        == 16
    )


@pytest.mark.parametrize(
    ("declared", "parameters", "returns"),
    [
        ("int f(void);", [], "i32"),
        ("void f(int a[4], const int b);", ["i32 *", "i32"], "void"),
        ("const char *f(char *const *list);", ["char *const *"], "const char *"),
        ("unsigned long long f(signed char a, unsigned short b, long int c);", ["i8", "u16", "i64"], "u64"),
        ("struct T *f(enum E e, union U *u);", ["enum E", "union U *"], "struct T *"),
        ("void f(int (*call)(void *, ...));", ["i32 (*)(void *, ...)"], "void"),
        ("typedef int32_t Status; Status f(FILE *file, va_list more);", ["FILE *", "va_list"], "i32"),
        ("typedef int F(char); void f(F *a, F b);", ["i32 ()(char) *", "i32 ()(char)"], "void"),
        ("static inline int f(int a) { return a; }", ["i32"], "i32"),
    ],
)
def test_function(declared, parameters, returns):
    told = c(declared)["functions"]["f"]
    assert (told["parameters"], told["returns"]) == (parameters, returns)


def test_variadic_function_variables_and_enumerators():
    told = c(
        'int f(const char *format, ...); extern const int limit; extern int table[3]; _Static_assert(1, "");\n'
        "enum E { A = -1, B, C = 'x', D = ~0, F = 0x10 | 010, G = (int)B, H = !1, I = +2, J = 7 ^ 5 & 4 - 3, K = 9 >> 1 };"
    )
    assert told["functions"]["f"]["variadic"] is True
    assert told["variables"] == {"limit": "const i32", "table": "i32[3]"}
    assert told["enums"]["enum E"] == {
        "A": -1, "B": 0, "C": 120, "D": -1, "F": 24, "G": 0, "H": 0, "I": 2, "J": 7 ^ 5 & 1, "K": 4
    }  # fmt: skip


def test_macros_of_the_header_itself():
    digest = "ab" * 32
    told = c(
        "#define GUARD\n#define LIMIT  (1 <<  4)\n#define MAX(a, b) ((a) > (b) ? (a) : (b))\n#define GONE 1\n#undef GONE\n"
        f'#define V "1.0.0"\n#define FINGERPRINT "{digest}"\n#define NAME "demo"\n'
    )["macros"]
    assert told == {
        "FINGERPRINT": None,
        "LIMIT": "(1 << 4)",
        "MAX": "(a, b) ((a) > (b) ? (a) : (b))",
        "NAME": '"demo"',
        "V": None,
    }


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ("struct S { int a; } __attribute__((packed));", "packed"),
        ("#pragma pack(push, 1)\nstruct S { int a; };", "#pragma pack"),
        ("struct S { int a : 3; };", "bit-fields"),
        ("struct S { _Alignas(16) int a; };", "alignment"),
        ("struct S { Unknown a; };", "cannot be read"),
        ("struct S { struct T a; };", "the size of struct T"),
        ("enum E { A = B };", "no whole number"),
        ("enum E { A = 1.5 };", "no whole number"),
        ("class S {};", "cannot be read"),
        ("_Alignas(16) extern int v;", "alignment"),
        ("int f(int " + "*" * 5000 + "a);", "beyond what can be read"),
        ("int f(_Complex double a);", "the type"),
    ],
)
def test_header_that_is_refused(declared, says):
    with pytest.raises(VerificationError) as caught:
        c(declared)
    assert says in str(caught.value)


def test_attributes_without_a_layout_are_nothing():
    plain, marked = "int f(int a);", '__attribute__((visibility("default"))) int f(int a) __attribute__((nonnull(1)));'
    assert c(plain) == c(marked)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("struct S { int a; };", "union S { int a; };", {("struct S", True), ("union S", False)}),
        ("struct S;", "struct S { int a; };", {("struct S", False)}),
        ("struct S { int a; };", "struct S;", {("struct S", True)}),
        ("typedef int S;", "typedef struct { int a; } S;", {("S", True), ("struct S", False)}),
        ("extern int v;", "extern long v;", {("v", True)}),
        ("union U { int a; char b; };", "union U { char b; int a; };", {("union U", True)}),
        ("int f(int a);", "int f(int a, ...);", {("f()", True)}),
        ("int f(int a, ...);", "int f(int a);", {("f()", True)}),
        ("const char *f(void);", "char *f(void);", {("f()", False)}),
        ("char *f(void);", "const char *f(void);", {("f()", True)}),
        ("void f(int (*g)(char *));", "void f(int (*g)(const char *));", {("f()", True)}),
        ("struct S { int a; double b; };", "struct S { int a; long b; };", {("struct S.b", True)}),
        ('#define V "1.0.0"', '#define V "other"', {("#define V", True)}),
        ('#define V "other"', '#define V "1.0.0"', {("#define V", True)}),
    ],
)
def test_comparing_headers(old, new, says):
    assert {(change.item, change.breaking) for change in header.compare(c(old), c(new))} == says


def test_preprocessor_sees_the_platform_and_nothing_else():
    linux, macos = (
        header.preprocessor_options(PLATFORMS[f"aarch64-{name}"]) for name in ("unknown-linux-gnu", "apple-darwin")
    )
    assert {"-undef", "-D__linux__=1", "-D__aarch64__=1"} <= {*linux}
    assert "-D__APPLE__=1" in macos
    assert "-D__linux__=1" not in macos


# Libraries


def test_library_that_needs_less():
    old = symbols.read(
        MeasuredFile("elf", name="a", exports=("f", "_init"), needed=("libssl.so.3", "libm.so.6"), glibc="2.17")
    )
    new = symbols.read(MeasuredFile("elf", name="a", exports=("f",)))
    assert [(c.item, c.breaking) for c in symbols.compare(old, new)] == [("libssl.so.3", False), ("glibc", False)]
    assert [(c.item, c.breaking) for c in symbols.compare(new, old)] == [("libssl.so.3", True), ("glibc", True)]
    assert symbols.read(MeasuredFile("macho", macos="11.0"))["floor"] == {"macos": "11.0"}


# WIT


def test_every_type_of_a_world():
    text, shade = wit.Scalar("string"), wit.Enum(("dark",))
    kinds = {
        "list<option<string>>": wit.ListOf(wit.OptionOf(text)),
        "result<_, string>": wit.ResultOf(None, text),
        "tuple<string, enum {dark}>": wit.TupleOf((text, shade)),
        "a stream": wit.Other("a stream"),
        "record {a: string}": wit.Record((("a", text),)),
        "variant {a, b: string}": wit.Variant((("a", None), ("b", text))),
        "flags {a, b}": wit.Flags(("a", "b")),
        "a:b/c@2.way": wit.Variant((("x", None), ("y", text)), wit.Name("a:b/c@2.1.0", "way")),
        "mode": wit.Flags(("r", "w"), wit.Name(None, "mode")),
    }
    function = wit.Function(tuple((f"p{n}", kind) for n, kind in enumerate(kinds.values())), None, is_async=True)
    told = world.read(wit.World("w", (), (wit.Interface("a:b/c@2.1.0", (("f", function),)),)))
    (found,) = told["exports"]["a:b/c@2"].values()
    assert [kind for _, kind in found["parameters"]] == list(kinds)
    assert found["async"] is True
    assert told["types"] == {
        "a:b/c@2.way": {"kind": "variant", "cases": [["x", None], ["y", "string"]]},
        "mode": {"kind": "flags", "labels": [["r", None], ["w", None]]},
    }


def test_other_world_and_type_of_another_kind():
    def of(name: str, kind: wit.Type) -> Any:
        return world.read(wit.World(name, (), (wit.Interface(None, (("f", wit.Function((), kind)),)),)))

    name = wit.Name(None, "t")
    cases = wit.Variant((("a", wit.Scalar("u8")), ("b", None)), name)
    old, new = of("a:b/c@0.1.0", wit.Enum(("a", "b"), name)), of("a:b/c@0.2.0", cases)
    found = [f"{change.item} {change.what}" for change in world.compare(old, new)]
    assert found == ["a:b/c@0.1 is now the world a:b/c@0.2", "type t is a variant, and was a enum"]
    other = of("a:b/c@0.2.0", wit.Variant((("a", wit.Scalar("u16")), ("b", wit.Scalar("u8"))), name))
    found = [f"{change.item} {change.what}" for change in world.compare(new, other)]
    assert found == ["type t: a is u16, and was u8", "type t: b is u8, and was without a value"]


# Python


def py(folder: Path, **files: str) -> Any:
    for name, text in files.items():
        path = folder / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return python.read(folder)


def test_names_that_are_public(tmp_path):
    told = py(
        tmp_path,
        demo__in____init__=(
            "from __future__ import annotations\nimport json\nfrom demo._inner import f as f, _g\nfrom .part import *\n"
            "LIMIT = 4\nname = json.dumps(1)\n_hidden = 1\n"
        ),
        demo__in___inner="def f(): ...\ndef _g(): ...\n",
        demo__in__part='__all__ = ["h", "away"]\nfrom os import path as away\ndef h() -> "int": ...\ndef i(): ...\n',
        single="def s(): ...\n",
        _private="def p(): ...\n",
    )
    assert set(told) == {
        "demo",
        "demo.LIMIT",
        "demo.name",
        "demo.part",
        "demo.part.h",
        "demo.part.away",
        "single",
        "single.s",
    }
    assert told["demo.LIMIT"]["value"] == "4"
    assert "value" not in told["demo.name"]
    assert told["demo.part.h"]["returns"] == "int"


def test_members_that_are_public(tmp_path):
    told = py(
        tmp_path,
        demo=(
            "from abc import ABC, abstractmethod\nclass _Base(dict[str, int]):\n    def kept(self): ...\n"
            "class A(_Base, ABC):\n    _own = 1\n    x: int = 1\n    def __init__(self, a): ...\n    def __repr__(self): ...\n"
            "    def _hidden(self): ...\n    @abstractmethod\n    def todo(self): ...\n    @staticmethod\n    def s(a): ...\n"
            "    @classmethod\n    def c(cls, a): ...\n    @property\n    def p(self) -> int: ...\n"
            "    @property\n    def q(self): ...\n    @q.setter\n    def q(self, value): ...\n"
        ),
    )["demo.A"]
    assert told["bases"] == ["dict", "ABC"]
    assert set(told["members"]) == {"kept", "x", "__init__", "todo", "s", "c", "p", "q"}
    assert told["members"]["todo"]["abstract"] is True
    assert [p["name"] for p in told["members"]["s"]["parameters"]] == ["a"]
    assert [p["name"] for p in told["members"]["c"]["parameters"]] == ["a"]
    assert (told["members"]["p"].get("read-only"), told["members"]["q"].get("read-only")) == (True, None)


def test_source_that_is_none(tmp_path):
    with pytest.raises(VerificationError, match="cannot be read"):
        py(tmp_path, demo="def f(:\n")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def f(): ...", "class f: ...", {("demo.f", True)}),
        ("X = 1", "X = 2", {("demo.X", True)}),
        ("x: int", "x: str", {("demo.x", True)}),
        ("x = f()", "x: str = f()", {("demo.x", False)}),
        ("def f(a): ...", "def f(a: int): ...", {("demo.f(): a", False)}),
        ("def f(a: int): ...", "def f(a): ...", {("demo.f(): a", False)}),
        ("def f(*, a=1): ...", "def f(a=1): ...", {("demo.f(): a", False)}),
        ("def f(*, a=1): ...", "def f(**more): ...", {("demo.f(): a", False), ("demo.f(): more", False)}),
        ("def f(a): ...", "def f(a=1): ...", {("demo.f(): a", False)}),
        ("def f(*a): ...", "def f(*b): ...", set()),
        ("class A: ...", "class A(dict): ...", {("demo.A", False)}),
        ("class A:\n def f(self): ...", "class A:\n @staticmethod\n def f(): ...", {("demo.A.f()", True)}),
        ("class A:\n def f(self): ...", "class A:\n @classmethod\n def f(cls): ...", {("demo.A.f()", True)}),
        ("class A:\n @property\n def p(self): ...", "class A:\n p = f()", {("demo.A.p", False)}),
        ("class A:\n p = f()", "class A:\n @property\n def p(self): ...", {("demo.A.p", True)}),
        (
            "from abc import abstractmethod\nclass A:\n def f(self): ...",
            "from abc import abstractmethod\nclass A:\n @abstractmethod\n def f(self): ...",
            {("demo.A.f()", True)},
        ),
        ("class A:\n x = 1", "class A:\n x = 1\n def g(self): ...", {("demo.A.g", False)}),
        ("def f(a: 'Union[int, str]'): ...", "def f(a: 'int | str | None'): ...", {("demo.f(): a", False)}),
        ("def f() -> 'Optional[int]': ...", "def f() -> int: ...", {("demo.f()", False)}),
        ("def f() -> int: ...", "def f(): ...", {("demo.f()", True)}),
    ],
)
def test_comparing_packages(tmp_path, old, new, says):
    before, after = (py(tmp_path / name, demo=text) for name, text in (("old", old), ("new", new)))
    assert {(change.item, change.breaking) for change in python.compare(before, after)} == says


def test_versions_of_python():
    assert python.requires("Metadata-Version: 2.4\nRequires-Python: >=3.9\n\nRequires-Python: >=9") == ">=3.9"
    assert python.requires("Metadata-Version: 2.4\n\nx") is None
    assert [c.breaking for c in python.compare_requires(None, ">=3.9")] == [True]
    assert [c.breaking for c in python.compare_requires(">=3.9", None)] == [False]
    assert list(python.compare_requires(">=3.9", ">=3.9")) == []


# TypeScript


def ts(text: str, **more: Any) -> Any:
    files = {"package.json": b'{"types": "./index.d.ts"}', "index.d.ts": text.encode()}
    return typescript.read(files | {name: value.encode() for name, value in more.items()})


def test_every_form_of_a_declaration():
    told = ts(
        "export interface A<T> extends B, C<T> { readonly a?: T; b(x: number, ...rest: string[]): void; b(): string;\n"
        "  (y: string): void; new (z: string): A<T>; [key: string]: unknown; get g(): number; set g(v: number); get h(): number }\n"
        "export interface A<T> { more: 'x' /* not this */ }\n"
        "export declare abstract class K extends L { private p: number; protected q: number; #r; static s(): K;\n"
        "  abstract t(): void; constructor(a?: string); readonly name: string }\n"
        "export type U = | 'a' // one\n | 'b';\nexport type G<T> = { [name in T]?: string };\n"
        "export declare enum E { X, Y = 5, Z, W = 'w' }\nexport declare const c: number, d: string;\n"
        "export default function f(a: string): void;\ndeclare namespace N { const q: string }\n"
        "declare function local(): void;\nexport { local as shown };\n"
    )["."]
    members = told["A"]["members"]
    assert told["A"]["extends"] == ["B", "C<T>"]
    assert set(members) == {"a", "b", "()", "new ()", "[string]", "g", "h", "more"}
    assert members["a"] == {"optional": True, "readonly": True, "type": "T"}
    assert [len(call["parameters"]) for call in members["b"]["calls"]] == [2, 0]
    assert members["b"]["calls"][0]["parameters"][1] == {"type": "string[]", "optional": False, "rest": True}
    assert (members["g"]["readonly"], members["h"]["readonly"]) == (False, True)
    assert members["more"]["type"] == "'x'"
    assert set(told["K"]["members"]) == {"q", "static s", "t", "constructor", "name"}
    assert told["U"]["type"] == "'a' | 'b'"
    assert told["G"]["parameters"] == "<T>"
    assert told["E"]["values"] == {"X": "0", "Y": "5", "Z": "6", "W": "'w'"}
    assert (told["c"]["type"], told["d"]["type"]) == ("number", "string")
    assert told["shown"] == told["local"]
    assert told["N"]["members"]["q"]["kind"] == "const"


def test_modules_of_a_package():
    told = ts(
        "export * from './a.js';\nexport type * from './b';\nexport { x as y } from './a.js';\nexport * as all from './c/index.js';\n"
        "import type * as calls from './c';\nimport { z } from 'elsewhere';\nexport { w } from 'elsewhere';\n"
        "export * from 'elsewhere';\nexport declare function open(given: typeof calls): void;\n",
        **{
            "a.d.ts": "export declare const x: number;\nexport * from './index.js';",
            "b.d.ts": "export type B = string;",
            "c/index.d.ts": "export function call(): void;",
        },
    )["."]
    assert {"x", "y", "B", "all", "calls", "w", "open"} <= set(told)
    assert told["w"] == {"kind": "const", "type": None}
    assert told["all"]["members"]["call"]["kind"] == "function"


@pytest.mark.parametrize(
    ("package", "says"),
    [
        ("", "no package.json that can be read"),
        ("[]", "no package.json that can be read"),
        ('{"types": "./gone.d.ts"}', "has no file gone.d.ts"),
        ('{"types": "./bad.d.ts"}', "bad.d.ts:2"),
    ],
)
def test_package_that_is_refused(package, says):
    with pytest.raises(VerificationError) as caught:
        typescript.read({"package.json": package.encode(), "bad.d.ts": b"export type A = 1;\nexport }} {{\n"})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("package", "entries"),
    [
        ({"types": "i.d.ts"}, {"."}),
        ({"typings": "./i.d.ts"}, {"."}),
        ({"main": "i.js"}, set()),
        ({"exports": "./i.js"}, set()),
        ({"exports": {"types": "./i.d.ts"}}, {"."}),
        ({"exports": {"import": {"types": "./i.d.ts"}, "default": "./i.js"}}, {"."}),
        (
            {"exports": {".": {"types": "./i.d.ts"}, "./a": {"types": "./i.d.ts"}, "./*": {"types": "./i.d.ts"}}},
            {".", "./a"},
        ),
    ],
)
def test_entries_of_a_package(package, entries):
    files = {"package.json": json.dumps(package).encode(), "i.d.ts": b"export type A = 1;"}
    assert set(typescript.read(files)) == entries


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("export interface A { a: 1 }", "export type A = 1;", {("A", True)}),
        ("export type A<T> = T;", "export type A<T, U> = T;", {("A", True)}),
        ("export declare enum A { X }", "export declare enum A { X = 1, Y }", {("A.X", True), ("A.Y", False)}),
        ("export declare const a: 1 | 2;", "export declare const a: 1;", {("a", False)}),
        ("export declare const a: 1;", "export declare const a: 1 | 2;", {("a", True)}),
        ("export declare class A { x: 1 }", "export declare class A extends B { x: 1 }", {("A", False)}),
        ("export interface A { x: 1 }", "export interface A extends B { x: 1 }", {("A", True)}),
        ("export declare class A { x: 1 }", "export declare class A { readonly x: 1 }", {("A.x", True)}),
        ("export declare class A { readonly x: 1 }", "export declare class A { x: 1 }", {("A.x", False)}),
        ("export declare class A { x: 1 }", "export declare class A { x(): 1 }", {("A.x", True)}),
        ("export declare class A { x(): 1 }", "export declare class A { x: 1 }", {("A.x", True)}),
        ("export function f(a?: 1): 1;", "export function f(): 1;", {("f(): parameter 1", True)}),
        ("export function f(a: 1): 1;", "export function f(a?: 1): 1;", {("f(): parameter 1", False)}),
        ("export function f(a: 1): 1;", "export function f(a: 1, ...b: 1[]): 1;", {("f(): parameter 2", False)}),
        ("export function f(): 1;\nexport function f(a: 1): 1;", "export function f(a: 1): 1;", {("f()", True)}),
        ("export function f(): 1;", "export function f(a: 1): 1;\nexport function f(): 1;", {("f()", False)}),
        ("export function f(): (a: 1) => 1 | 2;", "export function f(): (a: 1) => 1;", {("f(): result", True)}),
        (
            "export interface H { on?(a: 1): void }\nexport function f(h: H): void;",
            "export interface H { on?(a: 1, b: 1): void }\nexport function f(h: H): void;",
            {("H.on(): parameter 2", False)},
        ),
        (
            "export interface H { on?(a: 1): void }\nexport function f(h: H): void;",
            "export interface H { on?(a: 1 | 2): void }\nexport function f(h: H): void;",
            {("H.on(): parameter 1", True)},
        ),
        (
            "declare namespace N { function a(): 1 }\nexport function f(n: typeof N): void;",
            "declare namespace N { function a(): 1; function b(): 1 }\nexport function f(n: typeof N): void;",
            {("N.b", True)},
        ),
        (
            "export interface O { a: 1 }\nexport function f(): O;",
            "export interface O { a: 1; b: 1 }\nexport function f(): O;",
            {("O.b", False)},
        ),
        ("export function f(): number;", "export function f(/* none */):  number ;", set()),
    ],
)
def test_comparing_declarations(old, new, says):
    assert {(change.item, change.breaking) for change in typescript.compare(ts(old), ts(new))} == says


# Versions


def test_order_of_versions():
    told = ["1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1+build", "1.10.0"]
    assert sorted({*told}, key=lambda text: versions.parse(text).rank) == told
    for text in ("1", "1.0", "v1.0.0", "01.0.0", "1.0.0\n", ""):
        with pytest.raises(ValueError, match="not a version"):
            versions.parse(text)


def test_each_of_several_headers_has_what_it_declares_itself():
    text = (
        '# 1 "./all.c"\n# 1 "./a.h" 1\ntypedef struct box { int size; } box;\n#define LIMIT 3\n'
        '# 2 "./all.c" 2\n# 1 "./sub/../sub/b.h" 1\nint weigh(box *one);\nextern int total;\n#define LIMIT_B 4\n'
    )
    surfaces = header.read_files(text, {"a.h": "a.h", "sub/b.h": "sub/b.h"}, release="1.0.0")
    assert (surfaces["a.h"]["types"]["struct box"]["size"], surfaces["a.h"]["functions"]) == (4, {})
    assert surfaces["a.h"]["macros"] == {"LIMIT": "3"}
    assert surfaces["sub/b.h"]["functions"] == {"weigh": {"returns": "i32", "parameters": ["struct box *"]}}
    assert (surfaces["sub/b.h"]["variables"], surfaces["sub/b.h"]["macros"]) == ({"total": "i32"}, {"LIMIT_B": "4"})


def test_what_other_files_declare_is_not_of_the_header():
    other = "int away(void);\nstatic inline int g(int a) { return a; }\nstruct O { int x; };\nenum P { Q = 7 };\n"
    told = header.read(f'# 1 "other.h"\n{other}# 1 "x.h"\nstruct S {{ struct O o; char c[Q]; }};', "x.h", release="1")
    assert told["functions"] == {}
    assert told["enums"] == {}
    assert told["types"]["struct O"] == {"kind": "struct", "opaque": True}
    assert told["types"]["struct S"]["size"] == 12


def test_what_pycparser_has_not_had_so_far_is_refused():
    reading = header._Reading({}, 16, "x.h")
    with pytest.raises(VerificationError, match="beyond what can be read: EmptyStatement"):
        reading.text(c_ast.EmptyStatement())
    with pytest.raises(VerificationError, match="beyond what can be read: EmptyStatement"):
        reading.take(c_ast.EmptyStatement())


def test_modules_that_no_list_names_are_public(tmp_path):
    told = py(tmp_path, demo__in____init__="__all__ = []\ndef hidden(): ...\n", demo__in__part="def f(): ...\n")
    assert set(told) == {"demo", "demo.part", "demo.part.f"}


def test_an_error_deep_inside_has_its_line():
    with pytest.raises(VerificationError, match=r"index\.d\.ts:3"):
        ts("export interface A {\n  b: {\n    c: [[;\n  };\n}\n")


def test_comments_between_the_values_of_an_enumeration():
    told = ts("export declare enum E { X, /* two */ Y,\n // three\n Z }")["."]
    assert told["E"]["values"] == {"X": "0", "Y": "1", "Z": "2"}


def test_a_new_entry_of_a_package():
    one, two = ({".": {"types": "./i.d.ts"}, **more} for more in ({}, {"./a": {"types": "./i.d.ts"}}))
    old, new = (
        typescript.read({"package.json": json.dumps({"exports": e}).encode(), "i.d.ts": b"export type A = 1;"})
        for e in (one, two)
    )
    assert [(change.item, change.breaking) for change in typescript.compare(old, new)] == [("./a", False)]
    assert [(change.item, change.breaking) for change in typescript.compare(new, old)] == [("./a", True)]


def test_signatures_within_a_type():
    told = ts("export type A = { new (x: number): B; (y: string): void; m(z: 'a'): (void) }; export type B = 1;")["."]
    other = ts("export type A = { new (x: number): B; (y: number): void; m(z: 'a'): void }; export type B = 1;")["."]
    assert told["A"] != other["A"]


def test_a_type_of_hundreds_of_levels_is_what_it_spells():
    deep = "(" * 300 + "A" + ")" * 300
    assert "((A" in ts(f"export type A = 1; export type D = {deep};")["."]["D"]["type"]


def test_signatures_and_depths_within_a_union():
    def changes(old: str, new: str) -> list[bool]:
        both = (ts(f"export type B = 1; export function f(a: {text}): void;") for text in (old, new))
        return [change.breaking for change in typescript.compare(*both)]

    assert changes("1 | { new (x: (number)): B; m(z: 'a'): void }", "{ new (y: number): B; m(z: 'a'): void } | 1") == []
    assert changes("1 | { new (x: number): B }", "1 | { new (x: string): B }") != []
    deep = "{}".join(("P<" * 250, ">" * 250))
    assert changes(deep.format("A"), deep.format("A")) == []
    assert changes(deep.format("A"), deep.format("B")) != []
