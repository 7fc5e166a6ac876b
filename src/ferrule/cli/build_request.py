"""What a command was asked to build, and whether it is up to date already."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ferrule.cli import environment
from ferrule.cli.answer import packages
from ferrule.cli.messages import counted, not_built, relative, waiting
from ferrule.core.model import Digest, to_json
from ferrule.core.safe_files import FILE, STATE, report_name
from ferrule.engine import stamp as stamps
from ferrule.engine.sources import SourceFiles, StatIndex
from ferrule.engine.store import storage_errors
from ferrule.reporting import table
from ferrule.tools import git, secrets
from ferrule.tools.source_list import source_names

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.cli.answer import Answer
    from ferrule.cli.options import Options
    from ferrule.core.model import Json
    from ferrule.core.toolchain import RustSource


@dataclass(frozen=True, slots=True)
class StartedRequest:
    """A request before anything was read: its document, and the time on the file system's clock."""

    document: Json
    time: int


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build, and where to; `usual` is the output folder if none was named."""

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
    release: str | None = None
    linked: Path | None = None

    @property
    def output(self) -> Path:
        """The output folder."""
        return (self.named or self.root / self.usual).absolute()

    def document(self) -> Json:
        """The request with everything else that the outcome depends on, for the up-to-date stamp."""
        host = environment.host(offline=self.offline)
        state = git.state(self.root, host)
        return stamps.request_document(
            host,
            commit=[state.commit, state.dirty],
            packages=packages(),
            output=str(self.output),
            artifacts=list(self.artifacts),
            targets=list(self.targets),
            rust_source=self.rust_source,
            everything=self.everything,
            report=self.report,
            release=self.release,
            linked=_digests(self.linked) if self.linked else None,
            epoch=environment.source_date_epoch(),
            builder=to_json(environment.builder()),
        )

    def start(self, options: Options, answer: Answer) -> StartedRequest | None:
        """Note the state of the project; None, with an answer, if the last run built this and nothing changed since."""
        started, document = environment.monotonic(), self.document()
        if not self.signed and self._is_up_to_date(options, document, started, answer):  # every run signs anew
            return None
        return StartedRequest(document, stamps.file_system_now(self.root))

    def _is_up_to_date(self, options: Options, document: Json, started: float, answer: Answer) -> bool:
        if options.json or environment.on_github() or environment.summary_page():
            return False
        state = self.root / STATE
        if state.is_symlink():
            return False  # a run refuses it
        if self.report and not (state / report_name(self.release)).is_file():
            return False
        index = StatIndex(state / "index.json", environment.now_ns)
        sources = SourceFiles(self.root, source_names(self.root, environment.host(offline=self.offline)))
        file = stamps.stamp_file(state, document)
        with waiting("looking what changed"):
            stamp_facts: Any = stamps.read_stamp(file, sources, index, document)
        if stamp_facts is None or secrets.line_with_secret(self.root / FILE, environment.variables()):
            return False
        index.save()

        if not options.quiet:
            took = environment.monotonic() - started
            answer.say(f"0 built, {stamp_facts['actions']} unchanged, in ", err=True, took=took)
        rows, text = [table.Row(**row) for row in stamp_facts["rows"]], io.StringIO()
        stream = sys.stdout
        table.show_rows(rows, text, colour=environment.coloured(stream), width=environment.width(stream))
        answer.write(text.getvalue())
        if not options.quiet:
            answer.say(f"{counted(stamp_facts['files'], 'file')} in {relative(self.output)}")
            if stamp_facts["left"]:
                answer.say(not_built(stamp_facts["left"]), err=True)

        def still() -> bool:
            again = SourceFiles(self.root, source_names(self.root, environment.host(offline=self.offline)))
            same = (self.document(), again) == (document, sources)
            return same and stamps.read_stamp(file, again, index, document) is not None

        answer.depend_on(stamps.files_of(file, sources), still)
        return True


def _digests(folder: Path) -> dict[str, Json]:
    """The digest of each file in a folder, by path. Raises StorageError."""
    with storage_errors(folder):
        return {str(path): Digest.of_file(path).hex for path in sorted(folder.rglob("*")) if path.is_file()}
