"""Secrets in the surroundings of whole releases: programs cry them out in every form, nothing shows one."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shlex
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from fakes import pretended
from fakes.toolchain import Demo, lay_out
from fakes.triples import X86

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEM = """-----BEGIN EC PRIVATE KEY-----
CANARYpemone/MIGHAgEAMBMG+Q==
CANARYpemtwo/CCqGSM49AwEHBG0w
-----END EC PRIVATE KEY-----"""


def basic(secret: str) -> str:
    return base64.b64encode(f"me:{secret}".encode()).decode()


# Where a secret is kept: in a variable (name, value) or a file of the home or project; CANARY is the secret.
VARIABLES: dict[str, tuple[str, str]] = {
    "a telling name": ("GITHUB_TOKEN", "CANARY-1/+%&'\"<é>\\"),
    "a name that was named": ("DEPLOY_NOTE", "CANARY-2 with a space"),
    "a key of several lines": ("MATERIAL", PEM),
    "of Cargo, for children": ("CARGO_REGISTRIES_OURS_TOKEN", "CANARY-4-cargo"),
    "of Cargo, for publishing": ("CARGO_REGISTRY_TOKEN", "CANARY-5-publish"),
    "in an address": ("PIP_INDEX_URL", "https://me:CANARY-6-index@example.org/simple"),
    "in a proxy, encoded": ("HTTPS_PROXY", "http://me:CANARY-7%2Bproxy@127.0.0.1:9"),
    "of npm": ("npm_config__auth", "CANARY-8-npm"),
    "in base64": ("DOCKER_AUTH", basic("CANARY-9-docker")),
}
FILES: dict[str, tuple[str, str]] = {
    "netrc": (".netrc", "machine example.org login me password CANARY-10-netrc\n"),
    "npmrc": (".npmrc", "//example.org/:_authToken=CANARY-11-npmrc\n"),
    "Cargo's credentials": (".cargo/credentials.toml", '[registry]\ntoken = "CANARY-12-credentials"\n'),
    "Cargo's settings": (".cargo/config.toml", '[registries.ours]\ntoken = "CANARY-13-settings"\n'),
    "Git's credentials": (".git-credentials", "https://me:CANARY-14-store@example.org\n"),
    "twine's": (".pypirc", "[pypi]\nusername: __token__\npassword: CANARY-15-pypirc\n"),
    "pip's": (".config/pip/pip.conf", "[global]\nindex-url = https://me:CANARY-16-pip@example.org/\n"),
    "Docker's": (".docker/config.json", json.dumps({"auths": {"example.org": {"auth": basic("CANARY-17-config")}}})),
    "an address of Git's": ("project/.git/config", '[remote "o"]\n\turl = https://me:CANARY-18-remote@example.org/x\n'),
    "a header of Git's": (
        "project/.git/config",
        f"[http]\n\textraheader = Authorization: Basic {basic('CANARY-19-head')}\n",
    ),
    "npmrc of the project": ("project/.npmrc", "//example.org/:_password=CANARY-20-project\n"),
}
SECRETS = (
    *("CANARY-1/+%&'\"<é>\\", "CANARY-2 with a space", *PEM.splitlines()[1:3], "CANARY-4-cargo", "CANARY-5-publish"),
    *("CANARY-6-index", "CANARY-7+proxy", "CANARY-8-npm", "CANARY-9-docker", "CANARY-10-netrc", "CANARY-11-npmrc"),
    *("CANARY-12-credentials", "CANARY-13-settings", "CANARY-14-store", "CANARY-15-pypirc", "CANARY-16-pip"),
    *("CANARY-17-config", "CANARY-18-remote", "CANARY-19-head", "CANARY-20-project", basic("CANARY-19-head")),
)

# How programs write it. What is joined by a NUL is written in two goes, with a pause.
WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": lambda s: s,
    "within an argument": lambda s: f"cc --define=KEY={s}:end -o x",
    "as a path": lambda s: f"/home/{s}/x.rs:7:5",
    "in a URL": lambda s: f"fatal: https://me:{quote(s, safe='')}@example.org/x not found",
    "percent-encoded": lambda s: quote(s) + " " + quote_plus(s),
    "in JSON": lambda s: "x" + json.dumps({"a": s}) + json.dumps({"a": s}, ensure_ascii=False),
    "in JSON in JSON": lambda s: "x" + json.dumps(json.dumps([s])),
    "quoted for a shell": lambda s: shlex.quote(s) + " " + "'" + s.replace("'", "'\\''") + "'",
    "as a value is shown": lambda s: f"thread 'main' panicked: {s!r}",
    "in markup": html.escape,
    "in base64": lambda s: base64.b64encode(s.encode()).decode(),
    "in base64 with a name": lambda s: f"Authorization: Basic {basic(s)}",
    "in base64 for URLs": lambda s: base64.urlsafe_b64encode(b"xy" + s.encode() + b"z").decode(),
    "in hexadecimal digits": lambda s: s.encode().hex(),
    "coloured": lambda s: f"\x1b[1m{s[:7]}\x1b[31m{s[7:]}\x1b[0m",
    "in two goes": lambda s: f"{s[:6]}\0{s[6:]}",
    "after a return": lambda s: f"progress\r{s}",
    "by a build script": lambda s: f"cargo:warning={s}",
    "as an error": lambda s: f"error: the token {s} was refused",
    "without an end": lambda s: f"{s}{s}",
}
PROGRAM = """
import json, os, sys, time
home = sys.argv[1]
for number, text in enumerate(json.load(open(home + "/cries"))):
    stream = (sys.stderr, sys.stdout)[number % 2]
    first, pause, rest = text.partition("\\0")
    stream.write(first); stream.flush()
    if pause:
        time.sleep(0.001)
    stream.write(rest + "\\n"); stream.flush()
with open(home + "/seen", "a") as seen:
    seen.write(json.dumps(dict(os.environ)) + "\\n")
"""


@dataclass(frozen=True)
class Stage:
    demo: Demo

    @property
    def environment(self) -> dict[str, str]:
        return dict(VARIABLES.values()) | {"FERRULE_SECRETS": "DEPLOY_NOTE"}

    def ferrule(self, *arguments: str, **more: str) -> tuple[int, str]:
        done = self.demo.ferrule(*arguments, **self.environment, **more)
        return done.returncode, done.stdout + done.stderr

    def seen(self) -> list[dict[str, str]]:
        """The environment of every program that cried, in a release at least."""
        if not (self.demo.home / "seen").exists():
            self.ferrule("release")
        return [json.loads(line) for line in (self.demo.home / "seen").read_text().splitlines()]


def cry(demo: Demo) -> None:
    """Let compilers and linkers cry out what they could know, before they do their work."""
    (demo.home / "cry.py").write_text(PROGRAM)
    (demo.home / "cries").write_text(json.dumps([write(s) for write in WRITTEN.values() for s in SECRETS]))
    for program in (
        *demo.root.glob("cache/tools/*/bin/c*"),
        *demo.home.glob("sysroot/**/wasm-component-ld"),
        demo.root / "bin" / "node",
    ):
        text = program.read_text()
        goes = f'case "$*" in *version*|-V) ;; *) "{sys.executable}" -I -S "{demo.home}/cry.py" "{demo.home}";; esac'
        program.write_text(text.replace("#!/bin/sh\n", f"#!/bin/sh\n{goes}\n"))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    demo = lay_out(tmp_path_factory.mktemp("secrets"))
    for folder in ("objects", "refs"):
        (demo.project / ".git" / folder).mkdir(parents=True)
    (demo.project / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    for name, content in FILES.values():
        path = demo.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as stream:
            stream.write(content)
    cry(demo)
    return Stage(demo)


def traces(secret: str) -> set[bytes]:
    """Parts of every form of it, long enough that none is there by chance."""
    result = {
        secret.encode(),
        secret.encode().hex().encode(),
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
    }
    result |= {json.dumps(secret)[1:-1].encode(), repr(secret)[1:-1].encode(), html.escape(secret).encode()}
    for before in range(3):
        digits = base64.b64encode(bytes(before) + secret.encode() + bytes(3))[4:-8]
        result |= {digits, digits.translate(bytes.maketrans(b"+/", b"-_"))}
    return {trace for trace in result if len(trace) >= 8}


TRACES = {trace: secret for secret in SECRETS for trace in traces(secret)} | {b"CANARY": "any"}


def shown(content: bytes) -> list[str]:
    plain = without_colours(content)
    return sorted({secret for trace, secret in TRACES.items() if trace in content or trace in plain})


def without_colours(content: bytes) -> bytes:
    """A text as a person sees it in colours."""
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", content)


def everything(stage: Stage) -> Iterator[tuple[str, bytes]]:
    """Every file that Ferrule made, and all that is packed in it."""
    for path in stage.demo.root.rglob("*"):
        name = path.relative_to(stage.demo.root).as_posix()
        given = {file for file, _ in FILES.values()}
        if path.is_file() and name not in given and not name.startswith("home/"):
            yield from unpacked(name, path.read_bytes())


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, content
    if content.startswith(b"PK\3\4"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                yield from unpacked(f"{name}: {inner}", archive.read(inner))
    elif content.startswith(b"\x1f\x8b"):
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                if member.isfile():
                    stream = archive.extractfile(member)
                    assert stream is not None
                    yield from unpacked(f"{name}: {member.name}", stream.read())


def check(stage: Stage, said: str) -> int:
    """Nothing that was said or left behind shows a secret; how many texts and files that were."""
    assert shown(said.encode()) == []
    count = 0
    for name, content in everything(stage):
        assert shown(content) == [], name
        count += 1
    return count


def test_the_test_would_notice() -> None:
    for secret in SECRETS:
        for write in WRITTEN.values():
            assert shown(write(secret).replace("\0", "").encode())


def test_nothing_of_a_release_shows_a_secret(stage: Stage, record_property: Callable[[str, object], None]) -> None:
    code, output = stage.ferrule("release", "--report", "-j", "2")
    assert code == 0, output
    looked = check(stage, output)
    assert looked > 150
    assert "***" in (next((stage.demo.project / ".ferrule/work/logs").glob("native@x86*.log"))).read_text()
    record_property("secrets: places where one was kept", len(VARIABLES) + len(FILES))
    record_property("secrets: forms in which programs wrote them", len(WRITTEN))
    record_property("secrets: files without one after a release", looked)


@pytest.mark.parametrize(
    "arguments",
    [
        ("release", "--json"),
        ("plan", "--why"),
        ("plan", "--json"),
        ("explain", f"native@{X86}"),
        ("explain", "--json", "native"),
        ("report",),
        ("verify",),
        ("config",),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_nothing_that_is_asked_afterwards_shows_a_secret(stage: Stage, arguments: tuple[str, ...]) -> None:
    _, output = stage.ferrule(*arguments)
    assert output
    assert shown(output.encode()) == []


def test_a_failure_shows_none_at_any_verbosity(stage: Stage, record_property: Callable[[str, object], None]) -> None:
    (stage.demo.home / f"fail-{X86}").touch()
    source = stage.demo.project / "rust" / "demo-ffi" / "src" / "lib.rs"
    before, looked = source.read_text(), 0
    try:
        for number, (options, more) in enumerate(
            [((), {}), (("--quiet",), {}), (("--json",), {}), ((), {"GITHUB_ACTIONS": "true"})]
        ):
            source.write_text(f"{before}// {number}\n")
            code, output = stage.ferrule("release", *options, **more)
            assert code == 5, output
            assert "***" in output or "--quiet" in options
            looked += check(stage, output)
    finally:
        (stage.demo.home / f"fail-{X86}").unlink()
        source.write_text(before)
    record_property("secrets: files without one after failures", looked)


def test_a_bundle_shows_none(stage: Stage) -> None:
    code, output = stage.ferrule("build", "--shard", "1/2")
    assert code == 0, output
    check(stage, output)


def test_children_see_only_what_they_are_given(stage: Stage, record_property: Callable[[str, object], None]) -> None:
    """Of all variables those few that lead to registries, and what Ferrule sets itself; none for publishing."""
    seen = stage.seen()
    record_property("secrets: environments of children looked at", len(seen))
    given = {"CARGO_REGISTRIES_OURS_TOKEN", "PIP_INDEX_URL", "HTTPS_PROXY", "npm_config__auth"}
    assert len(seen) >= 6
    for environment in seen:
        names = set(environment) & {name for name, _ in VARIABLES.values()}
        assert names <= given
        values = " ".join(environment.values())
        assert not [s for s in ("CANARY-1", "CANARY-2", "CANARYpem", "CANARY-5") if s in values]
        assert "PYTHONPATH" not in environment
        assert "FERRULE_CACHE" not in environment


@pytest.mark.parametrize("name", ["CARGO_REGISTRIES_OURS_TOKEN", "PIP_INDEX_URL"])
def test_a_library_that_holds_one_is_refused(demo: Demo, name: str) -> None:
    """As env!() would leave it: what is released cannot be taken back."""
    variable, value = next(v for v in VARIABLES.values() if v[0] == name)
    secret = next(s for s in SECRETS if s in value and "CANARY" in s)
    library = (demo.home / "binaries" / pretended.BINARIES[X86][1]).read_bytes()
    (demo.home / f"tamper-{X86}").write_bytes(library + b"\0" + secret.encode() + b"\0")
    done = demo.ferrule("release", "--quiet", **{variable: value})
    assert done.returncode == 5
    assert f"holds a secret, the value of the variable {name}" in done.stdout
    assert secret not in done.stderr + done.stdout
    kept = [p for p in (demo.project / ".ferrule" / "store").rglob("*") if p.is_file()]
    assert kept
    assert not [p for p in kept if secret.encode() in p.read_bytes()]
    assert not (demo.dist / "manifest.json").exists()


def test_a_configuration_that_holds_one_is_refused(demo: Demo) -> None:
    demo.edit("Adds two numbers", "Adds canary-0123456789")
    done = demo.ferrule("plan", API_TOKEN="canary-0123456789")
    assert done.returncode == 3
    assert "targets.yaml:" in done.stderr
    assert "the value of the variable API_TOKEN" in done.stderr
    assert "canary" not in done.stderr


def test_what_a_person_mistypes_is_not_repeated(demo: Demo) -> None:
    """A token pasted into the wrong place of a command line."""
    done = demo.ferrule("explain", "canary-0123456789", API_TOKEN="canary-0123456789")
    assert done.returncode != 0
    assert "***" in done.stderr
    assert "canary" not in done.stderr
