"""The record of a finished release: the next run can report it without reading the configuration again.

Reading and planning take most of a run that has nothing to do, because of what they import. The record names every
file that the last run went by, with its digest; if each is as it was, and so is every file that was put in place, the
outcome would be the same. Whatever is doubtful is left to a whole run, which is always right.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import FerruleError
from ferrule.core.model import Digest, Json, to_json
from ferrule.core.safe_files import read_regular
from ferrule.engine.key import canonical
from ferrule.engine.sources import SourceFiles, StatIndex, source_digests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.tools.host import Host

_VERSION: Final = 2
_JUDGED: Final = ("CARGO_", "FERRULE_", "RUST")
"""How the variables begin that no child gets and a run still goes by: it refuses them, or they are its own settings."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a run went by.

    `files` (or whole folders) were read, or looked for in vain, by their names relative to the project or absolute, and
    `programs` are believed to be the same as long as their stat data are, as the toolchain's own record believes it; of
    `folders` the names of the folders in them counted, and of `trees` where below them a file has a certain name (tree
    and file name); `sources` are those of all actions; `placed` is what stands in the output folder: digest and
    executable bit by name, and nothing else is there.
    """

    files: tuple[str, ...]
    programs: tuple[str, ...]
    folders: tuple[str, ...]
    trees: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    output: str
    placed: Mapping[str, tuple[str, bool]]


def stamp_file(state: Path, request: Json) -> Path:
    """Where the record of what was wished for is kept."""
    return state / f"settled-{Digest.of(canonical(request)).short}.json"


def file_system_now(root: Path) -> int:
    """Now, in nanoseconds, by the clock of the file system that holds a project; before any change if it has none."""
    with suppress(OSError), tempfile.TemporaryFile(dir=root) as mark:
        return os.fstat(mark.fileno()).st_ctime_ns
    return 0


def new_stamp(
    file: Path, sources: SourceFiles, index: StatIndex, request: Json, basis: Stamp, message: Json, since: int
) -> bytes | None:
    """The record to be written to `file`, with the message to repeat; None if it is there already or cannot be made.

    Nor can it where something that the run went by changed after `since`, the moment when it began: the outputs may be
    of what was there before.
    """
    try:
        seen = _seen(sources, index, basis)
        if _newest(sources, basis) >= since:
            return None
    except (FerruleError, OSError):
        return None
    content = canonical(
        {"version": _VERSION, "request": request, "basis": to_json(basis), "message": message, "seen": seen}
    )
    with suppress(OSError):
        if read_regular(file) == content:
            return None
    return content


def read_stamp(file: Path, sources: SourceFiles, index: StatIndex, request: Json) -> Json | None:
    """The recorded message if nothing changed since it was written; None if something did, or may have."""
    try:
        document = json.loads(read_regular(file))
        if document["version"] != _VERSION or document["request"] != request:
            return None
        basis = document["basis"]
        seen = _seen(
            sources,
            index,
            Stamp(
                files=tuple(basis["files"]),
                programs=tuple(basis["programs"]),
                folders=tuple(basis["folders"]),
                trees=tuple((tree, name) for tree, name in basis["trees"]),
                sources=tuple(basis["sources"]),
                output=basis["output"],
                placed={name: (hexadecimal, bit) for name, (hexadecimal, bit) in basis["placed"].items()},
            ),
        )
        message: Json = document["message"]
    except (FerruleError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    else:
        return message if seen == document["seen"] else None


def files_of(file: Path, sources: SourceFiles) -> Iterator[str]:
    """All files and folders, those that are not there among them, by which `read_stamp` decides about a record.

    What the lists of sources are made by is left out. Raises OSError, also for a link to a folder among what would be
    looked into as a whole, FerruleError, and ValueError for a record that cannot be read.
    """
    basis = json.loads(read_regular(file))["basis"]
    yield os.fspath(file)
    for name in (*basis["files"], basis["output"]):
        path = sources.root / name
        yield from _everything(path) if path.is_dir() else (os.fspath(path),)
    yield from basis["programs"]
    yield from (os.fspath(sources.root / name) for name in basis["folders"])
    for source in basis["sources"]:
        yield from (each.path for each in sources.below(source))


def program_files(packages: Path) -> Iterator[str]:
    """The files and folders of the running program, and the folder of the packages that it imports."""
    own = os.fspath(Path(__file__).parent.parent)
    yield os.fspath(packages)
    for folder, folders, files in os.walk(own):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (folder, *(os.path.join(folder, name) for name in files))  # noqa: PTH118 - a Path costs more


def _everything(top: Path) -> Iterator[str]:
    """A folder with all files and folders below it. Raises OSError for a link to a folder."""
    for folder, folders, files in os.walk(top, onerror=_raise):
        if any(os.path.islink(os.path.join(folder, name)) for name in folders):  # noqa: PTH114, PTH118
            raise OSError(f"a link to a folder in {folder}")
        yield from (folder, *(os.path.join(folder, name) for name in files))  # noqa: PTH118


def _raise(error: OSError) -> None:
    raise error


def request_document(host: Host, *, commit: Json, packages: Path, **asked: Json) -> Json:
    """The request, the machine and the program: everything that an outcome depends on besides the files.

    `commit` is what stands for the checkout, `packages` the folder of the packages that the program imports.
    """
    variables = ("RUSTC", "CARGO", "RUSTUP_HOME", "CARGO_HOME", "HOME")
    judged = {name: value for name, value in host.environment.items() if name.startswith(_JUDGED)}
    return {
        "asked": dict(asked),
        "program": _program(packages),
        "commit": commit,
        "machine": [host.system, host.machine, str(host.cache)],
        "path": [str(folder) for folder in host.path],
        "variables": {name: host.environment.get(name) for name in variables},
        # Builds may ask for any of it, and nothing may depend on where temporary files are.
        "passed": Digest.of(canonical({"children": {**host.children, "TMPDIR": None}, "judged": to_json(judged)})).hex,
    }


def _program(packages: Path) -> str:
    """The identity of the running program: its own files and the folder of installed packages, by their stat data."""
    marks = (f"{name} {_mark_of(stat)}" for name, stat in sorted(_files(os.fspath(Path(__file__).parent.parent))))
    return Digest.of("\n".join((sys.version, *marks, str(_mark(packages)))).encode()).hex


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Path and stat data of each file of a package; what Python compiled of it does not count."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            elif entry.is_file():
                yield entry.path, entry.stat()


def _seen(sources: SourceFiles, index: StatIndex, basis: Stamp) -> Json:
    """One digest of everything that counts; raises OSError or FerruleError where something is not as a run needs it."""
    root = sources.root
    output = root / basis.output
    return Digest.of(
        canonical(
            {
                "files": [str(sources.content(index, root / name)) for name in basis.files],
                "programs": to_json([_mark(Path(name)) for name in basis.programs]),
                "folders": to_json([_folders(root / name) for name in basis.folders]),
                "trees": to_json([sources.named(tree, name) for tree, name in basis.trees]),
                "sources": {n: d.hex for n, d in source_digests(index, sources, basis.sources).items()},
                "placed": _stands(output, index, basis.placed),
            }
        )
    ).hex


def _newest(sources: SourceFiles, basis: Stamp) -> int:
    """When the last change was made to anything that a run goes by, programs and what it placed left out."""
    folders = [folder for tree, _ in basis.trees for folder in sources.folders(tree)]
    files = [file.path for source in basis.sources for file in sources.below(source)]
    paths: list[str | Path] = [*(sources.root / name for name in (*basis.files, *basis.folders)), *folders, *files]
    return max((stat.st_ctime_ns for path in paths if (stat := _stat(path))), default=0)


def _stat(path: str | Path) -> os.stat_result | None:
    with suppress(FileNotFoundError):
        return os.stat(path)  # noqa: PTH116 - a Path costs more
    return None


def _mark(path: Path) -> list[int]:
    return _mark_of(path.stat())


def _mark_of(stat: os.stat_result) -> list[int]:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def _folders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())


def _stands(output: Path, index: StatIndex, placed: Mapping[str, tuple[str, bool]]) -> Json:
    actual: dict[str, Json] = {}
    expected: dict[str, Json] = {name: list(value) for name, value in placed.items()}
    for folder, folders, files in os.walk(output):
        for path in (folder, *(os.path.join(folder, name) for name in (*folders, *files))):  # noqa: PTH118 - as above
            if os.path.islink(path):  # noqa: PTH114
                raise OSError(f"{path} is a link")
        for name in files:
            path = os.path.join(folder, name)  # noqa: PTH118
            executable = bool(os.stat(path).st_mode & 0o100)  # noqa: PTH116
            actual[os.path.relpath(path, output)] = [index.digest(path).hex, executable]
    if actual != expected:
        raise OSError(f"{output} holds something else than what was put there")
    return actual
