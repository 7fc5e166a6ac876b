"""What a person asked to be made, and whether it stands already."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli import environment
from ferrule.cli.messages import counted, shown, tell_left
from ferrule.core.safe_files import REPORT, STATE
from ferrule.engine import stamp as settled
from ferrule.engine.sources import SourceFiles, StatIndex
from ferrule.reporting import report as reports
from ferrule.reporting import table
from ferrule.tools import git
from ferrule.tools.source_list import source_names

if TYPE_CHECKING:
    from ferrule.cli.options import Options
    from ferrule.core.model import Json
    from ferrule.core.toolchain import RustSource


@dataclass(frozen=True, slots=True)
class StartedRequest:
    """A wish at the moment before anything was read: its document, and that moment by the file system's clock."""

    document: Json
    moment: int


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What a person asked to be made, and where; `usual` is the output folder where none was named."""

    root: Path
    named: Path | None
    usual: str
    artifacts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    offline: bool = False
    rust_source: RustSource | None = None
    everything: bool = False
    report: bool = False
    signed: bool = False

    @property
    def output(self) -> Path:
        """Where the files go."""
        return (self.named or self.root / self.usual).absolute()

    def document(self) -> Json:
        """All of it, and what else an outcome depends on, for the record of what stands."""
        host = environment.host(offline=self.offline)
        state = git.state(self.root, host)
        return settled.request_document(
            host,
            commit=[state.commit, state.dirty],
            packages=Path(click.__file__).parent.parent,
            output=str(self.output),
            artifacts=list(self.artifacts),
            targets=list(self.targets),
            rust_source=self.rust_source,
            everything=self.everything,
            report=self.report,
            epoch=environment.source_date_epoch(),
        )

    def begin(self, options: Options) -> StartedRequest | None:
        """Note how things are; None if the last run made exactly this and nothing changed since, which is then told."""
        started, document = environment.monotonic(), self.document()
        if not self.signed and self._stands(options, document, started):  # what is signed is signed anew by every run
            return None
        return StartedRequest(document, settled.file_system_now(self.root))

    def _stands(self, options: Options, document: Json, started: float) -> bool:
        if options.json or environment.on_github() or environment.summary_page():
            return False
        state = self.root / STATE
        if self.report and not (state / REPORT).is_file():
            return False
        index = StatIndex(state / "index.json", environment.now_ns)
        sources = SourceFiles(self.root, source_names(self.root, environment.host(offline=self.offline)))
        told: Any = settled.read_stamp(settled.stamp_file(state, document), sources, index, document)
        if told is None:
            return False
        index.save()

        if not options.quiet:
            took = reports.duration(environment.monotonic() - started)
            click.echo(f"0 built, {told['actions']} unchanged, in {took}", err=True)
        rows = [table.Row(**row) for row in told["rows"]]
        width = None if sys.stdout.isatty() else 160
        table.show_rows(rows, sys.stdout, colour=environment.coloured(sys.stdout), width=width)
        if not options.quiet:
            click.echo(f"{counted(told['files'], 'file')} in {shown(self.output)}")
            tell_left(told["left"])
        return True
