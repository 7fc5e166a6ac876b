"""The image of a library as skopeo and docker see it, and programs that run in it."""

from __future__ import annotations

import hashlib
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from judges import CHECKOUT, run
from released import ARM, LINUX, PLATFORM, X86

from ferrule.formats.oci import docker_archive, read_layout

if TYPE_CHECKING:
    from pathlib import Path

CHECK_C = CHECKOUT / "rust" / "email-validator-ffi" / "examples" / "c" / "check.c"
ZIG_TARGET = {X86: "x86_64-linux-gnu.2.17", ARM: "aarch64-linux-gnu.2.17"}
DENIED = '{"decision":"Denied","blocked":["FREE"]}\n'
CONFINED = ("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def test_every_digest_of_the_layout_holds(release):
    layout = read_layout(release.dist / "image")
    assert [image.platform for image in layout.images] == ["linux/amd64", "linux/arm64"]


def test_skopeo_reads_the_index(release):
    raw = run("skopeo", "inspect", "--raw", f"oci:{release.dist / 'image'}").stdout
    platforms = [m["platform"] for m in json.loads(raw)["manifests"]]
    assert {(p["os"], p["architecture"]) for p in platforms} == {("linux", "amd64"), ("linux", "arm64")}
    assert f"sha256:{hashlib.sha256(raw.encode()).hexdigest()}" == release.manifest["facts"]["image"]["index"]


@pytest.mark.parametrize("target", LINUX)
def test_skopeo_copies_each_platform_with_the_same_contents(release, target, tmp_path):
    system, architecture = PLATFORM[target].split("/")
    copy = tmp_path / "image.tar"
    override = (f"--override-os={system}", f"--override-arch={architecture}")
    run("skopeo", "--insecure-policy", *override, "copy", f"oci:{release.dist / 'image'}", f"docker-archive:{copy}")
    with tarfile.open(copy) as archive:
        (entry,) = json.load(archive.extractfile("manifest.json"))
        config = json.load(archive.extractfile(entry["Config"]))
        layers = [hashlib.sha256(archive.extractfile(name).read()).hexdigest() for name in entry["Layers"]]
    assert config["architecture"] == architecture
    assert [f"sha256:{layer}" for layer in layers] == config["rootfs"]["diff_ids"]


@pytest.mark.parametrize("target", LINUX)
def test_user_and_labels(release, target):
    system, architecture = PLATFORM[target].split("/")
    override = (f"--override-os={system}", f"--override-arch={architecture}")
    source = f"oci:{release.dist / 'image'}"
    config = json.loads(run("skopeo", *override, "inspect", "--config", source).stdout)["config"]
    facts = release.manifest["facts"][f"native@{target}"]
    expected = {
        "org.opencontainers.image.version": release.manifest["release"],
        "org.opencontainers.image.licenses": "Apache-2.0",
        "ferrule.fingerprint": facts["fingerprint"],
        "ferrule.interface": facts["interface"],
    }
    assert config["User"] == "65532:65532"
    assert expected.items() <= config["Labels"].items()


class Engine:
    """A container engine with both images loaded, and check.c built for each against the oldest supported glibc."""

    def __init__(self, client: str, folder: Path) -> None:
        self.client = client
        self.folder = folder

    def load(self, release, target: str, zig: str) -> None:
        platform = PLATFORM[target]
        archive = self.folder / f"{target}.tar"
        docker_archive(archive, read_layout(release.dist / "image"), platform, tags=[self.tag(target)])
        run(self.client, "load", "--input", archive)
        library = ("-L", release.sdk(target) / "lib", "-lemail_validator")
        header = ("-I", release.sdk(target) / "include")
        run(zig, "cc", "-target", ZIG_TARGET[target], *header, CHECK_C, "-o", self.folder / target, *library)
        (self.folder / target).chmod(0o755)

    def tag(self, target: str) -> str:
        return f"ferrule-integration/email-validator:{PLATFORM[target].rpartition('/')[2]}"

    def run(self, target: str, *arguments: str) -> str:
        mount = f"type=bind,source={self.folder / target},target=/check,readonly"
        options = ("--rm", "--pull", "never", "--platform", PLATFORM[target], *CONFINED, "--mount", mount)
        return run(self.client, "run", *options, "--entrypoint", "/check", self.tag(target), *arguments).stdout


@pytest.fixture(scope="module")
def engine(release, programs, tmp_path_factory):
    engine = Engine(programs["container"], tmp_path_factory.mktemp("engine"))
    engine.folder.chmod(0o755)
    for target in LINUX:
        engine.load(release, target, programs["zig"])
    yield engine
    run(engine.client, "rmi", "--force", *(engine.tag(target) for target in LINUX))


@pytest.mark.parametrize("target", LINUX)
def test_a_confined_program_finds_the_library_of_the_image(engine, target):
    assert engine.run(target, "--block", "FREE", "joe@gmail.com") == DENIED


@pytest.mark.parametrize("target", LINUX)
def test_the_library_in_the_image_says_what_the_manifest_says(release, engine, target):
    info = json.loads(engine.run(target, "--build-info"))
    facts = release.manifest["facts"][f"native@{target}"]
    assert (info["target"], info["fingerprint"], info["interface"]) == (
        target,
        facts["fingerprint"],
        facts["interface"],
    )
