"""The toolchain of the last run, remembered in the cache: believed as long as every program is the same file."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import StorageError
from ferrule.core.model import Digest
from ferrule.core.safe_files import lockable, open_new, read_regular
from ferrule.core.toolchain import Toolchain
from ferrule.toolchain.registry import TOOLS
from ferrule.toolchain.requirements import needed_tools
from ferrule.tools.rust import std_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.toolchain.requirements import ToolRequirements
    from ferrule.tools.definition import ToolDefinition
    from ferrule.tools.host import Host

_FORMAT: Final = 3


def load(
    requirements: ToolRequirements, host: Host, registry: Mapping[str, ToolDefinition] = TOOLS
) -> Toolchain | None:
    """The toolchain that was remembered for the same requirements, if every program is still the same file.

    Starts no process. No file vouches for some tools (a container engine, the kernel's table of emulators): with one of
    them the answer is None.
    """
    needed = needed_tools(requirements, registry)
    if any(not tool.recorded and needed & {*tool.names} for tool in registry.values()):
        return None
    try:
        document = json.loads(read_regular(_path(requirements, host, registry)))
        if document["format"] != _FORMAT or any(_stat(Path(p)) != s for p, s in document["files"].items()):
            return None
        return Toolchain.from_json(document["toolchain"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # absent, damaged or of another version: searched for again


def remember(
    requirements: ToolRequirements,
    host: Host,
    toolchain: Toolchain,
    registry: Mapping[str, ToolDefinition] = TOOLS,
) -> None:
    """Write a toolchain down for `load`. Raises StorageError if the cache cannot be written."""
    from filelock import FileLock  # noqa: PLC0415 - 38 ms

    # A program of another program's (a script, a folder of modules) follows it.
    paths = [Path(part) for tool in toolchain.tools.values() for part in tool.argv if part.startswith("/")]
    if "build-std" in toolchain.std.values():
        paths.append(std_source(toolchain.sysroot) / "library")
    programs = {Path(tool.argv[0]) for tool in toolchain.tools.values() if tool.argv}
    paths += (path for program in programs for path in _before(program, host))
    files = {str(path): _stat(path) for path in paths}
    document = {"format": _FORMAT, "files": files, "toolchain": toolchain.to_json()}
    record = _path(requirements, host, registry)
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lockable(record.with_name(f"{record.name}.lock"))):
            _write(record, json.dumps(document, indent=1, sort_keys=True))
    except OSError as error:
        raise StorageError(f"cannot write {record}: {error.strerror}", where=str(record)) from error


def _write(record: Path, text: str) -> None:
    """Write aside, always under the same name: what a killed run left there, the next one takes away."""
    aside = record.with_name(f"{record.name}.part")
    try:
        with open_new(aside) as stream:
            stream.write(text.encode())
        aside.replace(record)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def _path(requirements: ToolRequirements, host: Host, registry: Mapping[str, ToolDefinition]) -> Path:
    needed = needed_tools(requirements, registry)
    question = {
        "tools": sorted(needed),
        "triples": requirements.triples,
        "versions": {tool.name: requirements.version(tool) for tool in registry.values() if needed & {*tool.names}},
        "rust-source": requirements.rust_source,
        "path": [str(folder) for folder in host.path],
        "environment": {name: host.environment.get(name) for name in ("RUSTC", "CARGO", "RUSTUP_HOME", "HOME")},
    }
    digest = Digest.of(json.dumps(question, sort_keys=True).encode())
    return host.cache / "toolchain" / f"{digest.short}.json"


def _before(program: Path, host: Host) -> Iterator[Path]:
    """Where a program would have been taken from first; nothing for one that is not searched on the PATH."""
    candidates = host.candidates(program.name)
    yield from candidates[: candidates.index(program)] if program in candidates else ()


def _stat(path: Path) -> list[int] | None:
    """What tells whether a file is another one; None where there is none.

    Size and time can be put back; the moment of the last change of any of them (ctime) cannot.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
