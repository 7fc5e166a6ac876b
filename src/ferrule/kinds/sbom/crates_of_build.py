"""Asks Cargo which crates a build consists of: the recipe of the actions that bills of materials are made from."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ferrule.core import facts
from ferrule.core.frozen import dataclass
from ferrule.tools import crates

if TYPE_CHECKING:
    from ferrule.core.model import Compiled, Json
    from ferrule.engine.context import ActionContext

CRATES: Final = "crates"
"""Role of the document that says what Cargo resolved."""


@dataclass(frozen=True, slots=True)
class CratesOfBuild:
    """Ask Cargo which crates a build consists of, and note which Rust and zig add code of their own."""

    workspace: str
    build: Compiled
    zig: bool

    def make(self, context: ActionContext) -> None:
        """Write what Cargo resolved; raises BuildError with its words."""
        toolchain, host, workspace = context.toolchain, context.site.host, context.project / self.workspace
        environment, offline = context.site.environment, host.offline
        everything, linked = (
            context.run(
                crates.tree_command(toolchain, workspace, self.build, environment, linked=only, offline=offline)
            )
            for only in (False, True)
        )
        command = crates.metadata_command(toolchain, workspace, self.build, host.triple, environment, offline=offline)
        metadata = context.run(command)
        lock = (workspace / "Cargo.lock").read_text(encoding="utf-8")
        rustc, std = toolchain.tool("rustc"), toolchain.std.get(self.build.triple)
        own = crates.of_standard_library(toolchain, self.build.triple) if std else []
        commit = re.search(r"commit-hash: (\w+)", rustc.identity)
        document: dict[str, Json] = {
            "crates": crates.to_json(crates.resolve(everything, linked, metadata, lock, workspace)),
            "rustc": rustc.version,
            "commit": commit[1] if commit else None,
            "std": std,
            "std_crates": crates.to_json(own),
            "std_sha256": crates.digest_of_std(toolchain, self.build.triple) if std == "prebuilt" else None,
            "zig": toolchain.tool("zig").version if self.zig else None,
        }
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        context.output(CRATES).write_text(text, encoding="utf-8", newline="\n")
        std_crates = tuple(facts.StandardCrate(crate.purl, crate.checksum) for crate in own if crate.checksum)
        context.record_facts(facts.Facts((facts.StandardLibraryFacts(std_crates),)))
