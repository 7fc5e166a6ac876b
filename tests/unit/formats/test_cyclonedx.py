"""Bills of materials: valid by the official schema, complete, and the same for the same parts."""

from __future__ import annotations

import json
import subprocess  # noqa: TID251 - a process that has parsed nothing yet
import sys
from dataclasses import replace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ferrule.formats.cryptography import is_cryptographic
from ferrule.formats.cyclonedx import BomComponent, licenses_of, problems, without_chance, write_bom

DIGEST = "ab" * 32
LEAF = BomComponent(
    "pkg:cargo/sha2@0.10.9",
    "sha2",
    "0.10.9",
    "RustCrypto Developers",
    "pkg:cargo/sha2@0.10.9",
    sha256=DIGEST,
    licenses=("MIT/Apache-2.0",),
    homepage="https://example.org/sha2",
    properties=(("cryptographic", "true"),),
)
TOOL = replace(LEAF, ref="build", name="cc", purl="pkg:cargo/cc@1.0.0", included=False, licenses=("GPL-2+", "MIT"))
SUBJECT = BomComponent(
    "file:a.whl", "a.whl", "1.2.3", "Somebody", "pkg:pypi/a@1.2.3", needs=(LEAF.ref, "build", "nowhere")
)


def written(*parts: BomComponent) -> bytes:
    return write_bom(SUBJECT, parts, epoch=315_532_800, author="Somebody", ferrule="0.1.0")


def test_valid_complete_and_in_place() -> None:
    text = written(LEAF, TOOL)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None
    document = json.loads(text)
    assert problems(document) == []
    assert document["metadata"]["timestamp"] == "1980-01-01T00:00:00+00:00"
    by_ref = {c["bom-ref"]: c for c in document["components"]}
    assert (by_ref[LEAF.ref]["scope"], by_ref["build"]["scope"]) == ("required", "excluded")
    assert by_ref[LEAF.ref]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert by_ref["build"]["licenses"] == [{"license": {"id": "MIT"}}, {"license": {"name": "GPL-2+"}}]
    assert by_ref[LEAF.ref]["hashes"] == [{"alg": "SHA-256", "content": DIGEST}]
    assert by_ref[LEAF.ref]["properties"] == [{"name": "ferrule:cryptographic", "value": "true"}]
    needs = next(d for d in document["dependencies"] if d["ref"] == "file:a.whl")["dependsOn"]
    assert sorted(needs) == ["build", LEAF.ref]


def test_texts_of_crates_are_one_line() -> None:
    document = json.loads(written(replace(LEAF, description="Hashes.\nLicense: none\r\0", supplier="A\nB")))
    (component,) = document["components"]
    assert (component["description"], component["supplier"]["name"]) == ("Hashes. License: none", "A B")


def test_order_is_no_part_of_it_and_everything_else_is() -> None:
    assert written(LEAF, TOOL) == written(TOOL, LEAF)
    one, other = (json.loads(written(part))["serialNumber"] for part in (LEAF, replace(LEAF, version="0.10.8")))
    assert one != other


@pytest.mark.parametrize(
    ("key", "told"),
    [("supplier", "sha2 has no supplier"), ("version", "sha2 has no version"), ("purl", "sha2 has no purl")],
)
def test_what_is_lacking_is_told(key: str, told: str) -> None:
    document = json.loads(written(LEAF))
    del document["components"][0][key]
    assert problems(document) == [told]


def test_gaps_of_the_document_are_told() -> None:
    document = json.loads(written(LEAF))
    del document["metadata"]["authors"]
    document["components"] *= 2
    document["dependencies"] = document["dependencies"][:1]
    output = problems(document)
    assert "the document has no authors" in output
    assert f"{LEAF.ref} is there twice" in output
    assert problems({})[0] == "the document has no timestamp"


def test_cryptography_is_known_by_name() -> None:
    assert is_cryptographic("cargo", "ring")
    assert is_cryptographic("golang", "filippo.io/edwards25519")
    assert is_cryptographic("deb", "libssl3")
    assert not is_cryptographic("cargo", "serde")
    assert is_cryptographic("cargo", "acme-vault", ("acme-*",))


def test_a_bill_of_others_loses_what_was_random_in_it():
    bill = {"bomFormat": "CycloneDX", "metadata": {"timestamp": "2026-11-21T09:25:31.5Z", "x": "é"}, "components": []}
    result = [without_chance(json.dumps(bill | {"serialNumber": n}).encode(), 315_532_800) for n in ("urn:a", "urn:b")]
    assert result[0] == result[1]
    expected = bill | {"metadata": {"timestamp": "1980-01-01T00:00:00Z", "x": "é"}}
    assert json.loads(result[0]) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"bomFormat": "SPDX", "serialNumber": 1}',
        b'{"bomFormat": "CycloneDX", "metadata": 1}',
    ],
)
def test_what_is_no_bill_stays(content):
    assert without_chance(content, 0) == content


def test_a_bill_without_a_time_gets_none() -> None:
    document = json.dumps({"bomFormat": "CycloneDX", "serialNumber": "urn:uuid:1", "metadata": {}}).encode()
    assert json.loads(without_chance(document, 0)) == {"bomFormat": "CycloneDX", "metadata": {}}


# Licences


def test_licences_are_read_back() -> None:
    parts = [
        {"name": "b", "version": "1", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
        {"name": "a", "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Other"}}], "scope": "required"},
        {"name": "tool", "version": "1", "scope": "excluded", "licenses": [{"license": {"id": "GPL-3.0-only"}}]},
        {"name": "unstated", "version": "2"},
    ]
    subject = {"name": "demo", "licenses": [{"license": {"id": "MIT"}}]}
    bill = licenses_of({"metadata": {"component": subject}, "components": parts})
    assert bill.parts == (("a", ("MIT", "Other")), ("b 1", ("MIT OR Apache-2.0",)), ("unstated 2", ()))
    assert (bill.licenses, bill.all) == (("MIT",), ("MIT", "MIT OR Apache-2.0", "Other"))
    assert licenses_of({"metadata": {"component": {}}}).all == ()
    with pytest.raises(KeyError):
        licenses_of({})


def test_expressions_are_read_by_several_threads_at_once() -> None:
    """In a process of its own, in which nobody has built the parser's tables yet."""
    program = (
        "import sys, threading\n"
        "from ferrule.formats.cyclonedx import _licenses\n"
        "sys.setswitchinterval(1e-6)\n"
        "start, kinds = threading.Barrier(8), []\n"
        "def work():\n"
        "    start.wait()\n"
        "    kinds.append(type(_licenses(('MIT OR Apache-2.0',))[0]).__name__)\n"
        "threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "[thread.start() for thread in threads], [thread.join() for thread in threads]\n"
        "print(set(kinds))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "{'LicenseExpression'}\n"
