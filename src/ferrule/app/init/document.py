"""Findings to a description of targets.yaml: its lines with their reasons, and what they do not cover; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.app.init.artifacts import artifacts
from ferrule.app.init.findings import CargoWorkspace, CrateUse, Finding, Licence, Remote, RequestedTarget, Uncovered
from ferrule.app.init.lines import Line
from ferrule.app.init.uses import Project, is_component, stem
from ferrule.core.frozen import dataclass
from ferrule.core.one_line import one_line
from ferrule.core.platforms import PLATFORMS, unsupported
from ferrule.tools.macos_sdk import links_framework

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.model import Json
    from ferrule.core.platforms import Platform

_USUAL: Final = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin")
_WEBASSEMBLY: Final = "wasm32-unknown-unknown"
_FORGES: Final = {
    "gitlab": "GitLab",
    "gitea": "Gitea",
    "codeberg": "Codeberg",
    "bitbucket": "Bitbucket",
    "sr.ht": "sourcehut",
}
_LAST: Final = (
    Line("sbom", {"kind": "sbom"}),
    Line("sums", {"kind": "checksums"}),
    Line("provenance", {"kind": "provenance"}),
)


@dataclass(frozen=True, slots=True)
class Description:
    """The sections of a targets.yaml with their lines, and what they do not cover."""

    sections: tuple[tuple[str, tuple[Line, ...]], ...]
    uncovered: tuple[Uncovered, ...]

    @property
    def artifacts(self) -> tuple[Line, ...]:
        """What is made; empty where nothing can be."""
        return dict(self.sections).get("artifacts", ())


def describe(findings: tuple[Finding, ...], rust: str, *, rust_is_stated: bool = False) -> Description:
    """What targets.yaml says about a project, whose workspace is among the findings.

    `rust` is the version that Ferrule builds with where nothing is stated, `rust_is_stated` whether the project does.
    """
    workspace = next(finding for finding in findings if isinstance(finding, CargoWorkspace))
    project = Project(findings, workspace)
    uncovered = list(project.every(Uncovered))
    lines: list[Line] = []
    for item in artifacts(project):
        if isinstance(item, Line):
            lines.append(item)
        else:
            uncovered.append(item)
    if not lines:
        return Description((), tuple(dict.fromkeys(uncovered)))
    names = [line.value["crate"] for line in lines if isinstance(line.value, dict) and "crate" in line.value]
    uses = [use for use in workspace.crates if use.crate.name in names]
    released = tuple(sorted(uses, key=lambda use: names.index(use.crate.name)))
    targets, unbuilt = _targets(project, released)
    ci, unpublished = _ci(project)
    sections = (
        ("project", _project(project, released)),
        ("toolchain", () if rust_is_stated else tuple(_toolchain(released, rust))),
        ("targets", targets),
        ("artifacts", (*lines, *_LAST)),
        ("ci", ci),
    )
    filled = tuple((name, lines) for name, lines in sections if lines)
    return Description(filled, tuple(dict.fromkeys((*uncovered, *unbuilt, *unpublished))))


# Project


def _project(project: Project, released: tuple[CrateUse, ...]) -> tuple[Line, ...]:
    workspace = project.workspace.workspace
    crates = {use.crate.name: use.crate for use in project.workspace.crates}
    root = next((crate for crate in crates.values() if crate.folder == workspace.folder), None)
    source = root or released[0].crate
    name = stem(source.name)
    main = crates.get(name) or (released[0].crate if len(crates) == 1 else None)
    lines = [
        Line("name", name, None if name == source.name else f"of the crate {source.name}"),
        _version(project, released),
    ]
    if (
        len({crate.license for crate in crates.values()}) > 1
        and not (main and main.license)
        and released[0].crate.license
    ):
        spdx = released[0].crate.license.replace("/", " OR ")
        lines.append(Line("license", spdx, f"of {released[0].crate.name}; other crates have others"))
    described = released[0].crate.description
    if not (main and main.description) and described and len(one_line(described)) <= 512:  # noqa: PLR2004 - most
        lines.append(Line("description", one_line(described), f"of the crate {released[0].crate.name}"))
    if not (main and main.homepage):
        lines += [Line("homepage", remote.address, "the remote repository") for remote in project.every(Remote)]
    if licences := project.every(Licence):
        lines.append(Line("license-files", [licence.file for licence in licences]))
    return tuple(lines)


def _version(project: Project, released: tuple[CrateUse, ...]) -> Line:
    """Where the version is stated: the workspace, unless its released crates differ and it has none for all."""
    workspace = project.workspace.workspace
    if workspace.version is not None or len({use.crate.version for use in released}) == 1:
        return Line("version", {"cargo": workspace.folder})
    crate = released[0].crate
    return Line("version", {"cargo": crate.folder}, f"of {crate.name}; each artifact has the version of its own crate")


def _toolchain(released: tuple[CrateUse, ...], rust: str) -> Iterator[Line]:
    stated = [(use.rust[0], use.crate.name) for use in released if use.rust and _numbers(use.rust[0])]
    if stated:
        version, crate = max(stated, key=lambda pair: _numbers(pair[0]))
        if _numbers(version) > _numbers(rust):
            yield Line("rust", version, f"rust-version of {crate}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split("."))) if re.fullmatch(r"\d{1,5}(\.\d{1,5}){0,2}", version) else ()


# Targets


def _targets(project: Project, released: tuple[CrateUse, ...]) -> tuple[tuple[Line, ...], tuple[Uncovered, ...]]:
    requested = {target.triple: target for target in reversed(project.every(RequestedTarget))}
    uncovered = [
        _unsupported(target) for target in project.every(RequestedTarget) if not _is_linked_here(target.triple)
    ]
    able = {triple: target for triple, target in reversed(requested.items()) if _is_linked_here(triple)}
    chosen: dict[str, RequestedTarget | None] = {**able} if able else dict.fromkeys(_USUAL)
    native = any(not is_component(use, project) for use in released)
    if not native:
        reason = "nothing native is released: WebAssembly runs on every machine"
        uncovered += [
            Uncovered(t.where, f"the target {t.triple}", reason) for t in able.values() if PLATFORMS[t.triple].is_native
        ]
        chosen = {triple: target for triple, target in chosen.items() if not PLATFORMS[triple].is_native}
    if any(is_component(use, project) for use in released):
        chosen.setdefault(_WEBASSEMBLY, None)
    if linked := _framework(released):
        for triple in [t for t in chosen if PLATFORMS[t].system == "macos"]:
            where, package = linked
            text = "a framework's description is in Apple's SDK: on a Mac, or with `sdk`, add the target"
            uncovered.append(Uncovered(where, f"{triple}, as {package} links a framework of macOS", text))
            del chosen[triple]
    for triple in [*chosen]:
        chosen |= {part: chosen.get(part) for part in PLATFORMS[triple].parts}
    lines: list[Line] = []
    for triple, target in (chosen or dict.fromkeys(_USUAL[:2])).items():
        line, problem = _target(PLATFORMS[triple], target)
        lines.append(line)
        uncovered += [problem] if problem else []
    return tuple(lines), tuple(uncovered)


def _is_linked_here(triple: str) -> bool:
    return triple in PLATFORMS and PLATFORMS[triple].family.linked_on is None


def _unsupported(target: RequestedTarget) -> Uncovered:
    reason = "Ferrule does not build for it yet" if unsupported(target.triple, PLATFORMS) else "Rust has no such target"
    instead = target.triple.replace("-windows-msvc", "-windows-gnullvm")
    if instead in PLATFORMS:
        reason = f"it needs Microsoft's linker; {instead} runs on the same machines, and can be added"
        if target.triple in PLATFORMS:
            reason += "; so can this one, which the workflow of `ferrule ci github` then links on Windows"
    return Uncovered(target.where, f"the target {target.triple}", reason)


def _target(platform: Platform, target: RequestedTarget | None) -> tuple[Line, Uncovered | None]:
    """A target with the floor that was stated for it, or else the one that is suggested."""
    name, source = platform.floor_name, target.where.partition(":")[0] if target else None
    comment = f"of {source}" if source else None
    if name is None or platform.parts:
        return Line(platform.triple, {}, comment), None
    stated, problem = target.floor if target else None, None
    if target and stated and (wrong := platform.floor_problem(stated)):
        problem = Uncovered(target.where, f"{name} {stated} of {platform.triple}", f"it has to be {wrong[0]}")
        stated = None
    return Line(platform.triple, {name: stated or platform.suggested_floor}, comment), problem


def _framework(released: tuple[CrateUse, ...]) -> tuple[str, str] | None:
    """A crate that links a framework of macOS: its position, and the package that does."""
    for use in released:
        for package in sorted(use.packages):
            if links_framework(package):
                return use.at, package
    return None


# CI


def _ci(project: Project) -> tuple[tuple[Line, ...], tuple[Uncovered, ...]]:
    """GitHub is the default; a repository elsewhere is published nowhere yet."""
    for remote in project.every(Remote):
        name = next((title for part, title in _FORGES.items() if part in remote.host), remote.host)
        if "github" not in remote.host:
            system = "gitlab" if "gitlab" in remote.host else "forgejo" if "codeberg" in remote.host else None
            writes = f"`ferrule ci {system}` writes what {name} runs; " if system else ""
            nowhere: Json = []
            line = Line("publish", nowhere, f"the remote repository is on {name}")
            return (line,), (
                Uncovered(
                    remote.address,
                    f"publishing on {name}",
                    f"{writes}a job of it brings a release to the rows below `publish` that ci.publish-rows names "
                    "(docs/how-to/ci.md)",
                ),
            )
    return (), ()
