"""The part of a changelog that is about one version."""

from __future__ import annotations

import pytest

from ferrule.core.changelog import section

TEXT = """# Changelog

1.2.3 is mentioned here.

## Unreleased

## [1.2.30] - 2026-03-01

Thirty.

## 1.2.3-rc.1

Candidate.

## v1.2.3 - 2026-01-01

### Fixed

- One.

~~~
## 1.2.2 is no heading
```
# nor this
~~~~

- Two.

## 1.2.2
"""


def test_it_ends_where_the_next_of_its_level_begins() -> None:
    text = section(TEXT, "1.2.3")
    assert text is not None
    assert text.startswith("### Fixed\n\n- One.")
    assert text.endswith("- Two.")
    assert "# nor this" in text


@pytest.mark.parametrize(
    ("version", "content"),
    [
        ("1.2.30", "Thirty."),
        ("1.2.3-rc.1", "Candidate."),
        ("1.2.2", ""),
        ("1.2", None),
        ("3", None),
        ("1.2.3-rc", None),
    ],
)
def test_a_version_is_a_word(version: str, content: str | None) -> None:
    assert section(TEXT, version) == content


def test_what_is_above_ends_it() -> None:
    assert section("## 1.0.0\n\nA.\n\n# Older\n\nB.\n", "1.0.0") == "A."
