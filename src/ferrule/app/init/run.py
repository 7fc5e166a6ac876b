"""The story of `ferrule init`: list the folder, let the readers look, describe, and write what is not there yet."""

from __future__ import annotations

import difflib
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ferrule.app.init import c_headers, cargo, containers, go, javascript, migrations, python
from ferrule.app.init.document import describe
from ferrule.app.init.findings import CargoWorkspace, Remote, Uncovered
from ferrule.app.init.project_files import list_files
from ferrule.app.init.text import text_of
from ferrule.config.workspace_checks import workspace_problems
from ferrule.core.cargo_config import read_settings
from ferrule.core.errors import ConfigError, ConfigErrors, StorageError
from ferrule.core.frozen import dataclass
from ferrule.core.platforms import PLATFORMS
from ferrule.core.rust_toolchain import read_rust_toolchain
from ferrule.core.safe_files import FILE
from ferrule.tools import git, rust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.app.init.document import Description
    from ferrule.app.init.findings import Finding
    from ferrule.app.init.project_files import ProjectFiles
    from ferrule.core.cargo_workspace import Workspace
    from ferrule.tools.host import Host

READERS: Final = (
    cargo.read,
    c_headers.read,
    python.read,
    javascript.read,
    go.read,
    containers.read,
    *migrations.READERS,
)
"""Everything that looks at a project; each gives findings of its own, whatever the others see."""

_OTHER_BUILDS: Final = {
    "BUILD": "Bazel",
    "BUILD.bazel": "Bazel",
    "CMakeLists.txt": "CMake",
    "Makefile": "make",
    "Package.swift": "the Swift package manager",
    "WORKSPACE": "Bazel",
    "build.gradle": "Gradle",
    "build.gradle.kts": "Gradle",
    "build.zig": "zig",
    "configure.ac": "autoconf",
    "meson.build": "Meson",
    "pom.xml": "Maven",
    "go.mod": "Go",
    "package.json": "npm",
    "pyproject.toml": "a Python build backend",
    "setup.py": "setuptools",
}
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+")
_PATH: Final = re.compile(r"/[\w.~/-]+", re.ASCII)
_SSH: Final = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!//)/?(.+)")


@dataclass(frozen=True, slots=True)
class Proposal:
    """The text of a targets.yaml, its description, and the text that is there already, if there is one."""

    text: str
    description: Description
    existing: str | None

    @property
    def diff(self) -> str:
        """What the file that is there would become, as a unified diff; empty where nothing would change."""
        before = (self.existing or "").splitlines(keepends=True)
        lines = difflib.unified_diff(before, self.text.splitlines(keepends=True), FILE, f"{FILE} by ferrule init")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def propose(root: Path, host: Host) -> Proposal:
    """Look at a folder. Raises ConfigError or ConfigErrors for what has to be mended first, StorageError."""
    existing = _existing(root)
    files = list_files(root)
    findings = (*_findings(files), *_remote(root, host))
    workspace = next((finding.workspace for finding in findings if isinstance(finding, CargoWorkspace)), None)
    if workspace is None:
        raise _no_workspace(files)
    toolchain = read_rust_toolchain(root, workspace.folder)
    stated = toolchain is not None and toolchain.version is not None
    description = describe(findings, rust.TOOL.version, rust_is_stated=stated)
    if not description.artifacts:
        raise _nothing_to_release(workspace, description)
    _check_workspace(root, workspace, description)
    return Proposal(text_of(description), description, existing)


def write(root: Path, proposal: Proposal) -> None:
    """Write the file where there is none. Raises StorageError; what is there is never replaced."""
    path = root / FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        hint = "nothing was written; make the folder writable, or look at a copy of it"
        raise StorageError(f"this file cannot be written: {error.strerror}", where=str(path), hint=hint) from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(proposal.text.encode())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise StorageError(f"this file cannot be written: {error.strerror}", where=str(path)) from error


def _existing(root: Path) -> str | None:
    """The text of the targets.yaml that is there. Raises ConfigError for one in a folder above, or no file."""
    path = root / FILE
    if not os.path.lexists(path):
        above = next((folder for folder in root.absolute().parents if (folder / FILE).is_file()), None)
        if above is not None and not (root / ".git").exists():
            hint = f"run ferrule init -C {above} --diff, or make this folder a repository of its own"
            raise ConfigError(f"this folder belongs to the project of {above / FILE}", where=str(root), hint=hint)
        return None
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"this file cannot be read: {error}", where=str(path), hint="ferrule check says more"
        ) from error


def _findings(files: ProjectFiles) -> Iterator[Finding]:
    for reader in READERS:
        yield from reader(files)
    if not files.complete:
        reason = "it has more than 50,000 files, and those that lie deepest were not looked at"
        yield Uncovered(str(files.root), "a part of the folder", reason)


def _remote(root: Path, host: Host) -> Iterator[Remote]:
    """Where the repository is published, if Git says so; its address without name and password."""
    url = git.remote(root, host)
    match = _SSH.fullmatch(url) if url else None
    try:
        parts = urlsplit(f"https://{match[1]}/{match[2]}" if match else url or "")
    except ValueError:  # no address at all
        return
    if parts.hostname and parts.scheme in ("https", "http", "ssh", "git"):
        path = parts.path.rstrip("/").removesuffix(".git")
        if _HOST.fullmatch(parts.hostname) and _PATH.fullmatch(path):
            yield Remote(f"https://{parts.hostname}{path}", parts.hostname)


def _no_workspace(files: ProjectFiles) -> ConfigError:
    if manifests := files.called("Cargo.toml"):
        hint = "write the crates' folders to [workspace] members; nothing was written"
        return ConfigError("this Cargo workspace has no crates", where=manifests[0], hint=hint)
    other = next((name for name in files.names if name in _OTHER_BUILDS), None)
    seen = f", and {other} is of {_OTHER_BUILDS[other]}" if other else ""
    return ConfigError(
        f"there is no Cargo.toml here{seen}: Ferrule releases what Cargo builds",
        where=str(files.root),
        hint="run it in the folder of a Cargo workspace, or above one; nothing was written",
    )


def _nothing_to_release(workspace: Workspace, description: Description) -> ConfigErrors:
    """One error for everything that cannot be released, and that nothing can."""
    hint = (
        'a program, a crate with exported extern "C" functions, a WIT world or a Python module can be; '
        "nothing was written"
    )
    first = ConfigError("there is nothing here that Ferrule can release", where=workspace.manifest, hint=hint)
    return ConfigErrors((first, *(ConfigError(f"{u.what}: {u.reason}", where=u.where) for u in description.uncovered)))


def _check_workspace(root: Path, workspace: Workspace, description: Description) -> None:
    """Raise ConfigErrors for whatever `ferrule check` would refuse in the workspace, whatever targets.yaml says."""
    triples = [line.key for line in dict(description.sections)["targets"] if line.key in PLATFORMS]
    problems = tuple(
        workspace_problems(root, workspace, read_settings(root, workspace.folder), triples, workspace.manifest)
    )
    problems += tuple(_licence_problems(workspace, description))
    if problems:
        raise ConfigErrors(problems)


def _licence_problems(workspace: Workspace, description: Description) -> Iterator[ConfigError]:
    """A licence of the crates that is no SPDX expression, unless the description states another."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression  # noqa: PLC0415 - 11 ms

    stated = {line.key: line.value for line in dict(description.sections)["project"]}
    crates = workspace.crates.values()
    agree = len({crate.license for crate in crates}) == 1
    counting = [crate for crate in crates if agree or crate.name == stated["name"]]  # as for `project.license` itself
    licences = {crate.license: crate for crate in counting if "license" not in stated}
    for text, crate in licences.items():
        try:
            canonicalize_license_expression((text or "MIT").replace("/", " OR "))
        except InvalidLicenseExpression:
            hint = "write one such as MIT OR Apache-2.0, or LicenseRef-… for one of your own; nothing was written"
            yield ConfigError(f"{text!r} is not an SPDX licence expression", where=crate.manifest, hint=hint)
