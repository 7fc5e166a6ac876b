"""The WIT of components: that it is there, that it parses, and that the Go modules around them can carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ConfigError
from ferrule.formats.wit_text import WitFile, WitProblem, read_wit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ferrule.config.artifacts import ArtifactConfig
    from ferrule.core.cargo_workspace import Workspace
    from ferrule.kinds.base import KeyPath

    Located = tuple[KeyPath, ConfigError]

_LARGEST: Final = 1 << 20
_MOST: Final = 1000


def wit_problems(project: Path, artifacts: Iterable[ArtifactConfig], workspace: Workspace) -> Iterator[Located]:
    """Problems with the keys of targets.yaml that name the WIT; those in a file have a place of their own."""
    components: dict[str, dict[str, WitFile]] = {}
    modules: list[ArtifactConfig] = []
    for artifact in artifacts:
        if artifact.kind.name == "component":
            key, folder = _folder(artifact, workspace)
            files, problems = _read(project, folder)
            components[artifact.name] = files
            yield from ((("artifacts", artifact.name, key), problem) for problem in problems)
        elif artifact.kind.name == "gomodule":
            modules.append(artifact)
    for artifact in modules:
        files = components.get(getattr(artifact.spec, "component", None) or "", {})
        yield from ((("artifacts", artifact.name, "component"), problem) for problem in _not_for_go(files))


def _folder(artifact: ArtifactConfig, workspace: Workspace) -> tuple[str, str]:
    """The key that names the WIT, and its path in the project."""
    wit = getattr(artifact.spec, "wit", None)
    if wit is not None:
        return "wit", str(wit)
    return "crate", f"{workspace.crates[str(getattr(artifact.spec, 'crate', ''))].folder}/wit"


def _read(project: Path, folder: str) -> tuple[dict[str, WitFile], list[ConfigError]]:
    """The files by name, and what is wrong with them."""
    root = project / folder
    paths = sorted(root.rglob("*.wit"))[:_MOST] if root.is_dir() else [root] if root.is_file() else []
    if not paths:
        hint = f"write a world there, or name the WIT: wit: {folder}"
        return {}, [ConfigError(f"there is no .wit file in {folder}", hint=hint)]
    files: dict[str, WitFile] = {}
    problems: list[ConfigError] = []
    for path in paths:
        name = path.relative_to(project).as_posix()
        if not path.is_file():  # a FIFO would be waited for
            problems.append(ConfigError("this is not a file", where=name, hint="remove it, or write a file"))
            continue
        try:
            with path.open("rb") as stream:
                files[name] = read_wit(stream.read(_LARGEST).decode("utf-8"))
        except WitProblem as problem:
            where = f"{name}:{problem.line}:{problem.column}"
            problems.append(ConfigError(f"not valid WIT: {problem.message}", where=where, hint="correct it"))
        except UnicodeDecodeError:
            problems.append(ConfigError("this file is not UTF-8", where=f"{name}:1:1", hint="save it as UTF-8"))
        except OSError as error:
            problems.append(ConfigError(f"this file cannot be read: {error.strerror}", where=name))
    return files, problems


def _not_for_go(files: dict[str, WitFile]) -> Iterator[ConfigError]:
    """What a world has that is no plain value, which the Go bindings cannot carry."""
    named = frozenset(name for file in files.values() for name in file.named)
    for name, file in files.items():
        for what, line, column in file.in_worlds(named):
            yield ConfigError(
                f"Go bindings cannot carry {what}",
                where=f"{name}:{line}:{column}",
                hint="let functions that are called from Go take and return plain values",
            )
