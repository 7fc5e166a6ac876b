from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ferrule.formats.binary import measure
from ferrule.formats.version_script import VersionNode, parse_version_script, version_problems

GOLDEN = Path(__file__).parents[2] / "golden" / "binaries"
SCRIPT = """\
/* what 1.0 had,
   and is kept */
DEMO_1.0 {
  global:
    demo_add; demo_copy;  # both
  local: *;
};
DEMO_1.1 { global: demo_*; "demo_quoted"; } DEMO_1.0;
"""


def test_versions_in_order_with_their_symbols() -> None:
    text = SCRIPT.replace(' "demo_quoted";', "")
    assert parse_version_script(text) == (
        VersionNode("DEMO_1.0", ("demo_add", "demo_copy")),
        VersionNode("DEMO_1.1", ("demo_*",)),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SCRIPT, 'line 8: "demo_quoted" is not the name of a C symbol'),
        ("{ global: a; local: *; };", "line 1: expected the name of a version, and not a version without a name"),
        ("A { global: a; };", "nothing is hidden"),
        ("A { global: a; local: b; };", "nothing is hidden"),
        ("A { local: *; };", "it gives no symbol a version"),
        ("A {\n a b;\n local: *; };", "line 2: expected ; after a"),
        ("A { a; local: *; }\nB;", "line 2: A is said to follow B, which is no version before it"),
        ('A { extern "C++" { a; }; local: *; };', "line 1: extern is not the name of a C symbol"),
        ("A { a; local: *; }", "line 1: expected ;"),
        ("A {", "line 1: expected }"),
        ("A a;", "line 1: expected {"),
        ("", "it gives no symbol a version"),
        ("; ; ;", "line 1: expected the name of a version, and not ';'"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("(", r"\(").replace("*", r"\*")):
        parse_version_script(text)


def test_versions_are_measured_and_compared() -> None:
    nodes = parse_version_script((GOLDEN / "demo.map").read_text())
    facts = measure(gzip.decompress((GOLDEN / "demo-versions-x86_64.so.gz").read_bytes()))
    assert facts.export_versions == {"demo_add": "DEMO_1.0", "demo_copy": "DEMO_1.1"}
    assert version_problems(nodes, facts.export_versions) == []
    plain = measure(gzip.decompress((GOLDEN / "demo-x86_64.so.gz").read_bytes()))
    assert version_problems(nodes, plain.export_versions) == [
        "demo_add has no version, and the version script says DEMO_1.0",
        "demo_copy has no version, and the version script says DEMO_1.1",
    ]
    assert version_problems(nodes, {"demo_add": "DEMO_1.1", "other": None}) == [
        "demo_add has DEMO_1.1, and the version script says DEMO_1.0",
        "it exports other, to which the version script gives no version",
        "the version script names demo_c* in DEMO_1.1, and no exported symbol is called so",
    ]


def test_an_exact_name_counts_more_than_a_glob() -> None:
    nodes = (VersionNode("A", ("a_*",)), VersionNode("B", ("a_b",)), VersionNode("C", ("a*",)))
    assert version_problems(nodes, {"a_b": "B", "a_c": "C", "ax": "C"}) == []


def test_the_last_name_may_go_without_its_semicolon() -> None:
    assert parse_version_script("V1 { local: *; global: a; b };") == parse_version_script(
        "V1 { local: *; global: a; b; };"
    )
