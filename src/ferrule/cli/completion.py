"""Names from targets.yaml that a shell completes: read at once and unchecked, and nothing where they cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from click.shell_completion import CompletionItem

from ferrule.cli.options import Invocation
from ferrule.core.errors import ConfigError
from ferrule.core.safe_files import FILE, find_project, read_regular

if TYPE_CHECKING:
    import click

LARGEST = 1 << 20
"""Bytes of a targets.yaml that is looked at while somebody waits for the next word."""


def artifacts(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Artifacts of the project that begin with what was typed."""
    return _names(ctx, "artifacts", incomplete)


def items(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What can be explained: artifacts, and files where no artifact begins so."""
    names = artifacts(ctx, parameter, incomplete)
    return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]


def targets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Targets of the project that begin with what was typed, and `all`."""
    return [*_names(ctx, "targets", incomplete), *(["all"] if "all".startswith(incomplete) else [])]


def releases(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Releases of the project, where it has several, that begin with what was typed."""
    return _names(ctx, "releases", incomplete)


def kinds(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Kinds of the project's artifacts that begin with what was typed, and `all`."""
    sections = _section(ctx, "artifacts").values()
    found = {str(one["kind"]) for one in sections if isinstance(one, dict) and "kind" in one} | {"all"}
    return sorted(name for name in found if name.startswith(incomplete))


def _names(ctx: click.Context, section: str, incomplete: str) -> list[str]:
    return [str(name) for name in _section(ctx, section) if str(name).startswith(incomplete)]


def _section(ctx: click.Context, name: str) -> dict[object, object]:
    try:
        file = find_project(ctx.find_root().ensure_object(Invocation).directory) / FILE
        document = yaml.load(read_regular(file, follow=True, largest=LARGEST), yaml.CSafeLoader)
    except (ConfigError, OSError, yaml.YAMLError, RecursionError, ValueError):
        return {}
    section = document.get(name) if isinstance(document, dict) else None
    return section if isinstance(section, dict) else {}
