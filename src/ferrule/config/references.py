"""What values point at: other artifacts, crates of the workspace, and files of the project."""

from __future__ import annotations

import errno
import re
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from ferrule.config.checking import sections
from ferrule.config.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ferrule.config.problems import Position, Problems, listed, quote
from ferrule.core.frozen import dataclass
from ferrule.core.source_globs import fixed_folder, is_exclusion, matcher
from ferrule.kinds.base import ArtifactRef, CrateRef, FeatureRef, ProfileRef, ProjectGlob, ProjectPath, markers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.cargo_workspace import Workspace
    from ferrule.core.section import Section
    from ferrule.kinds.base import Marker

_FITS: dict[str, Callable[[Path], bool]] = {
    "file": lambda path: path.is_file(),
    "folder": lambda path: path.is_dir(),
    "either": lambda path: path.is_file() or path.is_dir(),
}
_SAFE_PATH = re.compile(r"[\w.+@~ -]+(?:/[\w.+@~ -]+)*")


@dataclass(frozen=True, slots=True)
class ReferenceScope:
    """What values may refer to: the project's folder, its workspace if it could be read, artifacts and their kinds.

    `profiles` are those of Cargo's settings; into `minor` go problems that keep nothing from being planned.
    """

    project: Path
    workspace: Workspace | None
    artifacts: Mapping[str, str]
    profiles: tuple[str, ...] = ()
    minor: Problems | None = None


def check_references(model: type[Section], node: MappingNode, scope: ReferenceScope, problems: Problems) -> None:
    """Check every value of a section that refers to something, whatever else may be wrong with the section."""
    for scalar, marker in marked(model, node):
        if problems.has(scalar.mark):
            continue
        if isinstance(marker, ArtifactRef):
            _check_artifact(scalar.text, marker, scalar.mark, scope, problems)
        elif isinstance(marker, CrateRef):
            _check_crate(scalar.text, marker, scalar.mark, scope.workspace, problems)
        elif isinstance(marker, FeatureRef):
            _check_feature(scalar, node.values.get("crate"), scope, scope.minor or problems)
        elif isinstance(marker, ProfileRef):
            _check_profile(scalar, scope, scope.minor or problems)
        elif isinstance(marker, ProjectGlob):
            _check_glob(scalar.text, scalar.mark, scope.project, problems)
        elif marker.unless is None or marker.unless not in scalar.text:
            _check_path(scalar.text, marker, scalar.mark, scope.project, problems)


def marked(model: type[Section], node: MappingNode) -> Iterator[tuple[ScalarNode, Marker]]:
    """The texts of a section that refer to something."""
    for _, key, marks in markers(model):
        yield from ((scalar, mark) for scalar in _texts(node.values.get(key)) for mark in marks)
    for key, section in sections(model):
        yield from chain.from_iterable(marked(section, part) for part in _mappings(node.values.get(key)))


def _texts(node: Node | None) -> Iterator[ScalarNode]:
    """The texts in a value: itself, those of a list, or the values of a mapping."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        yield node
    elif isinstance(node, SequenceNode):
        yield from chain.from_iterable(_texts(item) for item in node.items)
    elif isinstance(node, MappingNode):
        yield from chain.from_iterable(_texts(value) for value in node.values.values())


def _mappings(node: Node | None) -> Iterator[MappingNode]:
    """The mappings in a value: itself, or those of a list."""
    if isinstance(node, MappingNode):
        yield node
    elif isinstance(node, SequenceNode):
        yield from chain.from_iterable(_mappings(item) for item in node.items)


def _check_artifact(name: str, marker: ArtifactRef, mark: Position, scope: ReferenceScope, problems: Problems) -> None:
    kinds = listed(marker.kinds).replace(" and ", " or ")
    suitable = [n for n, kind in scope.artifacts.items() if kind in marker.kinds]
    there = f"artifacts of kind {kinds} are: {listed(suitable)}" if suitable else f"add an artifact of kind {kinds}"
    kind = scope.artifacts.get(name)
    if kind is None:
        problems.add(mark, f"there is no artifact {quote(name)}", problems.suggestion(name, suitable, there))
    elif kind and kind not in marker.kinds:
        problems.add(mark, f"the artifact {quote(name)} is of kind {kind}, where {kinds} is needed", there)


def _check_crate(name: str, marker: CrateRef, mark: Position, workspace: Workspace | None, problems: Problems) -> None:
    if workspace is None:
        return
    crate = workspace.crates.get(name)
    if crate is None:
        there = f"the crates of {workspace.manifest} are: {listed(workspace.crates)}"
        problems.add(mark, f"there is no crate {quote(name)}", problems.suggestion(name, workspace.crates, there))
        return
    if not marker.library:
        return
    missing = [t for t in marker.types if t not in crate.types]
    manifest = "Cargo.toml" if crate.folder == "." else f"{crate.folder}/Cargo.toml"
    if missing:
        types = ", ".join(f'"{t}"' for t in dict.fromkeys((*marker.types, *crate.types)))
        problems.add(
            mark,
            f"the crate {name} has no {' and no '.join(missing)}",
            f"add crate-type = [{types}] to [lib] in {manifest}",
        )
    elif crate.library is None:
        problems.add(mark, f"the crate {name} has no library", f"add src/lib.rs, or [lib] to {manifest}")
    elif "proc-macro" in crate.types:
        message = f"the crate {name} is a procedural macro, which runs in the compiler alone"
        problems.add(mark, message, "name the crate that the macro is for")


def _check_feature(feature: ScalarNode, crate: Node | None, scope: ReferenceScope, problems: Problems) -> None:
    """A feature of the crate, or `dependency/feature`, of which the dependency is looked up."""
    row = scope.workspace.crates.get(crate.text) if scope.workspace and isinstance(crate, ScalarNode) else None
    if row is None or feature.text.removeprefix(f"{row.name}/") in row.features:
        return
    dependency, slash, _ = feature.text.partition("/")
    if slash and (dependency.rstrip("?") in row.dependencies or dependency in row.features):
        return
    otherwise = f"the features of {row.manifest} are: {listed(row.features)}"
    message = f"the crate {row.name} has no feature {quote(feature.text)}"
    problems.add(feature.mark, message, problems.suggestion(feature.text, row.features, otherwise))


def _check_profile(profile: ScalarNode, scope: ReferenceScope, problems: Problems) -> None:
    if scope.workspace is None:
        return
    profiles = tuple(dict.fromkeys((*scope.workspace.profiles, *scope.profiles)))
    if profile.text not in profiles:
        otherwise = f"the profiles of {scope.workspace.manifest} are: {listed(profiles)}"
        message = f"there is no Cargo profile {quote(profile.text)}"
        problems.add(profile.mark, message, problems.suggestion(profile.text, profiles, otherwise))


def _check_path(value: str, marker: ProjectPath, mark: Position, project: Path, problems: Problems) -> None:
    shown = quote(value)
    if problem := _form_problem(value):
        problems.add(
            mark, f"the path {shown} {problem}", "name a path below the project's folder, with / between its parts"
        )
        return
    try:
        real = (project / value).resolve(strict=True)
        inside, fits = real.is_relative_to(project.resolve()), _FITS[marker.what](real)
    except (FileNotFoundError, NotADirectoryError):
        is_link = (project / value).is_symlink()
        hint = "correct what the link leads to" if is_link else _near_path(value, project, problems)
        problems.add(mark, f"{shown} {'is a link to nothing' if is_link else 'does not exist'}", hint)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.errno != errno.ELOOP else "it leads to itself"
        problems.add(mark, f"{shown} cannot be followed: {reason}", "correct the link or its permissions")
    else:
        what = {"file": "file", "folder": "folder", "either": "file or folder"}[marker.what]
        if not inside:
            problems.add(mark, f"{shown} is a link that leaves the project", "copy what it leads to into the project")
        elif not fits:
            problems.add(mark, f"{shown} is not a {what}", f"name a {what}")


def _check_glob(value: str, mark: Position, project: Path, problems: Problems) -> None:
    """A glob below the project that matches at least one file of its folder; exclusions may match none."""
    folder = fixed_folder(value)
    if problem := _form_problem(re.sub(r"[*?\[\]]+", "x", value.removeprefix("!"))):
        hint = "name files below the project's folder, with / between the parts"
        problems.add(mark, f"the glob {quote(value)} {problem}", hint)
    elif is_exclusion(value):
        return
    elif not (project / folder).is_dir() or not (project / folder).resolve().is_relative_to(project.resolve()):
        _check_path(folder, ProjectPath("folder"), mark, project, problems)
    else:
        takes = matcher([value])
        files = (path for path in (project / folder).rglob("*") if path.is_file())
        if not any(takes(path.relative_to(project).as_posix()) for path in files):
            problems.add(mark, f"no file matches {quote(value)}", f"write a glob of files below {folder}")


def _form_problem(value: str) -> str | None:
    if value.startswith("/") or re.match(r"[A-Za-z]:|~", value):
        return "is absolute"
    if ".." in value.split("/"):
        return "leaves its folder"
    if any(part.startswith("-") for part in value.split("/")):
        return "has a part that begins with a dash, which programs take for an option"
    if value != "." and any(part in ("", ".") for part in value.split("/")):
        return "is not in its shortest form"
    if not _SAFE_PATH.fullmatch(value):
        return "has characters that are not supported in paths"
    return None


def _near_path(value: str, project: Path, problems: Problems) -> str:
    """The nearest name in the deepest folder of the path that exists."""
    parts = value.split("/")
    folders = ["/".join(parts[:depth]) for depth in range(len(parts))]
    above = next(folder for folder in reversed(folders) if (project / folder).is_dir())
    lost = parts[folders.index(above)]
    names: list[str] = []
    with suppress(OSError):
        names = sorted(entry.name for entry in (project / above).iterdir())
    prefix = f"{above}/" if above else ""
    there = f"make it, or name another path; {prefix or 'the project'} has no {quote(lost)}"
    near = problems.nearest(lost, names)
    return there if near is None else f"did you mean {prefix}{near}?"
