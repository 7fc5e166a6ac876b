"""Changelogs: the text of the next version, and the heading it gets."""

from __future__ import annotations

import pytest

from ferrule.app.versioning.changelog import released, section, unreleased
from ferrule.app.versioning.commits import Described
from ferrule.formats.interfaces import Change

HEAD = "# Changelog\n\nText.\n"
OLD = "## [1.2.3] - 2026-01-01\n\n- First.\n"
TAGS = ("v1.2.3", "v1.3.0")


def test_what_stands_under_unreleased():
    assert unreleased(f"{HEAD}\n## [Unreleased]\n\n### Added\n\n- A.\n\n{OLD}") == "### Added\n\n- A."
    assert unreleased(f"{HEAD}\n## Unreleased\n\n- A.\n") == "- A."
    assert unreleased(f"{HEAD}\n## [Unreleased]\n\n{OLD}") == ""
    assert unreleased(f"{HEAD}\n{OLD}") == ""
    assert unreleased("") == ""


def test_a_heading_may_be_the_last_line_and_code_has_none():
    assert released("## [Unreleased]", "1.0.0", "2026-11-29", "- W.", TAGS) == (
        "## [Unreleased]\n\n## [1.0.0] - 2026-11-29\n\n- W.\n"
    )
    text = "## [Unreleased]\n\n- A:\n\n```sh\n## no heading\n```\n\n- B.\n\n"
    assert unreleased(text + OLD) == "- A:\n\n```sh\n## no heading\n```\n\n- B."


def test_it_becomes_the_version_and_another_begins():
    text = f"{HEAD}\n## [Unreleased]\n\n### Added\n\n- A.\n\n{OLD}"
    assert released(text, "1.3.0", "2026-11-29", "unused", TAGS) == (
        f"{HEAD}\n## [Unreleased]\n\n## [1.3.0] - 2026-11-29\n\n### Added\n\n- A.\n\n{OLD}"
    )


def test_where_nobody_wrote_one_it_is_what_was_measured():
    text = f"{HEAD}\n## [Unreleased]\n\n{OLD}"
    assert released(text, "1.3.0", "2026-11-29", "- Written.", TAGS) == (
        f"{HEAD}\n## [Unreleased]\n\n## [1.3.0] - 2026-11-29\n\n- Written.\n\n{OLD}"
    )
    assert released(text, "1.3.0", "2026-11-29", "", TAGS) == (
        f"{HEAD}\n## [Unreleased]\n\n## [1.3.0] - 2026-11-29\n\n{OLD}"
    )


def test_a_changelog_without_the_heading_gets_it():
    expected = f"{HEAD}\n## [Unreleased]\n\n## [1.3.0] - 2026-11-29\n\n- W.\n\n{OLD}"
    assert released(f"{HEAD}\n{OLD}", "1.3.0", "2026-11-29", "- W.", TAGS) == expected
    assert released("", "1.0.0", "2026-11-29", "- W.", TAGS) == ("## [Unreleased]\n\n## [1.0.0] - 2026-11-29\n\n- W.\n")


def test_links_between_versions_are_kept_up():
    links = "[Unreleased]: https://a.example/compare/v1.2.3...HEAD\n[1.2.3]: https://a.example/tag/v1.2.3\n"
    text = released(f"## [Unreleased]\n\n- A.\n\n{OLD}\n{links}", "1.3.0", "2026-11-29", "", TAGS)
    assert text.endswith(
        "\n[Unreleased]: https://a.example/compare/v1.3.0...HEAD\n"
        "[1.3.0]: https://a.example/compare/v1.2.3...v1.3.0\n"
        "[1.2.3]: https://a.example/tag/v1.2.3\n"
    )


def test_a_section_is_made_of_commits_and_interface():
    commits = (
        Described("1", "feat", "a  new\nthing"),
        Described("2", "fix", "it holds."),
        Described("3", "docs", "words"),
        Described("4", "", "Other work"),
        Described("5", "fix", "x", "no more y"),
        Described("6", "fix", "it holds."),
    )
    interface = (
        Change("f()", "is gone", breaking=True, of="C header a.h"),
        Change("g()", "is new", breaking=False, of="C header a.h"),
        Change("h()", "returns int", breaking=True, of="C header a.h"),
    )
    assert section(interface, commits) == (
        "### Added\n\n- A new thing.\n- C header a.h: `g()` is new.\n\n"
        "### Changed\n\n- Other work.\n- **Breaking:** No more y.\n- C header a.h: `h()` returns int.\n\n"
        "### Removed\n\n- C header a.h: `f()` is gone.\n\n"
        "### Fixed\n\n- It holds."
    )
    assert section((), (Described("1", "chore", "x"),)) == ""


def test_a_release_holds_what_its_pre_releases_said():
    before = (
        "## [1.3.0-rc.2] - 2026-02-02\n\n### Fixed\n\n- It holds.\n\n"
        "## [1.3.0-rc.1] - 2026-02-01\n\nWords.\n\n### Added\n\n- A.\n  More.\n- B.\n\n"
    )
    text = released(f"## [Unreleased]\n\n### Added\n\n- B.\n- C.\n\n{before}{OLD}", "1.3.0", "2026-11-29", "", TAGS)
    assert text == (
        "## [Unreleased]\n\n## [1.3.0] - 2026-11-29\n\n"
        f"Words.\n\n### Added\n\n- B.\n- C.\n- A.\n  More.\n\n### Fixed\n\n- It holds.\n\n{before}{OLD}"
    )
    again = released(f"## [Unreleased]\n\n- D.\n\n{before}{OLD}", "1.3.0-rc.3", "2026-11-29", "", TAGS)
    assert again == f"## [Unreleased]\n\n## [1.3.0-rc.3] - 2026-11-29\n\n- D.\n\n{before}{OLD}"


def test_sections_with_code_follow_each_other():
    before = "## 1.3.0-rc.1\n\n```\n- A\n```\n\n[1.2.3]: https://a.example/\n"
    text = released(f"## Unreleased\n\n- B.\n\n{before}", "1.3.0", "2026-11-29", "", TAGS)
    assert text == f"## Unreleased\n\n## [1.3.0] - 2026-11-29\n\n- B.\n\n```\n- A\n```\n\n{before}"


@pytest.mark.parametrize(
    ("subject", "line"),
    [
        ("<!-- gone", "\\<!-- gone."),
        ("x <script>y</script>", "X \\<script>y\\</script>."),
        ("``` fence", "\\`\\`\\` fence."),
        ("~~~ fence", "\\~~~ fence."),
        ("# heading", "\\# heading."),
        ("* item", "\\* item."),
        ("*much* of it", "*much* of it."),
        ("thanks @everyone and @org/team, a@b.example", "Thanks `@everyone` and `@org/team`, a@b.example."),
        ("![x](https://a.example/x.png)", "!\\[x](https://a.example/x.png)."),
        ("a \\<b>", "A \\\\\\<b>."),
        ("`Vec<T>` of ``x`", "`Vec<T>` of \\`\\`x\\`."),
        ("a `b", "A \\`b."),
    ],
)
def test_words_of_a_commit_are_no_markup(subject: str, line: str) -> None:
    assert section((), (Described("1", "fix", subject),)) == f"### Fixed\n\n- {line}"


def test_a_commit_without_words_is_left_out():
    assert section((), (Described("1", "", ""),)) == ""
