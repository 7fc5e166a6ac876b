"""What Cargo resolved, put together from its answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ferrule.core.errors import BuildError
from ferrule.tools.crates import from_json, parse_tree, resolve, to_json

ROOT = Path("/w")
EVERYTHING = """\
0\ta v1.0.0 (/w/a)\t
1\tb v2.0.0\tdefault,std
2\tm v0.1.0 (proc-macro)\t
3\tc v3.0.0\talloc,std
2\tc v3.0.0\talloc
1\tg v0.5.0 (https://example.org/g?branch=x#0123abcd)\t
1\tb v2.0.0\tdefault,std (*)
"""
LINKED = """\
0\ta v1.0.0 (/w/a)\t
1\tb v2.0.0\tdefault,std
2\tc v3.0.0\talloc
1\tg v0.5.0 (https://example.org/g?branch=x#0123abcd)\t
"""
REGISTRY = "registry+https://registry.example/index"
GIT = "git+https://example.org/g?branch=x#0123abcd0123abcd0123abcd0123abcd0123abcd"
LOCK = f"""
[[package]]
name = "a"
version = "1.0.0"

[[package]]
name = "b"
version = "2.0.0"
source = "{REGISTRY}"
checksum = "{"b" * 64}"
"""


def package(name: str, version: str, source: str | None, **more: object) -> dict[str, object]:
    manifest = f"/w/{name}/Cargo.toml" if source is None else f"/home/x/{name}-{version}/Cargo.toml"
    return {"name": name, "version": version, "source": source, "manifest_path": manifest, **more}


METADATA = json.dumps(
    {
        "packages": [
            package("a", "1.0.0", None, license="MIT", authors=["A <a@example.org>"]),
            package("b", "2.0.0", REGISTRY, license="MIT/Apache-2.0", repository="https://example.org/b"),
            package("c", "3.0.0", REGISTRY),
            package("g", "0.5.0", GIT),
            package("m", "0.1.0", REGISTRY),
        ]
    }
)


def test_tree_is_read_with_what_was_named_before() -> None:
    nodes = parse_tree(EVERYTHING)
    assert next(iter(nodes)) == "a v1.0.0 (/w/a)"
    assert nodes["b v2.0.0"].needs == {"m v0.1.0", "c v3.0.0"}
    assert nodes["m v0.1.0"].needs == {"c v3.0.0"}
    assert nodes["c v3.0.0"].features == {"alloc", "std"}


def test_answers_are_joined() -> None:
    crates = {c.name: c for c in resolve(EVERYTHING, LINKED, METADATA, LOCK, ROOT)}
    assert {n for n, c in crates.items() if c.linked} == {"a", "b", "c", "g"}
    assert crates["c"].features == ("alloc",)  # those of the copy that is linked
    assert (crates["a"].folder, crates["a"].purl) == ("a", "pkg:cargo/a@1.0.0?download_url=file:a")
    assert (crates["b"].checksum, crates["b"].license) == ("b" * 64, "MIT/Apache-2.0")
    assert crates["b"].needs == ("pkg:cargo/c@3.0.0", "pkg:cargo/m@0.1.0")
    assert crates["g"].purl.startswith("pkg:cargo/g@0.5.0?vcs_url=git%2Bhttps:%2F%2Fexample.org%2Fg%400123abcd")
    assert list(from_json(json.loads(json.dumps(to_json(list(crates.values())))))) == list(crates.values())


@pytest.mark.parametrize(
    ("tree", "metadata"),
    [("", METADATA), (EVERYTHING, '{"packages": []}'), (EVERYTHING, "nonsense"), (EVERYTHING, "[]")],
)
def test_answers_that_do_not_fit_are_refused(tree: str, metadata: str) -> None:
    with pytest.raises(BuildError):
        resolve(tree, tree, metadata, LOCK, ROOT)
