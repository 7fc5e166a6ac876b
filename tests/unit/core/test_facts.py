"""Facts that actions record: what is recorded is what is read, and what is missing or of another type is named."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from ferrule.core.errors import VerificationError
from ferrule.core.facts import (
    DEFINITIONS,
    GROUPS,
    SCHEMA,
    BaseLayerFacts,
    BillFacts,
    BuildIdentity,
    DebianPackageFacts,
    ExtensionFacts,
    FactGroup,
    Facts,
    GoModuleFacts,
    GoProgramFacts,
    ImageFacts,
    LibraryFacts,
    LinkedFacts,
    MeasuredFile,
    PackageFacts,
    ProgramFacts,
    PulledImageFacts,
    StandardCrate,
    StandardLibraryFacts,
)
from ferrule.core.json_schema import TEXT, problems

A, B = "a" * 64, "b" * 64
MEASURED = MeasuredFile("elf", "x86_64", "libz.so.1", "2.17", ("memcpy",), needed=("libc.so.6",), sections={".text": 3})
JSON_OF_MEASURED = {
    "format": "elf",
    "machine": "x86_64",
    "name": "libz.so.1",
    "glibc": "2.17",
    "glibc_because_of": ["memcpy"],
    "needed": ["libc.so.6"],
    "sections": {".text": 3},
}

EXAMPLES: list[tuple[Facts, dict[str, Any]]] = [
    (Facts(), {}),
    (
        Facts((BuildIdentity(A, B), LibraryFacts(("-lm",), ("a.rs",))), {"cdylib": MEASURED}),
        {"fingerprint": A, "interface": B, "link": ["-lm"], "reads": ["a.rs"], "cdylib": JSON_OF_MEASURED},
    ),
    (Facts((BuildIdentity(A), LibraryFacts(()))), {"fingerprint": A, "link": []}),
    (
        Facts((BuildIdentity(A, B), PackageFacts("1.2.3", {"x.wasm": MeasuredFile("wasm")}))),
        {"fingerprint": A, "interface": B, "version": "1.2.3", "files": {"x.wasm": {"format": "wasm"}}},
    ),
    (
        Facts((ExtensionFacts("image", "1.96.0"),), {"d/d.abi3.so": MEASURED}),
        {"built_in": "image", "rustc": "1.96.0", "d/d.abi3.so": JSON_OF_MEASURED},
    ),
    (
        Facts((GoModuleFacts("example.com/z", {"example.com/y": "v1.0.0"}, ("linux/amd64",)),)),
        {"go_module": "example.com/z", "requires": {"example.com/y": "v1.0.0"}, "go_platforms": ["linux/amd64"]},
    ),
    (
        Facts(
            (GoProgramFacts("1.27.3", {}), ProgramFacts(None)),
            {"program": MeasuredFile("macho", macos="11.0", stripped=True)},
        ),
        {
            "go": "1.27.3",
            "modules": {},
            "interpreter": None,
            "program": {"format": "macho", "macos": "11.0", "stripped": True},
        },
    ),
    (
        Facts((BaseLayerFacts(A, 5, B, "libc6", (DebianPackageFacts("libc6", "2", "amd64", A, "D", ("MIT",)),)),)),
        {
            "digest": A,
            "size": 5,
            "diff_id": B,
            "comment": "libc6",
            "packages": [
                {
                    "name": "libc6",
                    "version": "2",
                    "architecture": "amd64",
                    "sha256": A,
                    "supplier": "D",
                    "licenses": ["MIT"],
                }
            ],
        },
    ),
    (Facts((PulledImageFacts(f"a/b@sha256:{A}"),)), {"image": f"a/b@sha256:{A}"}),
    (
        Facts((ImageFacts(f"sha256:{A}", ("linux/amd64",), {"linux/amd64": 7}),)),
        {"index": f"sha256:{A}", "platforms": ["linux/amd64"], "compressed": {"linux/amd64": 7}},
    ),
    (
        Facts((StandardLibraryFacts((StandardCrate("pkg:cargo/a@1", A),)),)),
        {"standard_library": [{"uri": "pkg:cargo/a@1", "sha256": A}]},
    ),
    (Facts((LinkedFacts("1.96.0"),)), {"linked_elsewhere_by": "1.96.0"}),
    (Facts((BillFacts({"a.cdx.json": 3}),)), {"components": {"a.cdx.json": 3}}),
    (Facts(others={"of": {"another": ["kind"]}}), {"of": {"another": ["kind"]}}),
]


@pytest.mark.parametrize(("facts", "document"), EXAMPLES)
def test_what_is_recorded_is_what_is_read(facts: Facts, document: dict[str, Any]) -> None:
    assert facts.to_json() == document
    assert Facts.from_json(document, "x") == facts
    for group in facts.groups:
        assert type(group).from_json(document, "x") == group
        assert facts.of(type(group)) == group


def test_there_is_an_example_of_every_group() -> None:
    assert {type(group) for facts, _ in EXAMPLES for group in facts.groups} == {*GROUPS}


def test_a_name_is_of_one_group() -> None:
    names = [each.name for group in GROUPS for each in fields(group)]
    assert len(names) == len({*names})


@pytest.mark.parametrize(("facts", "document"), EXAMPLES)
def test_a_part_of_a_group_is_no_group(facts: Facts, document: dict[str, Any]) -> None:
    for group in facts.groups:
        recorded = group.to_json()
        for name in type(group).schema()["required"] if len(recorded) > 1 else ():
            part = {key: value for key, value in document.items() if key != name}
            with pytest.raises(VerificationError, match=rf"facts of x are damaged:\n  {name}: missing"):
                Facts.from_json(part, "x")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"fingerprint": 7}, "fingerprint: expected string, found 7"),
        ({"interface": "f"}, 'interface: "f" is not allowed here'),
        ({"link": "x"}, 'link: expected array, found "x"'),
        ({"link": [], "reads": ["x", 7]}, "reads[1]: expected string, found 7"),
        ({"cdylib": 7}, "cdylib: expected object, found 7"),
        ({"cdylib": {"format": "elf", "glibc": "new"}}, 'cdylib.glibc: "new" is not allowed here'),
        ({"a/b.so": {"format": "elf", "members": -1}}, "a/b.so.members: -1 is too small"),
        ({"image": "a/b"}, 'image: "a/b" is not allowed here'),
        ({"standard_library": [{"uri": "a"}]}, "standard_library[0].sha256: missing"),
        ({"components": {"a": "3"}}, 'components.a: expected integer, found "3"'),
    ],
)
def test_other_types_are_refused_by_name(document: dict[str, Any], message: str) -> None:
    with pytest.raises(VerificationError) as refused:
        Facts.from_json(document, "native@x")
    assert refused.value.message == f"the recorded facts of native@x are damaged:\n  {message}"
    assert refused.value.hint == "ferrule cache verify"


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(VerificationError, match=r"link: .*\n  reads: .*\n  image: "):
        Facts.from_json({"link": 1, "reads": 2, "image": 3}, "x")


def test_what_was_not_recorded_is_not_there() -> None:
    facts = Facts((BuildIdentity(A),))
    assert facts.of(ImageFacts) is None
    assert facts.members == {}
    assert facts.identity.values() == {"fingerprint": A}
    assert Facts().identity == BuildIdentity()


def test_the_glibc_of_a_file_can_be_compared() -> None:
    assert MEASURED.glibc_version == (2, 17)
    assert replace(MEASURED, glibc=None).glibc_version is None


@dataclass(frozen=True, slots=True)
class FactsOfANewKind(FactGroup):
    """A group that is written beside a kind."""

    colour: str = field(metadata=FactGroup.json(TEXT, "Its colour."))


def test_a_kind_records_a_group_of_its_own() -> None:
    document = Facts((BuildIdentity(A), FactsOfANewKind("red")), {"cdylib": MEASURED}).to_json()
    assert list(problems(document, SCHEMA, definitions=DEFINITIONS)) == []
    assert FactsOfANewKind.from_json(document, "x") == FactsOfANewKind("red")
    assert Facts.from_json(document, "x").to_json() == document
    with pytest.raises(VerificationError, match="colour: missing"):
        FactsOfANewKind.from_json({}, "x")
