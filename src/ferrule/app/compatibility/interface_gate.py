"""Compares what users build against with the last release that was recorded: libraries, header, WIT, Python, npm.

A release is read from its folder alone; only a C preprocessor is asked for help. What is recorded is the interface and
never the files, so that it can be committed.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.app.release.release_folder import ReleaseFolder, read_release
from ferrule.core import header_files as names_of_headers
from ferrule.core.errors import IncomparableError, ToolchainError, VerificationError
from ferrule.core.model import Digest
from ferrule.core.platforms import PLATFORMS
from ferrule.core.safe_files import MANIFEST, read_regular
from ferrule.engine.store import write_aside
from ferrule.formats import tar, wasm, wheel, wit
from ferrule.formats import zip as zips
from ferrule.formats.interfaces import (
    LEFT_OUT,
    Change,
    added,
    broken,
    header,
    python,
    symbols,
    typescript,
    versions,
    world,
)
from ferrule.tools import cc
from ferrule.tools import problems as fault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ferrule.core.manifest import ManifestFile
    from ferrule.core.platforms import Platform
    from ferrule.formats.archive_member import Member
    from ferrule.formats.interfaces import Surface
    from ferrule.formats.interfaces.versions import Comparison
    from ferrule.tools.host import Host

FORMAT: Final = 1
"""Newest form of the record that is understood."""

FOLDER: Final = "packaging/abi"
"""Folder of a project where the interface of its last release is kept."""

RECORD: Final = "interface.json"

_TITLES: Final = {
    "libraries": "C library",
    "headers": "C header",
    "worlds": "WIT",
    "python": "Python",
    "npm": "npm package",
}
_ALL: Final = "ferrule-all-headers.c"
_NOT_OF_PROGRAMS: Final = ("is needed from", "is a library that has to be there", "is no longer made for")
"""Breaking changes of a library that concern machines, and that a new name of the library would not mend."""


# Reading


def read(folder: Path, host: Host, others: Collection[str] = ()) -> Surface:
    """The interface of a finished release; `others` are artifacts of other releases, whose interface is recorded there.

    Raises IncomparableError for a release that cannot be read, ToolchainError if there is a C header and no compiler.
    """
    try:
        release = _own(folder, others)
        return {
            "format": FORMAT,
            "project": release.manifest.project,
            "release": release.manifest.release,
            "libraries": dict(_libraries(release)),
            "headers": dict(_headers(release, host)),
            "worlds": dict(_worlds(release)),
            "python": dict(_python(release)),
            "npm": dict(_npm(release)),
        }
    except VerificationError as error:
        raise IncomparableError(error.message, where=error.where, hint=error.hint) from error
    except (KeyError, TypeError, AttributeError, OSError) as error:
        raise IncomparableError(f"the release cannot be read: {error!r}", where=str(folder)) from error


def _own(folder: Path, others: Collection[str]) -> ReleaseFolder:
    """A release without what it packs of others, such as their libraries in an image; raises VerificationError."""
    release = read_release(folder)
    if not others:
        return release
    manifest = replace(
        release.manifest,
        files=tuple(file for file in release.manifest.files if file.artifact not in others),
        facts={id_: facts for id_, facts in release.manifest.facts.items() if id_.partition("@")[0] not in others},
    )
    files = {name: file for name, file in release.files.items() if file.artifact not in others}
    return replace(release, manifest=manifest, files=files)


def _libraries(release: ReleaseFolder) -> Iterator[tuple[str, Surface]]:
    """What the manifest measured of dynamic libraries, by artifact and target; `ferrule verify` measures it again."""
    libraries: dict[str, Surface] = {}
    for action, facts in release.manifest.facts.items():
        artifact, _, target = action.partition("@")
        library = facts.compiled.get("cdylib")
        if target and library is not None:
            libraries.setdefault(artifact, {})[target] = symbols.read(library)
    yield from sorted(libraries.items())


def _outputs(release: ReleaseFolder) -> Iterator[ManifestFile]:
    """What was made: the rows of the manifest, each name and digest of an artifact once."""
    seen = set()
    for file in (*release.manifest.packed, *release.manifest.shipped):
        identity = (file.artifact, file.path.removeprefix("include/"), file.digest)
        if identity not in seen:
            seen.add(identity)
            yield file


def _content(release: ReleaseFolder, file: ManifestFile) -> bytes:
    """The bytes of a file, from the release's folder or from a package that holds it; raises VerificationError."""
    for name, shipped in release.files.items():
        if shipped.digest == file.digest:
            return _checked(read_regular(release.folder / name), file, name)
    for one in (release, *_beside(release)):
        if (packed := _packed_in(one, file)) is not None:
            return packed
    raise VerificationError(
        f"no package holds the {file.path} of {file.artifact}",
        where=str(release.folder),
        hint="pack it, for example into an sdk, or make the release whose package holds it (ferrule release); "
        f"if {file.artifact} belongs to another release, list it there",
    )


def _beside(release: ReleaseFolder) -> Iterator[ReleaseFolder]:
    """The other releases of the same dist/: a header may be listed in one, and packed in another."""
    for path in sorted(release.folder.resolve().parent.glob(f"*/{MANIFEST}")):
        if path.parent != release.folder.resolve():
            with suppress(VerificationError):
                yield read_release(path.parent)


def _packed_in(release: ReleaseFolder, file: ManifestFile) -> bytes | None:
    """The bytes of a file from a package of a release, if one holds them."""
    for name in release.packages():
        path = release.folder / name
        for entry in _entries(path) if path.is_file() else ():
            if entry.regular and entry.size == file.size:
                content = entry.read()
                if Digest.of(content) == file.digest:
                    return content
    return None


def _checked(content: bytes, file: ManifestFile, name: str) -> bytes:
    if Digest.of(content) != file.digest:
        raise VerificationError("the file is not the one of the manifest", where=name, hint="ferrule verify")
    return content


def _entries(path: Path) -> Iterator[Member]:
    if path.suffix in {".whl", ".zip"}:
        yield from zips.read_zip(path)
    else:
        with path.open("rb") as stream:
            yield from tar.read_tar_gz(stream, where=str(path))


def _headers(release: ReleaseFolder, host: Host) -> Iterator[tuple[str, Surface]]:
    """Each header as every native target sees it, by file."""
    triples = sorted({t for _, by_target in _libraries(release) for t in by_target}) or ["x86_64-unknown-linux-gnu"]
    artifacts = [files for files in _header_files(release).values() if any(name.endswith(".h") for name in files)]
    if not artifacts:
        return
    preprocess = preprocessor(host)
    for files in artifacts:
        names = {name: name for name in sorted(files) if name.endswith(".h")}
        surfaces: dict[str, Surface] = {name: {} for name in names}
        for triple in triples:
            platform = PLATFORMS[triple]
            by_name = header.read_files(
                preprocess(files, platform),
                names,
                release=release.manifest.release,
                data_model=platform.architecture.data_model,
                where=f"{', '.join([*names][:3])} for {triple}",
            )
            for name, surface in by_name.items():
                surfaces[name][triple] = surface
        yield from surfaces.items()


def _header_files(release: ReleaseFolder) -> dict[str, dict[str, bytes]]:
    """Contents of the headers of each artifact by their names below include/."""
    contents: dict[str, dict[str, bytes]] = {}
    for file in _outputs(release):
        if file.kind == "header":
            name = file.path.removeprefix("include/")
            contents.setdefault(file.artifact, {})[name] = _content(release, file)
    return contents


def header_files(folder: Path, others: Collection[str] = ()) -> dict[str, bytes]:
    """The headers of a release by name, as `read` sees it; raises VerificationError if it has files it should not."""
    artifacts = _header_files(_own(folder, others))
    return {name: content for files in artifacts.values() for name, content in files.items()}


def preprocessor(host: Host) -> Callable[[Mapping[str, bytes], Platform], str]:
    """The machine's C compiler as a function from headers by name and a platform to preprocessed text.

    Raises ToolchainError if there is none; the function raises VerificationError for what it refuses.
    """
    compiler = cc.find(host)
    if isinstance(compiler, fault.ToolProblem):
        raise ToolchainError(f"reading a C header needs a C compiler: {compiler.problem}", hint=compiler.fix)

    def preprocess(files: Mapping[str, bytes], platform: Platform) -> str:
        for name, content in files.items():
            if name.endswith(names_of_headers.C_SUFFIXES) or not name.endswith(names_of_headers.SUFFIXES):
                header.refuse_layouts(content.decode(errors="replace"), name)
        with tempfile.TemporaryDirectory(prefix="ferrule-abi-") as directory:
            folder = Path(directory)
            for file, text in header.stand_ins().items():
                path = folder / "standard" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            for name, content in files.items():
                (folder / "include" / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / "include" / name).write_bytes(content)
            includes = (f'#include "{name}"\n' for name in sorted(files) if name.endswith(".h"))
            (folder / "include" / _ALL).write_text("".join(includes), encoding="utf-8")
            options = (*header.preprocessor_options(platform), "-isystem", "../standard", "-I.", _ALL)
            return cc.preprocess(compiler, options, folder=folder / "include", environment=host.children)

    return preprocess


def _worlds(release: ReleaseFolder) -> Iterator[tuple[str, Surface]]:
    for file in _outputs(release):
        name = file.path.rpartition("/")[2]
        if not name.endswith(".wasm") or "module" not in release.manifest.facts_of(file).compiled:
            continue
        content = _content(release, file)
        if wasm.wasm_kind(content, where=name) == "core":
            yield file.artifact, world.read(wit.read_world(content, where=name))


def _python(release: ReleaseFolder) -> Iterator[tuple[str, Surface]]:
    """The package of each wheel artifact: the one of its first file, for its sources are the same for every target."""
    wheels = sorted((name for name in release.files if name.endswith(".whl")), reverse=True)
    first = {release.files[name].artifact: name for name in wheels}
    for artifact, name in sorted(first.items()):
        path = release.folder / name
        with tempfile.TemporaryDirectory(prefix="ferrule-abi-") as directory:
            for entry in _entries(path):
                if entry.regular and entry.name.endswith((".py", ".pyi")):
                    file = Path(directory, entry.name)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(entry.read())
            names = python.read(Path(directory), where=name)
        yield artifact, {"requires": python.requires(wheel.read_wheel(path).metadata), "names": names}


def _npm(release: ReleaseFolder) -> Iterator[tuple[str, Surface]]:
    for name, file in sorted(release.files.items()):
        if not name.endswith(".tgz"):
            continue
        files = {
            entry.name.partition("/")[2]: entry.read()
            for entry in _entries(release.folder / name)
            if entry.regular and entry.name.endswith(("/package.json", ".d.ts", ".d.mts", ".d.cts"))
        }
        # Packages of one platform are limited to it, and hold a library that is compared by itself.
        if "package.json" in files and b'"os"' not in files["package.json"]:
            yield file.artifact, typescript.read(files, where=name)


# Keeping


def kept_in(root: Path, release: str | None) -> Path:
    """Folder of a project where the interface of the last release is kept; each of several has one of its own."""
    return root / FOLDER / (release or "")


def record(surface: Surface, folder: Path, headers: Mapping[str, bytes] | None = None) -> None:
    """Write what `read` gave into a folder, and headers below `include/`, to build programs of that release again.

    Targets that see the same have it once. Raises StorageError if it cannot be written.
    """
    document = surface | {
        part: {name: _folded(by_target) for name, by_target in surface[part].items()}
        for part in ("libraries", "headers")
    }
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    for name, content in (headers or {}).items():
        write_aside(folder / "include" / name, content)
    write_aside(folder / RECORD, text.encode())


def recall(folder: Path) -> Surface:
    """Read what `record` wrote; raises IncomparableError if there is none, or none that can be read."""
    where = str(folder / RECORD)
    try:
        surface: Surface = json.loads((folder / RECORD).read_bytes())
        if surface["format"] != FORMAT:
            raise IncomparableError(
                f"the record is of the form {surface['format']!r}, and this ferrule knows {FORMAT}",
                where=where,
                hint="use the ferrule that wrote it, or a newer one",
            )
        for part in ("libraries", "headers"):
            surface[part] = {name: _unfolded(by_targets) for name, by_targets in surface[part].items()}
        versions.parse(surface["release"])
    except FileNotFoundError:
        raise IncomparableError(
            "no earlier release is recorded, so there is nothing to compare with",
            where=where,
            hint="ferrule abi --record (of several, with --release), when it was published; commit what it writes",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IncomparableError(f"the record is damaged: {type(error).__name__}: {error}", where=where) from error
    return surface


def _folded(by_target: Surface) -> Surface:
    groups: dict[str, list[str]] = {}
    for target, description in sorted(by_target.items()):
        groups.setdefault(json.dumps(description), []).append(target)
    return {" ".join(targets): json.loads(text) for text, targets in groups.items()}


def _unfolded(by_targets: Surface) -> Surface:
    return {target: description for targets, description in by_targets.items() for target in targets.split()}


# Comparing


def check_current(released: Surface, version: str) -> None:
    """Raise IncomparableError if a release is not of the version that the project has now."""
    if released["release"] != version:
        raise IncomparableError(
            f"the release is {released['release']}, and the project is at {version}",
            hint="build the current release first: ferrule release",
        )


def compare(old: Surface, new: Surface) -> Comparison:
    """The changes of the interface since the older one; raises IncomparableError if one is damaged."""
    try:
        if old["project"] != new["project"]:
            raise IncomparableError(f"the record is of {old['project']}, and the release is of {new['project']}")
        now = json.loads(json.dumps(new))
        changes = tuple(_changes(old, now))
        comparison = versions.judge(old["release"], now["release"], changes)
        # Names of libraries follow the version, so that they are looked at when that is right.
        if comparison.problems:
            return comparison
        return replace(comparison, problems=tuple(_unchanged_names(old, now, changes)))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise IncomparableError(f"the record is damaged: {type(error).__name__}: {error}") from error


def _changes(old: Surface, new: Surface) -> Iterator[Change]:
    declared = [surface for by_target in old["headers"].values() for surface in by_target.values()]
    holders = header.used_by_value(*declared)
    of: dict[str, Callable[[Surface, Surface], Iterator[Change]]] = {
        "libraries": lambda a, b: _across(a, b, symbols.compare),
        "headers": lambda a, b: _across(a, b, partial(header.compare, by_value=holders), everywhere=True),
        "worlds": world.compare,
        "python": _compare_python,
        "npm": typescript.compare,
    }
    for part, compared in of.items():
        for name in sorted({*old[part], *new[part]}):
            title = f"{_TITLES[part]} {name}"
            if name not in new[part]:
                yield replace(broken(name, LEFT_OUT), of=title)
            elif name not in old[part]:
                yield replace(added(name, "is a new part of the release"), of=title)
            else:
                differences = compared(old[part][name], new[part][name])
                yield from sorted(replace(change, of=title) for change in differences)


def _across(
    old: Surface,
    new: Surface,
    compared: Callable[[Surface, Surface], Iterator[Change]],
    *,
    everywhere: bool = False,
) -> Iterator[Change]:
    """Changes by target as changes of all of them; which targets there are is told by libraries alone."""
    both = sorted({*old} & {*new})
    seen: dict[Change, list[str]] = {}
    for target in both:
        for change in compared(old[target], new[target]):
            seen.setdefault(change, []).append(target)
    for change, targets in seen.items():
        yield change if targets == both else replace(change, item=f"{change.item} ({', '.join(targets)})")
    if not everywhere:
        for target in sorted({*old} - {*new}):
            yield broken(target, "is no longer made for it")
        for target in sorted({*new} - {*old}):
            yield added(target, "is made for it too")


def _compare_python(old: Surface, new: Surface) -> Iterator[Change]:
    yield from python.compare_requires(old["requires"], new["requires"])
    yield from python.compare(old["names"], new["names"])


def _unchanged_names(old: Surface, new: Surface, changes: tuple[Change, ...]) -> Iterator[str]:
    """Libraries that break programs and still answer to the name under which those ask for them."""
    header_breaks = any(c.breaking and c.of.startswith(_TITLES["headers"]) for c in changes)
    for name, before in old["libraries"].items():
        after = new["libraries"].get(name, {})
        own = [c for c in changes if c.breaking and c.of == f"{_TITLES['libraries']} {name}"]
        breaks = header_breaks or any(not c.what.startswith(_NOT_OF_PROGRAMS) for c in own)
        unchanged = sorted({n for t, one in before.items() if (n := one["name"]) and n == after.get(t, {}).get("name")})
        if breaks and unchanged:
            yield f"the library is still called {' and '.join(unchanged)}, so that programs built before would load it"
