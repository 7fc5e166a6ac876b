"""What is said of real files: where two of them differ, as readelf sees it, and what each says of itself."""

from __future__ import annotations

import json
import re

import pytest
from judges import ferrule, run
from released import LINUX, Release

from ferrule.formats.compare import first_difference


@pytest.mark.parametrize("target", LINUX)
def test_a_section_is_where_readelf_has_it(release: Release, target):
    library = release.library(target)
    table = run("readelf", "--wide", "--sections", library, LC_ALL="C").stdout
    rows = re.findall(r"\] (\.\S+)\s+(?:PROGBITS|DYNSYM|STRTAB)\s+\S+ (\S+) (\S+) ", table)
    content = library.read_bytes()
    assert {".text", ".rodata", ".dynstr"} <= {name for name, _, _ in rows}
    for name, start, size in rows:
        if name == ".shstrtab":
            continue  # its bytes are the names of all others
        inside = int(size, 16) // 2
        at = int(start, 16) + inside
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        difference = first_difference(content, changed)
        assert difference is not None
        assert (difference.path[0].name, difference.offset, difference.at) == (name, inside, at)


def test_every_file_of_a_release_is_known_by_what_it_says(release: Release):
    facts = release.manifest["facts"]
    fingerprints = {output["fingerprint"] for output in facts.values() if "fingerprint" in output}
    for kind in ("wheel", "sdk", "component", "npm"):
        row = next(a for a in release.manifest["artifacts"] if a["kind"] == kind)
        document = json.loads(ferrule("explain", "--json", release.dist / row["file"]).stdout)
        stated = {one["fingerprint"] for one in document["identities"]} - {""}
        assert stated & fingerprints, row["file"]
        assert document["manifest"]["rows"][0]["match"] == "same bytes"
        assert {one["version"] for one in document["identities"]} == {"0.1.0"}


def test_a_folder_of_a_release_is_known_by_what_is_inside(release: Release):
    libraries = {f["fingerprint"] for n, f in release.manifest["facts"].items() if n.startswith("native@")}
    for name, content in (("go", libraries), ("image", {f for t, f in _by_target(release).items() if t in LINUX})):
        document = json.loads(ferrule("explain", "--json", release.dist / name).stdout)
        assert {one["fingerprint"] for one in document["identities"] if one["form"] == "library"} == content


def _by_target(release: Release) -> dict[str, str]:
    facts = release.manifest["facts"]
    return {n.partition("@")[2]: f["fingerprint"] for n, f in facts.items() if n.startswith("native@")}
