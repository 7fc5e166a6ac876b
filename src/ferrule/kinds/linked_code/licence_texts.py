"""Licence texts on this machine: those of crates, of Rust's standard library, and of the parts of zig that it links."""

from __future__ import annotations

import html
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError
from ferrule.formats.notices import LicensedPart, normalized
from ferrule.formats.standard_licences import standard_texts
from ferrule.tools import wasi_linker
from ferrule.tools.rust import std_source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ferrule.core.platforms import Platform
    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.crates import CrateSource, LinkedCrate

_NAME: Final = re.compile(
    r"([\w.]+[-_])?(un)?(licen[cs]es?|copying|copyright|notices?|patents)([-_.].*)?|LICENSES/.+", re.IGNORECASE
)
_CODE: Final = frozenset({".rs", ".c", ".h", ".py", ".go", ".js", ".toml", ".json", ".html", ".sh", ".pdf", ".png"})
_PASSED_OVER: Final = frozenset({"target", "tests", "test", "benches", "examples", "fuzz", "node_modules", "docs"})
_DEEPEST: Final = 4
_LARGEST: Final = 1 << 20

_RUST: Final = "(MIT OR Apache-2.0) AND Unicode-3.0 AND Apache-2.0 WITH LLVM-exception"
"""Of the standard library itself: its tables of characters and its compiler-builtins have licences of their own."""
_OF_CRATE: Final = re.compile(
    r"<h3>\S* ?(?P<name>[^<\s]+?)-(?P<version>\d[^<]*)</h3>(?P<rest>.*?)(?=<h3>|\Z)", re.DOTALL
)
_NOTICE: Final = re.compile(r"<code>(?P<file>[^<]+)</code></summary>\s*<pre>\n?(?P<text>.*?)</pre>", re.DOTALL)
_LICENSE: Final = re.compile(r"<b>License:</b>([^<]+)")
_C_BUILDERS: Final = frozenset({"cc", "cmake", "cxx-build", "autotools"})


def of_crates(
    crates: Iterable[CrateSource], given: Mapping[str, Path], ours: Collection[str]
) -> tuple[list[LicensedPart], list[Path]]:
    """The texts of crates, and the files that they are in.

    `given` are files for crates that bring none, by name. A crate of the project that brings no other texts than `ours`
    is under the project's own licence, and no third party's. Raises BuildError for crates without any text.
    """
    parts: list[LicensedPart] = []
    read: list[Path] = []
    without: list[CrateSource] = []
    for crate in crates:
        files = [given[crate.name]] if crate.name in given else list(files_of(crate))
        texts = [(_label(file, crate), _text(file)) for file in files]
        read += files
        if crate.is_local and all(normalized(text) in ours for _, text in texts):
            continue
        part = LicensedPart(crate.name, crate.version, crate.license, tuple(texts))
        if not texts:
            standard = standard_texts(crate.license)
            if standard is None:
                without.append(crate)
                continue
            authors = crate.authors or (f"the authors of {crate.name}",)
            part = LicensedPart(crate.name, crate.version, crate.license, _standard(standard), authors)
        parts.append(part)
    if without:
        names = "; ".join(f"{one.name} {one.version} ({one.license or 'no licence stated'})" for one in without)
        raise BuildError(
            f"no licence text comes with crates that are linked in: {names}",
            where="project.license-texts",
            hint=f"write `license-texts: {{{without[0].name}: FILE}}` under `project`, with the text in a file",
        )
    return parts, read


def _standard(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((f"standard text of {name}", text) for name, text in texts.items())


def files_of(crate: CrateSource) -> Iterator[Path]:
    """Files with licences in a crate's folder, those of what it brings along (C sources) among them.

    A crate of a Git repository may have them in a folder above, a crate of the project only beside its manifest.
    """
    own = list(_below(crate.folder, 0 if crate.is_local else _DEEPEST))
    stated = crate.folder / crate.license_file if crate.license_file else None
    if stated and stated.is_file() and stated not in own:
        own.append(stated)
    for folder in crate.folder.parents if crate.is_git and not own else ():
        own = list(_below(folder, 0))
        if own or (folder / ".cargo-ok").exists():
            break
    yield from own


def _below(folder: Path, depth: int) -> Iterator[Path]:
    with suppress(OSError):
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        for entry in entries:
            path = Path(entry.path)
            if entry.is_file() and _is_licence(entry.name):
                yield path
            elif entry.is_dir() and entry.name == "LICENSES":
                yield from (Path(inner.path) for inner in sorted(os.scandir(path), key=str) if inner.is_file())
            elif (
                depth
                and entry.is_dir(follow_symlinks=False)
                and not entry.name.startswith(".")
                and entry.name not in _PASSED_OVER
            ):
                yield from _below(path, depth - 1)


def _is_licence(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and Path(name).suffix.lower() not in _CODE


def _label(file: Path, crate: CrateSource) -> str:
    return file.relative_to(crate.folder).as_posix() if file.is_relative_to(crate.folder) else file.name


def _text(file: Path) -> str:
    content = file.read_bytes()[:_LARGEST]
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def of_rust(toolchain: Toolchain, std_crates: Sequence[LinkedCrate]) -> list[LicensedPart]:
    """The standard library, and the crates inside of it: from its sources, or as the compiler's documents list them.

    Distributions leave the texts out of the sources: a crate names its licence then, and its text is the standard one.
    Raises BuildError where neither is installed.
    """
    version = toolchain.tool("rustc").version
    own = LicensedPart(
        "Rust's standard library",
        version,
        _RUST,
        _standard(standard_texts(_RUST) or {}),
        ("the Rust project's contributors",),
    )
    vendored = std_source(toolchain.sysroot) / "library" / "vendor"
    if std_source(toolchain.sysroot).is_dir():
        return [own, *(_of_std(crate, vendored) for crate in std_crates)]
    document = toolchain.sysroot / "share" / "doc" / "rust" / "COPYRIGHT-library.html"
    try:
        return [own, *copyright_parts(document.read_text(encoding="utf-8"))]
    except OSError:
        raise BuildError(
            f"Rust {version} brings no licences of the crates in its standard library",
            where=str(document),
            hint="install its sources (rustup component add rust-src), or the whole of its component rustc",
        ) from None


def _of_std(crate: LinkedCrate, vendored: Path) -> LicensedPart:
    folders = [vendored / f"{crate.name}-{crate.version}", vendored / crate.name]
    files = [file for folder in folders for file in _below(folder, 0)]
    texts = tuple((file.name, _text(file)) for file in files)
    authors = () if texts else crate.authors or (f"the authors of {crate.name}",)
    return LicensedPart(
        crate.name,
        f"{crate.version} in Rust's standard library",
        crate.license,
        texts or _standard(standard_texts(crate.license) or {}),
        authors,
    )


def copyright_parts(document: str) -> Iterator[LicensedPart]:
    """The crates of Rust's COPYRIGHT-library.html, which lists those of all platforms with their notices."""
    for crate in _OF_CRATE.finditer(document):
        texts = tuple((html.unescape(n["file"]), html.unescape(n["text"])) for n in _NOTICE.finditer(crate["rest"]))
        licence = _LICENSE.search(crate["rest"])
        stated = html.unescape(licence[1]).strip() if licence else None
        yield LicensedPart(
            crate["name"],
            f"{crate['version']} in Rust's standard library",
            stated,
            texts or _standard(standard_texts(stated) or {}),
            () if texts else (f"the authors of {crate['name']}",),
        )


def of_zig(toolchain: Toolchain, platform: Platform, building: Collection[str]) -> Iterator[LicensedPart]:
    """The parts of zig that its linker may add for a platform (`building`: names of crates that only build).

    Its C++ library is among them where a build script may have compiled C++, and the adapter of wasm-component-ld where
    that makes a component of what zig linked.
    """
    zig = toolchain.tool("zig")
    home, cxx = Path(zig.argv[0]).parent, bool(_C_BUILDERS.intersection(building))
    wasi = platform.family.libc == "wasi"
    for name, file, license_, present in (
        ("compiler-rt", "LICENSE", "MIT", True),
        ("libunwind", "lib/libunwind/LICENSE.TXT", _LLVM, platform.family.links_unwinder),
        ("libc++", "lib/libcxx/LICENSE.TXT", _LLVM, cxx),
        ("musl", "lib/libc/musl/COPYRIGHT", "MIT", platform.family.libc == "musl" or wasi),
        ("wasi-libc", "lib/libc/wasi/LICENSE-MIT", _WASI_LIBC, wasi),
        ("cloudlibc", "lib/libc/wasi/libc-bottom-half/cloudlibc/LICENSE", "BSD-2-Clause", wasi),
        ("mingw-w64", "lib/libc/mingw/COPYING", "ZPL-2.1", platform.family.object_format == "coff"),
    ):
        if present:
            yield LicensedPart(f"zig's {name}", zig.version, license_, ((Path(file).name, _of_file(home / file)),))
    for program in wasi_linker.component_tools(platform):
        texts = _standard(standard_texts(_LLVM) or {})
        version = toolchain.tool("rustc").version
        yield LicensedPart(f"the adapter of {program}", version, _LLVM, texts, ("the Wasmtime project's contributors",))


_LLVM: Final = "Apache-2.0 WITH LLVM-exception"
_WASI_LIBC: Final = "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"


def _of_file(path: Path) -> str:
    try:
        return _text(path)
    except OSError as error:
        raise BuildError(
            f"zig's licence cannot be read: {error.strerror}", where=str(path), hint="run: ferrule setup"
        ) from error
