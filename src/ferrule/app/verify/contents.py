"""Checks that a release has all its files with the listed digests, and nothing else."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from ferrule.app.release.release_folder import DAMAGE, ReleaseFolder, bundles, describe, read_document
from ferrule.core.errors import FerruleError, VerificationError
from ferrule.core.model import Digest, Verdict
from ferrule.core.platforms import PLATFORMS
from ferrule.core.printable import printable
from ferrule.core.safe_files import MANIFEST, REPORT
from ferrule.formats import sums as sums_format
from ferrule.formats.archive_member import checked_name, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.core.manifest import ManifestFile

_ABOUT_OTHERS: Final = frozenset({"checksums", "provenance"})  # these come after the others
_ROLES: Final = {".cdx.json": "sbom", ".intoto.jsonl": "provenance", ".whl": "wheel", "SHA256SUMS": "checksums"}
_CAPABILITIES: Final = "security.capability"
_DEEPEST: Final = 32
_MOST: Final = 100  # strangers that are listed one by one


def manifest(release: ReleaseFolder) -> Iterator[Verdict]:
    """The manifest is of a known format, and every name in it can be one of a file of a release."""
    named = [(file.path, f"lists {shortened(file.path)}") for file in release.manifest.shipped]
    named += [(file.path, f"packs {shortened(file.path)}") for file in release.manifest.packed]
    problems = [f"it {what}: {reason}" for name, what in named if (reason := name_problem(name))]
    yield Verdict(MANIFEST, "manifest", problems[0] if problems else None, ("/version",))
    for problem in problems[1:]:
        yield Verdict(MANIFEST, "manifest", problem)


def name_problem(name: str) -> str | None:
    """Why a file of a release cannot be called so, or None."""
    if name.count("/") >= _DEEPEST:
        return f"it is deeper than {_DEEPEST} levels"
    try:
        checked_name(name)
        name.encode()
    except VerificationError as error:
        return error.message.rpartition(": ")[2]
    except UnicodeEncodeError:
        return "it is no Unicode text"
    return None


def listed(release: ReleaseFolder) -> Iterator[Verdict]:
    """Each listed file is there with its digest and size, and nothing else is."""
    for name, file in release.files.items():
        if name_problem(name) is None:
            covers = tuple(f"{release.pointers[file]}/{key}" for key in ("file", "sha256", "size"))
            yield Verdict(name, "digest", _file_problem(release.folder / name, file), covers)
    strangers = _strangers(release)
    for number, (name, problem) in enumerate(strangers):
        if number == _MOST:
            yield Verdict(".", "listed", "there are more files that do not belong here")
            break
        yield Verdict(name, "listed", problem)


def _file_problem(path: Path, file: ManifestFile) -> str | None:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return "it is not a file"
        if status.st_size != file.size:
            return f"it has {status.st_size} bytes, the manifest says {file.size}"
        digest = Digest.of_file(path)
    except (OSError, ValueError) as error:
        return f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    if digest != file.digest:
        return f"its SHA-256 is {digest}, the manifest says {file.digest}"
    return _rights_problem(path, status.st_mode)


def _rights_problem(path: Path, mode: int) -> str | None:
    if _has_capabilities(path):
        return f"it has capabilities (the attribute {_CAPABILITIES}): it would run with rights of root"
    if mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
        return f"its mode is {stat.S_IMODE(mode):04o}: it would run with the rights of its owner"
    return None


def _has_capabilities(path: Path) -> bool:
    """Whether a file gets rights of root when it is run (capabilities(7)); only Linux has such."""
    try:
        return sys.platform == "linux" and _CAPABILITIES in os.listxattr(path, follow_symlinks=False)
    except OSError:  # a file system without attributes
        return False


@dataclass(frozen=True, slots=True)
class _Expected:
    files: frozenset[str]
    folders: frozenset[str]


def _strangers(release: ReleaseFolder) -> Iterator[tuple[str, str]]:
    """Each file in the folder that is not listed, with the problem; no link is followed."""
    files = {*release.files, MANIFEST, *bundles(release)}
    folders = {parent.as_posix() for name in files for parent in PurePosixPath(name).parents}
    yield from _strangers_in(release.folder, "", _Expected(frozenset(files), frozenset(folders)), 0)


def _strangers_in(top: Path, folder: str, expected: _Expected, depth: int) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(top / folder) as entries:
            members = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield folder or ".", f"it cannot be read: {error.strerror}"
        return
    if folder and not members:
        yield folder, "it is an empty folder"
    for entry in members:
        name = f"{folder}/{entry.name}" if folder else entry.name
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            if depth == _DEEPEST:
                yield name, f"it is deeper than {_DEEPEST} levels"
            elif name in expected.files:
                yield name, "it is a folder in place of a file"
            else:
                yield from _strangers_in(top, name, expected, depth + 1)
        elif not stat.S_ISREG(mode):
            yield name, f"it is {_kind_of(mode)}"
        elif name not in expected.files:
            yield name, _unlisted(name)


def _kind_of(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _unlisted(name: str) -> str:
    if name == REPORT:
        return "a page about a release is no part of it, and cannot be checked: remove it"
    return "the manifest does not list it"


def roles(release: ReleaseFolder) -> Iterator[Verdict]:
    """A file is checked as what it is called, and its target is one that is known."""
    for name, file in release.files.items():
        by_name = next((role for end, role in _ROLES.items() if name.endswith(end)), None)
        problem = None
        if (by_name or file.role) != file.role or (by_name is None and file.role in _ROLES.values()):
            problem = (
                f"the manifest calls it {printable(file.role or '')!r}, and its name is one of {by_name or 'others'}"
            )
        elif file.target is not None and file.target not in PLATFORMS:
            problem = f"the manifest names an unknown target: {printable(file.target)}"
        if by_name or problem:
            yield Verdict(name, "role", problem, (f"{release.pointers[file]}/role",) if by_name else ())
    for file in release.manifest.packed:
        if file.target is not None and file.target not in PLATFORMS:
            target = printable(file.target)
            yield Verdict(file.path, "role", f"the manifest names an unknown target of what is packed: {target}")


def checksums(release: ReleaseFolder) -> Iterator[Verdict]:
    """The file for sha256sum says the same as the manifest, of every file that it can list."""
    for name in release.of_role("checksums"):
        if name not in release.intact:
            continue
        try:
            sums = sums_format.parse_sums(read_document(release.folder / name).decode(), where=name)
        except (OSError, FerruleError, *DAMAGE) as error:
            yield Verdict(name, "checksums", describe(error))
            continue
        wrong = [n for n, digest in sums.items() if n not in release.files or release.files[n].digest != digest]
        missing = [n for n, file in release.files.items() if n not in sums and file.role not in _ABOUT_OTHERS]
        problem = f"it has another digest for {printable(wrong[0])} than the manifest" if wrong else None
        yield Verdict(name, "checksums", problem or (f"it does not list {printable(missing[0])}" if missing else None))
