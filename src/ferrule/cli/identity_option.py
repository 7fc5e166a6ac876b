"""The options by which `ferrule verify` is told who must have signed without a key, and whom that is believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.app import verify as verifying
from ferrule.core.errors import UsageError
from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import read_regular
from ferrule.formats import attestation, keyless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class IdentityOptions:
    """What was asked for, as it stands on the command line."""

    identity: str | None
    issuer: str | None
    trusted_root: Path | None
    attestations: tuple[Path, ...]

    def signers(self) -> verifying.Signers:
        """Who must have signed. Raises UsageError for an identity of nobody, and for files that cannot be read."""
        if self.issuer and not self.identity:
            raise click.UsageError("--issuer requires --identity")
        named = keyless.identity(self.identity, self.issuer) if self.identity else None
        bundles = tuple(one for path in self.attestations for one in _bundles(path))
        return verifying.Signers(named, self.root(), bundles)

    def root(self) -> keyless.Root | None:
        """The trusted root in a file, None for the public one. Raises UsageError."""
        return keyless.read_root(self.trusted_root) if self.trusted_root else None


def _bundles(path: Path) -> Iterator[tuple[str, bytes]]:
    """The bundles in a file, or in all files of a folder, with what messages call each. Raises UsageError."""
    files = sorted(each for each in path.iterdir() if each.suffix in {".json", ".jsonl"}) if path.is_dir() else [path]
    if not files:
        raise UsageError("there is no attestation in this folder: no *.jsonl and no *.json", where=str(path))
    for file in files:
        try:
            content = read_regular(file, largest=keyless.LARGEST)
        except OSError as error:
            raise UsageError(f"it cannot be read: {error.strerror or error}", where=str(file)) from error
        lines = [content] if file.suffix == ".json" else attestation.bundles_of_lines(content, where=str(file))
        for number, one in enumerate(lines, 1):
            yield (file.name if file.suffix == ".json" else f"{file.name}:{number}"), one


def of_identity(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets `identity`, `issuer`, `trusted_root` and `attestations`."""
    for option in (
        click.option(
            "--attestations",
            type=click.Path(path_type=Path, exists=True),
            multiple=True,
            help="Attestations of its files: what `gh attestation download` wrote, a file or a folder.",
        ),
        click.option(
            "--trusted-root",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Whom to believe who signed: a trusted root of Sigstore [default: that of the public instance].",
        ),
        click.option(
            "--issuer", metavar="URL", help="Who vouches for the identity, where that is no GitHub or GitLab."
        ),
        click.option(
            "--identity",
            metavar="URL",
            help="Who must have signed it without a key: a repository, a workflow in it, or an address of e-mail.",
        ),
    ):
        command = option(command)
    return command
