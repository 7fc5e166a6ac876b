"""The selected part of a release: its plan, and the tools that it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ferrule.app.release.run import make_plan, tool_requirements
from ferrule.core.cargo_lock import crate_names
from ferrule.core.errors import ConfigError, UsageError
from ferrule.core.platforms import PLATFORMS
from ferrule.plan import only
from ferrule.tools import macos_sdk

if TYPE_CHECKING:
    from ferrule.app.release.run import RunContext
    from ferrule.config import Config
    from ferrule.core.model import Plan, Target
    from ferrule.toolchain.requirements import ToolRequirements

EXTRAS: Final = {"emulation": "qemu-aarch64"}
"""Tools that people may ask for besides those of a plan, where their name is another one."""


def targets_without_sdk(config: Config) -> tuple[Target, ...]:
    """The targets for which no artifact names an SDK of macOS by a variable; each may name its own."""
    envs = (getattr(one.spec, "env", {}) for one in config.artifacts)
    return () if any(macos_sdk.VARIABLE in env for env in envs) else config.targets


def sdk_note(config: Config, system: str) -> str | None:
    """A sentence where a crate of Cargo.lock links frameworks of macOS and nothing names an SDK."""
    try:
        lock = (config.root / config.workspace.lock).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    missing = macos_sdk.missing_sdk(targets_without_sdk(config), crate_names(lock), system)
    return f"{missing[0]}: {missing[1]}" if missing else None


def select(config: Config, context: RunContext, artifacts: tuple[str, ...], targets: tuple[str, ...]) -> Plan:
    """The plan of the named artifacts (all) for the named targets (this machine's).

    WebAssembly that a named artifact packs is made along, being for no machine. Raises UsageError for a name that
    targets.yaml does not have, with the nearest it has.
    """
    triples, host = tuple(t.triple for t in config.targets), context.host.triple
    _check_names(artifacts, tuple(a.name for a in config.artifacts), "artifact")
    _check_names(tuple(t for t in targets if t != "all"), triples, "target")
    if not targets and host not in triples:
        raise ConfigError(
            f"this machine is {host}, which targets.yaml does not list",
            where="targets.yaml",
            hint=f"choose with --target: {', '.join(triples)} or all",
        )
    chosen = set(triples) if "all" in targets else set(targets or (host,))
    if _pack_webassembly(config, artifacts):
        chosen |= {t for t in triples if PLATFORMS[t].is_portable}
    parts = {part for triple in chosen for part in PLATFORMS[triple].parts} - chosen
    narrowed = replace(config, targets=tuple(t for t in config.targets if t.triple in chosen | parts))
    whole = make_plan(narrowed, context, narrowed=True)
    plan = only(whole, lambda a: a.target not in parts)
    planned = {a.artifact for a in plan.actions if a.target not in parts}
    lost = [name for name in artifacts if name not in planned]
    if lost:
        raise UsageError(
            f"{lost[0]} is not made for {', '.join(sorted(chosen))}",
            where="targets.yaml",
            hint="choose other targets with --target, or all of them with --target all",
        )
    return only(plan, lambda a: not artifacts or a.artifact in artifacts)


def _pack_webassembly(config: Config, names: tuple[str, ...]) -> bool:
    """Whether one of the artifacts needs another, however indirectly, that is made for WebAssembly alone."""
    by_name = {a.name: a for a in config.artifacts}
    packed: set[str] = set()
    waiting = list(names)
    while waiting:
        others = {name for _, name in by_name[waiting.pop()].spec.references()} - packed
        packed |= others
        waiting += others
    machines = [row for row in PLATFORMS.values() if row.is_native]
    return any(all(by_name[name].kind.unsupported(row) for row in machines) for name in packed)


def _check_names(names: tuple[str, ...], existing: tuple[str, ...], what: str) -> None:
    from difflib import get_close_matches  # noqa: PLC0415 - 1 ms, for a mistake

    for name in names:
        if name not in existing:
            near = get_close_matches(name, existing, 1)
            raise UsageError(
                f"there is no {what} {name!r}",
                where="targets.yaml",
                hint=f"did you mean {near[0]}?" if near else f"there are: {', '.join(existing)}",
            )


def required_tools(
    config: Config, context: RunContext, *, extras: tuple[str, ...], host_only: bool
) -> ToolRequirements:
    """The tools that a release (or, with `host_only`, a developer's build) needs, and what was asked for besides."""
    plan = select(config, context, (), ()) if host_only else make_plan(config, context)
    requirements = tool_requirements(config, plan, context.rust_source)
    return replace(requirements, tools=requirements.tools | {EXTRAS.get(name, name) for name in extras})
