"""Options that several commands have."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.app.release import selection
from ferrule.cli import environment
from ferrule.toolchain import registry

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What the options that all commands share came to."""

    folder: Path
    json: bool
    quiet: bool


def shared(command: Function) -> Function:
    """Options every command has."""
    return _with(
        command,
        click.option(
            "-C", "--directory", type=click.Path(path_type=Path), default=Path(), help="Work as if started there."
        ),
        click.option("--json", "as_json", is_flag=True, help="Write JSON for programs."),
        click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and results."),
    )


def running(command: Function) -> Function:
    """Options of commands that need tools."""
    return _with(
        command,
        click.option("-j", "--jobs", type=click.IntRange(1, 1024), help="Threads that may compute at once; all cores."),
        click.option("--offline", is_flag=True, help="Use no network."),
        click.option(
            "--rust-source",
            type=click.Choice(["distribution", "rustup"]),
            help="How to install Rust: distribution packages or rustup.",
        ),
    )


def making(command: Function) -> Function:
    """Options of commands that make files."""
    help_ = "Install what is missing first, as `ferrule setup` does."
    return click.option("--setup", "set_up", is_flag=True, help=help_)(running(command))


def releasing(command: Function) -> Function:
    """Options of commands that make a whole release."""
    place = click.Path(path_type=Path)
    return making(
        _with(
            command,
            click.option("-o", "--output", type=place, help="Where the release goes; dist/ of the project."),
            click.option(
                "--report",
                is_flag=True,
                help="Also write the page about it, as `ferrule report` does.",
            ),
            click.option(
                "--sign-key", metavar="FILE", help="Sign with this ECDSA P-256 key: a PEM file, or env://VARIABLE."
            ),
        )
    )


def spreading(command: Function) -> Function:
    """The option of commands that other machines may work for."""
    help_ = "Have the workers of a Dask cluster run the compilers: dask://HOST:PORT of its scheduler."
    return click.option("--executor", metavar="ADDRESS", help=help_)(command)


def sharing(command: Function) -> Function:
    """Options of commands that take finished actions from a remote cache, whose address they are given: `remote`."""

    @wraps(command)
    def with_address(*arguments: Any, remote_cache_url: str | None, mode: str | None, **options: Any) -> Any:  # noqa: ANN401
        return command(*arguments, remote=environment.remote_cache(remote_cache_url, mode), **options)

    return _with(
        with_address,
        click.option(
            *("--remote-cache", "remote_cache_url"),
            metavar="URL",
            help="Take finished actions from this HTTP cache; FERRULE_REMOTE_CACHE.",
        ),
        click.option(
            *("--remote-cache-mode", "mode"),
            type=click.Choice(["read", "write"]),
            help="Write what is made here into it too; FERRULE_REMOTE_CACHE_MODE, read.",
        ),
    )


def provisioning(command: Function) -> Function:
    """Options of commands that look at the tools of a project."""
    help_ = "Also this tool: container, emulation, go, node, or another by its name."
    return running(
        _with(
            command,
            click.option("--host-only", is_flag=True, help="Only what this machine's own target needs."),
            click.option(
                *("--with", "extras"), metavar="TOOL", multiple=True, callback=lambda _, __, v: _tools(v), help=help_
            ),
        )
    )


def _tools(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of tools as they are; raises click.BadParameter for one that there is not, with the nearest."""
    existing = {*selection.EXTRAS, *(program for tool in registry.TOOLS.values() for program in tool.names)}
    for name in names:
        if name not in existing:
            near = difflib.get_close_matches(name, existing, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(existing))}."
            raise click.BadParameter(f"there is no tool {name!r}. {hint}")
    return names


def _with(command: Function, *options: Callable[[Function], Function]) -> Function:
    for decorate in reversed(options):
        command = decorate(command)
    return command
