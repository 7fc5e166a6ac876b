"""Rust: a compiler, its Cargo, and for every target a standard library, compiled or as source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.model import Digest, Tool
from ferrule.core.platforms import PLATFORMS, Platform
from ferrule.core.toolchain import RustInstallation
from ferrule.tools.definition import ToolDefinition, ToolSearch
from ferrule.tools.host import is_program
from ferrule.tools.installers import apt, rustup
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem, matches
from ferrule.tools.run import ToolFailed, ToolMissing, capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ferrule.core.toolchain import RustSource, Std
    from ferrule.tools.definition import SearchResult
    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer


LLVM_TOOLS: Final = frozenset({"wasm-component-ld", "wasm-ld", "rust-objcopy"})
"""Programs of the LLVM inside rustc, which distributions pack by themselves."""


def find(
    host: Host,
    version: str,
    triples: Sequence[str],
    *,
    rust_source: RustSource | None = None,
    wasm_linker: bool = False,
) -> RustInstallation | list[ToolProblem]:
    """The first Rust of the required version with everything for every target, or all that the best one lacks.

    Looked at in this order: what RUSTC and CARGO name, the PATH, the distribution's folder, rustup's toolchains.
    """
    unusable: list[str] = []
    seen: list[RustInstallation] = []
    for rustc in _programs(host, version, rust_source):
        rust = inspect(host, rustc, triples)
        if isinstance(rust, str):
            unusable.append(rust)
            continue
        if any(rust.rustc == other.rustc for other in seen):
            continue
        seen.append(rust)
        if not _lacks(rust, version, triples):
            return rust
    return _faults(host, version, triples, seen, unusable, rust_source=rust_source, wasm_linker=wasm_linker)


def _programs(host: Host, version: str, rust_source: RustSource | None) -> Iterator[Path]:
    managed = host.rustup_home / "toolchains" if host.rustup_home else None
    chosen = host.environment.get("RUSTC")
    candidates = [Path(chosen)] if chosen and rust_source is None else []
    if rust_source != "rustup":
        candidates += [*host.every("rustc"), *host.every(f"rustc-{version}")]
    if rust_source == "distribution":
        # rustup's stand-ins on the PATH answer for whatever toolchain is rustup's default.
        candidates = [path for path in candidates if not _is_rustup(path, managed)]
    else:
        candidates += [folder / "bin" / "rustc" for folder in rustup.toolchains(host)]
    yield from dict.fromkeys(path for path in candidates if is_program(path) or str(path) == chosen)


def _is_rustup(path: Path, managed: Path | None) -> bool:
    real = path.resolve()
    return real.name == "rustup" or (managed is not None and managed.resolve() in real.parents)


def inspect(host: Host, rustc: Path, triples: Sequence[str]) -> RustInstallation | str:
    """What a compiler says about itself, or in a sentence why it says nothing.

    A stand-in of rustup is seen through: what is returned are the programs of the toolchain behind it.
    """
    try:
        output = capture([str(rustc), "-vV", "--print", "sysroot"], env=host.children, cwd=Path("/"), timeout=60).stdout
        if "\n/" not in output:  # some versions stop after the first question
            output += capture([str(rustc), "--print", "sysroot"], env=host.children, cwd=Path("/"), timeout=60).stdout
    except ToolFailed as failed:
        if "rustup" in failed.stderr:
            return f"{rustc} is rustup's stand-in, and rustup has no toolchain for it"
        return f"{rustc} does not work: {failed.summary}" + (f" ({failed.tail[-1]})" if failed.tail else "")
    except ToolMissing as missing:
        return missing.message
    lines = output.splitlines()
    sysroot = Path(next((line for line in reversed(lines) if line.startswith("/")), "/"))
    about = "\n".join(line for line in lines if not line.startswith("/"))
    real = sysroot / "bin" / "rustc"
    cargo = _cargo_beside(host, real if is_program(real) else rustc, rustc)
    return RustInstallation(
        rustc=real if is_program(real) else rustc,
        cargo=cargo,
        cargo_version=probe_output(host, cargo, "-V") if cargo else "",
        sysroot=sysroot,
        about=about,
        std={t: std for t in dict.fromkeys(triples) if (std := standard_library(sysroot, t))},
    )


def _cargo_beside(host: Host, real: Path, asked: Path) -> Path | None:
    chosen = host.environment.get("CARGO")
    suffix = asked.name.removeprefix("rustc")
    paths = [real.with_name("cargo"), real.with_name(f"cargo{suffix}"), asked.with_name(f"cargo{suffix}")]
    if chosen and str(asked) == host.environment.get("RUSTC"):
        paths.insert(0, Path(chosen))
    return next((path for path in paths if is_program(path)), None)


def std_folder(sysroot: Path, triple: str) -> Path:
    """The folder of a compiled standard library."""
    return sysroot / "lib" / "rustlib" / triple / "lib"


def std_source(sysroot: Path) -> Path:
    """The folder of the source of the standard library, for `-Zbuild-std`."""
    return sysroot / "lib" / "rustlib" / "src" / "rust"


def standard_library(sysroot: Path, triple: str) -> Std | None:
    """Whether a target has a compiled standard library, one that can be built, or none.

    For macOS it is always built: a compiled one shows its own symbols in every library that it is linked into.
    """
    row = PLATFORMS.get(triple)
    must_build = row is not None and row.family.builds_std
    if not must_build and any(std_folder(sysroot, triple).glob("libstd-*.rlib")):
        return "prebuilt"
    if (std_source(sysroot) / "library" / "std" / "Cargo.toml").is_file():
        return "build-std"
    return None


def _lacks(rust: RustInstallation, version: str, triples: Sequence[str]) -> list[tuple[str, str]]:
    """What a Rust lacks: (name of the tool, problem)."""
    if not matches(version, rust.release):
        return [("rustc", "not the required version")]
    lacks: list[tuple[str, str]] = []
    cargo = rust.cargo_version.split()
    if rust.cargo is None:
        lacks.append(("cargo", f"there is none beside {rust.rustc}"))
    elif len(cargo) < 2:  # noqa: PLR2004 - "cargo 1.96.0 (…)"
        lacks.append(("cargo", f"{rust.cargo} does not say its version"))
    elif not matches(version, cargo[1]):
        lacks.append(("cargo", f"{rust.cargo} is {cargo[1]}"))
    source = std_source(rust.sysroot)
    problem = "no standard library, neither compiled nor as source"
    if source.is_symlink() and not source.exists():
        problem = f"the source of the standard library is gone: {source} leads nowhere"
    elif source.exists():
        problem = f"the source of the standard library in {source} is incomplete"
    lacks += [(f"std-{t}", problem) for t in triples if t not in rust.std]
    return lacks


def _faults(
    host: Host,
    version: str,
    triples: Sequence[str],
    seen: list[RustInstallation],
    unusable: list[str],
    *,
    rust_source: RustSource | None,
    wasm_linker: bool,
) -> list[ToolProblem]:
    installer = choose_installer(host, version, triples, rust_source=rust_source, wasm_linker=wasm_linker)
    fitting = [rust for rust in seen if matches(version, rust.release)]
    if fitting:
        best = min(fitting, key=lambda rust: len(_lacks(rust, version, triples)))
        lacks = _lacks(best, version, triples)
        return [
            ToolProblem.with_installer(
                host, tool, problem, installer, required=version, version=best.release, path=str(best.rustc)
            )
            for tool, problem in lacks
        ]
    candidates = ", ".join(f"{rust.release} ({rust.rustc})" for rust in seen)
    problem = "not the required version" if seen else "; ".join(unusable) or "not installed"
    return [ToolProblem.with_installer(host, "rustc", problem, installer, required=version, version=candidates)]


def choose_installer(
    host: Host, version: str, triples: Sequence[str], *, rust_source: RustSource | None, wasm_linker: bool
) -> Installer:
    """How Rust would be installed here: the distribution's packages where they offer the required version, else rustup.

    A source that can be used on this machine is preferred to one that is blocked, in the same order.
    """
    by_rustup = rustup.Install(version, tuple(dict.fromkeys((host.triple, *triples))))
    if rust_source == "rustup":
        return by_rustup
    packages = apt.rust(host, version, triples, wasm_linker=wasm_linker)
    if packages is None:
        if rust_source == "distribution":
            # The user chose packages: name those that are missing instead of silently using rustup.
            return apt.Packages((f"rustc-{version}", f"cargo-{version}"), ())
        return by_rustup
    if (
        rust_source == "distribution"
        or packages.blocked_reason(host) is None
        or by_rustup.blocked_reason(host) is not None
    ):
        return packages
    return by_rustup


def tools(rust: RustInstallation) -> list[Tool]:
    """The compiler, Cargo and each standard library as tools; identities hold versions, never paths."""
    cargo = (rust.cargo or rust.rustc).as_posix()
    source = _source_identity(rust.sysroot) if "build-std" in rust.std.values() else ""
    about = "; ".join(line for line in rust.about.splitlines() if not line.startswith("binary:"))
    return [
        Tool("rustc", rust.release, (str(rust.rustc),), f"{about}; {_std_identity(rust.sysroot, rust.host)}"),
        Tool("cargo", rust.cargo_version.split()[1], (cargo,), rust.cargo_version),
        *(
            Tool(f"std-{t}", std, (str(path),), f"{std} {identity}".strip())
            for t, std in rust.std.items()
            for path, identity in [
                (std_folder(rust.sysroot, t), _std_identity(rust.sysroot, t))
                if std == "prebuilt"
                else (std_source(rust.sysroot), source)
            ]
        ),
    ]


def _std_identity(sysroot: Path, triple: str) -> str:
    """Name and size of the compiled library: another build of the same version has another name (it holds a digest)."""
    return ", ".join(f"{p.name} {p.stat().st_size}" for p in sorted(std_folder(sysroot, triple).glob("libstd-*.rlib")))


def _source_identity(sysroot: Path) -> str:
    """Digest of the names and contents of the library's sources, which others may have patched under one version."""
    library = std_source(sysroot) / "library"
    files = sorted(path for path in library.rglob("*") if path.is_file())
    return Digest.of("".join(f"{p.relative_to(library)}\0{Digest.of_file(p)}\n" for p in files).encode()).hex


def _search(search: ToolSearch) -> Iterable[SearchResult]:
    result = find(
        search.host,
        search.versions[TOOL.name],
        search.triples,
        rust_source=search.rust_source,
        wasm_linker=bool(search.needed & LLVM_TOOLS),
    )
    return result if isinstance(result, list) else (result, *tools(result))


def _stripped_by(platform: Platform) -> tuple[str, ...]:
    return ("rust-objcopy",) if platform.family.strips_with_objcopy else ()


TOOL: Final = ToolDefinition(
    name="rust",
    version="1.96",
    setting="Version of rustc and Cargo.",
    find=_search,
    programs=("rustc", "cargo"),
    requires=("cc",),
    requires_for=_stripped_by,
)
