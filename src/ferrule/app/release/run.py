"""The use cases in order: read, plan, find the tools, run, ship. The story of the product on a page."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ferrule import config
from ferrule import plan as planning
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import linked_files, output_folder, shared_caches, size_limits
from ferrule.app.release.manifest import manifest_of, signatures, sources_of, text_of
from ferrule.core.cargo_config import environment_problems
from ferrule.core.errors import ConfigError, ConfigErrors, StorageError, ToolchainError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Outcome, Plan, Report
from ferrule.core.safe_files import FILE, OF_THE_FILE, STATE, check_folder, find_project, report_name
from ferrule.engine import context as contexts
from ferrule.engine import events, recipe_code, scheduler, sources
from ferrule.engine import lock as locks
from ferrule.engine import state as states
from ferrule.engine import store as stores
from ferrule.kinds import KINDS
from ferrule.toolchain import find, requirements
from ferrule.tools import git, standard_library
from ferrule.tools.secrets import line_with_secret
from ferrule.tools.source_list import has_untracked, source_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.config import Config
    from ferrule.core.manifest import Manifest
    from ferrule.core.toolchain import RustSource, Toolchain
    from ferrule.engine.executor import Executor
    from ferrule.engine.remote_server import Address
    from ferrule.kinds.base import Builder
    from ferrule.tools.host import Host

DEFAULT_EPOCH: Final = 315_532_800
"""1980-01-01T00:00:00Z, the earliest time that a ZIP can hold: "now" in every output without SOURCE_DATE_EPOCH.

A commit's time would make every commit a new release of everything, even where not one byte of a source changed.
"""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a run takes from outside: the machine, a limit of threads, clocks, and how to install Rust, if chosen.

    `builder` is who runs it where that is no person, `key` what a release is signed with, `remote` where finished
    actions are shared, `compiler_cache` a program that rustc is run by, `machine_cache` how many bytes the finished
    actions of all checkouts may have (0 if none are shared), `linked` a folder with what was linked on other machines.
    """

    host: Host
    jobs: int
    monotonic: Callable[[], float]
    now_ns: Callable[[], int]
    epoch: int = DEFAULT_EPOCH
    rust_source: RustSource | None = None
    builder: Builder | None = None
    key: EllipticCurvePrivateKey | None = field(default=None, repr=False)
    remote: Address | None = None
    compiler_cache: str | None = None
    machine_cache: int = 0
    linked: Path | None = None


def load(folder: Path) -> Config:
    """Read the configuration of the project that holds `folder`. Raises ConfigErrors with every mistake."""
    return config.load(find_project(folder), KINDS, DESTINATIONS)


def all_problems(partly: config.PartlyReadableError, context: RunContext) -> ConfigErrors:
    """The mistakes of a targets.yaml, and those that planning what is right in it shows."""
    try:
        make_plan(partly.config, context, narrowed=True)
    except ConfigErrors as errors:
        return errors
    return partly


def make_plan(config: Config, context: RunContext, *, narrowed: bool = False) -> Plan:
    """Everything that a release of the project would do; `narrowed` as in `plan`. Raises ConfigErrors."""
    _refuse_secrets(config.root, context.host)
    section, state = config.project, git.state(config.root, context.host)
    project = replace(
        section,
        commit=git.last_commit(config.root, config.workspace.code, context.host) or "unreleased",
        epoch=context.epoch,
        checked_out=state.commit,
        dirty=state.dirty,
        builder=context.builder,
    )
    config = replace(config, problems=(*config.problems, *environment_problems(context.host.environment)))
    disk = disk_of(config.root)
    plan = planning.plan(config, project, disk, narrowed=narrowed)
    if state.commit and not state.dirty and has_untracked(config.root, context.host, sources_of(plan)):
        return planning.plan(config, replace(project, dirty=True), disk, narrowed=narrowed)
    return plan


def _refuse_secrets(root: Path, host: Host) -> None:
    """What targets.yaml holds is in plans, keys and manifests, where no secret may be. Raises ConfigError."""
    if (line := line_with_secret(root / FILE, host.environment)) is not None:
        raise ConfigError(
            f"this line holds a secret, the value of {line[1]}",
            where=f"{FILE}:{line[0]}:1",
            hint="remove it, as this file is published, and replace the secret by a new one",
        )


def disk_of(root: Path) -> planning.Disk:
    """The project's files, as far as planning may look at them; raises StorageError where the machine fails."""

    def failure(error: OSError, name: str) -> ConfigError | StorageError:
        # To take what could not be read for what is not there would plan something else.
        kind = ConfigError if error.errno in OF_THE_FILE else StorageError
        return kind(f"this file cannot be read: {error.strerror}", where=name)

    def read_text(name: str) -> str:
        try:
            if (root / name).exists() and not ((root / name).is_file() or (root / name).is_dir()):  # it may be a FIFO
                raise ConfigError("this is not a file", where=name, hint="write a file there")
            return (root / name).read_text(encoding="utf-8")
        except OSError as error:
            raise failure(error, name) from error
        except ValueError as error:
            if not isinstance(error, UnicodeDecodeError):  # a name with NUL or a surrogate
                raise ConfigError("this is not the name of a file", where=ascii(name)) from error
            raise ConfigError(f"this file is not UTF-8: {error.reason}", where=name, hint="save it as UTF-8") from error

    def folders(name: str) -> tuple[str, ...]:
        try:
            return tuple(sorted(p.name for p in (root / name).iterdir() if p.is_dir() and p.name[0] not in "._"))
        except OSError as error:
            problem = failure(error, name)
            if isinstance(problem, StorageError):
                raise problem from error
            return ()

    return planning.Disk(read_text, folders)


def source_files(root: Path, host: Host) -> sources.SourceFiles:
    """The files of a project that Git would publish, or those that nothing ignores where there is no Git."""
    return sources.SourceFiles(root, source_names(root, host))


def tool_requirements(config: Config, plan: Plan, rust_source: RustSource | None) -> requirements.ToolRequirements:
    """The tools that a plan needs, in the versions that targets.yaml asks for."""
    tools = frozenset(t for action in plan.actions for t in action.tools if not t.startswith("std-"))
    triples = tuple(sorted({a.target for a in plan.actions if a.target and f"std-{a.target}" in a.tools}))
    return requirements.ToolRequirements(tools, triples, config.toolchain, rust_source)


def toolchain_of(config: Config, plan: Plan, context: RunContext) -> Toolchain | None:
    """The tools of a plan; None if it needs none. Raises ToolchainError with every fault and its fix."""
    needed = tool_requirements(config, plan, context.rust_source)
    return find.require(needed, context.host) if needed.tools else None


def reasons(config: Config, plan: Plan, context: RunContext) -> dict[str, str]:
    """For each action whether its result is at hand, and if not, what changed. Starts nothing and changes nothing.

    An action that needs another which must run cannot be judged before that has run, and says so.
    """
    return {action: examined.reason for action, examined in examine(config, plan, context).items()}


def examine(config: Config, plan: Plan, context: RunContext) -> dict[str, scheduler.Examination]:
    """What a run would find about each action. Starts nothing and changes nothing; raises ToolchainError."""
    engine = engine_of(config, toolchain_of(config, plan, context), context)
    return engine.examine(plan)


def run(
    config: Config,
    plan: Plan,
    context: RunContext,
    listen: events.Listener,
    *,
    output: Path,
    everything: bool = False,
    page: Callable[[Manifest], str] | None = None,
    elsewhere: Callable[[scheduler.Engine], AbstractContextManager[Executor]] | None = None,
) -> Report:
    """Run a plan and, if nothing failed, put what ships into `output`.

    `everything` places outputs that do not ship too (a developer's build); `page` makes the page about the release from
    its manifest, which goes to .ferrule/; `elsewhere` begins to work with other machines. Raises ToolchainError,
    StorageError; failures of actions are in the report.
    """
    check_folder(output)
    plan = linked_files.bound(plan, context.linked)
    toolchain = toolchain_of(config, plan, context)
    with ExitStack() as others:
        engine = others.enter_context(at_work(config, toolchain, context, listen))
        if elsewhere is not None:
            engine = replace(engine, executor=others.enter_context(elsewhere(engine)))
        return finish(engine, config, plan, context, output=output, everything=everything, page=page)


@contextmanager
def at_work(
    config: Config, toolchain: Toolchain | None, context: RunContext, listen: events.Listener | None = None
) -> Iterator[scheduler.Engine]:
    """An engine on the project's store, alone at work there; what it learnt of files is kept.

    Where nobody listens, nobody waits for another run either: that raises Busy. Raises StorageError.
    """
    with locks.locked(config.root / STATE, listen):
        engine = engine_of(config, toolchain, context, listen or (lambda _: None))
        engine = shared_caches.shared_by(engine, context.machine_cache, context.remote)
        engine.store.sweep()
        locks.sweep(config.root / STATE)
        yield engine
        engine.index.save()
        engine.code.save()
    if engine.machine is not None:
        engine.machine.close()
    if engine.remote is not None:
        engine.remote.close(events.notice_to(engine.listen))


def engine_of(
    config: Config, toolchain: Toolchain | None, context: RunContext, listen: events.Listener = lambda _: None
) -> scheduler.Engine:
    """An engine on the project's store, which others may be using: for looking only, unless `at_work`."""
    state = config.root / STATE
    site = contexts.BuildContext(
        sources=source_files(config.root, context.host),
        caches=state / "cache",
        host=context.host,
        environment=context.host.children | _compiler_cache(context),
        toolchain=toolchain,
        jobs=context.jobs,
        std_from_source=standard_library.uncompiled(toolchain, context.host.cache) if toolchain else (),
        linked=context.linked,
    )
    index, store = states.open_store(state, context.now_ns, events.notice_to(listen))
    code = recipe_code.RecipeCode(index, context.host.cache / recipe_code.RECORD)
    return scheduler.Engine(
        site, store, index, states.work_folder(state), context.jobs, listen, context.monotonic, code
    )


def _compiler_cache(context: RunContext) -> dict[str, str]:
    """What has Cargo run rustc by a program that keeps what it made; it counts in no key, as no byte may depend on it.

    Raises ToolchainError where there is no such program.
    """
    named = context.compiler_cache
    if named is None:
        return {}
    program = context.host.which(named)
    if program is None:
        raise ToolchainError(
            f"the compiler cache {named} is not on this machine", hint="install it, or unset FERRULE_COMPILER_CACHE"
        )
    settings = {name: value for name, value in context.host.environment.items() if name.startswith("SCCACHE_")}
    return {**settings, "RUSTC_WRAPPER": str(program)}


def finish(
    engine: scheduler.Engine,
    config: Config,
    plan: Plan,
    context: RunContext,
    *,
    output: Path,
    everything: bool = False,
    page: Callable[[Manifest], str] | None = None,
    cached: Mapping[str, Outcome] | None = None,
) -> Report:
    """Bring a plan to its end with an engine that is `at_work`; the rest as for `run`.

    `cached` as for `Engine.execute`. What turns out to be damaged while it is used is dropped from the store and made
    again, once.
    """
    attempt = partial(_finish, engine, config, plan, context, output=output, everything=everything, page=page)
    try:
        report = attempt(cached=cached)
        if not any(isinstance(o.error, stores.DamagedError) for o in report.outcomes):
            return report
    except stores.DamagedError as error:
        engine.listen(events.Noticed(f"{error.message}; its action runs again"))
    return attempt()


def _finish(
    engine: scheduler.Engine,
    config: Config,
    plan: Plan,
    context: RunContext,
    *,
    output: Path,
    everything: bool,
    page: Callable[[Manifest], str] | None,
    cached: Mapping[str, Outcome] | None = None,
) -> Report:
    outcomes = engine.execute(plan, cached)
    placed = tuple(output_folder.placed_files(outcomes, everything=everything))
    report = Report(outcomes, placed)
    if not report.failed:
        size_limits.check_sizes(config, outcomes)
        manifest, state = manifest_of(config, plan, report, engine.site.toolchain, context.host), config.root / STATE
        bundles = signatures(context.key, engine.store, placed, manifest) if context.key is not None else {}
        text = text_of(manifest)
        output_folder.ship(engine.store, engine.index, placed, text, output, state, engine.listen, bundles)
        file = state / report_name(config.selected.name if config.selected else None)
        if page is not None and output_folder.read_if_any(file) != (content := page(manifest).encode()):
            stores.write_aside(file, content)
    return report
