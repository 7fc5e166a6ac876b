"""What can be known of the Cargo workspace without building: lock file, settings and members."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from ferrule.core.cargo_config import CargoSettings, problems, read_settings
from ferrule.core.cargo_lock import lock_problems
from ferrule.core.errors import ConfigError
from ferrule.core.rust_toolchain import read_rust_toolchain
from ferrule.core.safe_files import STATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from ferrule.core.cargo_workspace import Crate, Workspace

_DECIDING: Final = ("env", "profile", "patch", "source", "paths")
"""Tables of Cargo's settings that decide what is built."""


def workspace_problems(
    project: Path,
    workspace: Workspace,
    settings: CargoSettings,
    triples: Collection[str],
    where: str,
    released: Collection[Crate] = (),
    rust: str | None = None,
) -> Iterator[ConfigError]:
    """Everything for which Cargo would refuse to build, or would build something else than is asked for.

    `where` is the place in targets.yaml that names the workspace, `released` are the crates that artifacts are built
    of, and `rust` is the version that builds them.
    """
    yield from workspace.problems
    for crate in workspace.crates.values():
        yield from crate.problems
    for crate in released:
        yield from crate.problems_of_release
        yield from _settings_of_crate(project, workspace, settings, crate)
        if rust and crate.rust_version and _numbers(crate.rust_version) > _numbers(rust, 99):
            yield ConfigError(
                f"{crate.name} needs Rust {crate.rust_version}, and this project is built with {rust}",
                where=crate.manifest,
                hint="state a newer one, `toolchain: {rust: …}` or rust-toolchain.toml, or lower rust-version",
            )
    if workspace.locked:
        yield from lock_problems(project, workspace)
    elif workspace.crates:
        yield ConfigError(
            f"{workspace.lock} does not exist, so no two builds would use the same crates",
            where=where,
            hint="run cargo generate-lockfile, and commit it",
        )
    yield from problems(settings, triples)
    yield from _members(workspace)


def _settings_of_crate(
    project: Path, workspace: Workspace, settings: CargoSettings, crate: Crate
) -> Iterator[ConfigError]:
    """Settings below the workspace's folder, which count only for who runs Cargo in the folder of the crate."""
    known = {file.path for file in settings.files}
    try:
        own = [file for file in read_settings(project, crate.folder).files if file.path not in known]
        toolchain = read_rust_toolchain(project, crate.folder)
        of_workspace = read_rust_toolchain(project, workspace.folder)
    except ConfigError as error:
        yield error
        return
    hint = "move it to the workspace's folder, or state it in targets.yaml and remove it here"
    for file in own:
        targets = CargoSettings((file,)).keys("target")
        paths: list[tuple[str, ...]] = [(key,) for key in _DECIDING if file.values.get(key)]
        paths += [("build", "rustflags"), *(("target", target, "rustflags") for target in targets)]
        for path in paths:
            if CargoSettings((file,)).value(*path) is not None:
                message = (
                    f"{'.'.join(path)} counts only where Cargo is run in {crate.folder}, and a release is built above"
                )
                yield ConfigError(message, where=file.at(*path), hint=hint)
    if toolchain is not None and (of_workspace is None or toolchain.where != of_workspace.where):
        message = f"this counts only where Cargo is run in {crate.folder}, and a release is built above"
        yield ConfigError(message, where=toolchain.where, hint=hint)


def _numbers(version: str, rest: int = 0) -> tuple[int, ...]:
    """The three numbers of a version, `rest` for those that it does not state."""
    numbers = [int(part) for part in re.findall(r"\d{1,9}", version.partition("-")[0])[:3]]
    return (*numbers, *([rest] * (3 - len(numbers))))


def _members(workspace: Workspace) -> Iterator[ConfigError]:
    """Globs that make a member of Ferrule's own folders, after which Cargo refuses the whole workspace."""
    for glob, where in workspace.globs if workspace.folder == "." else ():
        folders = [name for name in (STATE, "dist") if fnmatchcase(name, glob) and name not in workspace.excluded]
        if folders:
            names = ", ".join(f'"{name}"' for name in (*workspace.excluded, *folders))
            yield ConfigError(
                f"the member {glob!r} takes {' and '.join(folders)} for {'crates' if folders[1:] else 'a crate'}, "
                "and Cargo refuses a member without a manifest",
                where=where,
                hint=f"write exclude = [{names}] under [workspace]",
            )
