"""C headers: cbindgen's declarations of a crate with version and fingerprint macros, or headers that exist."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from ferrule.core import facts, header_files
from ferrule.core.errors import BuildError, ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Digest, Output
from ferrule.core.section import Field
from ferrule.core.source_globs import common_folder, fixed_folder, is_exclusion, matcher
from ferrule.kinds.base import Context, CrateRef, Kind, PlanProblem, ProjectGlob, ProjectPath, RelativePath, Spec
from ferrule.tools import cargo, cbindgen
from ferrule.tools import cargo_units as units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.model import Recipe
    from ferrule.engine.context import ActionContext

_IMPORT = re.compile(
    r"(?:^/\*(?:(?!\*/).)*\*/\n|(?:^//[^\n]*\n)+)?^extern [\w\s*]+?\b\w+\([^;{}]*\);\n\n?", re.MULTILINE | re.DOTALL
)
_QUOTED = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
_QUOTED_OR_COMMENT = rf"{_QUOTED}|/\*.*?\*/|//[^\n]*"


class HeaderSpec(Spec):
    """A header for C and C++: made from the public `extern "C"` items of a crate, or one or many that exist."""

    kind: Literal["header"]
    crate: Annotated[str, CrateRef()] | None = Field(
        default=None, description="The crate whose interface cbindgen declares; not with `file` or `files`."
    )
    file: Annotated[RelativePath, ProjectPath("file")] | None = Field(
        default=None, description="A header that exists, which is packed as it is.", examples=["include/demo.h"]
    )
    files: tuple[Annotated[RelativePath, ProjectGlob()], ...] = Field(
        default=(),
        min_length=1,
        description="Headers that exist, with their folders below `root`: globs and folders as in .gitignore, with ! "
        "before what is left out.",
        examples=[["include/**/*.h", "!include/internal"]],
    )
    root: Annotated[RelativePath, ProjectPath("folder")] | None = Field(
        default=None,
        description="The folder that names in #include begin from, for `files`; by default the one that all globs look "
        "in.",
        examples=["include"],
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.+-]{0,63}\.(h|hpp)$", examples=["demo.h"])] | None = (
        Field(default=None, description="File name; by default <library name>.h, or that of `file`.")
    )
    config: Annotated[RelativePath, ProjectPath("file")] | None = Field(
        default=None, description="cbindgen's configuration; by default cbindgen.toml of the crate, if it has one."
    )
    macros: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$", examples=["DEMO"])] | None = Field(
        default=None,
        description="Prefix of the macros <prefix>_VERSION, _FINGERPRINT, _INTERFACE, which cbindgen's header gets; by "
        "default the name in capitals.",
    )


def plan(spec: HeaderSpec, context: Context) -> list[Action]:
    """One action, whatever the targets: the interface is the same everywhere.

    The library that names this header compiles it for each of its targets, and compares the two.
    """
    _check_keys(spec)
    return [_generated(spec, context) if spec.crate else _existing(spec, context)]


def _check_keys(spec: HeaderSpec) -> None:
    """Raise PlanProblem unless the section says in one way where the header comes from."""
    origins = {"crate": spec.crate, "file": spec.file, "files": spec.files}
    stated = [key for key, value in origins.items() if value]
    if len(stated) != 1:
        both = f"names {' and '.join(stated)}, which are different headers" if stated else "names no header"
        hint = "write `crate` for one that cbindgen makes, `file` for one that exists, or `files` for several"
        raise PlanProblem(stated[-1:][0] if stated else "kind", f"this {both}", hint)
    (origin,) = stated
    unused = {
        "crate": {"root": spec.root},
        "file": {"root": spec.root, "config": spec.config, "macros": spec.macros},
        "files": {"name": spec.name, "config": spec.config, "macros": spec.macros},
    }
    for key, value in unused[origin].items():
        if value is not None:
            raise PlanProblem(key, f"`{key}` says nothing of a header that `{origin}` names", "leave it out")
    if spec.file and not spec.file.endswith(header_files.SUFFIXES):
        raise PlanProblem(
            "file",
            f"{spec.file} does not have the name of a header: {', '.join(header_files.SUFFIXES)}",
            "name the header; what it includes and is called otherwise is packed by `files`",
        )


def _existing(spec: HeaderSpec, context: Context) -> Action:
    recipe: Recipe
    sources: tuple[str, ...]
    if spec.file:
        name = spec.name or spec.file.rpartition("/")[2]
        output = Output(name, "header", f"{header_files.FOLDER}/{name}" if context.ship else None)
        recipe, sources = ExistingHeader(spec.file), (spec.file,)
    else:
        folders = tuple(dict.fromkeys(fixed_folder(glob) for glob in spec.files if not is_exclusion(glob)))
        if not folders:
            raise PlanProblem("files", "every glob here leaves something out", "write first what is to be packed")
        root = spec.root or common_folder(spec.files)
        outside = next((f for f in folders if root not in (".", f) and not f.startswith(f"{root}/")), None)
        if outside:
            raise PlanProblem("root", f"{outside} is not below {root}", "name a folder that holds all of them")
        output = Output(header_files.FOLDER, "headers", header_files.FOLDER if context.ship else None, folder=True)
        recipe, sources = ExistingHeaders(root, spec.files, folders), folders
    return Action(
        id=context.artifact,
        artifact=context.artifact,
        kind="header",
        recipe=recipe,
        outputs=(output,),
        sources=sources,
    )


def _generated(spec: HeaderSpec, context: Context) -> Action:
    crate = context.crate(spec.crate or "")
    stem = crate.library or crate.name.replace("-", "_")
    name = spec.name or f"{stem}.h"
    config, settings = _config(spec, context, f"{crate.folder}/cbindgen.toml", name)
    return Action(
        id=context.artifact,
        artifact=context.artifact,
        kind="header",
        recipe=CbindgenHeader(
            workspace=context.workspace.folder,
            crate=crate.name,
            crate_folder=crate.folder,
            config=spec.config,
            settings=settings,
            macros=spec.macros or re.sub(r"[^A-Z0-9]", "_", name.rpartition(".")[0].upper()),
            version=context.project.version,
        ),
        outputs=(Output(name, "header", f"{header_files.FOLDER}/{name}" if context.ship else None),),
        sources=(*context.workspace.compiled(crate.name, alone=True), *config),
        tools=("rustc", "cargo", "cbindgen"),
    )


def _config(spec: HeaderSpec, context: Context, default: str, header: str) -> tuple[list[str], cbindgen.Settings]:
    """The configuration of cbindgen, if there is one, and what it says; raises PlanProblem for one that will not do."""
    name = spec.config or default
    try:
        text = context.read_text(name)
    except ConfigError:
        if spec.config:
            raise
        return [], cbindgen.Settings()
    key = "config" if spec.config else "crate"
    try:
        settings = cbindgen.read_settings(text)
    except ValueError as error:
        raise PlanProblem(key, f"{name} cannot be read: {error}", "correct it (cbindgen's docs.md)") from None
    if settings.language == "cython":
        raise PlanProblem(key, f"{name} asks for Cython, which is not a header", 'write language = "C" there')
    if settings.language == "c++" and not header.endswith(".hpp"):
        raise PlanProblem(
            key,
            f"{name} asks for C++, and {header} is a name for C",
            f'write language = "C" there, or name: {header.removesuffix(".h")}.hpp here',
        )
    return [name], settings


@dataclass(frozen=True, slots=True)
class ExistingHeader:
    """Take a header as it is, and fingerprint what it declares."""

    file: str

    def make(self, context: ActionContext) -> None:
        """Copy it; raises BuildError for one that is not UTF-8."""
        target = context.output("header")
        shutil.copyfile(context.project / self.file, target)
        _record_identity(context, {self.file: target})


@dataclass(frozen=True, slots=True)
class ExistingHeaders:
    """Take headers as they are, in their folders below `root`, and fingerprint what they declare."""

    root: str
    globs: tuple[str, ...]
    folders: tuple[str, ...]

    def make(self, context: ActionContext) -> None:
        """Copy them; raises BuildError where none is left, and for one that is not UTF-8."""
        sources = {file.name: file for file in context.source_files(*self.folders)}
        names = sorted(filter(matcher(self.globs), sources))
        if not any(name.endswith(header_files.SUFFIXES) for name in names):
            raise BuildError(
                f"no file of the project that Git would publish is a header among `files` ({' '.join(self.globs)})",
                where=context.action.artifact,
                hint="correct the globs, or take the headers out of .gitignore",
            )
        copies: dict[str, Path] = {}
        for name in names:
            below = name if self.root == "." else name.removeprefix(f"{self.root}/")
            copies[name] = context.output("headers") / below
            copies[name].parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sources[name].path, copies[name])
        _record_identity(context, copies)


def _record_identity(context: ActionContext, copies: Mapping[str, Path]) -> None:
    """Record the fingerprint of what headers declare, by their names in the project."""
    digests = []
    for name, path in sorted(copies.items()):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BuildError(f"this header is not UTF-8: {error.reason}", where=name, hint="save it as UTF-8") from None
        digests.append(f"{path.relative_to(context.folder)} {interface_of(text)}\n")
    interface = Digest.of("".join(digests).encode())
    context.record_facts(facts.Facts((facts.BuildIdentity(context.fingerprint.hex, interface.hex),)))


@dataclass(frozen=True, slots=True)
class CbindgenHeader:
    """Run cbindgen, fingerprint what it declares, and write both into the header."""

    workspace: str
    crate: str
    crate_folder: str
    config: str | None
    settings: cbindgen.Settings
    macros: str
    version: str

    def make(self, context: ActionContext) -> None:
        """Write the header; raises BuildError with cbindgen's own words and place."""
        default = context.project / self.crate_folder / "cbindgen.toml"
        config = context.project / self.config if self.config else default if default.is_file() else None
        raw, metadata, notes = (context.folder / name for name in ("raw.h", "metadata.json", "raw.d"))
        workspace, offline = context.project / self.workspace, context.site.host.offline
        cargo_metadata = cargo.metadata(
            context.run, context.toolchain, workspace, context.site.environment, offline=offline
        )
        only = metadata_of(cargo_metadata, self.crate, context.project / self.crate_folder / "Cargo.toml")
        metadata.write_text(only, encoding="utf-8")
        command = cbindgen.header_command(
            context.toolchain,
            crate=self.crate,
            crate_folder=context.project / self.crate_folder,
            lockfile=workspace / "Cargo.lock",
            metadata=metadata,
            config=config,
            output=raw,
            notes=notes,
            settings=self.settings,
            offline=offline,
        )
        output: list[str] = []
        context.run(command, on_line=output.append, marks=cbindgen.MARKS)
        if complaints := cbindgen.complaints(output, self.settings.excluded):
            raise BuildError(
                "cbindgen left something out of the header:\n" + "\n".join(f"  | {line}" for line in complaints),
                where=self.crate_folder,
                hint="types of another crate: [parse] parse_deps = true, include = [that crate] in cbindgen.toml; what "
                "is not for C: /// cbindgen:ignore",
            )
        read, _ = units.parse_dep_info(notes.read_text(encoding="utf-8"))
        context.file_inputs(read)
        text = without_imports(raw.read_text(encoding="utf-8"))
        interface = interface_of(text)
        context.record_facts(facts.Facts((facts.BuildIdentity(context.fingerprint.hex, interface.hex),)))
        macros = {"VERSION": self.version, "FINGERPRINT": context.fingerprint.hex, "INTERFACE": interface.hex}
        lines = [f'#define {self.macros}_{name} "{value}"' for name, value in macros.items()]
        text = with_macros(text, lines, guard=f"{self.macros}_H")
        context.output("header").write_text(text, encoding="utf-8", newline="\n")


def metadata_of(metadata: str, crate: str, manifest: Path) -> str:
    """What Cargo says of packages, without others of the crate's name, of which cbindgen would take any."""
    document = json.loads(metadata)
    document["packages"] = [
        package
        for package in document["packages"]
        if package["name"] != crate or Path(package["manifest_path"]).resolve() == manifest.resolve()
    ]
    return json.dumps(document)


def interface_of(header: str) -> Digest:
    r"""Fingerprint of what a header declares: its tokens, whatever its comments and layout.

    >>> interface_of("int a(void); /* one */") == interface_of("// two\nint  a( void );")
    True
    """
    code = re.sub(_QUOTED_OR_COMMENT, lambda m: m[0] if m[0][0] in "\"'" else " ", header, flags=re.DOTALL)
    tokens = (re.findall(rf"{_QUOTED}|\w+|[^\w\s]", line) for line in code.splitlines())
    # The end of a line has a meaning where the preprocessor reads.
    return Digest.of(" ".join(t for line in tokens for t in (*line, *("\n" if line[:1] == ["#"] else ""))).encode())


def without_imports(header: str) -> str:
    r"""A header of cbindgen's without the functions that the crate itself imports, which no library of it exports.

    cbindgen writes `extern` before those of `extern "C" {}` blocks, and before no function that the crate defines.

    >>> without_imports("extern int native(void);\n\nint demo(void);\nextern const int LIMIT;\n")
    'int demo(void);\nextern const int LIMIT;\n'
    """
    return _IMPORT.sub("", header)


def with_macros(header: str, macros: list[str], *, guard: str) -> str:
    """Put macro lines behind the include guard or `#pragma once`; without either, that guard is put around all."""
    begin = re.search(r"^#ifndef (\w+)[ \t]*\n#define \1[ \t]*\n|^#pragma once[ \t]*\n", header, flags=re.MULTILINE)
    lines = "\n".join(macros)
    if begin is None:
        return f"#ifndef {guard}\n#define {guard}\n\n{lines}\n\n{header}\n#endif\n"
    return header[: begin.end()] + "\n" + lines + "\n" + header[begin.end() :]


KIND = Kind(
    name="header",
    spec=HeaderSpec,
    plan=plan,
    summary="C headers: of a crate's interface by cbindgen, or such as exist",
)
