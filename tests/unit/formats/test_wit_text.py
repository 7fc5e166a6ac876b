"""WIT as text: what parses, where it does not, and what is no plain value."""

from __future__ import annotations

import pytest

from ferrule.formats.wit_text import WitProblem, read_wit

WHOLE = """package acme:geo@1.2.3-rc.1;

/* An outer /* and an inner */ comment. */
use acme:types/shapes@0.4.0 as forms;
@since(version = 1.0.0)
interface measure {
  use acme:types/shapes@0.4.0.{shape, point as dot};
  type id = u32;
  record pair { a: list<u8>, %list: option<tuple<u8, string>>, }
  variant either { none, some(result<_, string>), other(result<u8>) }
  enum colour { red, green }
  flags rights { read, write, }
  area: func(of: shape, by: borrow<thing>) -> result<f64, string>;
  wait: async func() -> future<stream<u8>>;
  resource thing {
    constructor(a: u8);
    larger: static func(a: borrow<thing>) -> u32;
  }
}

world w {
  include other with { a as b }
  import measure;
  import wasi:io/streams@0.2.0;
  export run: func(a: u8) -> bool;
  export inner: interface { go: func(); }
}
"""


def test_the_whole_grammar():
    file = read_wit(WHOLE)
    assert file.worlds == ("w",)
    assert {"measure", "streams"} <= file.named
    assert file.in_worlds(file.named)[0] == ("a handle to a resource", 13, 29)
    assert {what for what, _, _ in file.in_worlds(file.named)} == {
        *("a handle to a resource", "an asynchronous function", "a future", "a stream", "a resource")
    }
    assert file.in_worlds(frozenset()) == ()


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("package a:b;\nworld w {\n  export run: fnc();\n}", 3, 18, "expected ';', found '('"),
        ("package a:b\nworld w {}", 2, 1, "expected ';', found 'world'"),
        ("world w {", 1, 10, "expected import, export, include, use or a type, found the end of the file"),
        ("interface i { a: func(b: list<u8); }", 1, 33, "expected '>', found ')'"),
        ("interface i { Aa: func(); }", 1, 15, "'Aa' is no name"),
        ("interface i { /* }", 1, 15, "this comment has no end"),
        ("interface i { type a = $; }", 1, 24, "unexpected character '$'"),
        ("package a:b@1;", 1, 13, "expected a version"),
        ("interface i { type a = " + "list<" * 500 + "u8", 1, 529, "this type is nested too deeply"),
        ("hello", 1, 1, "expected interface, world or use, found 'hello'"),
        ("@since(version = 1.0.0", 1, 23, "expected ')'"),
    ],
)
def test_what_does_not_parse(text: str, line: int, column: int, message: str):
    with pytest.raises(WitProblem) as caught:
        read_wit(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.message.startswith(message)


MORE = """package acme:geo:deep/inner {
  interface i { type id = u8; }
  world w {
    use acme:types/shapes.{shape};
    include other;
    import plain: func() -> (a: u8, b: u8);
  }
}
"""


@pytest.mark.parametrize(
    "text",
    [
        MORE,
        "use acme:types/shapes;\ninterface i { a: func(); }",
        "interface i { resource r { constructor(a: u8) -> result<r>; } }",
        "interface i { a: func(b: list<u8, 4>) -> result; c: func() -> list<u8>; }",
        "interface i { use shapes.{}; type t = tuple<u8, u8,>; }",
        "interface i { a: get(); b: set(c: u8); }",
    ],
)
def test_what_parses_too(text: str):
    assert read_wit(text).worlds == (("w",) if "world" in text else ())


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("package a:;", 11, "expected a name"),
        ("world w { include other import a; }", 25, "expected ';', found 'import'"),
        ("interface i { type a = map<u8>", 31, "expected ';'"),
    ],
)
def test_what_does_not_parse_either(text: str, column: int, message: str):
    with pytest.raises(WitProblem) as caught:
        read_wit(text)
    assert (caught.value.line, caught.value.column) == (1, column)
    assert caught.value.message.startswith(message)
