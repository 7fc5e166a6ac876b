"""THIRD-PARTY-LICENSES: each text once, the same bytes for the same parts, whatever their order."""

from __future__ import annotations

from ferrule.formats.notices import LicensedPart, read_parts, render, write_parts
from ferrule.formats.standard_licences import standard_texts

A = LicensedPart("a", "1.0.0", "MIT", (("LICENSE", "Copyright A\r\n\r\nfree \n"),))
B = LicensedPart("b", "2.0.0", None, (("COPYING", "\ufeffCopyright A\n\nfree\n"), ("NOTICE", "of b")))
C = LicensedPart("c", "3.0.0", "0BSD", (("standard text of 0BSD", "as you like"),), ("C. Author",))


def test_a_text_that_several_bring_is_there_once() -> None:
    text = render([C, B, A, A]).decode()
    assert text == render([A, B, C]).decode()
    assert text.count("Copyright A\n\nfree\n") == 1
    assert "a 1.0.0 (LICENSE)\nb 2.0.0 (COPYING)\n---" in text
    assert "  a 1.0.0: MIT\n  b 2.0.0\n  c 3.0.0: 0BSD, by C. Author (it brings no text of its own" in text
    assert text.index("of b") < text.index("as you like")


def test_parts_are_read_as_they_were_written() -> None:
    document = write_parts([A, B, C])
    parts = read_parts(document)
    assert write_parts(parts) == document
    assert render(parts) == render([A, B, C])
    assert parts[2].authors == ("C. Author",)


def test_a_choice_is_satisfied_by_what_is_known_and_a_sum_by_all() -> None:
    def names(expression: str | None) -> list[str] | None:
        texts = standard_texts(expression)
        return None if texts is None else sorted(texts)

    assert names("MIT OR LicenseRef-ours") == ["MIT"]
    assert names("LicenseRef-a OR LicenseRef-b") is None
    assert names("(MIT OR Apache-2.0) AND Unicode-3.0") == ["Apache-2.0", "MIT", "Unicode-3.0"]
    assert names("Apache-2.0 WITH LLVM-exception") == ["Apache-2.0", "LLVM-exception"]
    assert names("Apache-2.0 WITH other-exception") is None
    assert names(None) is None
    assert names("MIT AND") is None
