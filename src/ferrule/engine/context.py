"""What a recipe may touch while it works: its own folder, its declared inputs, its tools, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ferrule.core.errors import BuildError
from ferrule.core.facts import Facts
from ferrule.tools import run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from threading import Event

    from ferrule.core.model import Action, ActionInterface, Digest, Json, Output
    from ferrule.core.toolchain import Toolchain
    from ferrule.engine.sources import SourceFile, SourceFiles
    from ferrule.tools.command import Command
    from ferrule.tools.host import Host

    AcquireJobToken = Callable[[Event], AbstractContextManager[bool]]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What all actions of a run share.

    `sources` are the project's source files, `caches` holds folders that tools keep between runs, `host` the machine,
    `environment` what every child process gets, `toolchain` the programs (None when no action needs one), `secrets`
    what is known of the machine that nobody may read, `jobs` how many threads may compute at once. For the targets
    `std_from_source` the first compiler makes the standard library too; `linked` is a folder with what was linked on
    other machines.
    """

    sources: SourceFiles
    caches: Path
    host: Host
    environment: Mapping[str, str]
    toolchain: Toolchain | None
    secrets: Collection[str] = field(default=(), repr=False)
    jobs: int = 1
    std_from_source: Collection[str] = ()
    linked: Path | None = None

    @property
    def project(self) -> Path:
        """Root of the project."""
        return self.sources.root


@dataclass(slots=True)
class ActionContext:
    """One action at work. `folder` is empty at the start; when `make` returns, the outputs stand in it.

    `needed` are the outputs of needed actions by action id and output name (read-only), `facts_of` the facts that those
    actions recorded, and `fingerprint` what outputs may carry of what went into them (sources, tools, flags).
    `digest_of` gives the digest of a file or folder (None where there is neither), `acquire_job_token` waits for a
    second token until an event, and `report_progress` shows one short line. `facts`, `read_files` and `read_variables`
    collect what the recipe reports, and `commands` those that it ran.
    """

    action: Action
    site: BuildContext
    folder: Path
    log: Path
    fingerprint: Digest
    needed: Mapping[str, Mapping[str, Path]]
    facts_of: Mapping[str, Mapping[str, Json]]
    report_progress: Callable[[str], None]
    digest_of: Callable[[Path], Digest | None]
    acquire_job_token: AcquireJobToken
    facts: dict[str, Json] = field(default_factory=dict)
    read_files: list[Path] = field(default_factory=list)
    read_variables: dict[str, str] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)

    @property
    def project(self) -> Path:
        """Root of the project, to read declared sources from."""
        return self.site.project

    def source_files(self, *sources: str) -> Iterator[SourceFile]:
        """The source files that files and folders of the project consist of; raises BuildError for what is refused."""
        return (file for source in sources for file in self.site.sources.below(source))

    @property
    def toolchain(self) -> Toolchain:
        """The programs; only for actions that declare tools."""
        if self.site.toolchain is None:
            raise AssertionError(f"{self.action.id} declares no tools")
        return self.site.toolchain

    def output(self, role: str) -> Path:
        """Where the declared output with that role belongs."""
        return self.folder / _required(self.action.interface.output(role), role).name

    def input(self, interface: ActionInterface, role: str) -> Path:
        """The output with that role of a needed action."""
        return self.needed[interface.id][_required(interface.output(role), role).name]

    def cache(self, name: str) -> Path:
        """A folder that is kept between runs, for a tool with an incremental state of its own."""
        folder = self.site.caches / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def record_facts(self, facts: Facts) -> None:
        """Record measured facts about the outputs, besides those recorded so far; they go into the manifest."""
        self.facts.update(facts.to_json())

    def recorded(self, action: str) -> Facts:
        """What a needed action recorded; raises VerificationError where that is damaged."""
        return Facts.from_json(self.facts_of[action], action)

    def file_inputs(self, paths: Iterable[Path]) -> None:
        """Name files and folders that were read, or looked for in vain; those declared are known already.

        Of the others, those in the project, files that Git ignores among them, become part of the key; a change in
        another makes the result stale.
        """
        declared = self.action.sources
        self.read_files.extend(path for path in paths if not self.site.sources.covers(declared, path))

    def env_inputs(self, variables: Mapping[str, str]) -> None:
        """Record variables that the action read, each with the package that did: another value makes it stale."""
        self.read_variables.update(variables)

    def run(
        self,
        command: Command,
        *,
        on_line: Callable[[str], None] | None = None,
        marks: Collection[str] = (),
        stdout: Path | None = None,
    ) -> str:
        """Run a program with the run's environment and the action's log; returns its standard output as text.

        With `on_line`, that hears each line of both outputs, or those that hold one of `marks`; with `stdout`, every
        byte of standard output goes into that file. Nothing is returned then.

        Raises BuildError with the command, its last lines and the path of its log.
        """
        environment = {**self.site.environment, **command.env}
        self.commands.append(command)
        return run.run(
            command.argv,
            env=environment,
            cwd=command.cwd or self.folder,
            log=self.log,
            append=len(self.commands) > 1,
            on_line=on_line,
            marks=marks,
            secrets=self.site.secrets,
            stdout=stdout,
        )


def _required(output: Output | None, role: str) -> Output:
    if output is None:
        raise BuildError(f"no {role} is made here")
    return output
