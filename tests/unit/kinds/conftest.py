"""A recipe at work without an engine around it."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ferrule.core.model import Action, Digest, Output
from ferrule.engine.context import ActionContext, BuildContext
from ferrule.engine.sources import SourceFiles, StatIndex
from ferrule.tools.host import Host
from ferrule.tools.source_list import source_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ferrule.core.model import ActionInterface, Json, Recipe
    from ferrule.core.toolchain import Toolchain

KEY = Digest.of(b"key")


@dataclass
class Bench:
    root: Path
    offline: bool = True
    system: str = "Linux"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def host(self) -> Host:
        return Host(
            path=(self.root / "bin",),
            environment=self.environment,
            cache=self.root / "cache",
            system=self.system,
            machine="x86_64",
            is_root=False,
            offline=self.offline,
            python=Path(sys.executable),
        )

    def source(self, name: str, content: str | bytes = "content") -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def made(
        self, action: str, files: Mapping[str, bytes], roles: tuple[Output, ...], **traits: str
    ) -> tuple[ActionInterface, dict[str, Path]]:
        """What another action made: as it is known, and its files as they lie in the store."""
        paths: dict[str, Path] = {}
        for name, content in files.items():
            paths[name] = self.root / "store" / Digest.of(content).hex
            paths[name].parent.mkdir(parents=True, exist_ok=True)
            paths[name].write_bytes(content)
        planned = Action(action, action, "kind", Nothing(), roles, traits=tuple(traits.items()))
        return planned.interface, paths

    def make(
        self,
        recipe: Recipe,
        *outputs: Output,
        needed: Mapping[str, Mapping[str, Path]] | None = None,
        facts: Mapping[str, Mapping[str, Json]] | None = None,
        sources: tuple[str, ...] = (),
        toolchain: Toolchain | None = None,
    ) -> ActionContext:
        """Let a recipe work; its outputs are in the returned workshop's folder."""
        folder = self.root / "work"
        folder.mkdir()
        needed = needed or {}
        project_files = SourceFiles(self.project, source_names(self.project, self.host))
        context = ActionContext(
            action=Action("this", "this", "kind", recipe, outputs, sources=sources),
            site=BuildContext(project_files, self.root / "caches", self.host, {}, toolchain),
            folder=folder,
            log=self.root / "log",
            fingerprint=KEY,
            needed=needed,
            facts_of={need: (facts or {}).get(need, {}) for need in needed},
            report_progress=self.told.append,
            digest_of=partial(project_files.content, StatIndex(None, time.time_ns)),
            acquire_job_token=lambda _: nullcontext(False),
        )
        recipe.make(context)
        return context

    @property
    def told(self) -> list[str]:
        return []


@dataclass(frozen=True)
class Nothing:
    def make(self, context: object) -> None: ...


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "project").mkdir()
    return Bench(tmp_path)


@pytest.fixture
def native(bench: Bench) -> Callable[..., tuple[ActionInterface, dict[str, Path]]]:
    """A library called `z` 1.2.3, ABI 1, as one target's action made it."""

    def make(triple: str, *types: str) -> tuple[ActionInterface, dict[str, Path]]:
        from ferrule.core.platforms import PLATFORMS  # noqa: PLC0415

        names = {"cdylib": PLATFORMS[triple].soname("z", "1"), "staticlib": PLATFORMS[triple].staticlib("z")}
        expected = types or ("cdylib", "staticlib")
        return bench.made(
            f"native@{triple}",
            {names[t]: f"{t} for {triple}".encode() for t in expected},
            tuple(Output(names[t], t) for t in expected),
            library="z",
            abi="1",
            version="1.2.3",
        )

    return make
