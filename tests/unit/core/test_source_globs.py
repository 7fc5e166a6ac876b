from __future__ import annotations

import pytest

from ferrule.core.source_globs import common_folder, fixed_folder, matcher


@pytest.mark.parametrize(
    ("glob", "folder"),
    [
        ("include/**/*.h", "include"),
        ("include/demo/v[12].h", "include/demo"),
        ("*.h", "."),
        ("demo.h", "."),
        ("include/demo", "include/demo"),
        ("include/demo.h", "include"),
        ("!include/a/*.h", "include/a"),
    ],
)
def test_a_glob_looks_in_its_fixed_folder(glob: str, folder: str) -> None:
    assert fixed_folder(glob) == folder


def test_exclusions_do_not_widen_the_common_folder() -> None:
    assert common_folder(["include/a/*.h", "include/b", "!src/**"]) == "include"
    assert common_folder(["include/*.h", "*.h"]) == "."


def test_the_last_glob_that_names_a_file_counts() -> None:
    takes = matcher(["include", "api/*.h", "!include/internal", "include/internal/kept.h"])
    names = ("include/a.h", "include/x/y.inc", "api/b.h", "api/deep/c.h", "include/internal/d.h", "b.h")
    assert [name for name in names if takes(name)] == ["include/a.h", "include/x/y.inc", "api/b.h"]


def test_classes_and_characters_that_are_themselves() -> None:
    takes = matcher(["v[!12].h", "[ab]?.h", "\\*.h", "[z-a].h"])
    names = ["v1.h", "v3.h", "a1.h", "c1.h", "*.h", "x.h", "z.h"]
    assert [name for name in names if takes(name)] == ["v3.h", "a1.h", "*.h"]
