from __future__ import annotations

import gzip
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from fakes.pretended import executable
from fakes.toolchain import GOLDEN, lay_out
from fakes.triples import ARM, X86
from ferrule.app.release import run as release
from ferrule.core.errors import ConfigErrors, NetworkError, VerificationError
from ferrule.core.model import Output
from ferrule.core.platforms import PLATFORMS
from ferrule.formats import oci
from ferrule.formats.archive_member import Member, with_folders
from ferrule.kinds.image import OciImage, PackageBase
from ferrule.tools.debs import LockedPackage, read_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo
    from ferrule.core.model import ActionInterface, Json


def packages(bench: Bench, architecture: str) -> tuple[LockedPackage, ...]:
    """The untrue C library of the demo project, as if it had been downloaded."""
    if not (bench.root / "demo").exists():
        demo = lay_out(bench.root / "demo")
        (demo.root / "cache" / "debs").rename(bench.host.cache / "debs") if bench.host.cache.mkdir() is None else None
    lock = (bench.root / "demo" / "project" / "packaging" / "base.lock").read_text()
    return tuple(p for p in read_lock(lock) if p.architecture == architecture)


def base(bench: Bench, triple: str, architecture: str) -> tuple[ActionInterface, dict[str, Path], dict[str, Json]]:
    context = bench.make(PackageBase(packages(bench, architecture), 315_532_800), Output("base.tar.gz", "layer"))
    content = context.output("layer").read_bytes()
    (bench.root / "work").rename(bench.root / f"base-{architecture}")
    result, files = bench.made(f"base@{triple}", {"base.tar.gz": content}, (Output("base.tar.gz", "layer"),))
    return result, files, context.facts


def test_base_is_made_of_its_packages(bench: Bench) -> None:
    context = bench.make(PackageBase(packages(bench, "amd64"), 315_532_800), Output("base.tar.gz", "layer"))
    with tarfile.open(context.output("layer")) as layer:
        names = layer.getnames()
    assert "usr/lib/libc.so.6" in names
    assert "var/lib/dpkg/status.d/libc6" in names
    assert not any("man1" in n for n in names)
    assert context.facts["comment"] == "libc6 2.36-9"
    assert context.facts["size"] == context.output("layer").stat().st_size


def test_package_that_cannot_be_had(bench: Bench) -> None:
    missing = LockedPackage("libc6", "amd64", "1", "0" * 64, 7)
    with pytest.raises(NetworkError, match="libc6"):
        bench.make(PackageBase((missing,), 0), Output("base.tar.gz", "layer"))


def program(bench: Bench, triple: str, content: bytes) -> tuple[ActionInterface, dict[str, Path]]:
    """A program called `serve`, as one target's action made it."""
    return bench.made(f"serve@{triple}", {"serve": content}, (Output("serve", "program"),), program="serve")


def image(bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]], **fields: Any) -> Path:
    bench.source("LICENSE", "licence")
    bench.source("run.sh", "#!/bin/sh\n").chmod(0o755)
    bases = {triple: base(bench, triple, a) for triple, a in ((X86, "amd64"), (ARM, "arm64"))}
    none: Callable[..., list[tuple[ActionInterface, dict[str, Path]]]] = lambda *_: []  # noqa: E731
    libraries = [(t, result) for t in bases for result in (native(t), *fields.get("more", none)(t))]
    contents = fields.get("programs", {}).items()
    programs = [(t, result) for t, c in contents for result in (program(bench, t, c), *fields.get("tool", none)(t, c))]
    needs = fields.get("needs", ["libc.so.6"])
    recipe = OciImage(
        bases=tuple((PLATFORMS[t], result) for t, (result, _, _) in bases.items()),
        libraries=tuple((t, result) for t, (result, _) in libraries),
        programs=tuple((t, result) for t, (result, _) in programs),
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
    context = bench.make(
        recipe,
        Output("image", "layout", folder=True),
        needed={
            **{result.id: files for result, files, _ in bases.values()},
            **{result.id: files for _, (result, files) in (*libraries, *programs)},
        },
        facts={
            **{result.id: facts for result, _, facts in bases.values()},
            **{
                result.id: {
                    "interface": "11" * 32,
                    "fingerprint": "f1" * 32,
                    "cdylib": {"format": "elf", "needed": needs},
                }
                for _, (result, _) in libraries
            },
        },
    )
    assert context.facts["platforms"] == ["linux/amd64", "linux/arm64"]
    return context.output("layout")


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def manifests(layout: Path) -> dict[str, dict[str, Any]]:
    """The manifest of each architecture, through however many indexes lead to it."""
    result: dict[str, dict[str, Any]] = {}
    waiting = [json.loads((layout / "index.json").read_bytes())]
    while waiting:
        document = waiting.pop()
        for entry in document.get("manifests", []):
            inner = json.loads(blob(layout, entry["digest"]).read_bytes())
            if "layers" in inner:
                result[entry["platform"]["architecture"]] = inner
            else:
                waiting.append(inner)
    return result


def test_image_has_base_and_own_layer_for_each_platform(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    layout = image(bench, native)
    result = manifests(layout)
    assert set(result) == {"amd64", "arm64"}
    for architecture, triple in (("amd64", X86), ("arm64", ARM)):
        lower, own = (blob(layout, entry["digest"]) for entry in result[architecture]["layers"])
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
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
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
        "ferrule.fingerprint": "f1" * 32,
        "ferrule.interface": "11" * 32,
    }


def test_health_is_asked_as_docker_reads_it(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    layout = image(bench, native, health=("/usr/bin/serve", "-health"))
    config = json.loads(blob(layout, manifests(layout)["amd64"]["config"]["digest"]).read_bytes())
    asked = config["config"]["Healthcheck"]
    assert asked["Test"] == ["CMD", "/usr/bin/serve", "-health"]
    assert asked["Timeout"] < asked["Interval"] == 10_000_000_000


def test_program_is_in_the_image(bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]) -> None:
    layout = image(bench, native, programs={X86: executable("amd64"), ARM: executable("arm64")})
    for architecture, manifest in manifests(layout).items():
        with tarfile.open(blob(layout, manifest["layers"][-1]["digest"])) as layer:
            member = layer.extractfile("usr/bin/serve")
            assert member is not None
            assert member.read() == executable(architecture)
            assert layer.getmember("usr/bin/serve").mode == 0o755


def test_program_of_another_machine(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    with pytest.raises(VerificationError, match="serve is for linux on aarch64, the image for linux/amd64"):
        image(bench, native, programs={X86: executable("arm64"), ARM: executable("arm64")})


def test_program_whose_loader_is_not_there(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    musl = executable("amd64").replace(b"/lib64/ld-linux-x86-64.so.2", b"/lib64/ld-musl-x86_64.so.12")
    with pytest.raises(VerificationError, match=r"started by /lib64/ld-musl-x86_64\.so\.12, which the base .* lacks"):
        image(bench, native, programs={X86: musl, ARM: executable("arm64")})


def test_program_that_needs_no_loader(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    static = executable("amd64").replace(b"\3\0\0\0\4", b"\4\0\0\0\4")  # PT_NOTE in place of PT_INTERP
    image(bench, native, programs={X86: static, ARM: executable("arm64")})


def test_library_that_needs_what_is_not_there(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    with pytest.raises(
        VerificationError, match=r"the library z needs libgcc_s\.so\.1, which the base for linux/amd64 lacks"
    ):
        image(bench, native, needs=["libc.so.6", "libgcc_s.so.1"])


def test_several_libraries_and_programs(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    def more(triple: str) -> list[tuple[ActionInterface, dict[str, Path]]]:
        output = (Output("libmore.so.2", "cdylib"),)
        traits = {"library": "more", "abi": "2", "version": "2.0.1"}  # that of another release than the image's
        return [bench.made(f"more@{triple}", {"libmore.so.2": b"more"}, output, **traits)]

    def tool(triple: str, content: bytes) -> list[tuple[ActionInterface, dict[str, Path]]]:
        return [bench.made(f"tool@{triple}", {"tool": content}, (Output("tool", "program"),), program="tool")]

    programs = {X86: executable("amd64"), ARM: executable("arm64")}
    layout = image(bench, native, programs=programs, more=more, tool=tool, needs=["libc.so.6", "libmore.so.2"])
    for manifest in manifests(layout).values():
        with tarfile.open(blob(layout, manifest["layers"][-1]["digest"])) as layer:
            names = layer.getnames()
        assert {"usr/lib/libz.so.1.2.3", "usr/lib/libmore.so.2.0.1", "usr/lib/libmore.so.2"} <= {*names}
        assert {"usr/bin/serve", "usr/bin/tool"} <= {*names}
        labels = json.loads(blob(layout, manifest["config"]["digest"]).read_bytes())["config"]["Labels"]
        assert labels["ferrule.interface"] == labels["ferrule.more.interface"] == "11" * 32


REFERENCE = f"registry.example/team/base@sha256:{'0' * 64}"
"""A base as targets.yaml names one."""


def on_pulled(
    bench: Bench,
    native: Callable[..., tuple[ActionInterface, dict[str, Path]]],
    layers: list[oci.Layer],
    programs: dict[str, bytes],
    **fields: Any,
) -> oci.ImageLayout:
    """The image on a pulled base with these layers for both platforms."""
    bases = [
        oci.PlatformImage(p, tuple(layers), oci.image_config(p, layers, epoch=0, env={"LC_ALL": "C"}, health=["/old"]))
        for p in ("linux/amd64", "linux/arm64")
    ]
    oci.write_layout(bench.root / "base", bases, epoch=0)
    files = {p.relative_to(bench.root).as_posix(): p for p in (bench.root / "base").rglob("*") if p.is_file()}
    pulled, paths = bench.made(
        "image:base", {n: p.read_bytes() for n, p in files.items()}, (Output("base", "base", folder=True),)
    )
    libraries = {triple: native(triple) for triple in (X86, ARM)}
    servers = {triple: program(bench, triple, content) for triple, content in programs.items()}
    recipe = OciImage(
        bases=tuple((PLATFORMS[t], pulled) for t in libraries),
        libraries=tuple((t, result) for t, (result, _) in libraries.items()),
        programs=tuple((t, result) for t, (result, _) in servers.items()),
        pulled=REFERENCE,
        library_path="/usr/lib",
        files=(),
        license_files=(),
        name="demo",
        version="1.2.3",
        user="65532:65532",
        entrypoint=fields.get("entrypoint", ()),
        cmd=(),
        health=fields.get("health", ()),
        env=(("A", "b"),),
        labels=(),
        epoch=0,
    )
    needed = {pulled.id: paths, **{result.id: own for result, own in (*libraries.values(), *servers.values())}}
    facts: dict[str, Any] = {library.id: {"cdylib": {"format": "elf"}} for library, _ in libraries.values()}
    context = bench.make(recipe, Output("image", "layout", folder=True), needed=needed, facts=facts)
    return oci.read_layout(context.output("layout"))


def test_image_on_a_base_that_was_pulled(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    lower = oci.write_layer(bench.root / "lower.tar.gz", [Member("etc", folder=True), Member("etc/base", b"1")], 0)
    pulled = on_pulled(bench, native, [lower], {})
    for platform in ("linux/amd64", "linux/arm64"):
        one = pulled.image(platform)
        assert one.layers[0].digest == lower.digest
        assert len(one.layers) == 2
        assert one.config["config"]["User"] == "65532:65532"
        assert {"A=b", "LC_ALL=C"} <= set(one.config["config"]["Env"])
        assert one.annotations["org.opencontainers.image.base.name"] == "registry.example/team/base"
        assert one.config["config"]["Healthcheck"]["Test"] == ["CMD", "/old"]


def layers_with_loaders(bench: Bench) -> list[oci.Layer]:
    """As Debian has it: /lib64 is a link into /usr, the loader there one to the file of the C library's package."""
    entries = [
        Member("lib64", link="usr/lib64"),
        Member("usr/lib64/ld-linux-x86-64.so.2", link="/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
        Member("lib", link="usr/lib"),
        Member("usr/lib/ld-linux-aarch64.so.1", b"arm64"),
    ]
    upper = [Member("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", b"amd64")]
    return [
        oci.write_layer(bench.root / "lower.tar.gz", with_folders(entries), 0),
        oci.write_layer(bench.root / "upper.tar.gz", with_folders(upper), 0),
    ]


SERVERS = {X86: executable("amd64"), ARM: executable("arm64")}


def test_loader_is_found_behind_links_in_another_layer(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    layers = layers_with_loaders(bench)
    pulled = on_pulled(bench, native, layers, SERVERS, entrypoint=("/usr/bin/serve",), health=("/usr/bin/serve", "-h"))
    config = pulled.image("linux/arm64").config["config"]
    assert (config["Entrypoint"], config["Healthcheck"]["Test"][1]) == (["/usr/bin/serve"], "/usr/bin/serve")


def test_loader_that_an_upper_layer_took_away(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    gone = with_folders([Member("usr/lib/x86_64-linux-gnu/.wh.ld-linux-x86-64.so.2")])
    layers = [*layers_with_loaders(bench), oci.write_layer(bench.root / "gone.tar.gz", gone, 0)]
    with pytest.raises(VerificationError, match=r"/lib64/ld-linux-x86-64\.so\.2, which the base for linux/amd64 lacks"):
        on_pulled(bench, native, layers, SERVERS)


def test_program_that_is_newer_than_the_base(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    new = gzip.decompress((GOLDEN / "demo-x86_64.so.gz").read_bytes()).replace(b"GLIBC_2.14", b"GLIBC_2.38")
    with pytest.raises(VerificationError, match=r"the program serve needs glibc 2\.38 \(memcpy\), and the base"):
        image(bench, native, programs={X86: new})


@pytest.mark.parametrize("base", ["../base.lock", "packaging/../../base.lock", "/etc/base.lock"])
def test_base_outside_of_the_project(demo: Demo, base: str) -> None:
    demo.edit("base: packaging/base.lock", f"base: {base}")
    with pytest.raises(ConfigErrors) as caught:
        release.make_plan(release.load(demo.project), demo.context)
    assert any(error.message == f"{base} leaves the project" for error in caught.value.errors)


def test_base_that_is_nothing_is_told_with_its_place(demo: Demo) -> None:
    demo.edit("base: packaging/base.lock", "base: nothing/of/that")
    with pytest.raises(ConfigErrors) as caught:
        release.make_plan(release.load(demo.project), demo.context)
    assert "nothing/of/that is neither a file of the project nor an image by digest" in str(caught.value)
