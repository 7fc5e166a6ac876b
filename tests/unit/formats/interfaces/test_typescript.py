# ruff: noqa: E501 - declarations are read better in one piece
"""The declarations of an npm package: forms, entries, and what changes for its users."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ferrule.core.errors import VerificationError
from ferrule.formats.interfaces import typescript


def ts(text: str, **more: Any) -> Any:
    files = {"package.json": b'{"types": "./index.d.ts"}', "index.d.ts": text.encode()}
    return typescript.read(files | {name: value.encode() for name, value in more.items()})


def test_every_form_of_a_declaration():
    output = ts(
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
    members = output["A"]["members"]
    assert output["A"]["extends"] == ["B", "C<T>"]
    assert set(members) == {"a", "b", "()", "new ()", "[string]", "g", "h", "more"}
    assert members["a"] == {"optional": True, "readonly": True, "type": "T"}
    assert [len(call["parameters"]) for call in members["b"]["calls"]] == [2, 0]
    assert members["b"]["calls"][0]["parameters"][1] == {"type": "string[]", "optional": False, "rest": True}
    assert (members["g"]["readonly"], members["h"]["readonly"]) == (False, True)
    assert members["more"]["type"] == "'x'"
    assert set(output["K"]["members"]) == {"q", "static s", "t", "constructor", "name"}
    assert output["U"]["type"] == "'a' | 'b'"
    assert output["G"]["parameters"] == "<T>"
    assert output["E"]["values"] == {"X": "0", "Y": "5", "Z": "6", "W": "'w'"}
    assert (output["c"]["type"], output["d"]["type"]) == ("number", "string")
    assert output["shown"] == output["local"]
    assert output["N"]["members"]["q"]["kind"] == "const"


def test_modules_of_a_package():
    output = ts(
        "export * from './a.js';\nexport type * from './b';\nexport { x as y } from './a.js';\nexport * as all from './c/index.js';\n"
        "import type * as calls from './c';\nimport { z } from 'elsewhere';\nexport { w } from 'elsewhere';\n"
        "export * from 'elsewhere';\nexport declare function open(given: typeof calls): void;\n",
        **{
            "a.d.ts": "export declare const x: number;\nexport * from './index.js';",
            "b.d.ts": "export type B = string;",
            "c/index.d.ts": "export function call(): void;",
        },
    )["."]
    assert {"x", "y", "B", "all", "calls", "w", "open"} <= set(output)
    assert output["w"] == {"kind": "const", "type": None}
    assert output["all"]["members"]["call"]["kind"] == "function"


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


def test_an_error_deep_inside_has_its_line():
    with pytest.raises(VerificationError, match=r"index\.d\.ts:3"):
        ts("export interface A {\n  b: {\n    c: [[;\n  };\n}\n")


def test_comments_between_the_values_of_an_enumeration():
    output = ts("export declare enum E { X, /* two */ Y,\n // three\n Z }")["."]
    assert output["E"]["values"] == {"X": "0", "Y": "1", "Z": "2"}


def test_a_new_entry_of_a_package():
    one, two = ({".": {"types": "./i.d.ts"}, **more} for more in ({}, {"./a": {"types": "./i.d.ts"}}))
    old, new = (
        typescript.read({"package.json": json.dumps({"exports": e}).encode(), "i.d.ts": b"export type A = 1;"})
        for e in (one, two)
    )
    assert [(change.item, change.breaking) for change in typescript.compare(old, new)] == [("./a", False)]
    assert [(change.item, change.breaking) for change in typescript.compare(new, old)] == [("./a", True)]


def test_signatures_within_a_type():
    output = ts("export type A = { new (x: number): B; (y: string): void; m(z: 'a'): (void) }; export type B = 1;")["."]
    other = ts("export type A = { new (x: number): B; (y: number): void; m(z: 'a'): void }; export type B = 1;")["."]
    assert output["A"] != other["A"]


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
