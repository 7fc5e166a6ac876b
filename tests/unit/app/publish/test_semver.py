"""Names that move go forward by the order of SemVer 2.0.0, section 11."""

from __future__ import annotations

from itertools import pairwise

from ferrule.app.publish.semver import is_newer, is_version

ORDER = (
    *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1"),
    *("1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"),
)


def test_the_order_of_the_specification() -> None:
    for older, newer in pairwise(ORDER):
        assert is_newer(newer, older), (newer, older)
        assert not is_newer(older, newer)
        assert not is_newer(older, older)


def test_what_is_no_version_is_never_newer() -> None:
    for text in ("", "latest", "1.2", "1.2.3.4", "9" * 30 + ".0.0"):
        assert not is_version(text)
        assert not is_newer(text, "1.0.0")
        assert not is_newer("1.0.0", text)
    assert is_version("v1.2.3+build")
