"""The image as skopeo and docker see it, programs that run in it, and the service that it is made for."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from judges import CHECKOUT, run
from released import ARM, HOST, LINUX, PLATFORM, X86, sha256

from ferrule.core.platforms import PLATFORMS
from ferrule.formats.oci import docker_archive, read_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker.models.containers import Container

CHECK_C = CHECKOUT / "rust" / "email-validator-ffi" / "examples" / "c" / "check.c"
ZIG_TARGET = {X86: "x86_64-linux-gnu.2.17", ARM: "aarch64-linux-gnu.2.17"}
DENIED = '{"decision":"Denied","blocked":["FREE"]}\n'
PROGRAM, ENV, MODULES = "/usr/bin/email-validator-service", "EMAIL_VALIDATOR", "example.org/ferrule"
STRICT = {"require_top_level_domain": True, "allow_domain_literal": False, "blocked_emails": ["INVALID"]}
SECOND = 1_000_000_000
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


@pytest.fixture(scope="module")
def docker(engine):  # noqa: ARG001
    """The engine by its SDK for Python; the images are loaded."""
    from docker import from_env  # noqa: PLC0415

    client = from_env(timeout=120)
    yield client
    client.close()


@pytest.fixture
def start(docker, engine):
    """Start the service as a careful operator does; what was started is gone after the test."""
    started = []

    def start(target: str, **options) -> Container:
        container = docker.containers.create(
            engine.tag(target),
            platform=PLATFORM[target],
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit="64m",
            pids_limit=64,
            healthcheck={"interval": SECOND},  # all else is the image's own
            **options,
        )
        started.append(container)
        container.start()
        return container

    yield start
    for container in started:
        container.remove(force=True)


def until(container: Container, done: Callable[[dict], object], seconds: float = 120) -> dict:
    """What the engine says of a container, once it is as wanted."""
    end = time.monotonic() + seconds
    while True:
        container.reload()
        state = container.attrs["State"]
        if done(state):
            return state
        assert state["Running"], container.logs().decode()
        assert time.monotonic() < end, state
        time.sleep(0.1)


def logged(container: Container) -> list[dict]:
    return [json.loads(line) for line in container.logs().splitlines()]


def requests(container: Container, count: int, seconds: float = 60) -> list[str]:
    """Routes of the requests in the log, once it has so many: the engine collects what is said a little later."""
    end = time.monotonic() + seconds
    while True:
        routes = [line["route"] for line in logged(container) if line["msg"] == "request"]
        if len(routes) >= count or time.monotonic() > end:
            return routes
        time.sleep(0.1)


@pytest.mark.parametrize("target", LINUX)
def test_the_image_says_how_its_service_is_asked_whether_it_is_well(release, docker, engine, target):
    asked = release.config(target)["config"]["Healthcheck"]
    assert asked["Test"] == ["CMD", PROGRAM, "-health"]
    assert docker.images.get(engine.tag(target)).attrs["Config"]["Healthcheck"]["Test"] == asked["Test"]


@pytest.mark.parametrize("target", LINUX)
def test_the_image_is_small(release, docker, engine, target, record_property):
    size = docker.images.get(engine.tag(target)).attrs["Size"]
    compressed = release.manifest["facts"]["image"]["compressed"][PLATFORM[target]]
    record_property(f"image for {PLATFORM[target]}: bytes unpacked, bytes to fetch", f"{size}, {compressed}")
    assert size < 20_000_000
    assert compressed < 8_000_000


@pytest.mark.parametrize("target", LINUX)
def test_the_confined_service_gets_healthy_and_ends_when_it_is_told(start, target):
    container = start(target, network_mode="none")
    until(container, lambda state: state["Health"]["Status"] == "healthy")
    assert container.exec_run([PROGRAM, "-health"]).exit_code == 0
    assert container.exec_run([PROGRAM, "-health"], environment={f"{ENV}_LISTEN": ":1"}).exit_code == 1
    (row,) = container.top(ps_args="-o uid,pid")["Processes"]
    assert row[0] == "65532"
    container.kill(signal="SIGTERM")
    state = until(container, lambda state: not state["Running"], seconds=10)
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
    assert [line["msg"] for line in logged(container)] == ["serving", "ending"]


@pytest.mark.parametrize("target", LINUX)
def test_the_service_decides_as_the_vectors_say(release, start, vectors, target):
    container = start(target, ports={"8080/tcp": ("127.0.0.1", None)})
    until(container, lambda state: state["Health"]["Status"] == "healthy")
    (port,) = container.attrs["NetworkSettings"]["Ports"]["8080/tcp"]
    suitable = [v for v in vectors if v["options"] == STRICT]
    assert len(suitable) > 400
    service = HTTPConnection("127.0.0.1", int(port["HostPort"]), timeout=30)
    try:
        wrong = [v["name"] for v in suitable if ask(service, v["candidate"]) != v["expected"]["ok"]]
        assert wrong == []
        service.request("GET", "/check?" + urlencode({"address": "joe@b\u00fccher.example"}))
        assert service.getresponse().read() == b'{"decision":"Allowed"}\n'
        service.request("GET", "/version")
        about = json.loads(service.getresponse().read())
        service.request("GET", "/telemetry")
        telemetry = json.loads(service.getresponse().read())
        sealed = post(service, "/seal", {"message": "c2VjcmV0", "associated": "dG8="})
        opened = post(service, "/open", {**sealed, "associated": "dG8="})
        refused = post(service, "/open", sealed)
        statistics = post(service, "/statistics", {"values": [1e100, 1, -1e100, 3], "quantiles": [0.5]})
    finally:
        service.close()
    facts = release.manifest["facts"]
    output = about["library"]["build_info"]
    assert (output["target"], output["fingerprint"]) == (target, facts[f"native@{target}"]["fingerprint"])
    assert about["go"] == f"go{facts[f'service@{target}']['go']}"
    assert opened == {"message": "c2VjcmV0"}
    assert refused == {"error": "this key, with what is associated, does not open it"}
    assert statistics == {"count": 4, "mean": 1, "variance": 6.666666666666667e199, "quantiles": [2]}
    calls = {"email_validator_new": 1, "email_validator_check": len(suitable) + 1}
    calls |= {"sealed_box_new": 1, "sealed_box_key_generate": 1, "signal_stats_new": 1}
    assert counted(telemetry) == calls
    expected = ["POST /check"] * len(suitable) + ["GET /check", "GET /version", "GET /telemetry"]
    expected += ["POST /seal", "POST /open", "POST /open", "POST /statistics"]
    assert requests(container, len(expected)) == expected
    assert b"@" not in container.logs()
    assert not container.attrs["State"]["OOMKilled"]


def counted(telemetry: dict) -> dict[str, int]:
    """How often each function of the library was called, by a document of OTLP in JSON."""
    (resource,) = telemetry["resourceMetrics"]
    metrics = [metric for scope in resource["scopeMetrics"] for metric in scope["metrics"]]
    assert {(metric["name"], metric["unit"]) for metric in metrics} == {("ferrule.call.duration", "s")}
    points = [point for metric in metrics for point in metric["histogram"]["dataPoints"]]
    return {point["attributes"][0]["value"]["stringValue"]: int(point["count"]) for point in points}


def post(service: HTTPConnection, path: str, question: dict) -> dict:
    service.request("POST", path, json.dumps(question), {"Content-Type": "application/json"})
    return json.loads(service.getresponse().read())


def ask(service: HTTPConnection, candidate: str) -> str:
    body = json.dumps({"address": candidate}, ensure_ascii=False).encode()
    service.request("POST", "/check", body, {"Content-Type": "application/json"})
    return service.getresponse().read().decode().removesuffix("\n")


@pytest.mark.parametrize("target", LINUX)
def test_the_program_is_what_was_built_and_measured(release, target):
    program = release.rootfs(target) / PROGRAM.lstrip("/")
    assert {sha256(program)} == set(release.packed("goprogram", target).values())
    assert PLATFORMS[target].elf_interpreter == release.manifest["facts"][f"service@{target}"]["interpreter"]
    output = run("readelf", "--program-headers", "--wide", program).stdout
    assert f"[Requesting program interpreter: {PLATFORMS[target].elf_interpreter}]" in output
    assert str(CHECKOUT).encode() not in program.read_bytes()


@pytest.mark.only_on(*LINUX, reason="the service is built for Linux")
def test_the_service_passes_its_own_tests(release, sealed_box, signal_stats, programs, tmp_path):
    go, source = programs["go"], CHECKOUT / "packaging" / "service"
    modules = {
        "email-validator": release.dist / "go",
        "sealed-box": sealed_box.dist / "box-go",
        "signal-stats": signal_stats.dist / "stats-go",
    }
    replaced = "".join(f'replace {MODULES}/{name} => "{folder}"\n' for name, folder in modules.items())
    (tmp_path / "go.work").write_text(f'go 1.25.0\n\nuse "{source}"\n\n{replaced}')
    shutil.copy(release.dist / "go" / "go.sum", tmp_path / "go.work.sum")  # the others need less
    environment = {
        "GOWORK": str(tmp_path / "go.work"),
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "GOCACHE": str(CHECKOUT / ".ferrule" / "cache" / "go" / "build"),  # what the release compiled
        f"{ENV}_LIBRARY": str(release.library(HOST)),
        "SEALED_BOX_LIBRARY": str(sealed_box.shared(HOST)),
        "SIGNAL_STATS_LIBRARY": str(signal_stats.shared(HOST)),
    }
    assert run(Path(go).with_name("gofmt"), "-l", source).stdout == ""
    run(go, "test", "-trimpath", "-vet=all", "-count=1", "./...", cwd=source, **environment)
