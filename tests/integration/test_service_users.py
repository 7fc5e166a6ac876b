"""The service as its users have it: a confined container that answers over HTTP, and its own tests."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from judges import CHECKOUT, run
from released import HOST, LINUX, PLATFORM, sha256

from ferrule.core.platforms import PLATFORMS
from ferrule.formats.oci import docker_archive, read_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker.models.containers import Container

pytestmark = pytest.mark.consumer
IN_CONTAINERS = pytest.mark.only_on(*LINUX, reason="containers are of Linux")
PROGRAM, MODULES = "/usr/bin/ferrule-service", "example.org/ferrule"
LIBRARIES = {"native": "email_validator", "box-native": "sealed_box", "stats-native": "signal_stats"}
STRICT = {"require_top_level_domain": True, "allow_domain_literal": False, "blocked_emails": ["INVALID"]}
SECOND = 1_000_000_000
LONGEST = 1 << 20
WRONG = [
    ("/seal", b"{}", 400),
    ("/seal", b'{"message": "?"}', 400),
    ("/seal", b'{"message": "", "key": ""}', 400),
    ("/seal", b'{"message": "' + b"A" * LONGEST + b'"}', 413),
    ("/open", b'{"sealed": null}', 400),
    ("/open", b'{"sealed": "U0JPWA=="}', 422),
    ("/statistics", b'{"values": []}', 422),
    ("/statistics", b'{"values": [1, null]}', 400),
    ("/statistics", b'{"values": [1e999]}', 400),
    ("/statistics", b'{"values": [1e308, -1e308]}', 422),
    ("/statistics", b"[" * 100_000, 400),
    ("/statistics", b'{"values": [1], "quantiles": [2]}', 400),
    ("/check", b"\xff", 400),
    ("/nowhere", b"{}", 404),
]


def test_every_digest_of_the_layout_holds(service):
    layout = read_layout(service.dist / service.image)
    assert [image.platform for image in layout.images] == ["linux/amd64", "linux/arm64"]


@pytest.mark.parametrize("target", LINUX)
def test_the_image_carries_the_libraries_that_were_compiled_and_says_which(service, target):
    packed, labels = service.packed("library", target), service.config(target)["config"]["Labels"]
    folder, facts = service.rootfs(target) / "usr" / "lib", service.manifest["facts"]
    for artifact, name in LIBRARIES.items():
        assert sha256((folder / f"lib{name}.so").resolve()) == packed[f"lib{name}.so.0.1"]
        label = "ferrule" if artifact == "native" else f"ferrule.{name}"
        assert labels[f"{label}.fingerprint"] == facts[f"{artifact}@{target}"]["fingerprint"]


@pytest.mark.parametrize("target", LINUX)
def test_the_program_is_what_was_built_and_measured(service, target):
    program, platform = service.rootfs(target) / PROGRAM.lstrip("/"), PLATFORMS[target]
    assert {sha256(program)} == set(service.packed("goprogram", target).values())
    assert platform.elf_interpreter == service.manifest["facts"][f"service@{target}"]["interpreter"]
    assert str(CHECKOUT).encode() not in program.read_bytes()
    if HOST in LINUX:
        output = run("readelf", "--program-headers", "--wide", program).stdout
        assert f"[Requesting program interpreter: {platform.elf_interpreter}]" in output


def test_libraries_of_other_releases_are_packed_and_not_published_again(service):
    assert {row["artifact"] for row in service.manifest["artifacts"]} == {"service-image", "sbom", "sums", "provenance"}
    assert {row["artifact"] for row in service.manifest["packed"]} >= {*LIBRARIES, "go", "box-go", "stats-go"}


def test_the_bill_marks_cryptography_of_every_kind(service):
    bill = json.loads((service.dist / "service-image.cdx.json").read_bytes())
    marked = {
        component["name"]
        for component in bill["components"]
        if any(one["name"] == "ferrule:cryptographic" for one in component.get("properties", ()))
    }
    assert {"chacha20poly1305", "ca-certificates", "std"} <= marked  # of a library, the base image, and Go


# In containers


def tag(target: str) -> str:
    return f"ferrule-integration/service:{PLATFORM[target].rpartition('/')[2]}"


@pytest.fixture(scope="module")
def docker(service, programs, tmp_path_factory):
    """The engine by its SDK for Python, with the images of both machines loaded."""
    from docker import from_env  # noqa: PLC0415

    client = programs["container"]
    for target in LINUX:
        archive = tmp_path_factory.mktemp("images") / "image.tar"
        docker_archive(archive, read_layout(service.dist / service.image), PLATFORM[target], tags=[tag(target)])
        run(client, "load", "--input", archive)
        archive.unlink()
    engine = from_env(timeout=120)
    yield engine
    engine.close()
    run(client, "rmi", "--force", *(tag(target) for target in LINUX))


@pytest.fixture
def start(docker):
    """Start the service as a careful operator does; what was started is gone after the test."""
    started = []

    def start(target: str, **options) -> Container:
        container = docker.containers.create(
            tag(target),
            platform=PLATFORM[target],
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit="64m" if target == HOST else "128m",  # each emulator takes 30 MB, also that of a probe
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


@IN_CONTAINERS
@pytest.mark.parametrize("target", LINUX)
def test_the_image_says_how_its_service_is_asked_whether_it_is_well(service, docker, target):
    asked = service.config(target)["config"]["Healthcheck"]
    assert asked["Test"] == ["CMD", PROGRAM, "-health"]
    assert docker.images.get(tag(target)).attrs["Config"]["Healthcheck"]["Test"] == asked["Test"]


@IN_CONTAINERS
@pytest.mark.parametrize("target", LINUX)
def test_the_image_is_small(service, docker, target, record_property):
    size = docker.images.get(tag(target)).attrs["Size"]
    compressed = service.manifest["facts"]["service-image"]["compressed"][PLATFORM[target]]
    record_property(f"image for {PLATFORM[target]}: bytes unpacked, bytes to fetch", f"{size}, {compressed}")
    assert size < 22_000_000
    assert compressed < 9_000_000


@IN_CONTAINERS
@pytest.mark.parametrize("target", LINUX)
def test_the_confined_service_gets_healthy_and_ends_when_it_is_told(start, target):
    container = start(target, network_mode="none")
    until(container, lambda state: state["Health"]["Status"] == "healthy")
    assert container.exec_run([PROGRAM, "-health"]).exit_code == 0
    assert container.exec_run([PROGRAM, "-health"], environment={"SERVICE_LISTEN": ":1"}).exit_code == 1
    (row,) = container.top(ps_args="-o uid,pid")["Processes"]
    assert row[0] == "65532"
    container.kill(signal="SIGTERM")
    state = until(container, lambda state: not state["Running"], seconds=10)
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
    assert [line["msg"] for line in logged(container)] == ["serving", "ending"]


@IN_CONTAINERS
@pytest.mark.parametrize("name", ["EMAIL_VALIDATOR_LIBRARY", "SEALED_BOX_LIBRARY", "SIGNAL_STATS_LIBRARY"])
def test_a_library_that_is_missing_is_a_sentence(start, name):
    container = start(HOST, network_mode="none", environment={name: "/nowhere.so"})
    assert container.wait(timeout=60)["StatusCode"] == 1
    (line,) = container.logs().decode().splitlines()
    assert "/nowhere.so" in line


@IN_CONTAINERS
@pytest.mark.parametrize("target", LINUX)
def test_the_service_decides_as_the_vectors_say(service, start, vectors, target):
    container = start(target, ports={"8080/tcp": ("127.0.0.1", None)})
    until(container, lambda state: state["Health"]["Status"] == "healthy")
    (port,) = container.attrs["NetworkSettings"]["Ports"]["8080/tcp"]
    suitable = [v for v in vectors if v["options"] == STRICT]
    assert len(suitable) > 400
    client = HTTPConnection("127.0.0.1", int(port["HostPort"]), timeout=30)
    try:
        wrong = [v["name"] for v in suitable if ask(client, v["candidate"]) != v["expected"]["ok"]]
        assert wrong == []
        client.request("GET", "/check?" + urlencode({"address": "joe@b\u00fccher.example"}))
        assert client.getresponse().read() == b'{"decision":"Allowed"}\n'
        client.request("GET", "/version")
        about = json.loads(client.getresponse().read())
        client.request("GET", "/telemetry")
        telemetry = json.loads(client.getresponse().read())
        sealed = post(client, "/seal", {"message": "c2VjcmV0", "associated": "dG8="})
        opened = post(client, "/open", {**sealed, "associated": "dG8="})
        refused = post(client, "/open", sealed)
        statistics = post(client, "/statistics", {"values": [1e100, 1, -1e100, 3], "quantiles": [0.5]})
        statuses = [(path, body[:40], status_of(client, path, body)) for path, body, _ in WRONG]
        client.request("GET", "/telemetry")
        after = counted(json.loads(client.getresponse().read()))
    finally:
        client.close()
    facts = service.manifest["facts"]
    output = about["library"]["build_info"]
    assert (output["target"], output["fingerprint"]) == (target, facts[f"native@{target}"]["fingerprint"])
    assert about["go"] == f"go{facts[f'service@{target}']['go']}"
    assert opened == {"message": "c2VjcmV0"}
    assert refused == {"error": "this key, with what is associated, does not open it"}
    assert statistics == {"count": 4, "mean": 1, "variance": 6.666666666666667e199, "quantiles": [2]}
    assert statuses == [(path, body[:40], status) for path, body, status in WRONG]
    calls = {"email_validator_new": 1, "email_validator_check": len(suitable) + 1}
    calls |= {"sealed_box_new": 1, "sealed_box_key_generate": 1, "signal_stats_new": 1}
    assert counted(telemetry) == calls
    assert {"sealed_box_seal", "sealed_box_open", "signal_stats_mean", "signal_stats_quantiles"} <= after.keys()
    expected = ["POST /check"] * len(suitable) + ["GET /check", "GET /version", "GET /telemetry"]
    expected += ["POST /seal", "POST /open", "POST /open", "POST /statistics"]
    assert requests(container, len(expected))[: len(expected)] == expected
    assert b"@" not in container.logs()
    assert not container.attrs["State"]["OOMKilled"]


@IN_CONTAINERS
def test_many_large_requests_at_once_fit_into_the_memory(start):
    container = start(HOST, ports={"8080/tcp": ("127.0.0.1", None)})
    until(container, lambda state: state["Health"]["Status"] == "healthy")
    (port,) = container.attrs["NetworkSettings"]["Ports"]["8080/tcp"]
    large = (1 << 18) - 100
    bodies = {
        "/statistics": b'{"quantiles": [0.5], "values": [' + b"1," * (large // 2 - 50) + b"1]}",
        "/seal": b'{"message": "' + b"A" * (large // 4 * 4 - 100) + b'"}',
        "/check": b"A" * (1 << 22),
    }

    def status(path: str) -> int:
        client = HTTPConnection("127.0.0.1", int(port["HostPort"]), timeout=60)
        try:
            client.request("POST", path, bodies[path], {"Content-Type": "application/json"})
            return client.getresponse().status
        except ConnectionError:
            return 413  # it does not read a body to the end that is too long
        finally:
            client.close()

    with ThreadPoolExecutor(32) as pool:
        statuses = {path: {*pool.map(status, [path] * 64)} for path in bodies}
    assert statuses == {"/statistics": {200}, "/seal": {200}, "/check": {413}}
    container.reload()
    assert container.attrs["State"]["Running"]
    assert not container.attrs["State"]["OOMKilled"]


def counted(telemetry: dict) -> dict[str, int]:
    """How often each function of the libraries was called, by a document of OTLP in JSON."""
    (resource,) = telemetry["resourceMetrics"]
    metrics = [metric for scope in resource["scopeMetrics"] for metric in scope["metrics"]]
    assert {(metric["name"], metric["unit"]) for metric in metrics} == {("ferrule.call.duration", "s")}
    points = [point for metric in metrics for point in metric["histogram"]["dataPoints"]]
    return {point["attributes"][0]["value"]["stringValue"]: int(point["count"]) for point in points}


def post(client: HTTPConnection, path: str, question: dict) -> dict:
    client.request("POST", path, json.dumps(question), {"Content-Type": "application/json"})
    return json.loads(client.getresponse().read())


def status_of(client: HTTPConnection, path: str, body: bytes) -> int:
    """The status of an answer, which is a sentence."""
    client.request("POST", path, body, {"Content-Type": "application/json"})
    answer = client.getresponse()
    text = answer.read()
    assert json.loads(text)["error"]
    return answer.status


def ask(client: HTTPConnection, candidate: str) -> str:
    body = json.dumps({"address": candidate}, ensure_ascii=False).encode()
    client.request("POST", "/check", body, {"Content-Type": "application/json"})
    return client.getresponse().read().decode().removesuffix("\n")


# Its own tests


@IN_CONTAINERS
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
        "EMAIL_VALIDATOR_LIBRARY": str(release.library(HOST)),
        "SEALED_BOX_LIBRARY": str(sealed_box.shared(HOST)),
        "SIGNAL_STATS_LIBRARY": str(signal_stats.shared(HOST)),
    }
    assert run(Path(go).with_name("gofmt"), "-l", source).stdout == ""
    run(go, "test", "-trimpath", "-vet=all", "-count=1", "./...", cwd=source, **environment)
