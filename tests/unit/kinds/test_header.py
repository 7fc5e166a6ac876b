from __future__ import annotations

import pytest

from ferrule.kinds.header import interface_of, with_macros

HEADER = """#ifndef DEMO_H
#define DEMO_H

#define DEMO_URL "https://example.org/a"
#define DEMO_ONE 1
int demo_add(int a, int b); /* adds */

#endif
"""


@pytest.mark.parametrize(
    "same",
    [
        HEADER.replace("/* adds */", '// Adds.\n// It\'s all "it" does'),
        HEADER.replace("/* adds */", "/* adds\n * over lines */"),
        HEADER.replace("int demo_add(int a, int b);", "int\n  demo_add( int a,\n\t int b ) ;"),
        HEADER.replace("\n\n", "\n\n\n"),
    ],
)
def test_comments_and_layout_are_no_interface(same: str) -> None:
    assert interface_of(same) == interface_of(HEADER)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int a", "long a"),
        ("int a, int b", "int b, int a"),
        ("demo_add", "demo_sum"),
        ("DEMO_ONE 1", "DEMO_ONE 2"),
        ("DEMO_ONE 1\nint demo", "DEMO_ONE 1 int\n demo"),
        ("example.org/a", "example.org/b"),
        ("https://example", "https:// example"),
        ("/* adds */", "int more(void);"),
    ],
)
def test_everything_else_is(old: str, new: str) -> None:
    assert old in HEADER
    assert interface_of(HEADER.replace(old, new)) != interface_of(HEADER)


def test_macros_go_behind_the_guard() -> None:
    text = with_macros("/* made by cbindgen */\n" + HEADER, ['#define DEMO_VERSION "1.2.3"'])
    assert text.startswith('/* made by cbindgen */\n#ifndef DEMO_H\n#define DEMO_H\n\n#define DEMO_VERSION "1.2.3"\n')
    assert text.endswith(HEADER.partition("DEMO_H\n\n")[2])


def test_macros_go_behind_pragma_once() -> None:
    assert with_macros("#pragma once\nint a;\n", ["#define V 1"]) == "#pragma once\n\n#define V 1\nint a;\n"


def test_macros_go_to_the_top_where_there_is_no_guard() -> None:
    assert with_macros("#ifndef A\n#define A 1\n#endif\n", ["#define V 1"]).startswith("\n#define V 1\n#ifndef A\n")
