"""What readers see in a project: frozen values, each with its `file:line:column`, about one thing each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from ferrule.core.cargo_workspace import Crate, Workspace


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Something that the written file does not cover: where it is, what it is, and why with the way out."""

    where: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class CapiSettings:
    """What a crate says to cargo-c: names, `pkg_config` by the keys of targets.yaml, flags, the number in the soname.

    `at` is the position of the table, `headers` the files that are installed, relative to the project, and `generates`
    whether cbindgen is to write one.
    """

    at: str
    library: str | None = None
    header: str | None = None
    pkg_config: tuple[tuple[str, str | tuple[str, ...]], ...] = ()
    rustflags: tuple[str, ...] = ()
    abi: str | None = None
    headers: tuple[str, ...] = ()
    generates: bool = True


@dataclass(frozen=True, slots=True)
class CrateUse:
    """A crate of a workspace, and what its manifest and sources say about its use.

    `at` is the `file:line:column` of its name; `exported` that of its first exported C function,
    `exported_by_macro` that of a macro which writes them all, `feature` the one without which it has none,
    `asks_for_cargo_c` whether its sources use the condition that cargo-c sets; `cargo_component` the position of its
    settings for cargo-component. `required` are the dependencies that it is never built without, `packages` all that
    may be compiled for it, `rust` the oldest Rust for it and its position, `wit` its WIT files, `imports_wasi` whether
    these name WASI, `cbindgen` the cbindgen.toml that holds for it, `language` that of its header.
    """

    crate: Crate
    at: str
    required: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    exported: str | None = None
    exported_by_macro: str | None = None
    feature: str | None = None
    asks_for_cargo_c: bool = False
    capi: CapiSettings | None = None
    cargo_component: str | None = None
    rust: tuple[str, str] | None = None
    wit: tuple[str, ...] = ()
    imports_wasi: bool = False
    cbindgen: str | None = None
    language: str = "c"
    is_published: bool = True

    def requires(self, *names: str) -> bool:
        """Whether it is never built without one of these packages."""
        return bool({*names} & self.required)

    def makes(self, *types: str) -> bool:
        """Whether its library is of one of these crate types."""
        return bool({*types} & {*self.crate.types})


@dataclass(frozen=True, slots=True)
class CargoWorkspace:
    """A Cargo workspace with the use of each of its crates; `others` are the folders of crates of other workspaces."""

    workspace: Workspace
    crates: tuple[CrateUse, ...]
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Licence:
    """A file with the text of a licence."""

    file: str


@dataclass(frozen=True, slots=True)
class CHeader:
    """A header that is checked in; `generated` if it says that cbindgen wrote it."""

    file: str
    generated: bool


@dataclass(frozen=True, slots=True)
class PythonPackage:
    """A folder with a pyproject.toml; `at` is the position of what its build is by.

    `crate` is the folder of the crate that maturin builds for it, `loads` the dotted name of the package whose sources
    import what Ferrule puts into a wheel, and `several` whether others lie beside that one. `version` is the one that
    it states, with its position; `refused` why no wheel can be made of it.
    """

    folder: str
    at: str
    backend: str
    crate: str | None = None
    loads: str | None = None
    several: bool = False
    version: tuple[str, str] | None = None
    refused: Uncovered | None = None


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A folder with a package.json that imports what Ferrule puts beside it; `at` is the position of its beginning.

    `component` and `native` say which of the two: sources import `./component`, or `./native` and what napi-rs makes.
    `version` is the one that it states, if it does, with its place; `refused` why no package can be made of it.
    """

    folder: str
    at: str
    component: bool = True
    native: bool = False
    refused: Uncovered | None = None
    version: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class GoModule:
    """A folder with a go.mod; `path` is its module path and `requires` are those of the modules that it needs.

    `native` and `wasm` tell whether its sources import what Ferrule generates; `is_program` whether it is a main
    package without either.
    """

    folder: str
    path: str
    requires: tuple[str, ...]
    native: bool
    wasm: bool
    is_program: bool


@dataclass(frozen=True, slots=True)
class RequestedTarget:
    """A target that another tool's file names, with the floor that it states."""

    triple: str
    where: str
    floor: str | None = None


@dataclass(frozen=True, slots=True)
class RequestedPackage:
    """A form in which another tool's file has programs released: the kind of artifact that makes it.

    `what` names the setting, for where it cannot be made; `values` are keys that are taken over.
    """

    kind: str
    where: str
    what: str
    values: tuple[tuple[str, str | tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the repository is published: its address for people, without any name or password."""

    address: str
    host: str


Finding = (
    CargoWorkspace
    | Licence
    | CHeader
    | PythonPackage
    | NpmPackage
    | GoModule
    | RequestedTarget
    | RequestedPackage
    | Remote
    | Uncovered
)
