"""Facts that actions hand on: what is recorded is what is read, and other types are refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ferrule.core.errors import VerificationError
from ferrule.core.facts import BuildIdentity, LibraryFacts, MeasuredLibrary

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY = LibraryFacts(BuildIdentity("f", "i"), ("-lm",), ("a.rs",))


def test_what_is_recorded_is_what_is_read() -> None:
    assert LIBRARY.to_json() == {"link": ["-lm"], "reads": ["a.rs"], "fingerprint": "f", "interface": "i"}
    assert LibraryFacts.from_json(LIBRARY.to_json(), "x") == LIBRARY
    assert LibraryFacts(BuildIdentity("f")).to_json() == {"link": [], "fingerprint": "f"}
    assert LibraryFacts.from_json({}, "x") == LibraryFacts()
    assert BuildIdentity.from_json({"fingerprint": "f", "more": 1}, "x").values() == {"fingerprint": "f"}


def test_what_was_measured_of_a_library() -> None:
    summary: dict[str, Any] = {"format": "elf", "needed": ["libc.so.6"], "exports": ["add"], "glibc": "2.17"}
    facts = LibraryFacts.from_json({"cdylib": summary | {"glibc_because_of": ["memcpy"]}}, "x")
    assert facts.cdylib == MeasuredLibrary(("libc.so.6",), ("add",), (2, 17), ("memcpy",))
    assert MeasuredLibrary.from_json({}, "x") == MeasuredLibrary()


@pytest.mark.parametrize(
    ("read", "facts", "problem"),
    [
        (BuildIdentity.from_json, {"fingerprint": 7}, "fingerprint: expected a string, found 7"),
        (BuildIdentity.from_json, {"interface": []}, r"interface: expected a string, found \[\]"),
        (LibraryFacts.from_json, {"link": "x"}, "link: expected a list of strings, found 'x'"),
        (LibraryFacts.from_json, {"reads": ["x", 7]}, r"reads: expected a list of strings, found \['x', 7\]"),
        (LibraryFacts.from_json, {"cdylib": 7}, "cdylib: expected an object, found 7"),
        (LibraryFacts.from_json, {"cdylib": {"glibc": "new"}}, "glibc: expected a version, found 'new'"),
    ],
)
def test_facts_of_other_types_are_refused(read: Callable[[Any, str], object], facts: Any, problem: str) -> None:
    with pytest.raises(VerificationError, match=f"the recorded facts of native@t are damaged: {problem}") as raised:
        read(facts, "native@t")
    assert raised.value.hint == "ferrule cache verify"
