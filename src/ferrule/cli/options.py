"""Options that several commands have."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.app.release import selection
from ferrule.cli import environment
from ferrule.core.frozen import dataclass
from ferrule.toolchain import registry

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., Any]


@dataclass(slots=True)
class Invocation:
    """What was said of the whole run, before or after the command's name."""

    directory: Path = Path()
    verbose: bool = False
    as_json: bool = False
    quiet: bool = False


def invocation() -> Invocation:
    """That of the command that is running."""
    return click.get_current_context().find_root().ensure_object(Invocation)


@dataclass(frozen=True, slots=True)
class Options:
    """The values of the options that all commands share."""

    folder: Path
    json: bool
    quiet: bool


def shared(command: Function) -> Function:
    """Options of every command."""
    return _with(
        command,
        _directory(expose=True),
        *_output(expose=True),
        *_display(),
    )


def everywhere(command: Function) -> Function:
    """Options that may also stand before the command's name."""
    return _with(command, _directory(expose=False), *_output(expose=False), *_display())


def _directory(*, expose: bool) -> Callable[[Function], Function]:
    return click.option(
        *("-C", "--directory"),
        type=click.Path(path_type=Path),
        expose_value=expose,
        callback=_enter,
        help="Run as if started in this directory.",
    )


def _enter(ctx: click.Context, _: click.Parameter, folder: Path | None) -> Path:
    """The folder to work in; one behind the command's name is relative to the one before it, as Git has it."""
    whole = ctx.find_root().ensure_object(Invocation)
    if folder is not None:
        whole.directory /= folder
        if not whole.directory.is_dir() and not ctx.resilient_parsing:
            raise click.BadParameter(f"there is no directory {str(whole.directory)!r}.")
    return whole.directory


def _output(*, expose: bool) -> tuple[Callable[[Function], Function], ...]:
    def either(ctx: click.Context, option: click.Parameter, chosen: bool) -> bool:
        """Whether it was chosen, before the command's name or behind it."""
        whole = ctx.find_root().ensure_object(Invocation)
        name = str(option.name)
        setattr(whole, name, getattr(whole, name) or chosen)
        return bool(getattr(whole, name))

    how: dict[str, Any] = {"is_flag": True, "expose_value": expose, "callback": either}
    return (
        click.option("--json", "as_json", help="Write JSON, for programs.", **how),
        click.option("-q", "--quiet", help="Print errors and results only.", **how),
    )


def _display() -> tuple[Callable[[Function], Function], ...]:
    def show_more(ctx: click.Context, _: click.Parameter, verbose: bool) -> None:
        whole = ctx.find_root().ensure_object(Invocation)
        whole.verbose = whole.verbose or verbose

    def choose(_: click.Context, __: click.Parameter, choice: str | None) -> None:
        if choice:
            environment.choose_colour(choice)

    return (
        click.option(
            *("-v", "--verbose"),
            is_flag=True,
            expose_value=False,
            callback=show_more,
            help="Show more: the command of a program that failed, what only a manifest says.",
        ),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            expose_value=False,
            callback=choose,
            help="When to use colours [default: auto; env: NO_COLOR, FORCE_COLOR].",
        ),
    )


class Number(click.IntRange):
    """A whole number within bounds, by a word for people: click says "integer range" in help and in messages."""

    name = "number"


def running(command: Function) -> Function:
    """Options of commands that need tools."""
    return _with(
        command,
        click.option("-j", "--jobs", type=Number(1, 1024), help="Number of parallel jobs [default: number of CPUs]."),
        click.option("--offline", is_flag=True, help="Do not use the network."),
        click.option(
            "--rust-source",
            type=click.Choice(["distribution", "rustup"]),
            help="How to install Rust: distribution packages or rustup.",
        ),
    )


def building(command: Function) -> Function:
    """Options of commands that build."""
    help_ = "Install missing tools first, as `ferrule setup` does."
    return click.option("--setup", "set_up", is_flag=True, help=help_)(running(command))


def releasing(command: Function) -> Function:
    """Options of commands that build a whole release."""
    folder = click.Path(path_type=Path)
    return building(
        _with(
            command,
            click.option("-o", "--output", type=folder, help="Folder for the release [default: dist/ of the project]."),
            click.option("--report", is_flag=True, help="Also write the page about it, as `ferrule report` does."),
            click.option(
                "--sign-key", metavar="FILE", help="Sign with this ECDSA P-256 key: a PEM file, or env://VARIABLE."
            ),
        )
    )


def clustered(command: Function) -> Function:
    """The option of commands that can use a cluster."""
    help_ = "Run the compilers on a Dask cluster: dask://HOST:PORT of its scheduler."
    return click.option("--executor", metavar="ADDRESS", help=help_)(command)


def linked(command: Function) -> Function:
    """The option of commands that take over what was linked on other machines."""
    return click.option(
        *("--linked", "linked_folder"),
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        help="What the scripts of `ferrule script` have linked on other machines.",
    )(command)


def cached(command: Function) -> Function:
    """Options of commands that use a remote cache; the command gets its address as `remote`."""

    @wraps(command)
    def with_address(*arguments: Any, remote_cache_url: str | None, mode: str | None, **options: Any) -> Any:  # noqa: ANN401
        return command(*arguments, remote=environment.remote_cache(remote_cache_url, mode), **options)

    return _with(
        with_address,
        click.option(
            *("--remote-cache", "remote_cache_url"),
            metavar="URL",
            help="Reuse finished actions from this HTTP cache [env: FERRULE_REMOTE_CACHE].",
        ),
        click.option(
            *("--remote-cache-mode", "mode"),
            type=click.Choice(["read", "write"]),
            help="`write` also uploads results [default: read; env: FERRULE_REMOTE_CACHE_MODE].",
        ),
    )


def selecting_tools(command: Function) -> Function:
    """Options of commands that examine or install tools."""
    help_ = "Also this tool: container, emulation, go, node, or another by its name."
    return running(
        _with(
            command,
            click.option("--host-only", is_flag=True, help="Only the tools for this machine's own target."),
            click.option(
                *("--with", "extras"), metavar="TOOL", multiple=True, callback=lambda _, __, v: _tools(v), help=help_
            ),
        )
    )


def _tools(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of tools as they are; raises click.BadParameter for one that there is not, with the nearest."""
    import difflib  # noqa: PLC0415 - 1 ms, for a mistake

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
