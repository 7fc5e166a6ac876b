"""Other tools at the same work, where they are installed: what they do of it, and the command that does it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from engine import real_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ferrule.core.model import Action


@dataclass(frozen=True, slots=True)
class Peer:
    """A command of another tool, ready to be run again and again; `what` says how much of Ferrule's work it does."""

    name: str
    what: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def prepare(
    folder: Path, root: Path, copy_checkout: Callable[[Path], None], notes: list[str]
) -> tuple[list[Peer], list[Peer]]:
    """Tools that find out that there is nothing to do, and tools that pack an image; `notes` get those not there."""
    from ferrule.app.release import run as release  # noqa: PLC0415 - not for --help
    from ferrule.cli.environment import run_context  # noqa: PLC0415
    from ferrule.core.platforms import PLATFORMS  # noqa: PLC0415

    config = release.load(root)
    plan = release.make_plan(config, run_context(jobs=None, offline=True, rust_source=None))
    library = next(action for action in plan.actions if action.kind == "library")
    crate: Any = library.recipe
    manifest = f"{config.workspace.crates[crate.crate].folder}/Cargo.toml"
    linux = [t.triple for t in config.targets if PLATFORMS[t.triple].system == "linux"]

    def place(name: str) -> Path:
        made = folder / name
        copy_checkout(made)
        return made

    def content(name: str) -> Path:
        made = folder / name
        made.mkdir()
        (made / "program").write_bytes(real_bytes(20 << 20))
        return made

    idlers: dict[str, Callable[[str], Peer]] = {
        "ninja": lambda program: ninja(program, place("ninja"), plan.actions),
        "turbo": lambda program: turbo(program, place("turbo"), plan.actions),
        "maturin": lambda program: maturin(program, place("maturin"), manifest),
        "goreleaser": lambda program: goreleaser(program, place("goreleaser"), manifest, crate.crate, linux),
    }
    packers: dict[str, Callable[[str], Peer]] = {
        "docker": lambda program: docker(program, content("docker")),
        "ko": lambda program: ko(program, content("ko")),
    }
    places = {name: shutil.which(name) for name in (*idlers, *packers)}
    notes += [f"{name}: not installed, not measured" for name, program in places.items() if program is None]
    if (client := places["docker"]) is not None:
        answer = subprocess.run((client, "info"), check=False, capture_output=True)
        if answer.returncode != 0:
            notes.append("docker: no engine answers, not measured")
            places["docker"] = None
    return (
        [make(program) for name, make in idlers.items() if (program := places[name])],
        [make(program) for name, make in packers.items() if (program := places[name])],
    )


# Nothing to do


def ninja(program: str, checkout: Path, actions: Sequence[Action]) -> Peer:
    """The graph of the plan as Ninja sees it: times of all tracked files before those of the outputs."""
    tracked = [name for name in _tracked(checkout) if (checkout / name).is_file()]
    quoted = [name.replace("$", "$$").replace(" ", "$ ").replace(":", "$:") for name in tracked]
    lines = ["rule make", "  command = touch $out", f"build sources: phony {' '.join(quoted)}"]
    for action in actions:
        outputs = " ".join(f"out/{action.id.replace(':', '-')}/{number}" for number, _ in enumerate(action.outputs))
        needed = " ".join(f"done/{other.replace(':', '-')}" for other in action.needs)
        lines.append(f"build {outputs}: make | sources {needed}")
        lines.append(f"build done/{action.id.replace(':', '-')}: phony {outputs}")
    (checkout / "build.ninja").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Peer("ninja", f"Ninja looking at {len(actions)} steps and {len(tracked):,} files", (program,), checkout)


def turbo(program: str, checkout: Path, actions: Sequence[Action]) -> Peer:
    """The graph of the plan as Turborepo sees it: a package for each step, and all tracked files before each."""
    every_file = sorted(f"{top.name}/**" if top.is_dir() else top.name for top in checkout.iterdir())
    names = {action.id: re.sub(r"[^a-z0-9]+", "-", action.id.lower()) for action in actions}
    packages = {"": {"name": "all", "private": True, "packageManager": "npm@10.9.0", "workspaces": ["steps/*"]}}
    for action in actions:
        packages[f"steps/{names[action.id]}"] = {
            "name": names[action.id],
            "version": "1.0.0",
            "scripts": {"build": "mkdir -p out && touch out/done"},
            "dependencies": {names[need]: "*" for need in action.needs},
        }
    task = {"dependsOn": ["^build"], "outputs": ["out/**"]}
    documents: dict[str, Any] = {f"{folder}/package.json".lstrip("/"): text for folder, text in packages.items()}
    documents["package-lock.json"] = {"name": "all", "lockfileVersion": 3, "packages": {}}
    documents["turbo.json"] = {"globalDependencies": every_file, "tasks": {"build": task}}
    for name, document in documents.items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(json.dumps(document), encoding="utf-8")
    (checkout / ".gitignore").write_text("out/\n.turbo/\nnode_modules/\n", encoding="utf-8")
    _commit(checkout)
    env = {**os.environ, "TURBO_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1"}
    return Peer("turbo", f"Turborepo looking at {len(actions)} steps", (program, "run", "build"), checkout, env)


def maturin(program: str, checkout: Path, manifest: str) -> Peer:
    """A wheel around the library for this machine."""
    argv = (program, "build", "--release", "--offline", "--quiet", "--bindings", "cffi", "--manifest-path", manifest)
    return Peer("maturin", "maturin making one wheel for this machine", argv, checkout)


def goreleaser(program: str, checkout: Path, manifest: str, package: str, triples: Sequence[str]) -> Peer:
    """Archives for the Linux targets. GoReleaser makes programs only, so the library gets an empty one."""
    crate = (checkout / manifest).parent
    workspace = next(folder for folder in (crate, *crate.parents) if (folder / "Cargo.lock").is_file())
    (crate / "src" / "bin").mkdir(exist_ok=True)
    (crate / "src" / "bin" / "nothing.rs").write_text("//! Nothing.\nfn main() {}\n", encoding="utf-8")
    listed = "".join(f"      - {triple}\n" for triple in triples)
    (checkout / ".goreleaser.yaml").write_text(
        "version: 2\nproject_name: nothing\nbuilds:\n  - builder: rust\n    binary: nothing\n"
        f"    dir: {workspace.relative_to(checkout).as_posix()}\n    flags: [--release, --package={package}]\n"
        f"    targets:\n{listed}"
        "archives:\n  - formats: [tar.gz]\n",
        encoding="utf-8",
    )
    _commit(checkout)
    argv = (program, "release", "--snapshot", "--clean", "--skip=publish,announce")
    return Peer("goreleaser", f"GoReleaser releasing {len(triples)} Linux targets", argv, checkout)


# An image


def docker(program: str, folder: Path) -> Peer:
    """One of the two images; Docker's builder makes one for the machine's own architecture."""
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY program /program\nUSER 65532\n", encoding="utf-8")
    argv = (program, "build", "--quiet", "--no-cache", "--tag", "ferrule-bench", ".")
    return Peer("docker", "docker build for one architecture", argv, folder)


def ko(program: str, folder: Path) -> Peer:
    """Both images, around a program in Go that has the bytes inside; Go's compiler has them in its cache.

    Its base has to come out of a registry, so a server on loopback pretends to be one that has an empty image.
    """
    (folder / "go.mod").write_text("module example.org/nothing\n\ngo 1.21\n", encoding="utf-8")
    (folder / "main.go").write_text(
        'package main\n\nimport _ "embed"\n\n//go:embed program\nvar program []byte\n\n'
        "func main() { println(len(program)) }\n",
        encoding="utf-8",
    )
    argv = (program, "build", "--push=false", "--oci-layout-path=layout", "--platform=linux/amd64,linux/arm64", ".")
    base = f"localhost:{_registry(folder / 'base')}/base:1"
    env = {**os.environ, "KO_DOCKER_REPO": "example.org", "KO_DEFAULTBASEIMAGE": base, "CGO_ENABLED": "0"}
    return Peer("ko", "ko build for both", argv, folder, env)


def _registry(layout: Path) -> int:
    """Serve an image layout of nothing as the registry protocol asks for it (OCI distribution 1.1); the port."""
    from ferrule.formats import oci  # noqa: PLC0415 - only where ko is installed

    layout.mkdir()
    images = [
        oci.PlatformImage(platform, (), oci.image_config(platform, [], epoch=0, user="65532", entrypoint=()))
        for platform in ("linux/amd64", "linux/arm64")
    ]
    oci.write_layout(layout, images, epoch=0, ref_name="1")
    (index,) = json.loads((layout / "index.json").read_bytes())["manifests"]

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = index["digest"] if self.path.endswith("/manifests/1") else self.path.rpartition("/")[2]
            blob = layout / "blobs" / asked.replace(":", "/")
            content = blob.read_bytes() if blob.is_file() else b"{}"
            told = json.loads(content).get("mediaType", "application/json") if content.startswith(b"{") else ""
            self.send_response(200)
            self.send_header("Content-Type", told)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Content-Digest", asked)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("localhost", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def _tracked(checkout: Path) -> list[str]:
    return sorted(p.relative_to(checkout).as_posix() for p in checkout.rglob("*"))


def _commit(checkout: Path) -> None:
    told = ("-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "all"), ("tag", "v0.1.0")):
        subprocess.run(("git", *told, *words), cwd=checkout, check=True)
