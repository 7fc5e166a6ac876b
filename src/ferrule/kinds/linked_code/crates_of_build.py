"""Asks Cargo which crates a build consists of, and collects their licence texts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ferrule.core import facts
from ferrule.core.frozen import dataclass
from ferrule.formats import notices
from ferrule.kinds.linked_code import licence_texts
from ferrule.kinds.linked_code.resolution import resolution_of
from ferrule.tools import crates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ferrule.core.model import Compiled, Json
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

CRATES: Final = "crates"
"""Role of the document that says what Cargo resolved."""

LICENCES: Final = "licences"
"""Role of the document that holds the licence texts of what is linked in."""


@dataclass(frozen=True, slots=True)
class CratesOfBuild:
    """Ask Cargo which crates a build consists of, and note which Rust and zig add code of their own.

    `license_files` are the project's own, `license_texts` those of crates that bring none.
    """

    workspace: str
    build: Compiled
    platform: Platform
    zig: bool
    license_files: tuple[str, ...] = ()
    license_texts: tuple[tuple[str, str], ...] = ()

    def make(self, context: ActionContext) -> None:
        """Write what Cargo resolved, and the licences; raises BuildError with Cargo's words, or for crates without."""
        toolchain, resolved = context.toolchain, resolution_of(context, context.project / self.workspace, self.build)
        rustc, here = toolchain.tool("rustc"), toolchain.std.get(self.build.triple)
        std = "prebuilt" if here and self.platform.family.linked_on else here
        own = crates.of_standard_library(toolchain, self.build.triple) if std else []
        commit = re.search(r"commit-hash: (\w+)", rustc.identity)
        document: dict[str, Json] = {
            "crates": crates.to_json(resolved.crates),
            "rustc": rustc.version,
            "commit": commit[1] if commit else None,
            "std": std,
            "std_crates": crates.to_json(own),
            "std_sha256": crates.digest_of_std(toolchain, self.build.triple) if here == "prebuilt" else None,
            "zig": toolchain.tool("zig").version if self.zig else None,
        }
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        context.output(CRATES).write_text(text, encoding="utf-8", newline="\n")
        std_crates = tuple(facts.StandardCrate(crate.purl, crate.checksum) for crate in own if crate.checksum)
        context.record_facts(facts.Facts((facts.StandardLibraryFacts(std_crates),)))
        building = [crate.name for crate in resolved.crates if not crate.linked]
        parts = list(self._licences(context, resolved.sources, own if std else None, building))
        context.output(LICENCES).write_text(notices.write_parts(parts), encoding="utf-8", newline="\n")

    def _licences(
        self,
        context: ActionContext,
        linked: Sequence[crates.CrateSource],
        std_crates: Sequence[crates.LinkedCrate] | None,
        building: Sequence[str],
    ) -> Iterator[notices.LicensedPart]:
        ours = {notices.normalized((context.project / name).read_text("utf-8")) for name in self.license_files}
        given = {name: context.project / path for name, path in self.license_texts}
        parts, read = licence_texts.of_crates(linked, given, ours)
        context.file_inputs(read)
        yield from parts
        if std_crates is not None:
            yield from licence_texts.of_rust(context.toolchain, std_crates)
        if self.zig:
            yield from licence_texts.of_zig(context.toolchain, self.platform, building)
