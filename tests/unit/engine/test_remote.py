"""Finished actions from an HTTP cache: what is shared, what is refused, and that nothing a server does spoils a run."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fakes.httpcache import Cache, Request
from fakes.toolchain import wait_until
from ferrule.core.errors import UsageError
from ferrule.core.facts import Facts
from ferrule.core.model import Action, Digest, FileRecord, Outcome, Output, Plan, Tool
from ferrule.core.toolchain import Toolchain
from ferrule.engine.key import canonical
from ferrule.engine.remote import Remote
from ferrule.engine.remote_server import Address, Patience, RemoteFailure, Server, address
from ferrule.formats import actionresult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.engine.conftest import Lab

    from ferrule.engine.context import ActionContext
    from ferrule.engine.remote_server import Mode

IMPATIENT = Patience(connect=0.5, piece=0.3, whole=0.6, rate=1 << 20, prompt=0.1, late=1.5, failures=3)
CONTENT = {"out/one": "1" * 5000, "out/two": ""}


@dataclass(frozen=True)
class Compile:
    """Writes two files and says a fact; reads, asks and measures what a test wants."""

    calls: ClassVar[list[str]] = []
    does: ClassVar[list[Callable[[ActionContext], None]]] = []
    text: str = "text"

    def make(self, context: ActionContext) -> None:
        self.calls.append(context.action.id)
        for name, content in CONTENT.items():
            path = context.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(self.text + content)
        (context.folder / "out/one").chmod(0o755)
        context.output("lib").write_text(self.text)
        context.record_facts(Facts(others={"floor": "2.17"}))
        for do in self.does:
            do(context)


ACTION = Action(
    id="native@x",
    artifact="native",
    kind="test",
    recipe=Compile(),
    outputs=(Output("out", "folder", folder=True), Output("lib", "lib")),
    sources=("src",),
    tools=("rustc", "cargo"),
)
PACKED = Action("pack", "pack", "test", Compile("packed"), ACTION.outputs, needs=(ACTION.id,))


def toolchain(identity: str = "rustc 1.96", place: str = "/usr/bin") -> Toolchain:
    tools = {name: Tool(name, "1", (f"{place}/{name}",), identity) for name in ("rustc", "cargo")}
    return Toolchain("installed", tools, {}, Path("/"))


@dataclass
class Machine:
    """One of several machines that share a cache; each has folders of its own."""

    lab: Lab
    mode: Mode = "write"
    patience: Patience | None = None
    tools: Toolchain = field(default_factory=toolchain)
    settings: dict[str, Digest | None] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def run(self, url: str, *actions: Action) -> dict[str, Outcome]:
        self.lab.source("src/lib.rs", "fn")
        engine = self.lab.engine(toolchain=self.tools)
        server = Server(Address(url, self.mode), time.monotonic, self.patience)
        engine = replace(engine, remote=Remote(server, engine.store, self.settings))
        Compile.calls.clear()
        self.lab.events.clear()
        outcomes = engine.execute(Plan("p", "1", actions or (ACTION,)))
        self.notices = self.lab.notices
        assert engine.remote
        engine.remote.close(self.notices.append)
        return {outcome.action.id: outcome for outcome in outcomes}


@pytest.fixture
def does() -> Iterator[list[Callable[[ActionContext], None]]]:
    yield Compile.does
    Compile.does.clear()


@pytest.fixture
def cache() -> Iterator[Cache]:
    with Cache() as cache:
        yield cache


@pytest.fixture
def machines(lab: Lab) -> Callable[..., Machine]:
    """Makes machines; the first has the fixture's folders, every other one its own."""
    result: list[Machine] = []

    def another(mode: Mode = "write", **options: object) -> Machine:
        root = lab.root / f"machine-{len(result)}"
        (root / "project").mkdir(parents=True)
        result.append(Machine(replace(lab, root=root, events=[]), mode, **options))
        return result[-1]

    return another


@pytest.fixture
def first(machines: Callable[..., Machine], cache: Cache) -> Outcome:
    """What the first machine made and gave."""
    outcome = machines().run(cache.url)[ACTION.id]
    assert outcome.state == "built"
    cache.requests.clear()
    return outcome


def same(one: Outcome, other: Outcome) -> bool:
    return (one.key, one.files, one.facts) == (other.key, other.files, other.facts)


# What is shared


def test_another_machine_makes_nothing(machines: Callable[..., Machine], cache: Cache, first: Outcome) -> None:
    other = machines("read")
    result = other.run(cache.url)[ACTION.id]
    assert (result.state, Compile.calls, other.notices) == ("remote", [], [])
    assert same(first, result)
    assert other.lab.content(result)["out/one"] == b"text" + b"1" * 5000
    assert {method for method, *_ in cache.requests} == {"GET"}
    again = other.run(cache.url)[ACTION.id]
    assert (again.state, same(first, again)) == ("cached", True)


def test_layout_is_that_of_bazel(cache: Cache, first: Outcome) -> None:
    (entry,) = cache.kept("ac").values()
    decoded = actionresult.decode(entry)
    assert {(r.name, r.digest, r.size, r.executable) for r in decoded.files} == {
        (r.name, r.digest, r.size, r.executable) for r in first.files
    }
    for path, content in cache.kept("cas").items():
        assert path == f"/cas/{Digest.of(content)}"
    assert set(cache.kept("cas")) == {f"/cas/{r.digest}" for r in (*decoded.files, decoded.stdout)}


def test_what_is_needed_is_there_before_what_names_it(machines: Callable[..., Machine], cache: Cache) -> None:
    machines().run(cache.url)
    puts = cache.asked("PUT")
    assert [path.split("/")[1] for path in puts] == ["cas"] * (len(puts) - 1) + ["ac"]


def test_reader_writes_nothing(machines: Callable[..., Machine], cache: Cache) -> None:
    assert machines("read").run(cache.url)[ACTION.id].state == "built"
    assert cache.contents == {}
    assert cache.asked("PUT") == cache.asked("HEAD") == []


def test_contents_that_are_there_are_not_sent_again(
    machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    more = replace(ACTION, recipe=Compile(), outputs=(*ACTION.outputs, Output("out", "again", folder=True)))
    machines().run(cache.url, more)
    assert {f"/cas/{record.digest}" for record in first.files}.isdisjoint(cache.asked("PUT"))


def test_equal_contents_travel_once(machines: Callable[..., Machine], cache: Cache) -> None:
    def slowly(_: Request) -> bool:
        time.sleep(0.02)  # so that several are on their way
        return False

    cache.trick = slowly
    actions = [replace(ACTION, id=f"a{number}", traits=(("number", str(number)),)) for number in range(12)]
    outcomes = machines().run(cache.url, *actions)
    contents = {f"/cas/{record.digest}" for outcome in outcomes.values() for record in outcome.files}
    puts = [path for path in cache.asked("PUT") if path in contents]
    assert sorted(puts) == sorted(contents)
    assert len(cache.asked("HEAD")) == len(contents)
    other = machines("read")
    assert {o.state for o in other.run(cache.url, *actions).values()} == {"remote"}
    gets = [path for path in cache.asked("GET") if path in contents]
    assert sorted(gets) == sorted(contents)


def test_assembling_is_not_shared(machines: Callable[..., Machine], cache: Cache) -> None:
    machines().run(cache.url, ACTION, PACKED)
    assert len(cache.kept("ac")) == 1
    outcomes = machines().run(cache.url, ACTION, PACKED)
    assert [o.state for o in outcomes.values()] == ["remote", "built"]


def test_key_depends_on_tools_and_not_on_places(machines: Callable[..., Machine], cache: Cache, first: Outcome) -> None:
    elsewhere = machines(tools=toolchain(place="/opt/rust/bin")).run(cache.url)[ACTION.id]
    assert (elsewhere.state, same(first, elsewhere)) == ("remote", True)
    newer = machines(tools=toolchain("rustc 1.97")).run(cache.url)[ACTION.id]
    assert (newer.state, newer.key == first.key) == ("built", False)


def test_settings_of_cargo_outside_of_the_project_count(
    machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    del first

    def state(text: str | None) -> str:
        machine = machines()
        config = machine.lab.root / "config.toml"
        if text is not None:
            config.write_text(text)
        machine.settings = {str(config): None if text is None else Digest.of(text.encode())}
        return machine.run(cache.url)[ACTION.id].state

    assert [state(text) for text in (None, "[build]", "[build]", "[net]")] == ["remote", "built", "remote", "built"]


def test_settings_that_change_later_are_noticed(machines: Callable[..., Machine], cache: Cache, first: Outcome) -> None:
    del first
    other = machines()
    config = other.lab.root / "config.toml"
    other.settings = {str(config): None}
    assert other.run(cache.url)[ACTION.id].state == "remote"
    config.write_text("[build]")
    assert other.lab.run(ACTION, toolchain=other.tools)[ACTION.id].reason.startswith(f"{config}: absent -> ")


def test_what_is_read_besides_the_sources_is_found_without_knowing_it(
    machines: Callable[..., Machine], cache: Cache, does: list[Callable[[ActionContext], None]]
) -> None:
    def read(context: ActionContext) -> None:
        context.file_inputs([context.project / "more.txt", context.project / "none.txt"])

    does.append(read)
    one, two, three = machines(), machines(), machines()
    for machine in (one, two):
        machine.lab.source("more.txt", "equal")
    three.lab.source("more.txt", "different")
    product = one.run(cache.url)[ACTION.id]
    result = two.run(cache.url)[ACTION.id]
    assert (result.state, same(product, result)) == ("remote", True)
    assert two.run(cache.url)[ACTION.id].state == "cached"
    assert three.run(cache.url)[ACTION.id].state == "built"
    two.lab.source("more.txt", "different now")
    assert two.run(cache.url)[ACTION.id].state == "built"


def test_what_means_something_else_elsewhere_stays_here(
    machines: Callable[..., Machine], cache: Cache, does: list[Callable[[ActionContext], None]]
) -> None:
    machine = machines()
    outside = machine.lab.root / "outside.txt"
    outside.write_text("x")
    time.sleep(0.01)
    does.append(lambda context: context.file_inputs([outside]))
    machine.run(cache.url)
    assert machine.notices == [
        f"remote cache: native@x read {outside}, outside of the project, so its result stays on this machine"
    ]
    does[:] = [lambda context: context.env_inputs({"HOME": "a-crate", "CURL_CA_BUNDLE": "a-crate"})]
    asking = machines()
    asking.run(cache.url)
    assert asking.notices == [
        "remote cache: native@x asked for HOME, which is set, so its result stays on this machine"
    ]
    assert cache.contents == {}


def test_variables_that_were_asked_for_count(
    machines: Callable[..., Machine], cache: Cache, does: list[Callable[[ActionContext], None]]
) -> None:
    does.append(lambda context: context.env_inputs({"CURL_CA_BUNDLE": "a-crate"}))
    machines().run(cache.url)
    assert machines().run(cache.url)[ACTION.id].state == "remote"
    with_one = machines()
    with_one.lab.variables = {"CURL_CA_BUNDLE": "/etc/ssl/x"}
    assert with_one.run(cache.url)[ACTION.id].state == "built"


def test_many_actions_are_fetched(machines: Callable[..., Machine], cache: Cache) -> None:
    many = tuple(replace(ACTION, id=f"native@{n}", recipe=Compile(str(n))) for n in range(50))
    machines().run(cache.url, *many)
    other = machines("read")
    assert {o.state for o in other.run(cache.url, *many).values()} == {"remote"}
    assert (Compile.calls, other.notices) == ([], [])


# Servers that misbehave


def always(do: Callable[[Request], None]) -> Callable[[Request], bool]:
    def trick(request: Request) -> bool:
        do(request)
        return True

    return trick


def only(kind: str, do: Callable[[Request], None]) -> Callable[[Request], bool]:
    return lambda request: f"/{kind}/" in request.path and request.command == "GET" and always(do)(request)


def half(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(request.content) + 1))
    request.end_headers()
    request.wfile.write(request.content)
    request.close_connection = True


def short(request: Request) -> None:
    request.answer(200, request.content[:-1])


def endless(request: Request) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    while not request.cache.over.is_set():
        request.wfile.write(b"10000\r\n" + b"\0" * 65536 + b"\r\n")


def trickling(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(request.content)))
    request.end_headers()
    for byte in request.content:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        if request.cache.over.wait(0.05):
            return


def trickling_headers(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not request.cache.over.wait(0.05):
        request.wfile.write(b"x")
        request.wfile.flush()


def silent(request: Request) -> None:
    request.cache.over.wait()


def hang_up(request: Request) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)
    request.close_connection = True


def no_http(request: Request) -> None:
    request.wfile.write(b"\0\1\2 this is no HTTP\r\n\r\n")
    request.close_connection = True


def lie(request: Request) -> None:
    request.answer(200, bytes(byte ^ 1 for byte in request.content))


def other_entry(request: Request) -> None:
    request.answer(200, request.cache.contents["/ac/other"])


def large_entry(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(1 << 40))
    request.end_headers()
    request.close_connection = True


def packed(request: Request) -> None:
    request.answer(200, request.content, Content_Encoding="gzip")


MISBEHAVIOURS: dict[str, tuple[Callable[[Request], bool], str]] = {
    "it answers 500": (always(lambda r: r.answer(500)), "it answers 500"),
    "it answers 503": (always(lambda r: r.answer(503, Retry_After="3600")), "it answers 503"),
    "it answers 204": (always(lambda r: r.answer(204)), "it answers 204"),
    "it answers 206": (always(lambda r: r.answer(206, r.content)), "it answers 206"),
    "it refuses who we are": (always(lambda r: r.answer(401)), "it refuses this identity (401)"),
    "it refuses what we want": (always(lambda r: r.answer(403)), "it refuses this identity (403)"),
    "it sends elsewhere": (
        always(lambda r: r.answer(302, Location=f"http://127.0.0.1:{r.cache.elsewhere}/ac/x")),  # type: ignore[attr-defined]
        "it sends to another place, which is not followed (302)",
    ),
    "it says nothing": (always(silent), "it does not answer in time"),
    "it trickles headers": (always(trickling_headers), "it does not answer in time"),
    "it trickles": (only("cas", trickling), "it does not answer in time"),
    "it hangs up": (always(hang_up), "it broke off"),
    "it speaks something else": (always(no_http), "it broke off"),
    "it shows a page for everything": (
        always(lambda r: r.answer(200, b"<html>Log in!</html>")),
        "is not a valid cache entry",
    ),
    "its entry is endless": (only("ac", endless), "it sends more than there is"),
    "its entry is of another action": (only("ac", other_entry), "another version or key"),
    "its entry is larger than it sends": (only("ac", large_entry), "it broke off"),
    "its entry is empty": (only("ac", lambda r: r.answer(200)), "is not a valid cache entry"),
    "contents are gone": (only("cas", lambda r: r.answer(404)), "it lacks what it says it has"),
    "contents are cut": (only("cas", half), "bytes for cas/"),
    "contents are shorter": (only("cas", short), "bytes for cas/"),
    "contents are endless": (only("cas", endless), "it sends more than there is"),
    "contents are others": (only("cas", lie), "does not match its digest"),
    "contents are said to be compressed": (only("cas", packed), ""),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_server_that_misbehaves_changes_nothing(
    name: str, machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    trick, output = MISBEHAVIOURS[name]
    other = replace(ACTION, id="other", recipe=Compile("other"))
    machines().run(cache.url, other)
    others = Digest.of(b"other").hex.encode()
    cache.contents["/ac/other"] = next(entry for entry in cache.kept("ac").values() if others in entry)
    with Cache() as elsewhere:
        cache.elsewhere = int(elsewhere.url.rpartition(":")[2])  # type: ignore[attr-defined]
        cache.trick = trick
        machine = machines("read", patience=IMPATIENT)
        many = (ACTION, *(replace(ACTION, id=f"native@{n}", recipe=Compile(str(n))) for n in range(5)))
        result = machine.run(cache.url, *many)
        cache.over.set()
        assert elsewhere.requests == []
    assert same(first, result[ACTION.id])
    assert machine.lab.content(result[ACTION.id])["lib"] == b"text"
    assert {o.state for o in result.values()} <= {"built", "remote"}
    if output:
        assert result[ACTION.id].state == "built"
        assert any(output in notice for notice in machine.notices), machine.notices
    assert len(machine.notices) <= 3
    assert not any("\n" in notice or len(notice) > 250 for notice in machine.notices)
    cache.trick = None
    assert not list((machine.lab.state / "store" / "aside").iterdir())


def test_server_that_is_down_is_said_once(machines: Callable[..., Machine]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        machine = machines("write")
        many = tuple(replace(ACTION, id=f"native@{n}", recipe=Compile(str(n))) for n in range(12))
        assert {o.state for o in machine.run(url, *many).values()} == {"built"}
    assert machine.notices == [
        f"remote cache {url}: it cannot be reached; it is not asked any more in this run; what is missing is made here",
        f"remote cache {url}: it cannot be reached; it is not written to any more in this run",
    ]


def test_server_that_nobody_vouches_for_is_not_spoken_to(
    machines: Callable[..., Machine], cache: Cache, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "pair.pem"))
    cache.speak_tls(context)
    machine = machines("write")
    assert machine.run(cache.url.replace("http:", "https:"))[ACTION.id].state == "built"
    assert cache.requests == []
    assert all("its certificate is not accepted" in notice for notice in machine.notices), machine.notices


def certificate(place: Path) -> Path:
    """A key and a certificate for this machine, signed by itself (cryptography, "X.509 Tutorial")."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2200))
    signed = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    signed = signed.serial_number(1).not_valid_before(begin).not_valid_after(end)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    pem = signed.add_extension(alternative, critical=False).sign(key, SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place.write_bytes(secret + pem)
    return place


def test_every_bit_that_flips_is_noticed(machines: Callable[..., Machine], cache: Cache, first: Outcome) -> None:
    """One flipped bit in each content, at many places: never taken, always made again."""
    paths = sorted(cache.kept("cas"))
    for path in paths:
        content = cache.contents[path]
        for at in range(0, len(content), max(1, len(content) // 5)):
            cache.contents[path] = content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]
            result = machines("read", patience=replace(IMPATIENT, whole=10, piece=5)).run(cache.url)[ACTION.id]
            assert result.state == "built"
            assert same(first, result)
        cache.contents[path] = content


def test_writer_repairs_what_is_damaged(machines: Callable[..., Machine], cache: Cache, first: Outcome) -> None:
    path = f"/cas/{first.files[0].digest}"
    content = cache.contents[path]
    cache.contents[path] = content.swapcase()
    assert machines().run(cache.url)[ACTION.id].state == "built"
    assert cache.contents[path] == content
    assert machines().run(cache.url)[ACTION.id].state == "remote"


@pytest.mark.parametrize("forged", ["../../lib", "/etc/lib", "out/../../x", "other", "out", "out//x"])
def test_names_that_lead_elsewhere_are_refused(
    forged: str, machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    record, entry = records(cache)
    body = json.loads(record)["body"]
    body["files"][0][0] = forged
    forge(cache, entry, body)
    machine = machines("read")
    assert same(first, machine.run(cache.url)[ACTION.id])
    assert Compile.calls == [ACTION.id]
    assert "files that this action does not make" in machine.notices[0]


def test_size_that_would_fill_the_disk_is_not_tried(
    machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    record, entry = records(cache)
    body = json.loads(record)["body"]
    body["files"][0][1:3] = [Digest.of(b"huge").hex, 1 << 60]
    forge(cache, entry, body)
    cache.requests.clear()
    assert same(first, machines("read").run(cache.url)[ACTION.id])
    assert f"/cas/{Digest.of(b'huge')}" not in cache.asked("GET")


def test_size_that_is_not_the_contents_is_refused(
    machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    record, entry = records(cache)
    body = json.loads(record)["body"]
    body["files"][0][2] += 1
    forge(cache, entry, body)
    machine = machines("read")
    machine.lab.store().put_file(machine.lab.source("there", "text" + "1" * 5000))  # found here, not fetched
    assert same(first, machine.run(cache.url)[ACTION.id])
    assert Compile.calls == [ACTION.id]


def test_a_content_that_is_here_is_read_before_it_stands_for_the_remote_one(
    machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    machine = machines("read")
    store = machine.lab.store()
    content = next(record for record in first.files if record.name == "out/one")
    store.receive([cache.contents[f"/cas/{content.digest}"]], content)
    assert store.holds(content)
    path = store.object(content.digest)
    before = path.stat()
    path.chmod(0o600)
    path.write_bytes(b"?" * before.st_size)  # a bit that flips on the disk changes no time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(before.st_mode & 0o777)
    assert same(first, machine.run(cache.url)[ACTION.id])
    assert Compile.calls == []  # it was fetched before anything relied on it
    assert path.read_bytes() == cache.contents[f"/cas/{content.digest}"]


def records(cache: Cache) -> tuple[bytes, str]:
    """The record of the only result, and where its entry is."""
    ((path, entry),) = cache.kept("ac").items()
    return cache.contents[f"/cas/{actionresult.decode(entry).stdout.digest}"], path


def forge(cache: Cache, path: str, body: dict) -> None:
    """Put an entry in place of the true one, with all digests right."""
    record = canonical({"body": body, "sha256": Digest.of(canonical(body)).hex})
    files = tuple(FileRecord(n, Digest(d), s, x) for n, d, s, x in body["files"])
    output = FileRecord("", Digest.of(record), len(record))
    cache.contents[f"/cas/{output.digest}"] = record
    cache.contents[path] = actionresult.encode(actionresult.ActionResult(files, output))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"facts": ["no", "facts"]}, "it tells no facts"),
        ({"discovered": {"/etc/passwd": None}}, "files outside of the project"),
        ({"discovered": {"../x": None}}, "files outside of the project"),
        ({"key": "0" * 64}, "another version or key"),
        ({"version": 999}, "another version or key"),
        ({"seconds": "\x1b[2J" + "x" * 5000}, "could not convert"),
        ({"files": []}, "files that this action does not make"),
    ],
)
def test_record_that_tells_something_else_is_refused(
    change: dict, said: str, machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    record, entry = records(cache)
    forge(cache, entry, json.loads(record)["body"] | change)
    machine = machines("read")
    assert same(first, machine.run(cache.url)[ACTION.id])
    assert Compile.calls == [ACTION.id]
    assert said in machine.notices[0]
    assert "\x1b" not in machine.notices[0]
    assert len(machine.notices[0]) < 300


def test_entry_that_names_other_files_than_its_record_is_refused(
    machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    _, path = records(cache)
    decoded = actionresult.decode(cache.contents[path])
    cache.contents[path] = actionresult.encode(replace(decoded, files=decoded.files[1:]))
    machine = machines("read")
    assert same(first, machine.run(cache.url)[ACTION.id])
    assert "other files than its record" in machine.notices[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"reads": [["../x"]]}, "outside of the project"), ({"version": 2}, "another version or key"), ({"reads": 1}, "")],
)
def test_names_to_read_that_lead_elsewhere_are_refused(
    change: dict, said: str, machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    record, path = records(cache)
    key = json.loads(record)["body"]["key"]
    content = canonical({"version": 1, "key": key, "reads": [["more.txt"]]} | change)
    said_by = FileRecord("", Digest.of(content), len(content))
    cache.contents[f"/cas/{said_by.digest}"] = content
    cache.contents[path] = actionresult.encode(actionresult.ActionResult((), said_by))
    machine = machines("read")
    assert same(first, machine.run(cache.url)[ACTION.id])
    assert "is not a valid cache entry" in machine.notices[0]
    assert said in machine.notices[0]


def test_record_that_is_too_large_is_not_fetched(
    machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    _, path = records(cache)
    decoded = actionresult.decode(cache.contents[path])
    cache.contents[path] = actionresult.encode(replace(decoded, stdout=replace(decoded.stdout, size=1 << 40)))
    machine = machines("read")
    assert same(first, machine.run(cache.url)[ACTION.id])
    assert "its record is too large" in machine.notices[0]


def test_content_that_is_gone_here_is_not_given(machines: Callable[..., Machine], cache: Cache) -> None:
    machine = machines()

    def lose(_: Request) -> bool:
        for path in (machine.lab.state / "store" / "objects").rglob("*"):
            path.unlink() if path.is_file() else None
        return False

    cache.trick = lose
    machine.run(cache.url)
    assert cache.kept("ac") == {}
    assert machine.notices == ["remote cache: native@x was not kept: No such file or directory"]


def test_long_uploads_are_said_and_waited_for(machines: Callable[..., Machine], cache: Cache) -> None:
    machine = machines()

    def slowly(request: Request) -> bool:
        if "/ac/" in request.path and request.command == "PUT":
            wait_until(lambda: "uploading to the remote cache" in machine.notices, "the notice")
        return False

    cache.trick = slowly
    machine.run(cache.url)
    assert len(cache.kept("ac")) == 1


REFUSALS: dict[str, tuple[Callable[[Request], None], str]] = {
    "it answers 500": (lambda r: r.answer(500), "it answers 500"),
    "it lets nobody write": (lambda r: r.answer(403), "refuses this identity (403)"),
    "it takes no files": (lambda r: r.answer(405), "it answers 405"),
    "it takes none so large": (lambda r: r.answer(413), "it answers 413"),
    "it hangs up": (hang_up, "it broke off"),
    "it says nothing": (silent, "it does not answer in time"),
    "it sends elsewhere": (lambda r: r.answer(307, Location="http://127.0.0.1:9/"), "not followed (307)"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_server_that_takes_nothing_changes_nothing(name: str, machines: Callable[..., Machine], cache: Cache) -> None:
    do, output = REFUSALS[name]
    cache.trick = lambda request: request.command in {"PUT", "HEAD"} and always(do)(request)
    machine = machines(patience=IMPATIENT)
    many = tuple(replace(ACTION, id=f"native@{n}", recipe=Compile(str(n))) for n in range(5))
    assert {o.state for o in machine.run(cache.url, *many).values()} == {"built"}
    assert any(output in notice for notice in machine.notices), machine.notices
    assert cache.kept("ac") == {}


def test_failure_now_and_then_is_summed_up(machines: Callable[..., Machine], cache: Cache, first: Outcome) -> None:
    del first
    broken = iter([True])
    cache.trick = lambda request: next(broken, False) and always(lambda r: r.answer(500))(request)
    machine = machines("read")
    many = tuple(replace(ACTION, id=f"native@{n}", recipe=Compile(str(n))) for n in range(3))
    machine.run(cache.url, *many)
    (notice,) = machine.notices
    assert "1 of " in notice
    assert "(it answers 500)" in notice
    assert "what they were for was not used" in notice


def test_an_upload_that_fails_now_and_then_is_summed_up(machines: Callable[..., Machine], cache: Cache) -> None:
    broken = iter([True])
    refuse = always(lambda r: r.answer(500))
    cache.trick = lambda request: request.command == "PUT" and next(broken, False) and refuse(request)
    machine = machines()
    many = tuple(replace(ACTION, id=f"native@{n}", recipe=Compile(str(n))) for n in range(3))
    machine.run(cache.url, *many)
    assert any("what they were for was not kept" in notice for notice in machine.notices), machine.notices


def test_failed_actions_do_not_keep_others_from_being_given(
    machines: Callable[..., Machine], cache: Cache, does: list[Callable[[ActionContext], None]]
) -> None:
    def fail(context: ActionContext) -> None:
        if context.action.id == "bad":
            raise OSError(5, "broken")

    does.append(fail)
    outcomes = machines().run(cache.url, ACTION, replace(ACTION, id="bad", recipe=Compile("bad")))
    assert [o.state for o in outcomes.values()] == ["built", "failed"]
    assert len(cache.kept("ac")) == 1


# Who is let in


def read(url: str, *, token: str | None = None, mode: str = "read", **environment: str) -> Address:
    return address(url, mode=mode, token=token, environment=environment)


def test_secrets_are_sent_and_never_shown(machines: Callable[..., Machine], cache: Cache) -> None:
    output = cache.url.replace("://", "://me:s3cr%40t-canary@")
    path = read(f"{output}/base/")
    assert "canary" not in repr(path)
    assert path.url == f"{cache.url}/base"
    server = Server(path, time.monotonic)
    assert server.get("ac/x", 100) is None
    assert cache.requests == [("GET", "/base/ac/x", "Basic bWU6czNjckB0LWNhbmFyeQ==")]
    Server(read(cache.url, token="t0ken-canary"), time.monotonic).get("ac/x", 100)
    assert cache.requests[-1][2] == "Bearer t0ken-canary"
    del machines


@pytest.mark.parametrize(
    "url",
    [
        "cache.example",
        "ftp://cache.example/",
        "https://",
        "https://h/?q=1",
        "https://h/#f",
        "http://h:port/",
        "http://[/",
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(url.replace("://", "://u:canary@"))
    assert "canary" not in str(caught.value)


def test_secret_does_not_travel_in_the_clear() -> None:
    for url, token in (("http://u:p@cache.example", None), ("http://cache.example", "t")):
        with pytest.raises(UsageError, match="in the clear"):
            read(url, token=token)
    assert read("http://cache.example").authorization is None


def test_mode_is_one_of_two() -> None:
    assert read("https://cache.example", mode="write").mode == "write"
    with pytest.raises(UsageError, match="'both'"):
        read("https://cache.example", mode="both")


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://cache.example", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://cache.example", {"https_proxy": "http://p:1", "no_proxy": "x, .example"}, None),
        ("https://cache.example", {"https_proxy": "http://p:1", "no_proxy": "*"}, None),
        ("https://cache.example", {"ALL_PROXY": "http://p:1", "NO_PROXY": "e.example"}, "http://p:1"),
        ("http://cache.example", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://[::1]:8", {}, None),
    ],
)
def test_proxy_is_the_one_of_the_surroundings(url: str, environment: dict[str, str], proxy: str | None) -> None:
    assert read(url, **environment).proxy == proxy


def test_requests_go_through_the_proxy(cache: Cache) -> None:
    port = cache.url.rpartition(":")[2]
    server = Server(read("http://cache.example/x", http_proxy=f"http://me:pass@127.0.0.1:{port}"), time.monotonic)
    assert server.get("ac/1", 10) is None
    assert cache.asked("GET") == ["http://cache.example/x/ac/1"]


def test_connections_are_kept(cache: Cache) -> None:
    cache.contents["/ac/1"] = b"x"
    ports = set()

    def note(request: Request) -> bool:
        ports.add(request.client_address[1])
        return False

    cache.trick = note
    server = Server(Address(cache.url, "write"), time.monotonic)
    for number in range(4):
        server.get(f"ac/{number}", 100)
        server.holds("ac/1", 1)
        server.put("ac/1", b"y", 1)
    assert len(ports) == 1


def test_slowness_adds_up(cache: Cache) -> None:
    """Answers that are each in time, and together take too long."""
    clock = iter(float(second) for second in range(0, 10_000, 3))
    server = Server(Address(cache.url), lambda: next(clock), Patience(whole=1e9, late=20.0))
    asked = 0
    while not server.is_off("read") and asked < 100:
        server.get(f"ac/{asked}", 100)
        asked += 1
    assert asked < 10
    assert server.notices() == [
        f"remote cache {cache.url}: it is too slow; it is not asked any more in this run; what is missing is made here"
    ]


SLOWEST: dict[Mode, int] = {"read": 8 * 256, "write": 4 * 256}
"""Bytes a second of the slowest line that is good enough, where one request alone may take a second for 256 bytes."""


@pytest.mark.parametrize("mode", ["read", "write"])
@pytest.mark.parametrize(("many", "line", "is_off"), [(1, 1, False), (16, 1, False), (16, 2, True), (1, 16, True)])
def test_requests_share_a_line(cache: Cache, mode: Mode, many: int, line: int, is_off: bool) -> None:
    """A line that carries a share of what the slowest one does; its server answers when all of it has passed."""
    seconds, content = [0.0], b"x" * 20_000
    together = threading.Barrier(many, lambda: seconds.append(many * len(content) * line / SLOWEST[mode]), timeout=30)

    def answer(request: Request) -> bool:
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        together.wait()
        request.answer(200, content if mode == "read" else b"taken")
        return True

    cache.trick = answer
    server = Server(Address(cache.url, "write"), lambda: seconds[-1], Patience(rate=256))

    def transfer(number: int) -> None:
        with suppress(RemoteFailure):
            if mode == "read":
                list(server.pieces(f"cas/{number}", len(content)))
            else:
                server.put(f"cas/{number}", content, len(content))

    with ThreadPoolExecutor(many) as pool:
        list(pool.map(transfer, range(many)))
    assert server.is_off(mode) is is_off


def test_result_of_which_a_content_is_gone_is_made_here(
    machines: Callable[..., Machine], cache: Cache, first: Outcome
) -> None:
    gone = next(record for record in first.files if record.name == "out/one")
    del cache.contents[f"/cas/{gone.digest}"]
    machine = machines("read")
    assert machine.run(cache.url)[ACTION.id].state == "built"
    assert f"/cas/{gone.digest}" in cache.asked("GET")
    (notice,) = machine.notices
    assert notice.startswith("remote cache: 1 of 3 requests failed (it lacks what it says it has)")


def test_an_answer_to_an_upload_may_have_content(machines: Callable[..., Machine], cache: Cache) -> None:
    def answer(request: Request) -> bool:
        if request.command != "PUT":
            return False
        cache.contents[request.path] = request.rfile.read(int(request.headers["Content-Length"]))
        request.answer(200, b"taken")
        return True

    cache.trick = answer
    machine = machines()
    assert machine.run(cache.url)[ACTION.id].state == "built"
    assert machine.notices == []
    assert machines("read").run(cache.url)[ACTION.id].state == "remote"


def test_a_notice_is_given_once() -> None:
    server = Server(Address("http://127.0.0.1:9", "read"), time.monotonic)
    for text in ("one", "two", "one"):
        server.notice(text)
    assert server.notices() == ["one", "two"]
    server.notice("one")
    assert server.notices() == []
