"""The action that makes bindings of a header, for packages whose section names one by `bindings`."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Final

from ferrule import bindings
from ferrule.core import header_files
from ferrule.core.errors import BuildError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Output
from ferrule.formats.interfaces import header as header_interface
from ferrule.kinds.base import BINDINGS, BINDINGS_TYPES, LEFT_TO_AUTHOR, Context, PlanProblem
from ferrule.tools import zig
from ferrule.tools.run import ToolFailed

if TYPE_CHECKING:
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

DESCRIPTION: Final = (
    "The header whose bindings are generated and packed: loading, errors, handles, texts, buffers and callbacks, by "
    "what its names and types say."
)


def plan(
    context: Context, header: str, platforms: tuple[Platform, ...], *, language: str, package: str, path: str
) -> Action:
    """The action that makes the bindings of a header artifact, for a package that is made for these platforms.

    `path` is where they belong in the project.

    Raises PlanProblem for an artifact of several headers.
    """
    (action,) = context.actions_of(header)
    output = action.outputs[0]
    if output.folder:
        raise PlanProblem(
            "bindings",
            f"{header} names a list of headers, and bindings are made of one",
            "name an artifact with `file`, or with `crate`",
        )
    types = bindings.LANGUAGES[language].types_file
    return Action(
        id=f"{context.artifact}@bindings",
        artifact=context.artifact,
        kind="bindings",
        recipe=GeneratedBindings(action.interface, platforms, language, package, path),
        outputs=(
            Output(path.rpartition("/")[2], BINDINGS),
            *([Output(types, BINDINGS_TYPES)] if types else []),
            Output(f"{LEFT_TO_AUTHOR}.json", LEFT_TO_AUTHOR),
        ),
        needs=(action.id,),
        tools=("zig",),
        traits=((BINDINGS, path),),
    )


def path_of(action: ActionInterface, role: str) -> str:
    """Where the bindings that an action makes belong in the project, or their types."""
    folder = action.trait(BINDINGS).rpartition("/")[0]
    output = action.output(role)
    return posixpath.normpath(f"{folder}/{output.name if output else ''}")


@dataclass(frozen=True, slots=True)
class GeneratedBindings:
    """Write the bindings of a header that is the same for all platforms."""

    header: ActionInterface
    platforms: tuple[Platform, ...]
    language: str
    package: str
    path: str

    def make(self, context: ActionContext) -> None:
        """Write them; raises VerificationError for a header that cannot be read, and BuildError for one that differs.

        A header differs where a condition of the preprocessor declares other functions for another platform.
        """
        (name,) = header_files.lay_out(context.needed[self.header.id], context.folder)
        for file, text in header_interface.stand_ins().items():
            path = context.folder / "standard" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        made = {platform.triple: self._generated(context, name, platform) for platform in self.platforms}
        first, *others = made.items()
        for triple, one in others:
            if one != first[1]:
                raise BuildError(
                    f"{name} declares something else for {triple} than for {first[0]}, and bindings are for all",
                    where=self.header.id,
                    hint="declare the same for every target, or narrow `targets` of the package",
                )
        context.output(BINDINGS).write_text(first[1].text, encoding="utf-8", newline="\n")
        if first[1].types:
            context.output(BINDINGS_TYPES).write_text(first[1].types, encoding="utf-8", newline="\n")
        context.output(LEFT_TO_AUTHOR).write_text(json.dumps(dict(first[1].left), indent=1) + "\n", encoding="utf-8")

    def _generated(self, context: ActionContext, name: str, platform: Platform) -> bindings.Bindings:
        source, file = "bindings.c", f"{header_files.FOLDER}/{name}"
        (context.folder / source).write_text(f'#include "{name}"\n', encoding="utf-8")
        folders = ("-Istandard", f"-I{header_files.FOLDER}")
        options = (*header_interface.preprocessor_options(platform), *folders, "-x", "c", source)
        command = zig.header_command(
            context.toolchain.tool("zig"),
            platform,
            floor=None,
            cache=context.site.host.cache,
            folder=context.folder,
            options=options,
        )
        try:
            text = context.run(command)
        except ToolFailed as failed:
            raise BuildError(
                f"{name} cannot be preprocessed for {platform.triple}",
                output=failed.output,
                where=self.header.id,
                hint="bindings are made of headers that include nothing but the standard library's",
            ) from failed
        return bindings.generate(
            text.replace(f'"{file}"', f'"{name}"'),
            name,
            source=(context.folder / file).read_text(encoding="utf-8"),
            language=self.language,
            package=self.package,
        )


def packed(context: ActionContext, action: ActionInterface, role: str = BINDINGS) -> bytes:
    """The bindings that a needed action made, or their types.

    Raises BuildError where the project has others in their place.
    """
    text = context.input(action, role).read_bytes()
    path = path_of(action, role)
    file = context.project / path
    if file.is_file() and file.read_bytes() != text:
        raise BuildError(
            "these bindings are not those of the header as it is now",
            where=path,
            hint="write them anew: ferrule bindings",
        )
    return text
