"""Which version follows."""

from __future__ import annotations

import pytest

from ferrule.app.versioning.commits import Described
from ferrule.app.versioning.next_version import Level, before_release, check, chosen, decide, raised
from ferrule.core.errors import UsageError
from ferrule.formats.interfaces import added, broken

FEATURE = Described("f" * 40, "feat", "a thing")
FIX = Described("1" * 40, "fix", "a fault")
BREAK = Described("b" * 40, "fix", "x", "no more y")


@pytest.mark.parametrize(
    ("old", "interface", "commits", "new"),
    [
        ("1.2.3", (), (FIX,), "1.2.4"),
        ("1.2.3", (), (FIX, FEATURE), "1.3.0"),
        ("1.2.3", (), (BREAK, FEATURE), "2.0.0"),
        ("0.2.3", (), (BREAK,), "0.3.0"),
        ("0.2.3", (), (FEATURE,), "0.2.4"),
        ("1.2.3", (added("f()"),), (FIX,), "1.3.0"),
        ("1.2.3", (broken("f()", "is gone"),), (FIX,), "2.0.0"),
        ("1.2.3", (broken("f()", "is gone"),), (), "2.0.0"),
        ("2.0.0-rc.1", (), (BREAK,), "2.0.0"),
        ("1.2.4-rc.1", (), (FIX,), "1.2.4"),
        ("1.2.4-rc.1", (), (FEATURE,), "1.3.0"),
        ("1.3.0-rc.1", (), (FEATURE,), "1.3.0"),
        ("1.3.0-rc.1", (), (BREAK,), "2.0.0"),
        ("0.3.0-rc.1", (), (BREAK,), "0.3.0"),
        ("0.3.1-rc.1", (), (BREAK,), "0.4.0"),
    ],
)
def test_the_least_version_that_changes_ask_for(old, interface, commits, new):
    assert decide(old, interface, commits).new == new


def test_what_decided_is_named():
    decision = decide("1.2.3", (broken("f()", "is gone"),), (FEATURE, FIX))
    assert [(change.item, change.of) for change in decision.changes] == [("f()", ""), ("a thing", "commit")]
    assert decision.why == "a breaking change raises the major number"
    assert decide("1.2.3", (), (FIX,)).why == "something has changed, and nothing that users build against"
    assert decide("1.2.3", (), ()) is None


@pytest.mark.parametrize(
    ("old", "level", "new"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("0.0.1", "minor", "0.1.0"),
        ("1.3.0-rc.1", "minor", "1.3.0"),
        ("1.3.1-rc.1", "minor", "1.4.0"),
        ("1.3.0-rc.1", "major", "2.0.0"),
        ("1.3.0-rc.1", "patch", "1.3.0"),
    ],
)
def test_a_number_that_is_raised(old: str, level: Level, new: str) -> None:
    assert raised(old, level) == new
    assert chosen(old, level).new == new


def test_a_version_that_a_person_chose():
    assert chosen("1.2.3", "1.10.0").new == "1.10.0"
    for words, message in (("1.2.3", "not newer"), ("1.2.3-rc.1", "not newer"), ("1.2", "is not a version")):
        with pytest.raises(UsageError, match=message) as failure:
            chosen("1.2.3", words)
        assert failure.value.hint


def test_versions_before_a_release():
    assert before_release("1.2.3", "1.3.0", "beta") == "1.3.0-beta.1"
    assert before_release("1.3.0-beta.4", "1.3.0", "beta") == "1.3.0-beta.5"
    assert before_release("1.3.0-beta.9", "1.3.0", "rc") == "1.3.0-rc.1"
    assert before_release("1.3.0-rc", "1.3.1", "rc") == "1.3.1-rc.1"
    with pytest.raises(UsageError, match=r"1\.3\.0-beta\.1 is not newer than 1\.3\.0-rc\.1"):
        before_release("1.3.0-rc.1", "1.3.0", "beta")
    with pytest.raises(UsageError, match="is not the name of a pre-release"):
        before_release("1.2.3", "1.3.0", "r c")


@pytest.mark.parametrize(
    "version",
    [
        *("99999999999999999999.0.0", "0.0.18446744073709551616", "1.0.1000000000", "1" * 4000 + ".0.0"),
        *(f"1.2.3-{'a' * 33}", "1.2.3-rc.01", "1.2.3-", "1.2.\u0663"),
    ],
)
def test_a_version_that_nobody_can_state(version: str) -> None:
    with pytest.raises(UsageError, match=r"is no version that targets\.yaml could state") as failure:
        check(version)
    assert len(failure.value.message) < 130
    assert failure.value.hint


@pytest.mark.parametrize("version", ["999999999.0.0", "1.2.3-rc.1", "1.2.3+b.1"])
def test_a_version_that_can_be_stated(version: str) -> None:
    check(version)
