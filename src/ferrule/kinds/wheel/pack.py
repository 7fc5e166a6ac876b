"""Packs a Python package and one target's library into a wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass
from ferrule.formats import wheel
from ferrule.formats.archive_member import Member, below
from ferrule.formats.python_metadata import (
    entry_points_text,
    metadata_text,
)
from ferrule.kinds.linked_code import packed_bill, third_party
from ferrule.kinds.wheel.package_sources import (
    PackageSources,
    library_identity,
    licence_files,
    package_files,
    read_project,
    text_of,
)

if TYPE_CHECKING:
    from ferrule.core.model import ActionInterface
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.linked_code.packed_bill import PackedBill


@dataclass(frozen=True, slots=True)
class Wheel:
    """Pack the package and one target's library."""

    common: PackageSources
    library: ActionInterface
    tags: tuple[str, ...]
    contents: tuple[ActionInterface, ...] = ()
    bill: PackedBill | None = None

    def make(self, context: ActionContext) -> None:
        """Write the wheel; raises ConfigError for metadata that no index would accept."""
        common, project = self.common, read_project(context, self.common)
        soname = self.library.output("cdylib")
        library = soname.name if soname else ""
        constants = {"LIBRARY": library, **library_identity(context, self.library, common)}
        description = '"""What this wheel carries; written when it was packed."""\n\n' + "".join(
            f'{name}: str = "{value}"\n' for name, value in constants.items()
        )
        licences = licence_files(context, common, project)
        texts = third_party.licence_texts_of(context, self.contents)
        entry_points = entry_points_text(project)
        info = wheel.info_folder(common.name, common.version)
        code = {library: context.input(self.library, "cdylib")}
        bill = self.bill.write(context, context.recorded(self.library.id), code) if self.bill else None
        wheel.write_wheel(
            context.output("wheel"),
            name=common.name,
            version=common.version,
            tags=self.tags,
            metadata=metadata_text(
                project, lambda name: text_of(context, name), [*licences, *(member.name for member in texts)]
            ),
            entries=[
                *package_files(context, common),
                Member(f"{common.native}/__init__.py", description.encode()),
                Member(f"{common.native}/{library}", context.input(self.library, "cdylib"), executable=True),
                *([Member(f"{info}/entry_points.txt", entry_points.encode())] if entry_points else []),
                *(below(info, [packed_bill.member(common.name, bill)]) if bill else ()),
            ],
            licenses=[*(Member(name, path) for name, path in licences.items()), *texts],
            epoch=common.epoch,
        )
