"""What Cargo's target folder holds, as far as it can be believed: for each unit, what it read and what it wrote.

Cargo decides by times alone. It notices neither a byte that was added to its own output nor a source that changed and
looks old (a restored backup, a clock that was wrong). So every file is written down with its digest as soon as Cargo
says that it is finished, and looked at again before the next build: what is not as it was, or was not written down, is
made again. A unit is one compilation or one run of a build script ("The Cargo Book", External tools).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.model import Digest
from ferrule.core.safe_files import keep_regular, open_more, open_new, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Look = Callable[[Path], Digest | None]
    Message = Mapping[str, Any]

ARTIFACT: Final = "compiler-artifact"
SCRIPT: Final = "build-script-executed"
"""Reasons of the messages about a unit: something was compiled, a build script was run."""

_JOURNAL: Final = "ferrule-units.jsonl"
_LOCKS: Final[dict[Path, threading.Lock]] = {}
_CHANGING: Final = "changed while it was read"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: the name of its package, and by path the digests of what it wrote and read, None for what is not there.

    `wrote` is relative to the target folder. `read` leaves out what something else vouches for: the lock file for
    published crates, the compiler's version for the standard library. `asks` are variables of the environment, and
    `when` is when the last of its files was written, in nanoseconds.
    """

    package: str
    wrote: Mapping[str, str | None]
    read: Mapping[str, str | None]
    asks: tuple[str, ...]
    when: int


@dataclass(slots=True)
class Units:
    """The units in a target folder.

    `workspace` is where Cargo works, `pinned` are the compiler's own folders, `look` gives the digest of a file or
    folder. Files and folders that cannot be used raise OSError.
    """

    folder: Path
    workspace: Path
    pinned: tuple[Path, ...]
    look: Look
    entries: dict[str, Unit] = field(default_factory=dict)
    roots: dict[str, Path] = field(default_factory=dict)
    began: int = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Make Cargo forget what is not as the journal has it; one build at a time may work in a folder."""
        with _LOCKS.setdefault(self.folder, threading.Lock()):
            self.folder.mkdir(parents=True, exist_ok=True)
            keep_regular(self.folder, 0)
            self.entries = dict(_entries(self.folder / _JOURNAL))
            self.began = self._now()
            if not self.entries or any(unit.when > self.began for unit in self.entries.values()):
                self._clear()  # nobody wrote down what is here, or by a clock that was ahead and would mislead Cargo
            self.forget({unit.package for unit in self.entries.values() if self._is_suspect(unit)})
            self._rewrite()
            yield

    def note(self, message: Message) -> None:
        """Write down a unit of which Cargo says that it is finished."""
        if message["reason"] == ARTIFACT:
            self.roots[message["package_id"]] = Path(message["manifest_path"]).parent
        name = _name(message)
        if name is None or not self._is_new(message):
            return
        self.entries[name] = self._unit(message)
        with open_more(self.folder / _JOURNAL) as stream:
            stream.write(_line(name, self.entries[name]).encode())

    def suspect(self, messages: Iterable[Message]) -> set[str]:
        """Packages of which Cargo used something that is not as it was written down, or never was."""
        suspect: set[str] = set()
        for message in messages:
            if message["reason"] == SCRIPT:
                self.note(message)  # once more: what was compiled since may have written into its folder
            name = _name(message)
            if name is not None and (name not in self.entries or not self._stands(self.entries[name])):
                suspect.add(package_name(message["package_id"]))
        return suspect

    def of(self, messages: Iterable[Message]) -> list[Unit]:
        """The units of a build, after `suspect` has found none."""
        return [self.entries[name] for message in messages if (name := _name(message)) is not None]

    def forget(self, packages: set[str]) -> None:
        """Remove the fingerprints of packages, so that Cargo builds them again."""
        if not packages:
            return
        self.entries = {name: unit for name, unit in self.entries.items() if unit.package not in packages}
        fingerprint = re.compile(rf"({'|'.join(map(re.escape, sorted(packages)))})-[0-9a-f]{{16}}")
        marks = [p for pattern in ("*", "*/*") for p in self.folder.glob(f"{pattern}/.fingerprint/*")]
        marks = [path for path in marks if fingerprint.fullmatch(path.name)]
        if not marks:
            self._clear()
        for path in marks:
            shutil.rmtree(path)

    def _clear(self) -> None:
        self.entries.clear()
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _rewrite(self) -> None:
        aside = self.folder / f"{_JOURNAL}.aside"
        with open_new(aside) as stream:
            stream.write("".join(_line(name, unit) for name, unit in self.entries.items()).encode())
        aside.replace(self.folder / _JOURNAL)

    def _now(self) -> int:
        """The file system's own time, which is what times of files can be compared with."""
        mark = self.folder / f"{_JOURNAL}.now"
        open_new(mark).close()
        now = mark.stat().st_mtime_ns
        mark.unlink()
        return now

    def _is_new(self, message: Message) -> bool:
        if message["reason"] == SCRIPT:  # Cargo tells of each one, whether it ran or not
            when = _written([Path(message["out_dir"]).parent / "output"])
            return when == 0 or when >= self.began
        return not message["fresh"]

    def _is_suspect(self, unit: Unit) -> bool:
        """Whether a file is not as it was written, or one was changed in a way that Cargo would not notice."""
        if not self._stands(unit):
            return True
        changed = (Path(name) for name, digest in unit.read.items() if self._digest(Path(name)) != digest)
        return any(not path.is_file() or path.stat().st_mtime_ns <= unit.when for path in changed)

    def _stands(self, unit: Unit) -> bool:
        return all(self._digest(self.folder / name) == digest for name, digest in unit.wrote.items())

    def _digest(self, path: Path) -> str | None:
        digest = self.look(path)
        return digest.hex if digest else None

    def _unit(self, message: Message) -> Unit:
        if message["reason"] == SCRIPT:
            out = Path(message["out_dir"])
            wrote, when = [out, out.parent / "output"], _written([out.parent / "output"])
            read, asks = self._of_script(out.parent / "output", message["package_id"])
        else:
            files = [Path(name) for name in message["filenames"]]
            notes = sorted({note for file in files for note in notes_of(file)})
            wrote, when = [*files, *notes], _written(files)
            read, asks = parse_dep_info("\n".join(note.read_text(encoding="utf-8") for note in notes))
            read = [*read, Path(message["manifest_path"])]
        return Unit(
            package=package_name(message["package_id"]),
            wrote={os.path.relpath(path, self.folder): self._digest(path) for path in wrote},
            read={str(path): self._as_read(path) for path in self._unpinned(read, message["package_id"])},
            asks=tuple(sorted(asks)),
            when=when,
        )

    def _of_script(self, output: Path, package_id: str) -> tuple[list[Path], set[str]]:
        """Paths and variables that a build script reads; the whole package if it names no path ("Change Detection").

        Cargo takes a script that names variables only for one that reads no file of its package, and crate `cc` makes
        every script name variables: what it compiles would be the old C for ever.
        """
        text = output.read_text("utf-8", "replace") if output.is_file() else ""
        directives = re.findall(r"^cargo::?rerun-if-(env-)?changed=(.*)$", text, re.MULTILINE)
        root = self.roots[package_id]
        paths = [root / path for env, path in directives if not env]
        return paths or [root], {name for env, name in directives if env}

    def _unpinned(self, read: Iterable[Path], package_id: str) -> list[Path]:
        """The files whose content no lock file and no version fixes, as normalized paths."""
        published = () if package_id.startswith("path+") else (self.roots[package_id],)
        vouched = [folder for path in (self.folder, *self.pinned, *published) for folder in (path, path.resolve())]
        paths = {Path(os.path.normpath(self.workspace / path)) for path in read}
        return sorted(p for p in paths if not any(p.is_relative_to(root) for root in vouched))

    def _as_read(self, path: Path) -> str | None:
        """Digest of a path that was read, or `_CHANGING` if it changed since the build began."""
        below = path.rglob("*") if path.is_dir() else ()
        changing = any(p.lstat().st_ctime_ns > self.began for p in (path, *below) if p.exists())
        return _CHANGING if changing else self._digest(path)


def package_name(package_id: str) -> str:
    """Name in a package id: `a` of `path+file:///w/a#0.1.0`, `b` of `registry+…#b@1.0.0`."""
    source, _, fragment = package_id.partition("#")
    return fragment.partition("@")[0] if "@" in fragment else source.rstrip("/").rpartition("/")[2]


def notes_of(file: Path) -> list[Path]:
    """Where rustc lists what it read for a file: beside it, or beside what the file is a link to."""
    stems = {file.stem, file.stem.removeprefix("lib")}
    if file.stem.startswith("build-script-"):
        return sorted(file.parent.glob("build_script_*.d"))
    folder = file.parent if file.parent.name == "deps" else file.parent / "deps"
    notes = [path for stem in sorted(stems) if (path := folder / f"{stem}.d").is_file()]
    return notes or _notes_of_program(file, folder)


def _notes_of_program(file: Path, folder: Path) -> list[Path]:
    """The list of a program, which is a link to a file whose name has a hash in it; of all such, if it is a copy."""
    name = re.compile(re.escape(file.stem.replace("-", "_")) + r"-[0-9a-f]{16}")
    lists = sorted(path for path in folder.glob("*.d") if name.fullmatch(path.stem)) if file.is_file() else []
    linked = [path for path in lists if (program := path.with_suffix(file.suffix)).is_file() and program.samefile(file)]
    return linked or lists


def parse_dep_info(text: str) -> tuple[list[Path], set[str]]:
    r"""Files and variables of the environment that a compiler lists as read, in a makefile as rustc writes it.

    A space in a name has a backslash before it, and a long line may go on after one (GNU make manual, "Rule Syntax").

    >>> parse_dep_info("a.o: b\\ c.rs \\\n d.rs\n# env-dep:X=y\n# env-dep:Z\n")[1] == {"X", "Z"}
    True
    """
    paths: dict[Path, None] = {}
    for line in text.replace("\\\n", " ").splitlines():
        _, colon, rest = line.partition(": ")
        if colon and not line.startswith("#"):
            paths |= dict.fromkeys(Path(word.replace("\\ ", " ")) for word in re.findall(r"(?:\\ |\S)+", rest))
    return list(paths), set(re.findall(r"^# env-dep:([^=\n]+)", text, re.MULTILINE))


def _name(message: Message) -> str | None:
    """The identity of a unit: all that Cargo says of it, except whether it was fresh."""
    if message["reason"] == SCRIPT:
        return f"{message['package_id']} {message['out_dir']}"
    if message["reason"] != ARTIFACT:
        return None
    return Digest.of(json.dumps({**message, "fresh": None}, sort_keys=True).encode()).hex


def _written(files: Iterable[Path]) -> int:
    return max((path.stat().st_mtime_ns for path in files if path.exists()), default=0)


def _line(name: str, unit: Unit) -> str:
    body = json.dumps([name, unit.package, dict(unit.wrote), dict(unit.read), list(unit.asks), unit.when])
    return f"{Digest.of(body.encode()).short} {body}\n"


def _entries(journal: Path) -> Iterator[tuple[str, Unit]]:
    """Units by name; a line that was cut or damaged is as if it had never been written."""
    try:
        lines = read_regular(journal).splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        checksum, _, body = line.partition(b" ")
        if Digest.of(body).short.encode() == checksum:
            name, package, wrote, read, asks, when = json.loads(body)
            yield name, Unit(package, wrote, read, tuple(asks), when)
