"""Wheels and source distributions: file names, tags, metadata folders and RECORD, as the Python packaging specs ask.

Written here because the wheel package promises no public interface, its command takes times from the environment, and
both it and setuptools know one platform tag where a library built for an old glibc carries several.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import itertools
import re
from dataclasses import replace
from email.parser import HeaderParser
from typing import TYPE_CHECKING

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.formats import cyclonedx, tar
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member, below, check_folded, in_order
from ferrule.formats.decompress import LIMITS, Limits
from ferrule.formats.versions import same_python_version

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from email.message import Message
    from pathlib import Path

    from ferrule.core.platforms import Platform

_LEGACY = {"2.5": "manylinux1", "2.12": "manylinux2010", "2.17": "manylinux2014"}
_FIRST_ALIAS = {"x86_64": "2.5", "i686": "2.5"}


def platform_tags(platform: Platform, floor: str) -> tuple[str, ...]:
    """Platform tags for a platform and its floor (`2.17` of glibc, `11.0` of macOS), sorted as auditwheel does.

    A glibc floor with a legacy name gets both (PEP 600, "Legacy manylinux tags"), so that old versions of pip find the
    wheel. A floor below the first that installers look for on the machine is raised to that one: 2.5 on x86_64, 2.17
    elsewhere. For macOS the tag names the version as PEP 425 platforms do; from 11 on installers look for minor 0 only.
    Raises BuildError for a platform that wheels cannot name and a floor that is not `MAJOR.MINOR`.

    >>> from ferrule.core.platforms import PLATFORMS
    >>> platform_tags(PLATFORMS["x86_64-unknown-linux-gnu"], "2.17")
    ('manylinux2014_x86_64', 'manylinux_2_17_x86_64')
    >>> platform_tags(PLATFORMS["aarch64-apple-darwin"], "11.0")
    ('macosx_11_0_arm64',)
    """
    if not platform.has_wheels:
        raise BuildError(f"a wheel cannot be made for {platform.triple}: no platform tag names it")
    major, minor = parse_floor(floor)
    if platform.floor_name == "macos":
        return (platform.wheel_tag(major, 0 if major >= 11 else minor),)  # noqa: PLR2004 - macOS 11
    if platform.floor_name != "glibc":
        return (platform.wheel_tag(major, minor),)
    machine = platform.architecture.wheel
    major, minor = max((major, minor), parse_floor(_FIRST_ALIAS.get(machine, "2.17")))
    legacy = _LEGACY.get(f"{major}.{minor}")
    return tuple(sorted([platform.wheel_tag(major, minor), *([f"{legacy}_{machine}"] if legacy else [])]))


def parse_floor(floor: str) -> tuple[int, int]:
    """Two numbers of a version such as `2.17`; raises BuildError for any other form."""
    parts = floor.split(".")
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() for p in parts):  # noqa: PLR2004 - major and minor
        raise BuildError(f"{floor!r} is not a version of the form MAJOR.MINOR")
    return int(parts[0]), int(parts[1])


def distribution_name(name: str) -> str:
    """The name as file names hold it (binary distribution format, "Escaping and Unicode"): `email_validator`."""
    try:
        return canonicalize_name(name, validate=True).replace("-", "_")
    except InvalidName:
        raise BuildError(f"{name!r} is not a valid name of a Python distribution") from None


def distribution_version(version: str) -> str:
    """The version in its normal form (version specifiers, "Normalization"): `1.0.0-rc.1` becomes `1.0.0rc1`.

    Raises BuildError for a version that Python packaging does not know.
    """
    try:
        return str(Version(version))
    except InvalidVersion:
        raise BuildError(
            f"{version!r} is not a version that Python packages can have",
            hint="use a release such as 1.2.3, or a pre-release such as 1.2.3-rc.1",
        ) from None


def wheel_file_name(name: str, version: str, tags: Sequence[str]) -> str:
    """The file name of a wheel with compressed tag sets (binary distribution format, "File name convention").

    `tags` are whole tags such as `py3-none-manylinux_2_17_x86_64`. Raises BuildError for none, for one of another form,
    and for sets that a compressed name cannot express (it always stands for every combination).

    >>> wheel_file_name("E-Mail", "1.0", ["py3-none-any"])
    'e_mail-1.0-py3-none-any.whl'
    """
    split = [tuple(tag.split("-")) for tag in tags]
    if not split or any(len(parts) != 3 or not all(parts) for parts in split):  # noqa: PLR2004 - python, abi, platform
        raise BuildError(f"a wheel cannot have the tags {', '.join(tags) or '(none)'}")
    sets = [sorted({parts[i] for parts in split}) for i in range(3)]
    if set(itertools.product(*sets)) != set(split):
        raise BuildError(f"no wheel name stands for exactly the tags {', '.join(tags)}")
    compressed = "-".join(".".join(group) for group in sets)
    return f"{distribution_name(name)}-{distribution_version(version)}-{compressed}.whl"


def wheel_purl(name: str, version: str, file: str) -> str:
    """The package URL of a wheel (purl-spec, type `pypi`)."""
    return f"pkg:pypi/{name.lower().replace('_', '-')}@{version}?file_name={file}"


def info_folder(name: str, version: str) -> str:
    """The folder of a wheel's own metadata (binary distribution format, "The .dist-info directory")."""
    return f"{distribution_name(name)}-{distribution_version(version)}.dist-info"


def sdist_file_name(name: str, version: str) -> str:
    """The file name of a source distribution (source distribution format, "Source distribution file name")."""
    return f"{distribution_name(name)}-{distribution_version(version)}.tar.gz"


def write_wheel(
    path: Path,
    *,
    name: str,
    version: str,
    tags: Sequence[str],
    metadata: str,
    entries: Iterable[Member],
    licenses: Iterable[Member] = (),
    epoch: int,
    root_is_purelib: bool = False,
    generator: str = "ferrule",
) -> Digest:
    """Write a wheel (binary distribution format 1.0) and return the digest of the file.

    `metadata` is the text of METADATA (core metadata), `licenses` go to `.dist-info/licenses`. Members are sorted, with
    `.dist-info` at the end and RECORD last, dated `epoch` (seconds). The 200 MB of a large wheel are read once.

    Raises BuildError if the metadata is of another name or version, declares a licence file that is not given, or
    leaves out one that is, and for entries that a wheel cannot hold (links, a second RECORD, two names that differ in
    case alone). Raises ValueError if the file is not called as `wheel_file_name` says.
    """
    file_name = wheel_file_name(name, version, tags)
    if path.name != file_name:
        raise ValueError(f"this wheel must be called {file_name}, not {path.name}")
    info = info_folder(name, version)
    licences = in_order(licenses)
    _check_metadata(metadata, name, version, [entry.name for entry in licences])
    text = _wheel_text(tags, root_is_purelib=root_is_purelib, generator=generator)
    inside = (
        Member(f"{info}/METADATA", _lines(metadata)),
        Member(f"{info}/WHEEL", text.encode()),
        *below(f"{info}/licenses", licences),
    )
    members = (*_payload(entries, info), *in_order(inside))
    check_folded(members)
    rows: list[tuple[str, str, str]] = []
    with path.open("w+b") as stream:
        writer = zips.ZipWriter(stream, epoch)
        for entry in members:
            digest = hashlib.sha256()
            writer.add(entry, digest.update)
            rows.append((entry.name, _record_digest(digest.digest()), str(entry.size)))
        writer.add(Member(f"{info}/RECORD", _record_text([*rows, (f"{info}/RECORD", "", "")])))
        writer.finish()
    return Digest.of_file(path)


def rewrite_wheel(
    source: Path,
    path: Path,
    *,
    name: str,
    version: str,
    tags: Sequence[str],
    licenses: Iterable[Member] = (),
    bills: Iterable[Member] = (),
    replaced: Mapping[str, Path] | None = None,
    epoch: int,
) -> Digest:
    """Write the members of a wheel that somebody else packed as `write_wheel` does, under another name and other tags.

    So order, dates, permissions and compression of its making leave no trace, nor do the random numbers of the bills of
    materials in it (PEP 770). Members that are `replaced` have the content of these files. Of `licenses` those are
    added that it does not hold, and `bills` stand beside its own, by their names in the folder of the metadata. Raises
    VerificationError for a wheel that `read_wheel` refuses, BuildError for one that is of another project or version.
    """
    facts = read_wheel(source)
    info = f"{facts.name}-{facts.version}.dist-info"
    contents = replaced or {}
    members = {e.name: replace(e, source=contents.get(e.name, e.source)) for e in zips.read_zip(source) if e.regular}
    own = {f"{info}/{part}" for part in ("METADATA", "WHEEL", "RECORD")}
    inside, sboms = f"{info}/licenses/", f"{info}/sboms/"
    present = [replace(e, name=n.removeprefix(inside)) for n, e in members.items() if n.startswith(inside)]
    added = [e for e in licenses if e.name not in {licence.name for licence in present}]
    head, separator, body = facts.metadata.partition("\n\n")
    return write_wheel(
        path,
        name=name,
        version=version,
        tags=tags,
        metadata="\n".join((head.rstrip("\n"), *(f"License-File: {e.name}" for e in added)))
        + (separator or "\n")
        + body,
        entries=[
            *(
                replace(e, source=cyclonedx.without_chance(e.read(), epoch)) if n.startswith(sboms) else e
                for n, e in members.items()
                if n not in own and not n.startswith(inside)
            ),
            *(replace(bill, name=f"{info}/{bill.name}") for bill in bills),
        ],
        licenses=[*present, *added],
        epoch=epoch,
        generator=str(_headers(members[f"{info}/WHEEL"].read().decode()).get("Generator", "unknown")),
    )


def _payload(entries: Iterable[Member], info: str) -> tuple[Member, ...]:
    ordered = sorted(
        in_order(entry for entry in entries if not entry.folder),
        key=lambda entry: entry.name.startswith(f"{info}/"),  # what joins the metadata stands before it
    )
    for entry in ordered:
        if entry.link is not None:
            raise BuildError(f"{entry.name} is a link, which a wheel cannot hold", hint="pack the file it leads to")
        if entry.name.split("/")[0].endswith(".dist-info"):
            reserved = ("METADATA", "WHEEL", "RECORD", "RECORD.jws", "RECORD.p7s", "licenses")
            inner = entry.name.split("/")[1:2]
            if not entry.name.startswith(f"{info}/") or inner[0] in reserved:
                raise BuildError(f"{entry.name} would stand in the way of the wheel's own metadata")
    return tuple(ordered)


def _lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").encode()


def _check_metadata(text: str, name: str, version: str, licences: Sequence[str]) -> None:
    headers = _headers(text)
    if distribution_name(str(headers.get("Name", ""))) != distribution_name(name):
        raise BuildError(f"the metadata is of {headers.get('Name')!r}, not of {name!r}")
    if distribution_version(str(headers.get("Version", ""))) != distribution_version(version):
        raise BuildError(f"the metadata is of version {headers.get('Version')!r}, not of {version!r}")
    declared = [str(value) for value in headers.get_all("License-File", [])]
    for licence in sorted(set(declared) ^ set(licences)):
        fault = "declares" if licence in declared else "does not declare"
        raise BuildError(
            f"the metadata {fault} the licence file {licence}, which is {'not ' * (licence in declared)}given"
        )


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)


def _wheel_text(tags: Sequence[str], *, root_is_purelib: bool, generator: str) -> str:
    lines = [
        "Wheel-Version: 1.0",
        f"Generator: {generator}",
        f"Root-Is-Purelib: {str(root_is_purelib).lower()}",
        *(f"Tag: {tag}" for tag in sorted(tags)),
    ]
    return "\n".join(lines) + "\n"


def _record_digest(digest: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _record_text(rows: Iterable[tuple[str, str, str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def write_sdist(path: Path, *, name: str, version: str, metadata: str, entries: Iterable[Member], epoch: int) -> Digest:
    """Write a source distribution (source distribution format) and return the digest of the file.

    The entries and PKG-INFO stand in one folder `name-version`. Raises BuildError if there is no pyproject.toml, which
    the format asks for, or a PKG-INFO that is not ours, and ValueError if the file is not called as it must be.
    """
    file_name = sdist_file_name(name, version)
    if path.name != file_name:
        raise ValueError(f"this source distribution must be called {file_name}, not {path.name}")
    members = tuple(entries)
    if not any(entry.name == "pyproject.toml" for entry in members):
        raise BuildError("a source distribution needs a pyproject.toml")
    root = file_name.removesuffix(".tar.gz")
    return tar.write_tar_gz(path, below(root, (*members, Member("PKG-INFO", _lines(metadata)))), epoch)


@dataclass(frozen=True, slots=True)
class WheelFacts:
    """What a wheel was found to be: its name, version, expanded tags, metadata, and the digest of every member."""

    name: str
    version: str
    tags: tuple[str, ...]
    metadata: str
    digests: Mapping[str, Digest]


def read_wheel(path: Path, limits: Limits = LIMITS) -> WheelFacts:
    """Read a wheel and recompute what it claims: name, tags, and digest and size of every member.

    Raises VerificationError for damage, members that RECORD does not list or describes differently, listed ones that
    are missing, and tags, a metadata folder, or a name and version in METADATA that do not fit the file name.
    """
    members = wheel_members(path, limits)
    while True:
        try:
            next(members)
        except StopIteration as end:
            facts: WheelFacts = end.value
            return facts


def wheel_tags(path: Path) -> tuple[str, ...]:
    """The tags that the name of a wheel stands for, expanded; raises VerificationError for a name of no wheel."""
    return _parsed_name(path)[2]


def wheel_members(path: Path, limits: Limits = LIMITS) -> Generator[tuple[Member, Digest], None, WheelFacts]:
    """Each file of a wheel with the digest of its content, in one pass; returns what the wheel was found to be.

    Raises VerificationError as `read_wheel` does: for what contradicts the rest after the last member.
    """
    name, version, tags = _parsed_name(path)
    where, info = str(path), f"{name}-{version}.dist-info"
    documents, digests, sizes = dict[str, str](), dict[str, Digest](), dict[str, int]()
    for entry in zips.read_zip(path, limits):
        if entry.folder:
            continue  # some who write wheels name their folders too, and installers pass over them
        if not entry.regular:
            raise VerificationError(f"the wheel holds {entry.name}, which is not a file", where=where)
        data = entry.read()
        digests[entry.name], sizes[entry.name] = Digest.of(data), len(data)
        if entry.name in {f"{info}/{part}" for part in ("METADATA", "WHEEL", "RECORD")}:
            documents[entry.name.rpartition("/")[2]] = data.decode(errors="replace")
        yield entry, digests[entry.name]
    for part in ("METADATA", "WHEEL", "RECORD"):
        if part not in documents:
            raise VerificationError(f"the wheel has no {info}/{part}", where=where)
    _check_record(documents["RECORD"], f"{info}/RECORD", digests, sizes, where)
    _check_tags(_headers(documents["WHEEL"]), tags, where)
    _check_identity(_headers(documents["METADATA"]), name, version, where)
    return WheelFacts(name, version, tags, documents["METADATA"], digests)


def oldest_platform(tags: Iterable[str]) -> tuple[int, int] | None:
    """The oldest glibc or macOS that any of the tags stands for, None where none tells (PEP 600, PEP 425).

    >>> oldest_platform(["cp311-abi3-manylinux_2_28_x86_64", "cp311-abi3-manylinux2014_x86_64"])
    (2, 17)
    """
    floors = []
    for tag in tags:
        platform = tag.rpartition("-")[2]
        if named := re.match(r"(?:manylinux|macosx)_(\d+)_(\d+)_", platform):
            floors.append((int(named[1]), int(named[2])))
        floors += [parse_floor(floor) for floor, legacy in _LEGACY.items() if platform.startswith(f"{legacy}_")]
    return min(floors, default=None)


def _parsed_name(path: Path) -> tuple[str, str, tuple[str, ...]]:
    parts = path.name.removesuffix(".whl").split("-")
    if path.suffix != ".whl" or len(parts) != 5:  # noqa: PLR2004 - name, version and three tags; builds are not numbered
        raise VerificationError("this is not the name of a wheel", where=str(path))
    expanded = itertools.product(*(group.split(".") for group in parts[2:]))
    return parts[0], parts[1], tuple(sorted("-".join(tag) for tag in expanded))


def _check_record(text: str, own: str, digests: Mapping[str, Digest], sizes: Mapping[str, int], where: str) -> None:
    listed: set[str] = set()
    for row in csv.reader(io.StringIO(text)):
        if len(row) != 3 or row[0] in listed:  # noqa: PLR2004 - path, digest, size
            raise VerificationError(f"RECORD has the line {','.join(row)!r}, which is damaged or doubled", where=where)
        listed.add(row[0])
        if row[0] not in digests:
            raise VerificationError(f"RECORD lists {row[0]}, which the wheel does not hold", where=where)
        claim = _record_digest(bytes.fromhex(digests[row[0]].hex)), str(sizes[row[0]])
        if row[0] != own and (row[1], row[2]) != claim:
            raise VerificationError(f"RECORD describes {row[0]} with another digest or size", where=where)
    for name in sorted(digests.keys() - listed):
        raise VerificationError(f"the wheel holds {name}, which RECORD does not list", where=where)


def _check_identity(headers: Message, name: str, version: str, where: str) -> None:
    """Name and version as installers compare them (binary distribution format, "Escaping and Unicode")."""
    inside = str(headers.get("Name")), str(headers.get("Version"))
    if canonicalize_name(inside[0]) != canonicalize_name(name) or not same_python_version(
        inside[1], version.replace("_", "-")
    ):
        raise VerificationError(f"the file name is of {name} {version}, METADATA of {' '.join(inside)}", where=where)


def _check_tags(headers: Message, tags: Sequence[str], where: str) -> None:
    inside = tuple(sorted(str(tag) for tag in headers.get_all("Tag", [])))
    if inside != tuple(tags):
        raise VerificationError(
            f"the file name stands for {', '.join(tags)}, the wheel says {', '.join(inside)}", where=where
        )
