"""`ferrule completion`: what a shell needs to complete commands, options, artifacts and targets."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from ferrule.core.errors import ConfigError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a completion script for bash, zsh or fish.

    It completes commands, options, and the names of artifacts, targets and kinds of the project.

    \b
    Example:
      ferrule completion bash > ~/.local/share/bash-completion/completions/ferrule
      ferrule completion zsh > ~/.zfunc/_ferrule
      ferrule completion fish > ~/.config/fish/completions/ferrule.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise ConfigError(f"there is no completion for {shell}")
    root = ctx.find_root()
    # Not the method of the class: for bash that starts one to see its version, and this shell may be another's.
    click.echo(ShellComplete.source(kind(root.command, {}, "ferrule", "_FERRULE_COMPLETE")))
