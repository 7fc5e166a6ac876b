"""Every destination on loopback behind gates, a user with credentials for all, and what the servers themselves have."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess  # noqa: TID251 - the command under test, which is killed, and a server
import sys
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import publish_servers
from cache_servers import running
from gates import Boundary, Gate, forwarding
from judges import CHECKOUT, OWN, ferrule, program, run
from node_programs import QUIET

from fakes.destinations import CargoServer, GiteaServer, GithubServer, GitlabServer, S3Server, StandIn, serving
from fakes.git_server import GitServer
from fakes.published import CANARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

HERE = Path(__file__).parent
SHELF = "shelf"
NAME = "me"

Files = dict[str, tuple[object, ...]]
"""What a server has: by its name the SHA-256, and of a real file what changes with every writing (inode, time)."""


@dataclass(frozen=True)
class Project:
    """A repository, a finished release of one of its commits, and the destinations to which that goes.

    `release` is its name where the repository has several.
    """

    repository: Path
    dist: Path
    names: tuple[str, ...]
    release: str = ""

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.dist / "manifest.json").read_bytes())

    @property
    def version(self) -> str:
        return str(self.manifest["release"])

    @property
    def tag(self) -> str:
        return f"{self.release}-v{self.version}" if self.release else f"v{self.version}"

    @property
    def asked(self) -> tuple[str, ...]:
        """How `ferrule publish` is told which release."""
        return (*([self.release] if self.release else []), "--from", str(self.dist))

    @property
    def commit(self) -> str:
        return str(self.manifest["source"]["commit"])

    @property
    def folder(self) -> str:
        """Of the release, where a destination has one for each."""
        return f"{self.manifest['project']}-{self.version}"


@dataclass
class Server:
    """A server as the table shows it; `files` reads its own storage, `created` counts what it created by name."""

    title: str
    gate: Gate
    files: Callable[[], Files]
    created: Callable[[], dict[str, int]]
    replaced: Callable[[], int] = lambda: 0


@dataclass
class World:
    """Servers, the clones of one or more users, and what was seen on the way."""

    folder: Path
    project: Project
    servers: dict[str, Server]
    rows: str
    environment: dict[str, str]
    seen: dict[str, Files] = field(default_factory=dict)
    overwritten: dict[str, int] = field(default_factory=dict)
    shelf_stamps: list[float] = field(default_factory=list)

    @property
    def shelf(self) -> Path:
        return self.folder / "shelf"

    def clone(self, name: str) -> Path:
        """A clone of the repository, with the tag of the release, words for its version, and rows below `publish`.

        The interface is recorded as that of this release: the gate compares with the last one, which is not published.
        """
        path, version = self.folder / name, self.project.version
        run("git", "clone", "--quiet", self.project.repository, path)
        run("git", "tag", self.project.tag, self.project.commit, cwd=path)
        with (path / "targets.yaml").open("a") as stream:
            stream.write(self.rows)
        changelog = (
            path / "rust" / self.project.release / "CHANGELOG.md" if self.project.release else path / "CHANGELOG.md"
        )
        changelog.write_text(changelog.read_text().replace("## [Unreleased]", f"## [{version}]", 1))
        if (path / "packaging" / "abi").exists() and not self.project.release:
            shutil.rmtree(path / "packaging" / "abi")
            ferrule("abi", "--record", self.project.dist, cwd=path)
        return path

    def ferrule(self, clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command that is left alone."""
        self.arm(None)
        argv = [sys.executable, "-m", "ferrule", *arguments]
        return subprocess.run(argv, cwd=clone, env=self.environment, capture_output=True, text=True, check=False)

    def arm(self, boundary: Boundary | None) -> None:
        for name, server in self.servers.items():
            server.gate.arm(boundary if boundary and boundary.destination == name else None)

    def publish(self, clone: Path, boundary: Boundary | None = None) -> tuple[int, str]:
        """Publish, be killed at the boundary or end by itself: the exit code and all that was said."""
        self.arm(boundary)
        argv = [sys.executable, "-m", "ferrule", "publish", *self.project.asked, "--json"]
        said = []
        with (self.folder / "stderr").open("w+") as errors:
            with subprocess.Popen(
                argv, cwd=clone, env=self.environment, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process:
                for server in self.servers.values():
                    server.gate.victim = process.pid
                assert process.stdout
                for line in process.stdout:
                    said.append(line)
                    if self.is_at_shelf(line, boundary):
                        process.kill()
            code = process.returncode
            errors.seek(0)
            said.append(errors.read())
        self.look()
        return code, "".join(said)

    def is_at_shelf(self, line: str, boundary: Boundary | None) -> bool:
        """Whether this line of a run says that it is where it is to be killed: no server is asked about a folder."""
        row = json.loads(line)
        if row["destination"] != SHELF or row["state"] not in {"uploading", "uploaded"}:
            return False
        moment = "before" if row["state"] == "uploading" else "after"
        if moment == "after":
            self.shelf_stamps.append(time.monotonic())
        if boundary is None or (boundary.destination, boundary.moment) != (SHELF, moment):
            return False
        count = sum(path.is_file() and ".incoming" not in path.parts for path in self.shelf.rglob("*"))
        return boundary.number <= count + (moment == "before")

    def shelf_files(self) -> Files:
        return {n: row for n, row in stored(self.shelf, "*/**/*").items() if "/.incoming/" not in n}

    def files(self) -> dict[str, Files]:
        """What everybody has now, from the servers' own storage."""
        return {SHELF: self.shelf_files(), **{name: server.files() for name, server in self.servers.items()}}

    def look(self) -> None:
        """Compare with what was there before: nothing may change."""
        now = self.files()
        for name, files in self.seen.items():
            changed = [n for n, row in files.items() if now[name].get(n) != row and not n.endswith(MOVING)]
            self.overwritten[name] = self.overwritten.get(name, 0) + len(changed)
        self.seen = now


MOVING = ("/tags/latest",)
"""What a release may move."""


def stored(folder: Path, pattern: str) -> Files:
    """Files by their paths below a folder; whoever writes one again changes the inode or the time."""
    rows = {}
    for path in sorted(folder.glob(pattern)):
        if path.is_file():
            state = path.stat()
            name = path.relative_to(folder).as_posix()
            rows[name] = (hashlib.sha256(path.read_bytes()).hexdigest(), state.st_ino, state.st_mtime_ns)
    return rows


def digests(files: Files) -> dict[str, object]:
    """What does not differ between two worlds."""
    return {name: row[0] for name, row in files.items()}


@contextmanager
def world(folder: Path, project: Project) -> Iterator[World]:
    """Servers of every kind to which the release goes, for as long as the block runs."""
    folder.mkdir(parents=True)
    (folder / SHELF).mkdir()
    home = folder / "home"
    (home / ".docker").mkdir(parents=True)
    with ExitStack() as stack:
        opened = {name: opened_server(name, folder / name, project.commit, stack) for name in project.names}
        servers = {name: server for name, (server, _) in opened.items()}
        tokens = {name: token for name, (_, token) in opened.items()}
        urls = {name: server.gate.url for name, server in servers.items()}
        sign_in(home, urls, tokens.get("npm", ""))
        yield World(folder, project, servers, rows_of(folder, urls), environment_of(home))


def opened_server(name: str, folder: Path, commit: str, stack: ExitStack) -> tuple[Server, str]:
    """A server behind a gate, and the token that it gives its user, if it does."""
    if name in REAL:
        title, opens, files_of = REAL[name]
        address, token = stack.enter_context(opens(folder))
        gate = stack.enter_context(serving(Gate(name=name, inner=forwarding(address))))
        return Server(title, gate, partial(files_of, folder), lambda: dict(gate.accepted)), token
    kind, files_in = STAND_INS[name]
    inner = kind()
    if isinstance(inner, (GithubServer, GitlabServer)):
        inner.tag_commit = commit
    gate = stack.enter_context(serving(Gate(name=name, inner=inner.answer, blobs=inner.blobs)))
    inner.url, inner.elsewhere = gate.url, gate.elsewhere
    title = "git http-backend" if kind is GitServer else "stand-in"
    replaced = inner.replaced
    return Server(
        title, gate, partial(files_in, inner), lambda: dict(inner.created), lambda: sum(replaced.values())
    ), ""


def repository_of(name: str) -> str:
    """The address that a row names, from which settings of Git lead to a server here."""
    return f"https://{name}.example.org/demo.git"


def rows_of(folder: Path, urls: dict[str, str]) -> str:
    """The rows of targets.yaml."""
    keys: dict[str, Callable[[str], dict[str, str]]] = {
        "pypi": lambda url: {"index": f"{url}/simple", "upload": f"{url}/"},
        "npm": lambda url: {"registry": url},
        "oci": lambda url: {"repository": f"{url.removeprefix('http://')}/team/demo"},
        "http": lambda url: {"url": f"{url}/releases"},
        "s3": lambda url: {"bucket": "bucket", "region": "eu-west-1", "endpoint": url},
        "github": lambda url: {"repository": "o/r", "api": url, "uploads": url},
        "gitlab": lambda url: {"project": "o/r", "url": url},
        "gitea": lambda url: {"repository": "o/r", "url": url},
        "crates": lambda url: {"index": f"{url}/index"},
        **dict.fromkeys(("go", "homebrew", "scoop"), lambda _: {}),
    }
    rows: dict[str, dict[str, str]] = {SHELF: {"to": "folder", "path": f"{folder}/{SHELF}"}}
    for name, url in urls.items():
        own = keys[name](url) or {"repository": repository_of(name)}
        rows[name] = {"to": name, **own}
    lines = (f"  {name}: {json.dumps(row)}\n" for name, row in rows.items())
    return f"\npublish:\n{''.join(lines)}"


def sign_in(home: Path, urls: dict[str, str], npm_token: str) -> None:
    """Credentials where the clients keep them."""
    (home / ".netrc").write_text(f"machine 127.0.0.1 login me password {CANARY}\n")
    (home / ".netrc").chmod(0o600)
    lines = [f"[user]\n\tname = {NAME}\n\temail = {NAME}@example.org\n[safe]\n\tdirectory = *\n"]
    lines += [f'[url "{url}/"]\n\tinsteadOf = {repository_of(n).rpartition("/")[0]}/\n' for n, url in urls.items()]
    (home / ".gitconfig").write_text("".join(lines))
    if "npm" in urls:
        (home / ".npmrc").write_text(f"{urls['npm'].removeprefix('http:')}/:_authToken={npm_token}\n")
    if "oci" in urls:
        auth = base64.b64encode(f"me:{CANARY}".encode()).decode()
        rows = {urls["oci"].removeprefix("http://"): {"auth": auth}}
        (home / ".docker" / "config.json").write_text(json.dumps({"auths": rows}))


def environment_of(home: Path) -> dict[str, str]:
    """The user's variables."""
    forges = ("GITHUB_TOKEN", "GITEA_TOKEN", "GITLAB_TOKEN")
    tokens = (*forges, "TWINE_PASSWORD", "AWS_SECRET_ACCESS_KEY", "CARGO_REGISTRY_TOKEN")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
    own = {"HOME": str(home), "PATH": path, "PYTHONPATH": str(CHECKOUT / "src"), "LC_ALL": "C.UTF-8"}
    users = {"TWINE_USERNAME": "__token__", "AWS_ACCESS_KEY_ID": "AKID"}
    return own | users | dict.fromkeys(tokens, CANARY)


@contextmanager
def verdaccio(folder: Path) -> Iterator[tuple[str, str]]:
    """The registry of npm packages that people run themselves, without one above it: its address, and a token."""
    port = publish_servers.free_port()
    folder.mkdir(parents=True)
    settings = {
        "storage": f"{folder}/storage",
        "auth": {"htpasswd": {"file": f"{folder}/users", "algorithm": "bcrypt"}},
        "packages": {"**": {"access": "$all", "publish": "$authenticated"}},
        "log": {"type": "file", "path": f"{folder}/log", "format": "json", "level": "warn"},
        "max_body_size": "100mb",
    }
    (folder / "config.yaml").write_text(json.dumps(settings))
    start = installed_verdaccio() / "node_modules" / "verdaccio" / "bin" / "verdaccio"
    options = ["--config", str(folder / "config.yaml"), "--listen", f"127.0.0.1:{port}"]
    with running([program("node"), str(start), *options], port):
        address = f"http://127.0.0.1:{port}"
        user = json.dumps({"name": "me", "password": CANARY}).encode()
        request = urllib.request.Request(f"{address}/-/user/org.couchdb.user:me", user, method="PUT")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            yield address, json.load(answer)["token"]


def installed_verdaccio() -> Path:
    """Verdaccio in its locked version, installed once with its digests checked."""
    folder = OWN / "verdaccio"
    lock, stamp = (HERE / "verdaccio" / "package-lock.json").read_bytes(), folder / "installed"
    if not stamp.exists() or stamp.read_bytes() != lock:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "verdaccio" / name, folder)
        run("npm", "ci", *QUIET, cwd=folder)
        stamp.write_bytes(lock)
    return folder


def registry_files(root: Path) -> Files:
    """Contents by digest and tags, as the registry keeps them."""
    blobs = {f"sha256:{n.split('/')[-2]}": row for n, row in stored(root / "blobs", "sha256/*/*/data").items()}
    links = {}
    for path in root.glob("repositories/**/_manifests/tags/*/current/link"):
        links[f"/tags/{path.parent.parent.name}"] = (path.read_text(),)
    return blobs | links


def crates(server: CargoServer) -> Files:
    return contents({"-".join(name): content for name, content in server.files.items()})


def contents(files: dict[str, bytes]) -> Files:
    return {name: (hashlib.sha256(content).hexdigest(),) for name, content in files.items()}


def git_files(git: GitServer) -> Files:
    state = git.state()
    return {f"{ref} {name}": (digest,) for ref, files in state.items() for name, digest in files.items()}


def assets(server: GithubServer) -> Files:
    """Files of the published page; what a draft has is not there yet for people, but must not change either."""
    drafts = {number for number, row in server.releases.items() if row["draft"]}
    rows = contents({asset["name"]: asset["content"] for asset in server.assets.values()})
    return rows | {f"page {row['tag_name']}": ("",) for n, row in server.releases.items() if n not in drafts}


def packages(server: GitlabServer) -> Files:
    """Packages, each with all that it ever had under a name, and what releases link to."""
    rows = {name: (hashlib.sha256(versions[-1]).hexdigest(),) for name, versions in server.files.items()}
    links = server.state()[1]
    return rows | {f"{tag} {name}": (url,) for tag, urls in links.items() for name, url in urls.items()}


@contextmanager
def without_token(opens: AbstractContextManager[str], scheme: str = "") -> Iterator[tuple[str, str]]:
    """A server whose user has a name and a password."""
    with opens as address:
        yield f"{scheme}{address}", ""


REAL: dict[str, tuple[str, Callable[[Path], AbstractContextManager[tuple[str, str]]], Callable[[Path], Files]]] = {
    "pypi": (
        "pypiserver",
        lambda folder: without_token(publish_servers.index(folder)),
        lambda folder: stored(folder / "packages", "*"),
    ),
    "npm": ("verdaccio", verdaccio, lambda folder: stored(folder / "storage", "**/*.tgz")),
    "oci": (
        "docker-registry",
        lambda folder: without_token(publish_servers.registry(folder), "http://"),
        lambda folder: registry_files(folder / "content" / "docker" / "registry" / "v2"),
    ),
    "http": (
        "nginx",
        lambda folder: without_token(publish_servers.put_server(folder)),
        lambda folder: stored(folder / "content", "releases/**/*"),
    ),
}
"""Real servers: what they are, how they start in a folder, and what lies there."""

STAND_INS: dict[str, tuple[type[StandIn], Callable[[Any], Files]]] = {
    "go": (GitServer, git_files),
    "homebrew": (GitServer, git_files),
    "scoop": (GitServer, git_files),
    "s3": (S3Server, lambda server: contents(server.files)),
    "crates": (CargoServer, crates),
    "github": (GithubServer, assets),
    "gitlab": (GitlabServer, packages),
    "gitea": (GiteaServer, assets),
}
