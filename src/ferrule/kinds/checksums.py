"""SHA256SUMS over everything that ships, as `sha256sum -c` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ferrule.core import model
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Output
from ferrule.formats import sums as sums_format
from ferrule.kinds.base import Context, Kind, Spec

if TYPE_CHECKING:
    from ferrule.engine.context import ActionContext

NAME = "SHA256SUMS"


class ChecksumsSpec(Spec):
    """One file with the SHA-256 of every other file of dist/ (all but the manifest, which lists this one)."""

    kind: Literal["checksums"]


def plan(_: ChecksumsSpec, context: Context) -> list[Action]:
    """One action that needs every action with an output that ships."""
    shipping = context.shipping()
    return [
        Action(
            id=context.artifact,
            artifact=context.artifact,
            kind="checksums",
            recipe=Checksums(
                shipped_files=tuple((a.id, o.name, o.ships, o.folder) for a in shipping for o in a.outputs if o.ships)
            ),
            outputs=(Output(NAME, "checksums", NAME),),
            needs=tuple(a.id for a in shipping),
        )
    ]


@dataclass(frozen=True, slots=True)
class Checksums:
    """Write the sums; `shipped_files` are (action, output, path in dist/, whether it is a folder)."""

    shipped_files: tuple[tuple[str, str, str, bool], ...]

    def make(self, context: ActionContext) -> None:
        """Hash every file again, from its content."""
        sums: dict[str, model.Digest] = {}
        for action, output, shipped, folder in self.shipped_files:
            for name, path in context.needed[action].items():
                if name == output:
                    sums[shipped] = model.Digest.of_file(path)
                elif folder and name.startswith(f"{output}/"):
                    sums[shipped + name.removeprefix(output)] = model.Digest.of_file(path)
        context.output("checksums").write_text(sums_format.format_sums(sums), encoding="utf-8", newline="\n")


KIND = Kind(
    name="checksums",
    spec=ChecksumsSpec,
    plan=plan,
    summary="SHA256SUMS of every file that ships",
    last=2,
    packs=False,
)
