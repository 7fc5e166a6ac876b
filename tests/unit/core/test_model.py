from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ferrule.core.model import Action, ActionInterface, Digest, FileRecord, Outcome, Output, Report, to_json

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_digest_of_bytes_and_files_agree(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert Digest.of(b"") == Digest.of_file(tmp_path / "empty") == Digest(EMPTY)
    with pytest.raises(FileNotFoundError):
        Digest.of_file(tmp_path / "gone")


@pytest.mark.parametrize("text", ["", EMPTY[:-1], EMPTY + "0", EMPTY.upper(), f" {EMPTY}", f"{EMPTY}\n", "g" * 64])
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256 digest"):
        Digest(text)


def test_forms_of_a_digest() -> None:
    digest = Digest(EMPTY)
    assert (str(digest), digest.oci, digest.short) == (EMPTY, f"sha256:{EMPTY}", EMPTY[:12])
    assert Digest.parse(digest.oci) == digest


@pytest.mark.parametrize("text", [EMPTY, f"sha512:{EMPTY}", f"SHA256:{EMPTY}", "sha256:", f"sha256:{EMPTY}:x", ""])
def test_what_is_no_digest_of_oci(text: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        Digest.parse(text)


@dataclass(frozen=True)
class Nothing:
    paths: tuple[str, ...] = ("a",)

    def make(self, context: object) -> None: ...


ACTION = Action("a", "a", "k", Nothing(), (Output("x", "one"), Output("y", "two")), traits=(("abi", "1"),))


def test_others_know_outputs_and_traits_only() -> None:
    interface = ACTION.interface
    assert interface == ActionInterface("a", ACTION.outputs, (("abi", "1"),))
    assert interface.output("two") == Output("y", "two")
    assert interface.output("three") is None
    assert interface.trait("abi") == "1"
    with pytest.raises(KeyError):
        interface.trait("library")


def test_report_counts_failed_and_skipped_as_failures() -> None:
    outcomes = tuple(Outcome(ACTION, state) for state in ("built", "cached", "failed", "skipped"))
    assert Report(outcomes, ()).failed == outcomes[2:]


def test_json_of_frozen_values() -> None:
    record = FileRecord("x", Digest(EMPTY), 3)
    assert to_json({"r": record, 1: (True, None, 1.5)}) == {
        "r": {"name": "x", "digest": EMPTY, "size": 3, "executable": False},
        "1": [True, None, 1.5],
    }
    assert to_json(Nothing()) == {"paths": ["a"]}
    assert to_json(frozenset({"b", "a"})) == ["a", "b"]


def test_json_of_other_values_by_the_callers_word() -> None:
    assert to_json([Path("/a")], encode=str) == ["/a"]
    for value in (Path("/a"), b"bytes", Nothing):
        with pytest.raises(TypeError, match="no JSON form"):
            to_json(value)
