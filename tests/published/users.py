"""The release as users fetch it: by the clients of their ecosystems, compared byte for byte with what was released."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from typing import TYPE_CHECKING

from judges import run
from world import SHELF, repository_of

from fakes.destinations import Request, StandIn, reply, serving
from fakes.published import CANARY

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

    from fakes.destinations import Reply


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(url: str, path: Path, *options: str) -> None:
    """A file by curl."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run("curl", "--silent", "--show-error", "--fail", "--location", *options, "--output", path, url)


def by_pip(world: World, wheels: list[Path], sdists: list[Path], folder: Path) -> int:
    """Every wheel for its own platform, and every source distribution as the index links to it."""
    index = f"{world.servers['pypi'].gate.url}/simple"
    for number, wheel in enumerate(wheels):
        name, version = wheel.name.split("-")[:2]
        target = folder / str(number)
        options = ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--index-url", index, "--dest", str(target)]
        for tag in wheel.stem.split("-")[-1].split("."):
            options += ["--platform", tag]
        run(sys.executable, "-m", "pip", "--quiet", "download", *options, f"{name}=={version}")
        assert [sha256(path) for path in target.iterdir()] == [sha256(wheel)]
    for sdist in sdists:
        fetch(f"{world.servers['pypi'].gate.url}/packages/{sdist.name}", folder / sdist.name)
        assert sha256(folder / sdist.name) == sha256(sdist)
    return len(wheels) + len(sdists)


def by_npm(world: World, packages: list[Path], version: str, folder: Path) -> int:
    """Every package by npm pack."""
    folder.mkdir()
    url = world.servers["npm"].gate.url
    for package in packages:
        name = package.name.removesuffix(f"-{version}.tgz")
        options = ("--silent", "--registry", url, "--cache", str(folder / "cache"))
        (answer,) = run("npm", "pack", f"{name}@{version}", *options, cwd=folder).stdout.split()
        assert sha256(folder / answer) == sha256(package)
    return len(packages)


def by_skopeo(world: World, layout: Path, version: str, folder: Path) -> int:
    """Image of the tag, for all platforms, with every digest as it was."""
    registry = world.servers["oci"].gate.url.removeprefix("http://")
    image = f"docker://{registry}/team/demo:{version}"
    options = ("--all", "--preserve-digests", "--src-tls-verify=false", "--quiet")
    run("skopeo", "copy", *options, image, f"oci:{folder}")
    ours = {path.name: sha256(path) for path in (layout / "blobs" / "sha256").iterdir()}
    theirs = {path.name: sha256(path) for path in (folder / "blobs" / "sha256").iterdir()}
    assert theirs == ours
    return len(ours)


class Importer(StandIn):
    """The host that a module's path names, as the go command asks it where the repository is."""

    def answer(self, request: Request) -> Reply:
        host = str(request.headers["Host"])
        if request.method != "GET" or not host.startswith("example.org"):
            return reply(403, b"")
        content = f"example.org/ferrule/email-validator git {repository_of('go')}"
        return reply(200, f'<meta name="go-import" content="{content}">'.encode(), Content_Type="text/html")


def by_go(world: World, module: Path, version: str, go: str, folder: Path) -> int:
    """The module of the tag, by the go command from the repository itself, without any proxy of modules."""
    folder.mkdir()
    name = next(line for line in (module / "go.mod").read_text().splitlines() if line.startswith("module ")).split()[1]
    with serving(Importer()) as importer:
        environment = {
            "HOME": world.environment["HOME"],
            "GOPROXY": "direct",
            "GOSUMDB": "off",
            "GOINSECURE": "example.org",
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-modcacherw",
            "GOMODCACHE": str(folder / "cache"),
            "GOCACHE": str(folder / "build"),
            "HTTP_PROXY": importer.url,
            "HTTPS_PROXY": importer.url,
            "NO_PROXY": "127.0.0.1",
        }
        done = run(go, "mod", "download", "-json", f"{name}@v{version}", cwd=folder, **environment)
    fetched = type(folder)(json.loads(done.stdout)["Dir"])
    ours, theirs = (
        {path.relative_to(root).as_posix(): sha256(path) for path in root.rglob("*") if path.is_file()}
        for root in (module, fetched)
    )
    assert theirs == ours
    return len(ours)


def by_http(world: World, folder: Path) -> dict[str, int]:
    """Everything from where all of the release is, by plain HTTP or from the folder; then what sha256sum says."""
    project, manifest = world.project.folder, world.project.manifest
    shutil.copytree(world.shelf / project, folder / SHELF)
    names = sorted(p.name for p in (world.folder / "http" / "content" / "releases" / project).iterdir())
    signed = ("--aws-sigv4", "aws:amz:eu-west-1:s3", "--user", f"AKID:{CANARY}")
    signed += ("--header", f"x-amz-content-sha256: {hashlib.sha256().hexdigest()}")
    token = ("--header", f"PRIVATE-TOKEN: {CANARY}")
    url = {name: server.gate.url for name, server in world.servers.items()}
    package = f"{url['gitlab']}/api/v4/projects/o%2Fr/packages/generic/{manifest['project']}/{manifest['release']}"
    for name in names:
        fetch(f"{url['http']}/releases/{project}/{name}", folder / "http" / name)
        fetch(f"{url['s3']}/bucket/{project}/{name}", folder / "s3" / name, *signed)
        fetch(f"{package}/{name}", folder / "gitlab" / name, *token)
    for forge, prefix in {"github": "/repos/o/r", "gitea": "/api/v1/repos/o/r"}.items():
        page = folder / f"{forge}.json"
        fetch(f"{url[forge]}{prefix}/releases/tags/{world.project.tag}", page)
        number = json.loads(page.read_bytes())["id"]
        fetch(f"{url[forge]}{prefix}/releases/{number}/assets", page)
        for asset in json.loads(page.read_bytes()):
            fetch(asset["browser_download_url"], folder / forge / asset["name"])
        assert sorted(p.name for p in (folder / forge).iterdir()) == names
    everywhere = (SHELF, "http", "s3", "gitlab", "github", "gitea")
    for name in everywhere:
        run("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=folder / name)
        if name != SHELF:
            assert [sha256(folder / name / n) for n in names] == [sha256(folder / "http" / n) for n in names]
    return {name: sum(path.is_file() for path in (folder / name).rglob("*")) for name in everywhere}


def by_cargo(world: World, crates: list[Path], cargo: str, folder: Path) -> int:
    """Every crate by cargo fetch, those that others need among them."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "lib.rs").touch()
    head = '[package]\nname = "user"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\n'
    rows = (f'{crate.stem.rpartition("-")[0]} = {{version = "*", registry = "here"}}\n' for crate in crates)
    (folder / "Cargo.toml").write_text(head + "".join(rows))
    index = f"sparse+{world.servers['crates'].gate.url}/index/"
    run(cargo, "fetch", "--quiet", cwd=folder, CARGO_HOME=str(folder / "home"), CARGO_REGISTRIES_HERE_INDEX=index)
    fetched = {path.name: sha256(path) for path in (folder / "home" / "registry" / "cache").rglob("*.crate")}
    assert fetched == {crate.name: sha256(crate) for crate in crates}
    return len(crates)


def by_git(world: World, name: str, file: Path, folder: Path) -> int:
    """The file that a clone of a tap or bucket holds."""
    run("git", "clone", "--quiet", repository_of(name), folder, HOME=world.environment["HOME"])
    (theirs,) = folder.rglob(file.name)
    assert sha256(theirs) == sha256(file)
    return 1
