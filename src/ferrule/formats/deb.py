"""Debian packages without dpkg: what they hold, and the root of a small base image made from a handful of them.

Read here because a package is an ar file with two tar archives in it, and dpkg is neither on every machine nor able to
unpack for another architecture without root.
"""

from __future__ import annotations

import io
import lzma
import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from ferrule.core.errors import BuildError, VerificationError
from ferrule.formats.ar import read_ar
from ferrule.formats.archive_member import CHUNK, Member, in_order, link_path, parents, shortened, with_folders
from ferrule.formats.decompress import SWELLS, Gunzip, Limits
from ferrule.formats.tar import read_tar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.formats.decompress import Source

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_MERGED_LINKS = frozenset(f"usr/{name}" for name in _MERGED)
_DROPPED = ("man", "info", "locale", "lintian", "bug", "doc-base", "groff", "gdb")
_XZ_MEMORY = 128 << 20  # the largest preset of xz(1) takes half of it
_CERTIFICATES = "usr/share/ca-certificates/"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
NONROOT = 65532
"""User and group of images that need no rights, the number that distroless images have made customary."""

_PASSWD = f"""\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/sbin/nologin
"""
_GROUP = f"""\
root:x:0:
nogroup:x:65534:
nonroot:x:{NONROOT}:
"""
_NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"


@dataclass(frozen=True, slots=True)
class DebPackage:
    """A package that was read: its control file, the fields in it, and every member of its data."""

    control: str
    fields: Mapping[str, str]
    entries: tuple[Member, ...]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.fields["Package"]


def read_deb(source: bytes | Path, limits: Limits = Limits(), *, where: str | None = None) -> DebPackage:  # noqa: B008 - frozen
    """Read a binary package of format 2.0 (deb(5), deb-control(5)); its data are uncompressed, gzip or xz.

    Hard links are given as symbolic ones. Raises VerificationError for everything `read_tar` refuses, for damaged
    packages, and for members that are compressed in another way.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    label = where or (None if isinstance(source, bytes) else str(source))
    members = [(name, content) for name, content in read_ar(data, where=label) if not name.startswith("_")]
    names = [name.partition(".tar")[0] for name, _ in members]
    if names != ["debian-binary", "control", "data"] or not bytes(members[0][1]).startswith(b"2."):
        raise VerificationError("this is not a Debian package of format 2", where=label)
    controls = {entry.name: entry for entry in _unpack(*members[1], limits, label)}
    if "control" not in controls:
        raise VerificationError("the package has no control file", where=label)
    text = _decoded(controls["control"].read(), label)
    fields = _fields(text, label)
    for field in ("Package", "Version", "Architecture"):
        if field not in fields:
            raise VerificationError(f"the package's control file has no field {field}", where=label)
    return DebPackage(text, fields, tuple(_unpack(*members[2], limits, label)))


def _unpack(name: str, content: memoryview, limits: Limits, where: str | None) -> Iterator[Member]:
    stream = io.BytesIO(content)
    suffix = name.partition(".tar")[2]
    if suffix == ".xz":
        source: Source = _Xz(stream, where, limits)
    elif suffix == ".gz":
        source = Gunzip(stream, where, limits)
    elif suffix == "":
        source = stream
    else:
        raise VerificationError(
            f"{name} is compressed in a way that is not supported",
            where=where,
            hint="Debian's packages use xz, Ubuntu's zstd: take the package from Debian",
        )
    return read_tar(source, limits, root=True, where=where)


class _Xz:
    """Decompresses an xz file of one stream as it is read, a bounded piece at a time and in bounded memory."""

    def __init__(self, stream: BinaryIO, where: str | None, limits: Limits) -> None:
        self._stream = stream
        self._where = where
        self._limits = limits
        self._counts = [0, 0]
        self._machine = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        self._errors = (lzma.LZMAError, EOFError)

    def read(self, size: int) -> bytes:
        """At most `size` bytes; raises VerificationError if the file is damaged, cut, a bomb, or takes much memory."""
        while not self._machine.eof:
            data = self._stream.read(CHUNK) if self._machine.needs_input else b""
            self._counts[0] += len(data)
            if not data and self._machine.needs_input:
                self._fail("the xz data is damaged: it ends too early")
            try:
                out = self._machine.decompress(data, size)
            except self._errors as error:
                self._fail(f"the xz data is damaged: {error}")
            self._counts[1] += len(out)
            if self._limits.swells(*self._counts):
                self._fail(SWELLS)
            if out:
                return out
        if self._machine.unused_data or self._stream.read(1):
            self._fail("something is hidden behind the end of the xz data")
        return b""

    def _fail(self, message: str) -> NoReturn:
        raise VerificationError(message, where=self._where)


def _decoded(data: bytes, where: str | None) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise VerificationError("the package's control file is not UTF-8", where=where) from None


def _fields(text: str, where: str | None) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and name:
            fields[name] += "\n" + line[1:]
            continue
        name, colon, value = line.partition(":")
        if not colon or name in fields or not name.isprintable() or " " in name:
            raise VerificationError(f"the package's control file has the line {shortened(line)}", where=where)
        fields[name] = value.strip()
    return fields


def licenses(package: DebPackage) -> tuple[str, ...]:
    """Licences that a package's copyright file names, as Debian writes them (DEP-5, "License field"), sorted.

    None where that file is written in the older way, as prose.
    """
    path = f"usr/share/doc/{package.name}/copyright"
    entry = next((e for e in package.entries if e.regular and e.name == path), None)
    text = entry.read().decode(errors="replace") if entry else ""
    if not text.startswith("Format:"):
        return ()
    named = (line.removeprefix("License:").strip() for line in text.splitlines() if line.startswith("License:"))
    return tuple(sorted({name for name in named if name}))


def base_layer_entries(packages: Sequence[DebPackage]) -> tuple[Member, ...]:
    """The root of an image that holds what the packages hold and nothing to administer it with.

    Left out are documentation but for copyright files, manuals, translations, and gconv modules. `/bin`, `/lib` and
    their like are links into `/usr`, wherever the packages put their files. Added are passwd and group with `nonroot`
    (65532), `/tmp` (1777), one bundle of all CA certificates in the order of their names, and each package's control
    file in `var/lib/dpkg/status.d`, where scanners look. No script of a package is run.

    Raises BuildError if two packages hold the same file, or a package's copyright file is a link into a package that is
    not there.
    """
    members: dict[str, Member] = {}
    owners: dict[str, str] = {}
    for package in packages:
        for entry in map(_merged, package.entries):
            if not _is_shipped(entry) or entry.name in _MERGED_LINKS:
                continue
            member = members.get(entry.name)
            if member is not None and not (member.folder and entry.folder):
                raise BuildError(f"{entry.name} is in the packages {owners[entry.name]} and {package.name}")
            members.setdefault(entry.name, entry)
            owners.setdefault(entry.name, package.name)
    _check_copyright(members, owners)
    for entry in _added(packages, members.values()):
        members.setdefault(entry.name, entry)
    return with_folders(_pruned(members.values()))


def _merged(entry: Member) -> Member:
    """The entry below /usr if its place is one that /usr has taken over; its relative link leads where it did."""
    link = entry.link
    name = _usr(entry.name)
    if link is not None and not link.startswith("/"):
        path = link_path(entry.name, link)
        if path is not None and (name, _usr(path)) != (entry.name, path):
            link = posixpath.relpath(_usr(path), posixpath.dirname(name) or ".")
    return replace(entry, name=name, link=link)


def _usr(name: str) -> str:
    return f"usr/{name}" if name.partition("/")[0] in _MERGED else name


def _is_shipped(entry: Member) -> bool:
    match entry.name.split("/"):
        case ["usr", "share", "doc", _]:
            return entry.link is not None
        case ["usr", "share", "doc", _, *rest]:
            return rest == ["copyright"]
        case ["usr", "share", section, *_]:
            return section not in (*_DROPPED, "doc")
        case ["usr", "lib", *rest]:
            return "gconv" not in rest
    return True


def _check_copyright(members: Mapping[str, Member], owners: Mapping[str, str]) -> None:
    for name, entry in members.items():
        if not name.startswith("usr/share/doc/") or entry.link is None:
            continue
        path = link_path(name, entry.link)
        if not any(other == path or other.startswith(f"{path}/") for other in members):
            raise BuildError(
                f"the copyright of {owners[name]} is in another package, which is not among those given",
                hint=f"add the package that holds /{path} (for most: {posixpath.basename(entry.link)})",
            )


def _added(packages: Sequence[DebPackage], entries: Iterable[Member]) -> Iterator[Member]:
    members = sorted(entries, key=lambda entry: entry.name)
    yield Member("etc/passwd", _PASSWD.encode())
    yield Member("etc/group", _GROUP.encode())
    yield Member("etc/nsswitch.conf", _NSSWITCH.encode())
    yield Member("tmp", folder=True, mode=0o1777)
    yield Member("root", folder=True, mode=0o700)
    yield Member("home/nonroot", folder=True)
    certificates = [e.read() for e in members if e.name.startswith(_CERTIFICATES) and e.name.endswith(".crt")]
    if certificates:
        yield Member(_BUNDLE, b"".join(text.rstrip(b"\n") + b"\n" for text in certificates))
    for package in packages:
        yield Member(f"var/lib/dpkg/status.d/{package.name}", package.control.encode())
    used = {entry.name.split("/")[1] for entry in members if entry.name.startswith("usr/") and "/" in entry.name[4:]}
    for name in sorted(used & set(_MERGED)):
        yield Member(name, link=f"usr/{name}")


def _pruned(entries: Iterable[Member]) -> tuple[Member, ...]:
    """The entries without folders of /usr that have become empty; those elsewhere stay, as mount points."""
    ordered = in_order(entries)
    filled = {parent for entry in ordered if not entry.folder for parent in parents(entry.name)}
    return tuple(e for e in ordered if not (e.folder and e.name.startswith("usr/")) or e.name in filled)
