"""C headers: cbindgen's declarations of a crate, with version and fingerprint macros."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ferrule.core import facts
from ferrule.core.errors import BuildError, ConfigError
from ferrule.core.model import Action, Digest, Output
from ferrule.kinds.base import Context, CrateRef, Kind, PlanProblem, ProjectPath, RelativePath, Spec
from ferrule.tools import cargo, cbindgen
from ferrule.tools import cargo_units as units

if TYPE_CHECKING:
    from ferrule.engine.context import ActionContext

_IMPORT = re.compile(
    r"(?:^/\*(?:(?!\*/).)*\*/\n|(?:^//[^\n]*\n)+)?^extern [\w\s*]+?\b\w+\([^;{}]*\);\n\n?", re.MULTILINE | re.DOTALL
)
_QUOTED = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
_QUOTED_OR_COMMENT = rf"{_QUOTED}|/\*.*?\*/|//[^\n]*"


class HeaderSpec(Spec):
    """A header for C and C++ made from the public `extern "C"` items of a crate."""

    kind: Literal["header"]
    crate: Annotated[str, CrateRef()] = Field(description="The crate whose interface is declared.")
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.+-]{0,63}\.(h|hpp)$")] | None = Field(
        default=None, description="File name; by default <library name>.h."
    )
    config: Annotated[RelativePath, ProjectPath("file")] | None = Field(
        default=None, description="cbindgen's configuration; by default cbindgen.toml of the crate, if it has one."
    )
    macros: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")] | None = Field(
        default=None,
        description="Prefix of the macros <prefix>_VERSION, _FINGERPRINT, _INTERFACE; by default the name in capitals.",
    )


def plan(spec: HeaderSpec, context: Context) -> list[Action]:
    """One action, whatever the targets: the interface is the same everywhere.

    The library that names this header compiles it for each of its targets, and compares the two.
    """
    crate = context.crate(spec.crate)
    stem = crate.library or crate.name.replace("-", "_")
    name = spec.name or f"{stem}.h"
    config, settings = _config(spec, context, name)
    return [
        Action(
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
            outputs=(Output(name, "header", f"include/{name}" if context.ship else None),),
            sources=(*context.workspace.compiled(crate.name, alone=True), *config),
            tools=("rustc", "cargo", "cbindgen"),
        )
    ]


def _config(spec: HeaderSpec, context: Context, header: str) -> tuple[list[str], cbindgen.Settings]:
    """The configuration of cbindgen, if there is one, and what it says; raises PlanProblem for one that will not do."""
    name = spec.config or f"{context.crate(spec.crate).folder}/cbindgen.toml"
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
        context.run(command, on_line=output.append)
        if complaints := cbindgen.complaints(output):
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
    summary="a C header of a crate's interface, by cbindgen",
)
