"""What actions record of their outputs, for the actions that need them and for manifest.json: values with one reader.

A group holds the facts that belong together; a kind records one or several. The fields of a group are named as in JSON,
where the facts of an action are one object, and each field states its schema: that of manifest.json is made of them,
and the reader checks by it. A name has the same meaning whichever kind records it, so that those that read the facts of
others (bills of materials, provenance, `verify`, the page) need not know the kinds.

A kind that records what is not here writes a group of its own, beside its recipe; `Facts.others` keeps it as it is.
"""

from __future__ import annotations

from dataclasses import MISSING, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.json_schema import COUNT, DIGEST, NAMES, TEXT, TEXTS, Schema, map_of, or_null, problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from dataclasses import Field

    from ferrule.core.model import Json

_VERSION: Final[Schema] = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$"}


class FactGroup:
    """Facts that are recorded together: a base for frozen dataclasses.

    A field without a default is always there in JSON; any other only if it says something.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @staticmethod
    def json(schema: Schema, description: str, of: type[FactGroup] | None = None) -> dict[str, Any]:
        """How a field stands in JSON, as its metadata; with `of`, each value in its list or object is a group."""
        return {"schema": {**schema, "description": description}, "of": of}

    @classmethod
    def schema(cls) -> Schema:
        """The JSON schema of an object that holds this group and nothing else."""
        return {
            "type": "object",
            "properties": {each.name: each.metadata["schema"] for each in fields(cls)},
            "required": [each.name for each in fields(cls) if _is_required(each)],
            "additionalProperties": False,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Json], action: str) -> Self:
        """Read this group among the facts of an action; raises VerificationError where they are not of its types."""
        names = {each.name for each in fields(cls)}
        values = {name: value for name, value in document.items() if name in names}
        _refuse(problems(values, cls.schema(), "", DEFINITIONS), action)
        return cls.of_json(values)

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Self:
        """The group in facts that were checked."""
        values = {f.name: _read(document[f.name], f.metadata["of"]) for f in fields(cls) if f.name in document}
        return cls(**values)

    def to_json(self) -> dict[str, Json]:
        """The facts as they are recorded."""
        values = ((each, getattr(self, each.name)) for each in fields(self))
        return {each.name: _write(value) for each, value in values if _is_required(each) or value}


_json = FactGroup.json


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _read(value: Any, group: type[FactGroup] | None) -> Any:  # noqa: ANN401 - JSON and what is made of it
    if isinstance(value, list):
        return tuple(group.of_json(item) for item in value) if group else tuple(value)
    if isinstance(value, dict) and group:
        return {name: group.of_json(item) for name, item in value.items()}
    return value


def _write(value: Any) -> Json:  # noqa: ANN401 - of a field
    if isinstance(value, FactGroup):
        return value.to_json()
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    if isinstance(value, dict):
        return {name: _write(item) for name, item in value.items()}
    result: Json = value
    return result


@dataclass(frozen=True, slots=True)
class MeasuredFile(FactGroup):
    """What was measured of a compiled file, by which it is recognized and judged again."""

    format: str = field(
        metadata=_json(
            {"enum": ["elf", "macho", "macho-fat", "pe", "wasm", "ar"]}, "Format of the file; ar: static library."
        )
    )
    machine: str | None = field(default=None, metadata=_json(TEXT, "The machine it is for, as its format names it."))
    name: str | None = field(default=None, metadata=_json(TEXT, "Soname or install name of a library."))
    glibc: str | None = field(default=None, metadata=_json(_VERSION, "The oldest glibc that loads it."))
    glibc_because_of: tuple[str, ...] = field(default=(), metadata=_json(NAMES, "Symbols that need that glibc."))
    macos: str | None = field(default=None, metadata=_json(_VERSION, "The oldest macOS that loads it."))
    sdk: str | None = field(default=None, metadata=_json(_VERSION, "Version of the macOS SDK it was linked with."))
    needed: tuple[str, ...] = field(default=(), metadata=_json(NAMES, "Libraries that it loads."))
    exports: tuple[str, ...] = field(default=(), metadata=_json(NAMES, "Symbols that it exports."))
    imports: tuple[str, ...] = field(default=(), metadata=_json(NAMES, "What a WebAssembly module imports."))
    build_id: str | None = field(default=None, metadata=_json(TEXT, "Build id or UUID."))
    signature: str | None = field(default=None, metadata=_json(TEXT, "Kind of its code signature."))
    stripped: bool = field(default=False, metadata=_json({"type": "boolean"}, "Whether it has no symbol table."))
    sections: Mapping[str, int] = field(default_factory=dict, metadata=_json(map_of(COUNT), "Bytes by section."))
    members: int = field(default=0, metadata=_json(COUNT, "Number of objects in a static library."))

    @property
    def glibc_version(self) -> tuple[int, ...] | None:
        """The oldest glibc that loads it, as numbers."""
        return tuple(int(number) for number in self.glibc.split(".")) if self.glibc else None


_MEASURED: Final = "measuredFile"
_MEASURED_REF: Final[Schema] = {"$ref": f"#/$defs/{_MEASURED}"}


@dataclass(frozen=True, slots=True)
class BuildIdentity(FactGroup):
    """What an output carries of its build: digest of sources, tools and flags, and that of its interface if any."""

    fingerprint: str | None = field(default=None, metadata=_json(DIGEST, "Digest of sources, tools and flags."))
    interface: str | None = field(
        default=None, metadata=_json(DIGEST, "Fingerprint of the C interface or the WIT world.")
    )

    def values(self) -> dict[str, str]:
        """Those that there are, by name."""
        pairs = {"fingerprint": self.fingerprint, "interface": self.interface}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class LibraryFacts(FactGroup):
    """What those that pack a library have to know of its build."""

    link: tuple[str, ...] = field(metadata=_json(TEXTS, "What a static library is linked with."))
    reads: tuple[str, ...] = field(default=(), metadata=_json(TEXTS, "Files of the project that its build read."))


@dataclass(frozen=True, slots=True)
class LinkedFacts(FactGroup):
    """What is recorded of files that were linked on another machine, as the script says that linked them."""

    linked_elsewhere_by: str = field(
        metadata=_json(TEXT, "Version of the rustc that linked it on another machine, where Ferrule did not run.")
    )


@dataclass(frozen=True, slots=True)
class PackageFacts(FactGroup):
    """What is recorded of a package of a component."""

    version: str = field(metadata=_json(TEXT, "Version that the packed component carries."))
    files: Mapping[str, MeasuredFile] = field(
        metadata=_json(
            map_of(_MEASURED_REF),
            "By path in the package, what was measured of compiled files that were made with it.",
            of=MeasuredFile,
        )
    )


@dataclass(frozen=True, slots=True)
class ExtensionFacts(FactGroup):
    """Where the files of a wheel were compiled, as far as that is known."""

    built_in: str | None = field(default=None, metadata=_json(TEXT, "The image that it was built in."))
    rustc: str | None = field(default=None, metadata=_json(TEXT, "Version of rustc, as the compiled files state it."))


@dataclass(frozen=True, slots=True)
class GoModuleFacts(FactGroup):
    """What is recorded of a Go module."""

    go_module: str = field(metadata=_json(TEXT, "Path of the Go module."))
    requires: Mapping[str, str] = field(metadata=_json(map_of(TEXT), "Versions of the modules that it requires."))
    go_platforms: tuple[str, ...] = field(metadata=_json(TEXTS, "Platforms, as Go names them, with a library."))


@dataclass(frozen=True, slots=True)
class GoProgramFacts(FactGroup):
    """What is recorded of a program in Go."""

    go: str = field(metadata=_json(TEXT, "Version of Go that built it."))
    modules: Mapping[str, str] = field(metadata=_json(map_of(TEXT), "Versions of the modules that are linked in."))


@dataclass(frozen=True, slots=True)
class ProgramFacts(FactGroup):
    """What is recorded of a program, whatever language it is in."""

    interpreter: str | None = field(metadata=_json(or_null(TEXT), "The loader that starts the program; null if none."))


@dataclass(frozen=True, slots=True)
class DebianPackageFacts(FactGroup):
    """What is known of a package in a base: its lock, and what its control and copyright files say."""

    name: str = field(metadata=_json(TEXT, "Name."))
    version: str = field(metadata=_json(TEXT, "Version."))
    architecture: str = field(metadata=_json(TEXT, "Architecture, as Debian names it."))
    sha256: str = field(metadata=_json(DIGEST, "SHA-256 of the package."))
    supplier: str = field(metadata=_json({"type": "string"}, "Its maintainer."))
    licenses: tuple[str, ...] = field(metadata=_json(NAMES, "Licences, as its copyright file names them."))


@dataclass(frozen=True, slots=True)
class BaseLayerFacts(FactGroup):
    """What is recorded of the layer of a base that is made of packages."""

    digest: str = field(metadata=_json(DIGEST, "SHA-256 of the layer."))
    size: int = field(metadata=_json(COUNT, "Bytes of the layer."))
    diff_id: str = field(metadata=_json(DIGEST, "SHA-256 of the unpacked layer."))
    comment: str = field(metadata=_json({"type": "string"}, "What the history of the image says of it."))
    packages: tuple[DebianPackageFacts, ...] = field(
        metadata=_json(
            {"type": "array", "items": DebianPackageFacts.schema()}, "Packages in it.", of=DebianPackageFacts
        )
    )


@dataclass(frozen=True, slots=True)
class PulledImageFacts(FactGroup):
    """What is recorded of a base that was pulled."""

    image: str = field(
        metadata=_json({"type": "string", "pattern": "^.+@sha256:[0-9a-f]{64}$"}, "The image: name@sha256:digest.")
    )


@dataclass(frozen=True, slots=True)
class ImageFacts(FactGroup):
    """What is recorded of an image."""

    index: str = field(
        metadata=_json({"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}, "Digest of the image's index.")
    )
    platforms: tuple[str, ...] = field(metadata=_json(TEXTS, "Platforms, as OCI names them."))
    compressed: Mapping[str, int] = field(metadata=_json(map_of(COUNT), "Bytes of all layers by platform."))


@dataclass(frozen=True, slots=True)
class StandardCrate(FactGroup):
    """A crate inside of Rust's standard library."""

    uri: str = field(metadata=_json(TEXT, "Package URL."))
    sha256: str = field(metadata=_json(DIGEST, "SHA-256 of the crate."))


@dataclass(frozen=True, slots=True)
class StandardLibraryFacts(FactGroup):
    """What is recorded of the Rust that a build links."""

    standard_library: tuple[StandardCrate, ...] = field(
        metadata=_json(
            {"type": "array", "items": StandardCrate.schema()}, "Crates inside of the library.", of=StandardCrate
        )
    )


@dataclass(frozen=True, slots=True)
class BillFacts(FactGroup):
    """What is recorded of bills of materials."""

    components: Mapping[str, int] = field(metadata=_json(map_of(COUNT), "Number of components by bill."))


GROUPS: Final[tuple[type[FactGroup], ...]] = (
    BuildIdentity,
    LibraryFacts,
    LinkedFacts,
    PackageFacts,
    ExtensionFacts,
    GoModuleFacts,
    GoProgramFacts,
    ProgramFacts,
    BaseLayerFacts,
    PulledImageFacts,
    ImageFacts,
    StandardLibraryFacts,
    BillFacts,
)
DEFINITIONS: Final[dict[str, Schema]] = {
    _MEASURED: {
        **MeasuredFile.schema(),
        "description": "What was measured of a compiled file; what is empty is left out.",
    }
}
"""What the schema of facts refers to."""

_ROLES: Final = ("cdylib", "staticlib", "module", "component", "program")

SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {
        **{name: schema for group in GROUPS for name, schema in group.schema()["properties"].items()},
        **dict.fromkeys(_ROLES, _MEASURED_REF),
    },
    "dependentRequired": {
        name: [other for other in group.schema()["required"] if other != name]
        for group in GROUPS
        for name in group.schema()["properties"]
        if group.schema()["required"]
    },
    "additionalProperties": {"if": {"type": "object", "required": ["format"]}, "then": _MEASURED_REF},
}
"""The schema of all facts of an action: an object with `format` is what was measured of a file, by role or by path."""

G = TypeVar("G", bound=FactGroup)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that an action recorded.

    `compiled` is what was measured of compiled files, by role or by path in the package that they are from; `others`
    are facts of kinds that are not known here.
    """

    groups: tuple[FactGroup, ...] = ()
    compiled: Mapping[str, MeasuredFile] = field(default_factory=dict)
    others: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Json], action: str) -> Self:
        """Read the facts of an action; raises VerificationError with everything that is missing or of another type."""
        _refuse(problems(dict(document), SCHEMA, "", DEFINITIONS), action)
        return cls.of_json(document)

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Self:
        """The facts in an object that was checked by the schema."""
        groups = [group for group, names in _NAMES.items() if not document.keys().isdisjoint(names)]
        rest = {name: value for name, value in document.items() if name not in _ALL_NAMES}
        compiled = {name for name, value in rest.items() if isinstance(value, dict) and "format" in value}
        return cls(
            tuple(group.of_json(document) for group in groups),
            {name: MeasuredFile.of_json(rest[name]) for name in rest if name in compiled},
            {name: value for name, value in rest.items() if name not in compiled},
        )

    def to_json(self) -> dict[str, Json]:
        """The facts as they are recorded."""
        facts: dict[str, Json] = {**self.others}
        for group in self.groups:
            facts |= group.to_json()
        return facts | {name: measured.to_json() for name, measured in self.compiled.items()}

    def of(self, group: type[G]) -> G | None:
        """The facts of a group, if they were recorded."""
        return next((each for each in self.groups if isinstance(each, group)), None)

    @property
    def identity(self) -> BuildIdentity:
        """What the outputs carry of their build; empty where they carry nothing."""
        return self.of(BuildIdentity) or BuildIdentity()

    @property
    def members(self) -> Mapping[str, MeasuredFile]:
        """What was measured of compiled files in packages that the action made, by their paths in the package."""
        package = self.of(PackageFacts)
        return package.files if package else {}


_NAMES: Final = {group: frozenset(each.name for each in fields(group)) for group in GROUPS}
_ALL_NAMES: Final = frozenset[str]().union(*_NAMES.values())


def _refuse(wrong: Iterator[str], action: str) -> None:
    if lines := list(wrong):
        message = "\n  ".join([f"the recorded facts of {action} are damaged:", *lines])
        raise VerificationError(message, hint="ferrule cache verify")
