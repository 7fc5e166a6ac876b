"""The C interface of a library: its headers compiled for a target, what they declare, and what a library lacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ferrule.core import header_files
from ferrule.core.errors import BuildError
from ferrule.core.frozen import dataclass
from ferrule.formats import header_declarations
from ferrule.tools import zig
from ferrule.tools.run import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Collection

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.header_declarations import Declaration

_WARNINGS = ("-Wall", "-Wextra", "-pedantic")
_IN_FOLDER = re.compile(rf"(?<![\w/]){header_files.FOLDER}/")


@dataclass(frozen=True, slots=True)
class DeclaredInterface:
    """The headers that an action makes, as the compiler of a target with this floor sees them."""

    header: str
    platform: Platform
    floor: str | None

    def compile(self, context: ActionContext) -> None:
        """Let zig compile the header alone, as C11 and as C++17 (a `.hpp` as C++17 only); raises BuildError."""
        names = self._names(context)
        languages = (
            ("c++", "c++17", header_files.SUFFIXES),
            ("c", "c11", header_files.C_SUFFIXES),
        )
        for language, standard, suffixes in languages:
            source = f"header-as-{standard}.c"
            includes = [f'#include "{name}"\n' for name in names if name.endswith(suffixes)]
            if not includes:
                continue
            (context.folder / source).write_text("".join(includes), encoding="utf-8")
            options = ("-x", language, f"-std={standard}", *_WARNINGS, "-c", "-o", f"{source}.o")
            try:
                self._include(context, source, options)
            except ToolFailed as failed:
                subject = f"{names[0]} is" if len(names) == 1 else f"the headers of {self.header} together are"
                raise BuildError(
                    f"{subject} not valid {standard.upper()} for {self.platform.triple}",
                    output=_IN_FOLDER.sub("", failed.output),
                    where=self.header,
                    hint="types that a header names have to be declared in it; where cbindgen makes it: [parse] "
                    "parse_deps, [export] include, or after_includes in cbindgen.toml",
                ) from failed

    def declarations(self, context: ActionContext) -> tuple[Declaration, ...]:
        """What the headers declare for this target."""
        names = self._names(context)
        in_c = [name for name in names if name.endswith(header_files.C_SUFFIXES)]
        source = "interface.c"
        includes = [f'#include "{name}"\n' for name in in_c or names if name.endswith(header_files.SUFFIXES)]
        (context.folder / source).write_text("".join(includes), encoding="utf-8")
        marks = {f"{header_files.FOLDER}/{name}": name for name in names}
        text = self._include(context, source, ("-E", "-x", "c" if in_c else "c++"))
        return header_declarations.declarations(text, marks)

    def problems(
        self,
        exports: Collection[str],
        declared: tuple[Declaration, ...],
        context: ActionContext,
        *,
        only_declared: bool,
    ) -> list[str]:
        """What the headers declare and a library does not export, and the other way, as this target sees it.

        With `only_declared` a library may have more.
        """
        texts = {
            name: (context.folder / header_files.FOLDER / name).read_text(encoding="utf-8")
            for name in self._names(context)
        }
        return header_declarations.differences(declared, exports, texts=texts, only_declared=only_declared)

    def _names(self, context: ActionContext) -> tuple[str, ...]:
        return tuple(header_files.lay_out(context.needed[self.header], context.folder))

    def _include(self, context: ActionContext, source: str, options: tuple[str, ...]) -> str:
        """What zig's compiler writes about a file that includes the headers. Raises ToolFailed."""
        command = zig.header_command(
            context.toolchain.tool("zig"),
            self.platform,
            floor=self.floor,
            cache=context.site.host.cache,
            folder=context.folder,
            options=(*options, f"-I{header_files.FOLDER}", source),
        )
        return context.run(command)
