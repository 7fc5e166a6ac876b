from __future__ import annotations

import shutil
import subprocess  # noqa: TID251 - coreutils is the judge

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.formats.sums import format_sums, parse_sums

A, B = Digest.of(b"a"), Digest.of(b"b")


def test_lines_are_sorted_by_name():
    assert format_sums({"b": B, "a/c": A}) == f"{A}  a/c\n{B}  b\n"
    assert format_sums({}) == ""


def test_difficult_names_are_escaped_as_coreutils_does():
    assert format_sums({"a\\b": A}) == f"\\{A}  a\\\\b\n"
    assert format_sums({"a\nb": A}) == f"\\{A}  a\\nb\n"
    assert format_sums({"a\rb": A}) == f"\\{A}  a\\rb\n"


@given(st.dictionaries(st.text(min_size=1).filter(lambda text: "\0" not in text), st.just(A), max_size=5))
def test_what_is_written_is_read(digests):
    assert parse_sums(format_sums(digests)) == digests


def test_the_form_for_binary_files_is_read_too():
    assert parse_sums(f"{A} *name\n") == {"name": A}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{A}  a", "cut"),
        (f"{A} a\n", "not a line"),
        (f"{A.hex.upper()}  a\n", "not a line"),
        (f"{A.hex[:-1]}  a\n", "not a line"),
        (f"{A}  \n", "not a line"),
        ("\n", "not a line"),
        (f"SHA256 (a) = {A}\n", "not a line"),
        (f"\\{A}  a\\tb\n", "not a line"),
        (f"\\{A}  a\\\n", "not a line"),
        (f"{A}  a\n{B}  a\n", "twice"),
    ],
)
def test_other_texts_are_refused_with_their_place(text, reason):
    with pytest.raises(VerificationError, match=reason) as caught:
        parse_sums(text, where="SHA256SUMS")
    assert str(caught.value).startswith("SHA256SUMS")


def test_the_place_is_a_line_when_the_file_is_not_known():
    with pytest.raises(VerificationError) as caught:
        parse_sums(f"{A}  a\nx\n")
    assert caught.value.where == "line 2"


def test_sha256sum_agrees(tmp_path):
    names = ["plain", "with space", "back\\slash", "line\nfeed", "é"]
    for name in names:
        (tmp_path / name).write_text(name)
    digests = {name: Digest.of(name.encode()) for name in names}
    (tmp_path / "SHA256SUMS").write_text(format_sums(digests))
    program = shutil.which("sha256sum") or shutil.which("gsha256sum")
    assert program, "GNU coreutils are needed to run this test"
    judged = subprocess.run([program, "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    result = subprocess.run([program, *sorted(names)], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert parse_sums(result.stdout) == digests
