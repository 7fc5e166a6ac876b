"""The project that a command works on: its configuration, its plan and the machine."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ferrule.app.distributed.dask import client
from ferrule.app.doctor import setup as doctor
from ferrule.app.release import run as release
from ferrule.cli import environment
from ferrule.cli.messages import echo, waiting
from ferrule.config import PartlyReadableError
from ferrule.core.errors import UsageError
from ferrule.core.frozen import dataclass
from ferrule.core.manifest import read_manifest
from ferrule.core.safe_files import STATE
from ferrule.reporting import html, journal
from ferrule.tools.secrets import Hider, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.app.release.run import RunContext
    from ferrule.cli.options import Options
    from ferrule.config import Config, ReleaseConfig
    from ferrule.core.manifest import Manifest
    from ferrule.core.model import Plan
    from ferrule.core.toolchain import RustSource
    from ferrule.engine.events import Listener
    from ferrule.engine.executor import Executor
    from ferrule.engine.remote_server import Address
    from ferrule.engine.scheduler import Engine
    from ferrule.toolchain.requirements import ToolRequirements
    from ferrule.tools.host import Host


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project that was read and planned, whole or in part."""

    config: Config
    plan: Plan
    context: RunContext

    @property
    def tool_requirements(self) -> ToolRequirements:
        """The tools that the plan needs."""
        return release.tool_requirements(self.config, self.plan, self.context.rust_source)

    def page(self, manifest: Manifest | None) -> str:
        """The report of a release and the recorded runs; it names what cannot be read."""
        runs, notes = journal.read(self.config.root / STATE)
        if self.config.selected is not None:
            runs = tuple(run for run in runs if run.project == self.plan.project)
        return self.hide(html.page(html.subject(self.config, self.plan, manifest, runs, notes)))

    @property
    def hide(self) -> Hider:
        """A function that removes the project's secrets from text that is stored."""
        return Hider(secrets_of(self.context.host.environment, self.config.root))

    def cluster(self, named: str, listen: Listener) -> Callable[[Engine], AbstractContextManager[Executor]]:
        """The machines that `--executor` names. Raises ConfigError."""
        # Each worker calls this in its own process, so that it finds itself as a command there would.
        there = partial(
            environment.run_context, jobs=None, offline=self.context.host.offline, rust_source=self.context.rust_source
        )
        return client.connect(client.address_of(named), self.config, self.plan, self.tool_requirements, there, listen)


def read(
    folder: Path,
    *,
    jobs: int | None = None,
    offline: bool = True,
    rust_source: RustSource | None = None,
    key: EllipticCurvePrivateKey | None = None,
    remote: Address | None = None,
    linked: Path | None = None,
    planned: Callable[[Config, RunContext], Plan] = release.make_plan,
    release_name: str | None = None,
    single: bool = False,
    dist: Path | None = None,
) -> LoadedProject:
    """Read the project that contains a folder, and plan it, by default as a whole. Raises ConfigError.

    `release_name` is one of several releases that is planned alone; with `single`, it must be named where there are
    several, or `dist` be a folder that holds it.
    """
    context = replace(
        environment.run_context(jobs=jobs, offline=offline, rust_source=rust_source),
        key=key,
        remote=remote,
        linked=linked.absolute() if linked else None,
    )
    with waiting("reading the project"):
        return _read(folder, context, planned, release_name=release_name, single=single, dist=dist)


def _read(
    folder: Path,
    context: RunContext,
    planned: Callable[[Config, RunContext], Plan],
    *,
    release_name: str | None,
    single: bool,
    dist: Path | None,
) -> LoadedProject:
    try:
        config = release.load(folder)
    except PartlyReadableError as errors:
        raise release.all_problems(errors, context) from None
    named = chosen_release(config, release_name, dist) if single or release_name is not None else None
    if named is not None:
        config = config.only(named)
    return LoadedProject(config, planned(config, context), context)


def release_named(config: Config, name: str) -> ReleaseConfig:
    """The release of that name; raises UsageError."""
    for one in config.releases:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in config.releases)
    raise UsageError(
        f"there is no release {name!r}",
        where=config.location(("releases",)),
        hint=f"the releases are: {names}" if names else "this file describes one release: leave the name out",
    )


def chosen_release(
    config: Config, name: str | None, dist: Path | None = None, *, option: str = "--release "
) -> ReleaseConfig | None:
    """The one of several releases that a command works on: as named, or as the manifest in `dist` says.

    None where the file describes one; `option` is what stands before a name. Raises UsageError where nothing says
    which, and as reading a manifest does.
    """
    if name is None and config.releases:
        if dist is None:
            raise UsageError(
                "this file describes several releases, of which this command takes one",
                where=config.location(("releases",)),
                hint="name it: " + " or ".join(f"{option}{one.name}" for one in config.releases),
            )
        name = read_manifest(dist).project
    elif name is not None and dist is not None and (held := read_manifest(dist).project) != name:
        raise UsageError(f"this is a release of {held}, not of {name}", where=str(dist), hint="leave the name out")
    return release_named(config, name) if name is not None else None


def provide(requirements: ToolRequirements, host: Host, options: Options, *, dry_run: bool = False) -> bool:
    """Install missing tools, and print which; on a terminal a line moves while one is installed. Whether any was."""
    missing = False
    with waiting("looking for tools") as line:

        def say(text: str) -> None:
            nonlocal missing
            missing = True
            if not options.quiet:
                echo(text, err=options.json)
            line.step(text)

        doctor.setup(requirements, host, say, dry_run=dry_run)
    return missing
