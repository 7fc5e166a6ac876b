"""The one reader of manifest.json, and its published schema."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ferrule.core.errors import VerificationError
from ferrule.core.facts import Facts, MeasuredFile
from ferrule.core.json_schema import problems
from ferrule.core.manifest import SCHEMA, manifest_from, parse_manifest, read_manifest
from ferrule.core.model import Digest

PUBLISHED = Path(__file__).parents[3] / "docs" / "manifest.schema.json"
VALIDATOR = Draft202012Validator(SCHEMA)
A, B = Digest.of(b"a").hex, Digest.of(b"b").hex

DOCUMENT: dict[str, Any] = {
    "version": 1,
    "project": "demo",
    "release": "1.2.3",
    "source": {"commit": "0123", "dirty": False},
    "toolchain": {"rust-source": "rustup", "tools": {"rustc": "1.96"}, "std": {"t": "prebuilt"}},
    "artifacts": [
        {
            "artifact": "sdk",
            "kind": "sdk",
            "target": "t",
            "role": "archive",
            "file": "a/b.tar.gz",
            "size": 5,
            "sha256": A,
            "key": B,
        }
    ],
    "packed": [
        {"artifact": "lib", "kind": "library", "target": None, "name": "lib.so", "size": 0, "sha256": B, "key": None}
    ],
    "facts": {
        "lib": {
            "fingerprint": A,
            "link": ["-lm"],
            "cdylib": {"format": "elf", "exports": ["f"]},
            "version": "1.2.3",
            "files": {"x": {"format": "wasm"}},
            "go": "1.27",
            "modules": {},
            "interpreter": None,
            "a/b": {"format": "elf"},
            "of another kind": {"no": ["matter", 7]},
        }
    },
}


REMOVED = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The document with another value; REMOVED takes it away."""
    document = deepcopy(DOCUMENT)
    *outer, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    inside: Any = document
    for key in outer:
        inside = inside[key]
    if value is REMOVED:
        del inside[last]
    else:
        inside[last] = value
    return document


def test_what_is_read_is_what_is_written() -> None:
    manifest = parse_manifest(json.dumps(DOCUMENT).encode(), "manifest.json")
    assert manifest.document() == DOCUMENT
    (shipped,), (packed,) = manifest.shipped, manifest.packed
    assert (shipped.action, packed.action) == ("sdk@t", "lib")
    facts = manifest.facts_of(packed)
    assert facts.identity.fingerprint == A
    assert facts.compiled == {"cdylib": MeasuredFile("elf", exports=("f",)), "a/b": MeasuredFile("elf")}
    assert facts.members == {"x": MeasuredFile("wasm")}
    assert facts.others == {"of another kind": {"no": ["matter", 7]}}
    assert manifest.facts_of(shipped) == Facts()


def test_a_release_without_compiler_and_git() -> None:
    document = {**DOCUMENT, "toolchain": None, "source": {"commit": None, "dirty": None}}
    assert manifest_from(document, "").document() == document


def test_the_published_schema_is_this_one() -> None:
    assert (
        PUBLISHED.read_text(encoding="utf-8") == json.dumps(SCHEMA, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    ), "run: ferrule schema manifest --output docs/manifest.schema.json"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


WRONG = [
    ("project", 7, "project: expected string, found 7"),
    ("project", "", 'project: "" is not allowed here'),
    ("project", REMOVED, "project: missing"),
    ("more", 1, "more: unknown key"),
    ("source", None, "source: expected object, found null"),
    ("source.dirty", 0, "source.dirty: expected boolean or null, found 0"),
    ("toolchain.tools.rustc", 7, "toolchain.tools.rustc: expected string, found 7"),
    ("toolchain.std.t", "x", 'toolchain.std.t: expected build-std or prebuilt, found "x"'),
    (
        "toolchain.rust-source",
        "system",
        'toolchain.rust-source: expected distribution or installed or rustup, found "system"',
    ),
    ("artifacts", 7, "artifacts: expected array, found 7"),
    ("artifacts.0", 7, "artifacts[0]: expected object, found 7"),
    ("artifacts.0.size", True, "artifacts[0].size: expected integer, found true"),
    ("artifacts.0.size", -1, "artifacts[0].size: -1 is too small"),
    ("artifacts.0.size", 1.5, "artifacts[0].size: expected integer, found 1.5"),
    ("artifacts.0.sha256", A.upper(), f'artifacts[0].sha256: "{A.upper()[:56]}… is not allowed here'),
    ("artifacts.0.key", "x", 'artifacts[0].key: "x" is not allowed here'),
    ("artifacts.0.file", "../x", 'artifacts[0].file: "../x" is not allowed here'),
    ("artifacts.0.file", "/x", 'artifacts[0].file: "/x" is not allowed here'),
    ("artifacts.0.file", "a/..", 'artifacts[0].file: "a/.." is not allowed here'),
    ("artifacts.0.file", "a\\b", 'artifacts[0].file: "a\\\\b" is not allowed here'),
    ("packed.0.name", "a/./b", 'packed[0].name: "a/./b" is not allowed here'),
    ("packed.0.role", "x", "packed[0].role: unknown key"),
    ("facts", [], "facts: expected object, found []"),
    ("facts.lib", 7, "facts.lib: expected object, found 7"),
    ("facts.lib.fingerprint", "x", 'facts.lib.fingerprint: "x" is not allowed here'),
    ("facts.lib.link", [7], "facts.lib.link[0]: expected string, found 7"),
    ("facts.lib.cdylib", 7, "facts.lib.cdylib: expected object, found 7"),
    ("facts.lib.cdylib.format", REMOVED, "facts.lib.cdylib.format: missing"),
    (
        "facts.lib.cdylib.format",
        "so",
        'facts.lib.cdylib.format: expected elf or macho or macho-fat or pe or wasm or ar, found "so"',
    ),
    ("facts.lib.cdylib.exports", ["f", None], "facts.lib.cdylib.exports[1]: expected string, found null"),
    ("facts.lib.cdylib.more", 1, "facts.lib.cdylib.more: unknown key"),
    ("facts.lib.cdylib.glibc", "new", 'facts.lib.cdylib.glibc: "new" is not allowed here'),
    ("facts.lib.a/b.sections", {"a": -1}, "facts.lib.a/b.sections.a: -1 is too small"),
    ("facts.lib.files", [], "facts.lib.files: expected object, found []"),
    ("facts.lib.files.x", {}, "facts.lib.files.x.format: missing"),
    ("facts.lib.version", REMOVED, "facts.lib.version: missing"),
    ("facts.lib.modules", REMOVED, "facts.lib.modules: missing"),
]


@pytest.mark.parametrize(("path", "value", "problem"), WRONG)
def test_each_wrong_value_is_named_and_refused_by_other_readers_too(path: str, value: Any, problem: str) -> None:
    document = changed(path, value)
    assert list(problems(document, SCHEMA)) == [problem]
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(VerificationError, match="the manifest is damaged") as raised:
        manifest_from(document, "dist/manifest.json")
    assert raised.value.where == "dist/manifest.json"
    assert problem in raised.value.message


@pytest.mark.parametrize("path", ["facts.lib.fingerprint", "artifacts.0.sha256", "packed.0.key"])
def test_a_line_end_is_no_part_of_a_digest(path: str) -> None:
    with pytest.raises(VerificationError, match="is not allowed here"):
        manifest_from(changed(path, f"{A}\n"), "")


def test_all_problems_are_told_at_once() -> None:
    document = changed("artifacts.0.size", "5") | {"project": 7, "release": None}
    assert len(list(problems(document, SCHEMA))) == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES = ["version", "project", "source", "source.commit", "toolchain", "toolchain.std", "artifacts", "artifacts.0"]
PLACES += [
    "artifacts.0.size",
    "artifacts.0.file",
    "artifacts.0.target",
    "packed",
    "facts",
    "facts.lib",
    "facts.lib.link",
    "facts.lib.cdylib",
    "facts.lib.new",
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_there_is_judged_as_jsonschema_judges_it(path: str, value: Any) -> None:
    document = changed(path, value)
    if isinstance(value, float) and value.is_integer():
        return  # to JSON Schema 1.0 is an integer; a size of ours is never written so
    assert (not list(problems(document, SCHEMA))) == VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"{", b"[" * 100_000, b"7", b"null", b"[]", b'{"version": NaN}', b'{"a": 1, "a": 1}']
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(VerificationError, match="the manifest is damaged") as raised:
        parse_manifest(content, "manifest.json")
    assert raised.value.hint == "get it again from where it comes, or make the release again: ferrule release"


def test_a_newer_format_is_refused_before_anything_else() -> None:
    with pytest.raises(VerificationError, match=r"unsupported format version 2 \(expected 1\)"):
        manifest_from({"version": 2}, "")


def test_an_old_name_is_refused_by_its_new_one() -> None:
    document = deepcopy(DOCUMENT)
    document["toolchain"]["road"] = "system"
    del document["toolchain"]["rust-source"]
    with pytest.raises(VerificationError, match=r"toolchain\.road is called toolchain\.rust-source now") as raised:
        manifest_from(document, "")
    assert "make the release again" in str(raised.value.hint)


def nested(levels: int) -> dict[str, Any]:
    value: Any = 1
    for _ in range(levels):
        value = {"b": value}
    return {**DOCUMENT, "facts": {"a": value}}


def test_values_have_a_greatest_depth() -> None:
    assert manifest_from(nested(30), "").facts["a"].others
    with pytest.raises(VerificationError, match="nested deeper than 32 levels"):
        manifest_from(nested(31), "")
    with pytest.raises(VerificationError, match="nested deeper than 32 levels"):
        manifest_from(nested(100_000), "")


@pytest.mark.parametrize("name", ["../x", "/x", "a\0b", ""])
def test_who_reports_names_himself_reads_a_manifest_with_any(name: str) -> None:
    document = changed("artifacts.0.file", name)
    with pytest.raises(VerificationError, match="not allowed here"):
        manifest_from(document, "")
    assert manifest_from(document, "", any_names=True).shipped[0].path == name
    with pytest.raises(VerificationError, match=r"artifacts\[0\]\.file: expected string, found 7"):
        manifest_from(changed("artifacts.0.file", 7), "", any_names=True)


def test_a_folder_is_read_by_its_manifest_alone(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"no manifest\.json says what this folder should hold") as raised:
        read_manifest(tmp_path)
    assert raised.value.where == str(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(DOCUMENT))
    assert read_manifest(tmp_path).document() == DOCUMENT
    path.rename(tmp_path / "other")
    path.symlink_to("other")
    with pytest.raises(VerificationError, match="the manifest cannot be read"):
        read_manifest(tmp_path)


def test_a_manifest_of_any_length_is_not_read_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "manifest.json").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(VerificationError, match="this has more than"):
        read_manifest(tmp_path)


def test_a_file_that_is_listed_twice_is_refused() -> None:
    document = deepcopy(DOCUMENT)
    document["artifacts"] *= 2
    with pytest.raises(VerificationError, match=r"lists a file twice: a/b\.tar\.gz"):
        manifest_from(document, "")
