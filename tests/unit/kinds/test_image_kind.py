from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from fakes.toolchain import lay_out
from ferrule.errors import NetworkError
from ferrule.formats import oci
from ferrule.formats.entries import Entry
from ferrule.kinds.image import OciImage, PackageBase
from ferrule.model import Output
from ferrule.tools.debs import Package, read_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from ferrule.model import Json, Made

X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


def packages(bench: Bench, architecture: str) -> tuple[Package, ...]:
    """The untrue C library of the demo project, as if it had been downloaded."""
    if not (bench.root / "demo").exists():
        demo = lay_out(bench.root / "demo")
        (demo.root / "cache" / "debs").rename(bench.host.cache / "debs") if bench.host.cache.mkdir() is None else None
    lock = (bench.root / "demo" / "project" / "packaging" / "base.lock").read_text()
    return tuple(p for p in read_lock(lock) if p.architecture == architecture)


def base(bench: Bench, triple: str, architecture: str) -> tuple[Made, dict[str, Path], dict[str, Json]]:
    shop = bench.make(PackageBase(packages(bench, architecture), 315_532_800), Output("base.tar.gz", "layer"))
    content = shop.output("layer").read_bytes()
    (bench.root / "work").rename(bench.root / f"base-{architecture}")
    made, files = bench.made(f"base@{triple}", {"base.tar.gz": content}, (Output("base.tar.gz", "layer"),))
    return made, files, shop.said


def test_base_is_made_of_its_packages(bench: Bench) -> None:
    shop = bench.make(PackageBase(packages(bench, "amd64"), 315_532_800), Output("base.tar.gz", "layer"))
    with tarfile.open(shop.output("layer")) as layer:
        names = layer.getnames()
    assert "usr/lib/libc.so.6" in names
    assert "var/lib/dpkg/status.d/libc6" in names
    assert not any("man1" in n for n in names)
    assert shop.said["comment"] == "libc6 2.36-9"
    assert shop.said["size"] == shop.output("layer").stat().st_size


def test_package_that_cannot_be_had(bench: Bench) -> None:
    missing = Package("libc6", "amd64", "1", "0" * 64, 7)
    with pytest.raises(NetworkError, match="libc6"):
        bench.make(PackageBase((missing,), 0), Output("base.tar.gz", "layer"))


def image(bench: Bench, native: Callable[..., tuple[Made, dict[str, Path]]], **fields: Any) -> Path:
    bench.source("LICENSE", "licence")
    bench.source("run.sh", "#!/bin/sh\n").chmod(0o755)
    bases = {triple: base(bench, triple, a) for triple, a in ((X86, "amd64"), (ARM, "arm64"))}
    libraries = {triple: native(triple) for triple in bases}
    recipe = OciImage(
        bases=tuple((t, made) for t, (made, _, _) in bases.items()),
        libraries=tuple((t, made) for t, (made, _) in libraries.items()),
        programs=(),
        pulled=None,
        library_path="/usr/lib",
        files=(("/bin/run", "run.sh"), ("/etc/licence", "LICENSE")),
        license_files=("LICENSE",),
        name="demo",
        version="1.2.3",
        user="65532:65532",
        entrypoint=fields.get("entrypoint", ()),
        cmd=fields.get("cmd", ()),
        health=fields.get("health", ()),
        env=fields.get("env", ()),
        labels=(("org.opencontainers.image.title", "demo"),),
        epoch=315_532_800,
    )
    shop = bench.make(
        recipe,
        Output("image", "layout", folder=True),
        needed={
            **{made.id: files for made, files, _ in bases.values()},
            **{made.id: files for made, files in libraries.values()},
        },
        facts={
            **{made.id: facts for made, _, facts in bases.values()},
            **{made.id: {"interface": "i1", "fingerprint": "f1"} for made, _ in libraries.values()},
        },
    )
    assert shop.said["platforms"] == ["linux/amd64", "linux/arm64"]
    return shop.output("layout")


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def manifests(layout: Path) -> dict[str, dict[str, Any]]:
    """The manifest of each architecture, through however many indexes lead to it."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [json.loads((layout / "index.json").read_bytes())]
    while waiting:
        document = waiting.pop()
        for entry in document.get("manifests", []):
            inner = json.loads(blob(layout, entry["digest"]).read_bytes())
            if "layers" in inner:
                found[entry["platform"]["architecture"]] = inner
            else:
                waiting.append(inner)
    return found


def test_image_has_base_and_own_layer_for_each_platform(
    bench: Bench, native: Callable[..., tuple[Made, dict[str, Path]]]
) -> None:
    layout = image(bench, native)
    found = manifests(layout)
    assert set(found) == {"amd64", "arm64"}
    for architecture, triple in (("amd64", X86), ("arm64", ARM)):
        lower, own = (blob(layout, entry["digest"]) for entry in found[architecture]["layers"])
        with tarfile.open(lower) as layer:
            assert layer.getmember("usr/lib/libc.so.6").isfile()
        with tarfile.open(own) as layer:
            assert layer.getmember("usr/lib/libz.so").linkname == "libz.so.1.2.3"
            assert layer.getmember("usr/lib/libz.so.1").linkname == "libz.so.1.2.3"
            member = layer.extractfile("usr/lib/libz.so.1.2.3")
            assert member is not None
            assert member.read() == f"cdylib for {triple}".encode()
            assert layer.getmember("bin/run").mode == 0o755
            assert layer.getmember("etc/licence").mode == 0o644
            assert layer.getmember("usr/share/licenses/z/LICENSE").isfile()


def test_configuration_tells_user_labels_and_program(
    bench: Bench, native: Callable[..., tuple[Made, dict[str, Path]]]
) -> None:
    layout = image(bench, native, entrypoint=("/bin/run",), cmd=("--help",), env=(("A", "b"),))
    config = json.loads(blob(layout, manifests(layout)["arm64"]["config"]["digest"]).read_bytes())
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    inner = config["config"]
    assert inner["User"] == "65532:65532"
    assert inner["Entrypoint"] == ["/bin/run"]
    assert inner["Cmd"] == ["--help"]
    assert "A=b" in inner["Env"]
    assert inner["Labels"] == {
        "org.opencontainers.image.title": "demo",
        "ferrule.fingerprint": "f1",
        "ferrule.interface": "i1",
    }


def test_image_on_a_base_that_was_pulled(bench: Bench, native: Callable[..., tuple[Made, dict[str, Path]]]) -> None:
    lower = oci.write_layer(bench.root / "lower.tar.gz", [Entry("etc", folder=True), Entry("etc/base", b"1")], 0)
    bases = [
        oci.PlatformImage(p, (lower,), oci.image_config(p, [lower], epoch=0, env={"LC_ALL": "C"}))
        for p in ("linux/amd64", "linux/arm64")
    ]
    oci.write_layout(bench.root / "base", bases, epoch=0)
    files = {p.relative_to(bench.root).as_posix(): p for p in (bench.root / "base").rglob("*") if p.is_file()}
    pulled, paths = bench.made(
        "image:base", {n: p.read_bytes() for n, p in files.items()}, (Output("base", "base", folder=True),)
    )
    libraries = {triple: native(triple) for triple in (X86, ARM)}
    reference = f"registry.example/team/base@sha256:{'0' * 64}"
    recipe = OciImage(
        bases=tuple((t, pulled) for t in libraries),
        libraries=tuple((t, made) for t, (made, _) in libraries.items()),
        programs=(),
        pulled=reference,
        library_path="/usr/lib",
        files=(),
        license_files=(),
        name="demo",
        version="1.2.3",
        user="65532:65532",
        entrypoint=(),
        cmd=(),
        health=(),
        env=(("A", "b"),),
        labels=(),
        epoch=0,
    )
    needed = {pulled.id: paths, **{made.id: own for made, own in libraries.values()}}
    shop = bench.make(recipe, Output("image", "layout", folder=True), needed=needed)
    made = oci.read_layout(shop.output("layout"))
    for platform in ("linux/amd64", "linux/arm64"):
        one = made.image(platform)
        assert one.layers[0].digest == lower.digest
        assert len(one.layers) == 2
        assert one.config["config"]["User"] == "65532:65532"
        assert {"A=b", "LC_ALL=C"} <= set(one.config["config"]["Env"])
        assert one.annotations["org.opencontainers.image.base.name"] == "registry.example/team/base"
