"""Distributed releases: a shard is built into a bundle, and all bundles are merged into the release."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ferrule import plan as planning
from ferrule.app.distributed import bundle as bundles
from ferrule.app.distributed import shards
from ferrule.app.distributed.bundle import Bundle, Tools
from ferrule.app.release import linked_files
from ferrule.app.release import run as release
from ferrule.core.errors import VerificationError
from ferrule.core.model import Action, Digest, Outcome, Plan, Report
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.toolchain import find
from ferrule.tools import git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from ferrule.app.release.run import RunContext
    from ferrule.config import Config
    from ferrule.core.manifest import Manifest
    from ferrule.engine.events import Listener
    from ferrule.engine.scheduler import Engine
    from ferrule.engine.store import Result
    from ferrule.toolchain.requirements import ToolRequirements
    from ferrule.tools.host import Host

_AGAIN: Final = "build all shards from one commit, and merge what they left"


def times(config: Config, plan: Plan, context: RunContext) -> dict[str, float]:
    """Seconds that actions took when they last ran in this project, by id; those that never ran are missing."""
    store = release.engine_of(config, None, context).store
    latest = {action.id: store.latest(action.id) for action in plan.actions}
    seconds_by_id = {name: record.get("seconds") for name, record in latest.items() if record}
    return {name: float(seconds) for name, seconds in seconds_by_id.items() if isinstance(seconds, (int, float))}


def split(config: Config, plan: Plan, count: int, recorded: Mapping[str, float]) -> tuple[shards.Shard, ...]:
    """The shards of a plan on the machines that targets.yaml names. Raises ConfigError."""
    # The runner of a target that is linked elsewhere is for that, and nothing of it is compiled in a shard.
    runners = {t.triple: None if PLATFORMS[t.triple].family.linked_on else t.runner for t in config.targets}
    parts = shards.split(plan, count, runners, recorded)
    return tuple(replace(part, release=config.selected.name) for part in parts) if config.selected else parts


def narrowed(plan: Plan, shard: shards.Shard) -> Plan:
    """The part of a plan that a shard makes; raises VerificationError for a shard of another plan."""
    if shard.plan != shards.plan_digest(plan):
        raise VerificationError(
            "this shard is of another plan than the one of this checkout",
            where=f"shard {shard.id}",
            hint="check out the commit that ferrule matrix ran on",
        )
    names = set(shard.actions)
    part = planning.only(plan, lambda action: action.id in names)
    if not names or {a.id for a in part.actions} != names or not names <= shards.foundation(plan):
        raise VerificationError(
            "this shard names actions that no shard of this plan can build",
            where=f"shard {shard.id}",
            hint="give an entry of what ferrule matrix wrote, unchanged",
        )
    return part


def build(
    config: Config, plan: Plan, context: RunContext, listen: Listener, *, shard: shards.Shard, folder: Path
) -> Report:
    """Make what belongs to a shard, by the same steps as a release, and leave it in `folder` as a bundle.

    Where an action failed there is no bundle. Raises ToolchainError, StorageError, VerificationError.
    """
    part = narrowed(plan, shard)
    toolchain = release.toolchain_of(config, part, context)
    with release.at_work(config, toolchain, context, listen) as engine:
        report = Report(engine.execute(part), ())
        if report.failed or toolchain is None:
            return report
        state = git.state(config.root, context.host)
        bundle = Bundle(
            project=plan.project,
            release=plan.version,
            plan=shard.plan,
            split=shard.split,
            shard=shard.number,
            of=shard.of,
            commit=state.commit,
            dirty=state.dirty,
            lock=_lock(config),
            tools=Tools.of(toolchain),
            results={o.action.id: _result(engine, o.key, o.action) for o in report.outcomes},
        )
        bundles.write(folder, bundle, engine.store)
    return report


def _result(engine: Engine, key: Digest | None, action: Action) -> Result:
    result = engine.store.find(key) if key else None
    if result is None:
        raise VerificationError(
            f"the result of {action.id} was lost while the bundle was made", hint="run the same command again"
        )
    return result


def _lock(config: Config) -> Digest | None:
    path = config.root / config.workspace.folder / "Cargo.lock"
    return Digest.of_file(path) if path.is_file() else None


def merge(
    config: Config,
    plan: Plan,
    context: RunContext,
    listen: Listener,
    *,
    folders: tuple[Path, ...],
    output: Path,
    page: Callable[[Manifest], str] | None = None,
) -> Report:
    """Take over what the shards of this plan made, and make the rest: the release that one machine would have made.

    Starts no compiler. Raises VerificationError for a bundle that does not belong or is not whole; the rest as
    `release.run`.
    """
    by_folder = {folder: bundles.read(folder) for folder in sorted(set(folders), key=str)}
    _check_source(config, plan, context.host, by_folder)
    _check_split(by_folder)
    plan = linked_files.bound(plan, context.linked)
    results = _together(plan, by_folder)
    tools = _tools(by_folder)
    toolchain = _toolchain(config, plan, context, tools)
    with release.at_work(config, toolchain, context, listen) as engine:
        for folder, one in by_folder.items():
            _take(engine, folder, one)
        for result in results.values():
            engine.store.keep(result)
        cached = _check_cached(engine, plan, results)
        return release.finish(engine, config, plan, context, output=output, page=page, cached=cached)


def required_tools(config: Config, plan: Plan, context: RunContext, folders: Iterable[Path]) -> ToolRequirements:
    """The tools that merging needs on this machine: those that nothing in a shard was made with."""
    return _required_tools(config, plan, context, _tools({folder: bundles.read(folder) for folder in folders}))


def _required_tools(config: Config, plan: Plan, context: RunContext, tools: Tools) -> ToolRequirements:
    sharded = shards.foundation(plan)
    late = tuple(
        replace(action, tools=tuple(t for t in action.tools if t not in tools.tools))
        for action in plan.actions
        if action.id not in sharded
    )
    return release.tool_requirements(config, replace(plan, actions=late), context.rust_source)


def _check_source(config: Config, plan: Plan, host: Host, by_folder: Mapping[Path, Bundle]) -> None:
    """Every bundle was made from what is checked out here."""
    state, whole, lock = git.state(config.root, host), shards.plan_digest(plan), _lock(config)
    if state.dirty:
        raise VerificationError(
            "this checkout has changes that no shard has seen", where=str(config.root), hint="commit them, or undo them"
        )
    for folder, one in by_folder.items():
        problem = None
        if one.project != plan.project:
            problem = f"this bundle is of the project {one.project}, not of {plan.project}"
        elif one.release != plan.version:
            problem = f"this bundle is of the release {one.release}, not of {plan.version}"
        elif one.dirty:
            problem = "this bundle was made in a checkout with changes that were not committed"
        elif one.commit != state.commit:
            problem = f"this bundle is of the commit {one.commit or 'unknown'}, not of {state.commit or 'unknown'}"
        elif one.lock != lock:
            problem = "this bundle was made with another Cargo.lock"
        elif one.plan != whole:
            problem = "this bundle is of another plan than the one of this checkout"
        if problem:
            raise VerificationError(problem, where=str(folder), hint=_AGAIN)


def _check_split(by_folder: Mapping[Path, Bundle]) -> None:
    """The bundles are all shards of one split, each once."""
    if not by_folder:
        raise VerificationError("there is nothing to merge", hint="give one folder for each shard")
    usual, _ = Counter((one.split, one.of) for one in by_folder.values()).most_common(1)[0]
    folders: dict[int, Path] = {}
    for folder, one in by_folder.items():
        problem = None
        if (one.split, one.of) != usual or not 1 <= one.shard <= one.of:
            problem = f"shard {one.id} does not belong to the {usual[1]} shards of the others"
        elif one.shard in folders:
            problem = f"shard {one.id} is here twice, the first time in {folders[one.shard]}"
        if problem:
            raise VerificationError(problem, where=str(folder), hint="give one folder for each shard of one matrix")
        folders[one.shard] = folder
    missing = sorted(set(range(1, usual[1] + 1)) - set(folders))
    if missing:
        names = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")  # noqa: PLR2004
        raise VerificationError(
            f"{len(missing)} of {usual[1]} shards missing: {names}", hint="build them, and give their folders too"
        )


def _together(plan: Plan, by_folder: Mapping[Path, Bundle]) -> dict[str, Result]:
    """What all bundles hold, by action: everything that shards make, each as it was declared, and one answer only."""
    by_id = {action.id: action for action in plan.actions}
    sharded = shards.foundation(plan)
    results: dict[str, Result] = {}
    folders: dict[str, Path] = {}
    for folder, one in by_folder.items():
        for name, result in one.results.items():
            if name not in sharded:
                raise VerificationError(f"it holds {name}, which no shard makes", where=str(folder), hint=_AGAIN)
            _check_outputs(by_id[name], result, folder)
            other = results.setdefault(name, result)
            if (other.key, other.files, other.facts) != (result.key, result.files, result.facts):
                raise VerificationError(
                    f"{_differing(name, other, result)} here than in {folders[name]}",
                    where=str(folder),
                    hint="find the machine that differs from the others, and build its shard again",
                )
            folders.setdefault(name, folder)
    lost = [action.id for action in plan.actions if action.id in sharded and action.id not in results]
    if lost:
        raise VerificationError(f"no shard made {lost[0]}", hint=_AGAIN)
    return results


def _differing(name: str, one: Result, other: Result) -> str:
    if one.key != other.key:
        return f"{name} was made from other inputs"
    pairs = {record.name: record.digest for record in one.files}
    changed = [record.name for record in other.files if pairs.get(record.name) != record.digest]
    return f"{changed[0] if changed else 'what was measured'} of {name} is another"


def _check_outputs(action: Action, result: Result, folder: Path) -> None:
    names = {record.name for record in result.files}
    for output in action.outputs:
        if output.folder:
            names -= {name for name in names if name.startswith(f"{output.name}/")}
        elif output.name not in names:
            raise VerificationError(f"{output.name} of {action.id} is missing", where=str(folder), hint=_AGAIN)
        else:
            names.remove(output.name)
    if names:
        raise VerificationError(
            f"it holds {min(names)} of {action.id}, which that does not make", where=str(folder), hint=_AGAIN
        )


def _tools(by_folder: Mapping[Path, Bundle]) -> Tools:
    """All tools of all bundles; raises VerificationError where two were made with different ones."""
    tools: dict[str, tuple[str, str]] = {}
    std: dict[str, str] = {}
    folders: dict[str, Path] = {}
    rust_source = "installed"
    for folder, one in by_folder.items():
        of_rust = (
            {"the source of Rust": (one.tools.rust_source, one.tools.rust_source)} if "rustc" in one.tools.tools else {}
        )
        of_std = {f"the standard library for {t}": (how, how) for t, how in one.tools.std.items()}
        for name, tool in {**of_rust, **of_std, **one.tools.tools}.items():
            before = tools.setdefault(name, tool)
            if before[1] != tool[1]:
                raise VerificationError(
                    f"{name} was {tool[1]!r} here, but {before[1]!r} in {folders[name]}",
                    where=str(folder),
                    hint="install the same tools on all machines: ferrule doctor lists them",
                )
            folders.setdefault(name, folder)
        std |= one.tools.std
        rust_source = one.tools.rust_source if of_rust else rust_source
    merged = {name: tool for one in by_folder.values() for name, tool in one.tools.tools.items()}
    # Machines of several kinds have several programs of one version; then none of them is the one.
    digests = {
        name: {one.tools.published.get(name) for one in by_folder.values() if name in one.tools.tools}
        for name in merged
    }
    published = {name: each for name, values in digests.items() if len(values) == 1 for each in values if each}
    return Tools(rust_source, dict(sorted(merged.items())), dict(sorted(std.items())), published)


def _toolchain(config: Config, plan: Plan, context: RunContext, tools: Tools) -> Toolchain:
    """The shards' tools as far as they can be known here, and those of this machine that are needed besides."""
    needed = _required_tools(config, plan, context, tools)
    here = find.require(needed, context.host) if needed.tools else None
    for name, tool in (here.tools if here else {}).items():
        if name in tools.tools and tools.tools[name][1] != tool.identity:
            raise VerificationError(
                f"{name} is {tool.identity!r} here, but was {tools.tools[name][1]!r} where shards were made",
                hint="install the same tools on all machines: ferrule doctor lists them",
            )
    # A name that is no program: should a recipe start it, the error says where it is.
    elsewhere = {
        name: {
            "name": name,
            "version": version,
            "identity": identity,
            "argv": [f"{name} (of a shard's machine)"],
            "sha256": tools.published.get(name),
        }
        for name, (version, identity) in tools.tools.items()
    }
    local: dict[str, Any] = here.to_json() if here else {"rust-source": tools.rust_source, "tools": {}, "sysroot": "/"}
    return Toolchain.from_json(
        {
            "rust-source": tools.rust_source if "rustc" in tools.tools else local["rust-source"],
            "tools": {**elsewhere, **local["tools"]},
            "std": tools.std,
            "sysroot": local["sysroot"],
        }
    )


def _take(engine: Engine, folder: Path, one: Bundle) -> None:
    """Bring the contents of a bundle into the store, each read once and checked."""
    for digest, record in one.files.items():
        if not engine.store.adopt(folder / bundles.OBJECTS / digest.hex, digest):
            raise VerificationError(
                f"the content of {record.name} is not what the shard made: its digest is another",
                where=str(folder),
                hint="fetch the bundle again, or build its shard again",
            )


def _check_cached(engine: Engine, plan: Plan, results: Mapping[str, Result]) -> dict[str, Outcome]:
    """The outcomes of the shards' actions; raises VerificationError if one is not cached, so that none runs here."""
    sharded, cached = shards.foundation(plan), dict[str, Outcome]()
    for name, examined in engine.examine(planning.only(plan, lambda action: action.id in sharded)).items():
        if examined.outcome is None:
            raise VerificationError(
                f"{name} would have to be built again, with compilers: {examined.reason}",
                hint="the shards were made from other sources, or in another environment",
            )
        if examined.key != results[name].key:
            raise VerificationError(f"{name} was made from other inputs than those of this checkout", hint=_AGAIN)
        cached[name] = examined.outcome
    return cached
