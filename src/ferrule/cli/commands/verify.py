"""`ferrule verify`: a finished release, read again."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path

import click

from ferrule.app import verify as verifying
from ferrule.cli import publishing
from ferrule.cli.environment import coloured, read_key, width
from ferrule.cli.identity_option import IdentityOptions, of_identity
from ferrule.cli.messages import counted, echo, waiting
from ferrule.cli.options import invocation, shared
from ferrule.cli.release_option import of_release
from ferrule.core.errors import PublishError, VerificationError
from ferrule.core.printable import printable
from ferrule.core.safe_files import MANIFEST, find_project
from ferrule.formats import keyless, sigstore
from ferrule.reporting import verdicts


@click.command()
@shared
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--key", type=click.Path(path_type=Path), help="Public key (PEM) that must have signed it.")
@of_identity
@click.option("--published", is_flag=True, help="Fetch back what was published everywhere, and compare it with PATH.")
@click.option("--to", "rows", metavar="ROW", multiple=True, help="With --published: only this destination.")
@click.option("--sign-key", metavar="FILE|env://NAME", help="With --published: the key that copies were signed with.")
@of_release
def verify(
    directory: Path,
    path: Path | None,
    key: Path | None,
    identity: str | None,
    issuer: str | None,
    trusted_root: Path | None,
    attestations: tuple[Path, ...],
    rows: tuple[str, ...],
    sign_key: str | None,
    release_name: str | None,
    *,
    published: bool,
    **options: bool,
) -> None:
    """Verify a finished release: recompute every digest and claim.

    PATH is the folder of a release, of several releases, or one file; by default dist/ of the project.

    \b
    Example:
      ferrule verify
      ferrule verify Downloads/demo-1.2.3 --key demo.pub
      ferrule verify Downloads/demo-1.2.3 --identity https://github.com/example/demo
      ferrule verify --published
    """
    identities = IdentityOptions(identity, issuer, trusted_root, attestations)
    _check_options(identities, has_key=key is not None, published=published)
    if published:
        _verify_published(directory, path, rows, sign_key, release_name, identities.root(), **options)
        return
    if rows or sign_key or release_name:
        raise click.UsageError("--to, --sign-key and --release require --published")
    target = path or find_project(directory) / "dist"
    release = verifying.release_of(target)
    folder = target if (target.is_dir() and (target / MANIFEST).exists()) or release is None else release
    folders = (_releases_in(folder) if release is None else []) or [folder]
    if path is None and not target.is_dir():
        raise VerificationError(
            "there is no release here", where=str(target), hint="make one: ferrule release; or name the folder of one"
        )
    if release is None and not target.is_dir():
        raise VerificationError(
            "no folder above this file has a manifest, so nothing says what it should be",
            where=str(target),
            hint="ferrule explain shows what a single file states about itself",
        )
    signers = identities.signers()
    public = sigstore.public_key(read_key(key), where=str(key)) if key else None
    file = None if folder is target else Path(os.path.abspath(target)).relative_to(folder).as_posix()  # noqa: PTH100
    with waiting("reading every file again"):
        examinations = [verifying.examine(each, public, file, signers) for each in folders]
    signer = f"{key} (SHA-256 {sigstore.key_hint(public)})" if public else identity
    if options["as_json"]:
        documents = [verdicts.as_json(each, passed=each.passed, signer=signer) for each in examinations]
        click.echo(documents[0] if folders == [folder] else f"[{', '.join(documents)}]")
    else:
        for each in examinations:
            verdicts.show(
                *(each, sys.stdout),
                colour=coloured(sys.stdout),
                width=width(sys.stdout),
                quiet=options["quiet"],
                verbose=invocation().verbose,
                signer=signer,
            )
    if not all(each.passed for each in examinations):
        sys.exit(VerificationError.exit_code)


def _check_options(identities: IdentityOptions, *, has_key: bool, published: bool) -> None:
    if published and has_key:
        raise click.UsageError("--published compares bytes, and takes no --key: verify the release with it before")
    if published and (identities.identity or identities.issuer or identities.attestations):
        raise click.UsageError("--published takes no --identity: write `identity` in the rows of targets.yaml")
    if has_key and identities.identity:
        raise click.UsageError("a release is signed with a key or by an identity: --key or --identity")


def _releases_in(folder: Path) -> list[Path]:
    """The folders of several releases in one that is none itself."""
    if not folder.is_dir() or (folder / MANIFEST).exists():
        return []
    return sorted(each for each in folder.iterdir() if (each / MANIFEST).is_file())


def _verify_published(
    directory: Path,
    path: Path | None,
    rows: tuple[str, ...],
    sign_key: str | None,
    release: str | None,
    root: keyless.Root | None,
    **options: bool,
) -> None:
    """Fetch everything back, print a line for each item, and exit with 10 if anything is not what it should be."""
    say = partial(publishing.echo, quiet=options["quiet"], as_json=options["as_json"])
    wrong = count = 0
    with publishing.opened(directory, path, release=release, rows=rows, sign_key=sign_key, say=say) as opened:
        for destination, item, problem in publishing.verify_published(opened, root):
            count += 1
            wrong += problem is not None
            if options["as_json"]:
                click.echo(json.dumps({"destination": destination, "item": item, "problem": problem}))
            elif problem or not options["quiet"]:
                echo(printable(f"{destination}: {item}: {problem or 'same'}"))
    say(
        f"{counted(count, 'check')} of what is published: {wrong} failed"
        if wrong
        else f"{counted(count, 'check')} passed"
    )
    if wrong:
        sys.exit(PublishError.exit_code)
