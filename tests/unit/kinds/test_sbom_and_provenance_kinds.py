"""Bills of materials and provenance of a whole release by pretended compilers."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fakes.image_registry import blobs_of, serving
from fakes.toolchain import Demo, c_library, lay_out
from fakes.triples import ARM, X86
from ferrule.app.release import run as release
from ferrule.app.verify import verify
from ferrule.core.model import Output
from ferrule.formats import oci
from ferrule.formats.archive_member import Member, with_folders
from ferrule.formats.cyclonedx import problems
from ferrule.formats.intoto import read_statement
from ferrule.formats.notices import FILE
from ferrule.kinds.base import Builder
from ferrule.kinds.provenance import Provenance

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

WHEEL = "demo-1.2.3-py3-none-macosx_11_0_arm64.whl"
STD = f"""
[[package]]
name = "std"
version = "0.0.0"
dependencies = ["memchr", "winapi"]

[[package]]
name = "memchr"
version = "2.7.6"
source = "registry+https://registry.example/index"
checksum = "{"7" * 64}"

[[package]]
name = "winapi"
version = "0.3.9"
source = "registry+https://registry.example/index"
checksum = "{"8" * 64}"
"""
BUILDER = Builder("https://ci.example/release.yml", "https://ci.example/runs/7", "git+https://ci.example/demo")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A release that a CI system made."""
    demo = lay_out(tmp_path_factory.mktemp("demo"))
    source = demo.home / "sysroot" / "lib" / "rustlib" / "src" / "rust" / "library"
    (source / "vendor" / "memchr-2.7.6").mkdir(parents=True)
    (source / "vendor" / "memchr-2.7.6" / "Cargo.toml").write_text('[package]\nlicense = "Unlicense OR MIT"\n')
    (source / "Cargo.lock").write_text(STD)
    for triple in (X86, ARM):
        (source.parents[2] / triple / "lib" / "libmemchr-0123456789abcdef.rlib").touch()
    config, context = release.load(demo.project), replace(demo.context, builder=BUILDER)
    report = release.run(config, release.make_plan(config, context), context, lambda _: None, output=demo.dist)
    assert report.failed == ()
    return demo


def bill(demo: Demo, name: str) -> dict[str, Any]:
    document = json.loads((demo.dist / f"{name}.cdx.json").read_bytes())
    assert isinstance(document, dict)
    return document


def named(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in document["components"]}


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {p["name"].removeprefix("ferrule:"): p["value"] for p in component.get("properties", ())}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_all_are_valid_and_complete(demo: Demo) -> None:
    bills = sorted(demo.dist.glob("*.cdx.json"))
    assert len(bills) == 11
    for path in bills:
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text()) is None
        assert problems(json.loads(path.read_bytes())) == []


def test_crates_are_those_of_the_build(demo: Demo) -> None:
    names = named(bill(demo, WHEEL))
    digest, macro = names["sha2"], names["demo-derive"]
    assert (digest["scope"], macro["scope"]) == ("required", "excluded")
    assert digest["purl"] == "pkg:cargo/sha2@0.10.9"
    assert digest["hashes"][0]["content"].startswith("a7507d81")
    assert digest["supplier"]["name"] == "https://registry.example/index"
    assert digest["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    output = properties(digest)
    assert (output["cryptographic"], output["patch-level"], output["features"]) == ("true", "9", "default,std")
    assert output["cryptographic:fingerprint"] == f"sha256:{digest['hashes'][0]['content']}"
    assert "cryptographic" not in properties(macro)
    assert names["demo-ffi"]["supplier"]["name"] == "A. Demo"


def test_what_the_toolchain_adds_is_named(demo: Demo) -> None:
    mac = named(bill(demo, WHEEL))
    linux = named(bill(demo, f"demo-c-1.2.3-{X86}.tar.gz"))
    assert mac["rust-std"]["version"] == "1.96.0"
    assert "zig-libunwind" not in mac
    assert {"zig-libunwind", "zig-compiler-rt", "rust-std"} <= linux.keys()


def test_crates_inside_of_the_standard_library_are_named(demo: Demo) -> None:
    document = bill(demo, f"demo-c-1.2.3-{X86}.tar.gz")
    names = named(document)
    memchr, std = names["memchr"], names["rust-std"]
    assert (memchr["purl"], memchr["licenses"]) == ("pkg:cargo/memchr@2.7.6", [{"expression": "Unlicense OR MIT"}])
    assert memchr["hashes"] == [{"alg": "SHA-256", "content": "7" * 64}]
    assert properties(memchr)["inside"] == "rust-std"
    assert "winapi" not in names  # of another platform: it was not compiled
    compiled = demo.home / "sysroot" / "lib" / "rustlib" / X86 / "lib" / "libstd-0123456789abcdef.rlib"
    assert properties(std)["sha256"] == f"{sha256(compiled)} ({X86})"
    needs = {d["ref"]: d.get("dependsOn", []) for d in document["dependencies"]}
    assert needs[std["bom-ref"]] == [memchr["bom-ref"]]
    _, predicate = read_statement((demo.dist / "provenance.intoto.jsonl").read_bytes(), where="x")
    used = {one.get("uri"): one.get("digest") for one in predicate["buildDefinition"]["resolvedDependencies"]}
    assert used["pkg:cargo/memchr@2.7.6"] == {"sha256": "7" * 64}
    assert [verdict for verdict in verify(demo.dist) if verdict.problem] == []


def test_subject_is_the_file_and_its_libraries_are_inside(demo: Demo) -> None:
    document = bill(demo, WHEEL)
    subject = document["metadata"]["component"]
    assert subject["hashes"][0]["content"] == sha256(demo.dist / WHEEL)
    assert subject["purl"].startswith("pkg:pypi/demo@1.2.3")
    libraries = [c for c in document["components"] if c["name"].startswith("libdemo")]
    assert [c["name"] for c in libraries] == ["libdemo.1.dylib"]  # and not the static one, which a wheel does not hold
    manifest = json.loads((demo.dist / "manifest.json").read_bytes())
    assert libraries[0]["hashes"][0]["content"] in {p["sha256"] for p in manifest["packed"]}


def test_image_holds_its_base_and_nothing_of_other_machines(demo: Demo) -> None:
    document = bill(demo, "image")
    purls = {c["purl"] for c in document["components"]}
    assert {"pkg:deb/debian/libc6@2.36-9?arch=amd64", "pkg:deb/debian/libc6@2.36-9?arch=arm64"} <= purls
    assert document["metadata"]["component"]["purl"].startswith("pkg:oci/demo@sha256:")
    targets = {p["value"] for c in document["components"] for p in c.get("properties", ()) if "target" in p["name"]}
    assert targets <= {X86, ARM, "wasm32-unknown-unknown"}


def test_names_of_the_project_count_as_cryptography(demo: Demo) -> None:
    demo.edit("{kind: sbom}", '{kind: sbom, cryptography: ["demo-d*"]}')
    try:
        config = release.load(demo.project)
        plan = release.make_plan(config, demo.context)
        recipe: Any = next(a.recipe for a in plan.actions if a.id == "sbom")
        assert recipe.cryptography == ("demo-d*",)
    finally:
        demo.edit('{kind: sbom, cryptography: ["demo-d*"]}', "{kind: sbom}")


def test_provenance_tells_of_every_file(demo: Demo) -> None:
    subjects, _ = read_statement((demo.dist / "provenance.intoto.jsonl").read_bytes(), where="x")
    files = {p.relative_to(demo.dist).as_posix(): p for p in demo.dist.rglob("*") if p.is_file()}
    del files["provenance.intoto.jsonl"], files["manifest.json"]
    index = json.loads((demo.dist / "image" / "index.json").read_bytes())["manifests"][0]["digest"]
    expected = {name: sha256(path) for name, path in files.items()} | {"image": index.removeprefix("sha256:")}
    assert {name: digest.hex for name, digest in subjects.items()} == expected


def test_provenance_tells_what_it_was_made_from_and_by_whom(demo: Demo) -> None:
    _, predicate = read_statement((demo.dist / "provenance.intoto.jsonl").read_bytes(), where="x")
    build, run = predicate["buildDefinition"], predicate["runDetails"]
    assert build["buildType"] == "urn:ferrule:release:v1"
    assert build["externalParameters"]["configuration"]["digest"]["sha256"] == sha256(demo.project / "targets.yaml")
    used = build["resolvedDependencies"]
    by_name = {one["name"]: one for one in used if "name" in one}
    assert by_name["rust/Cargo.lock"]["digest"]["sha256"] == sha256(demo.project / "rust" / "Cargo.lock")
    assert by_name["zig"]["annotations"]["identity"] == "zig 0.17.0"
    uris = {one.get("uri") for one in used}
    assert {"pkg:cargo/sha2@0.10.9", "pkg:deb/debian/libc6@2.36-9?arch=amd64"} <= uris
    assert run["builder"]["id"] == BUILDER.id
    assert run["metadata"] == {"invocationId": BUILDER.invocation}
    assert str(demo.root) not in (demo.dist / "provenance.intoto.jsonl").read_text()
    assert all({"uri", "digest"} & one.keys() for one in used)


def test_a_pulled_base_and_modules_of_others_are_named(tmp_path: Path) -> None:
    demo = lay_out(tmp_path / "demo")
    loaders = {"amd64": "lib64/ld-linux-x86-64.so.2", "arm64": "lib/ld-linux-aarch64.so.1"}
    images = []
    for architecture, loader in loaders.items():
        members = with_folders([Member(loader, b"1"), Member("usr/lib/libc.so.6", c_library(architecture))])
        layer = oci.write_layer(tmp_path / f"{architecture}.tar.gz", members, 0)
        name = f"linux/{architecture}"
        images.append(oci.PlatformImage(name, (layer,), oci.image_config(name, [layer], epoch=0)))
    oci.write_layout(tmp_path / "base", images, epoch=0)
    index = oci.read_layout(tmp_path / "base").index.digest
    module = {"name": "purego", "folder": "/", "module": "example.com/purego", "version": "v0.8.0", "local": False}
    (demo.home / "go-lists").write_text(json.dumps({**module, "files": []}))
    with serving(blobs_of(tmp_path / "base")) as registry:
        demo.edit("base: packaging/base.lock", f"base: '{registry}/team/base:1@{index.oci}'")
        context = replace(demo.context, host=replace(demo.context.host, offline=False))
        config = release.load(demo.project)
        plan = release.make_plan(config, context)
        report = release.run(config, plan, context, lambda _: None, output=demo.dist)
    assert report.failed == ()
    bills = [json.loads(path.read_bytes()) for path in demo.dist.glob("*.cdx.json")]
    named_by_purl = {c.get("purl", ""): c for one in bills for c in one["components"]}
    base = next(c for purl, c in named_by_purl.items() if purl.startswith("pkg:oci/base@"))
    assert base["hashes"] == [{"alg": "SHA-256", "content": index.hex}]
    assert base["type"] == "container"
    assert "pkg:golang/example.com/purego@v0.8.0" in named_by_purl
    _, predicate = read_statement((demo.dist / "provenance.intoto.jsonl").read_bytes(), where="x")
    used = {one.get("uri"): one.get("digest") for one in predicate["buildDefinition"]["resolvedDependencies"]}
    assert used[f"oci://{registry}/team/base:1"] == {"sha256": index.hex}
    assert "pkg:golang/example.com/purego@v0.8.0" in used


def test_provenance_of_what_no_tool_made(bench: Bench) -> None:
    bench.source("targets.yaml", "version: 1")
    recipe = Provenance("demo", "1.2.3", None, None, None, 0, None, (), (), "1")
    content = bench.make(recipe, Output("provenance", "provenance")).output("provenance").read_bytes()
    subjects, predicate = read_statement(content, where="x")
    assert subjects == {}
    assert predicate["buildDefinition"]["resolvedDependencies"] == []
    assert predicate["runDetails"] == {"builder": {"id": "urn:ferrule:builder:local", "version": {"ferrule": "1"}}}


def licences_in(path: Path) -> list[str]:
    """The texts of third parties in a package of any kind that is one file."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return [wheel.read(n).decode() for n in wheel.namelist() if n.endswith(f"licenses/{FILE}")]
    with tarfile.open(path) as archive:
        streams = [archive.extractfile(m) for m in archive.getmembers() if m.name.endswith(f"/{FILE}")]
        return [stream.read().decode() for stream in streams if stream]


@pytest.mark.parametrize("name", [WHEEL, f"demo-c-1.2.3-{X86}.tar.gz", "example-demo-1.2.3.tgz"])
def test_every_package_carries_the_licences_of_what_its_bill_names(demo: Demo, name: str) -> None:
    (path,) = [path for path in demo.dist.iterdir() if path.name == name or path.suffix == Path(name).suffix == ".tgz"]
    (text,) = licences_in(path)
    linked = {
        (c["name"], c["version"])
        for c in bill(demo, path.name)["components"]
        if c.get("scope") == "required" and c["purl"].startswith("pkg:cargo/") and "file:" not in c["purl"]
    }
    assert ("sha2", "0.10.9") in linked
    for crate, version in linked:
        assert f"  {crate} {version}" in text
    assert "demo-derive" not in text  # it only runs while the rest is built
    assert "Rust's standard library 1.96.0" in text
    assert text.count("MIT License") == 1


def test_an_image_carries_them_too(demo: Demo) -> None:
    layers = oci.read_layout(demo.dist / "image").image("linux/amd64").layers
    text = (oci.read_file(layers, f"usr/share/licenses/demo/{FILE}") or b"").decode()
    assert "  sha2 0.10.9" in text


def test_a_wheel_has_a_bill_inside(demo: Demo) -> None:
    with zipfile.ZipFile(demo.dist / WHEEL) as wheel:
        document = json.loads(wheel.read("demo-1.2.3.dist-info/sboms/demo.cdx.json"))
        library = wheel.read("demo/_native/libdemo.1.dylib")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    assert problems(document) == []
    parts, beside = named(document), named(bill(demo, WHEEL))
    assert parts["libdemo.1.dylib"]["hashes"][0]["content"] == hashlib.sha256(library).hexdigest()
    assert document["metadata"]["component"]["purl"] == bill(demo, WHEEL)["metadata"]["component"]["purl"]
    assert parts.keys() == beside.keys()
