"""The result of `ferrule verify` as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from rich.console import Console

from ferrule.core.printable import printable
from ferrule.reporting.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from ferrule.core.model import Verdict


class Examination(Protocol):
    """A release that was verified."""

    @property
    def project(self) -> str:
        """The name of the project."""

    @property
    def version(self) -> str:
        """The version of the release."""

    @property
    def commit(self) -> str | None:
        """The commit that it states it was built from."""

    @property
    def dirty(self) -> bool | None:
        """Whether it states that the sources differed from the commit."""

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """The result of each check."""

    @property
    def checked(self) -> int:
        """How many values of the manifest were recomputed or compared."""

    @property
    def stated(self) -> Sequence[str]:
        """JSON pointers of the values that only the manifest states."""

    @property
    def signed(self) -> bool | None:
        """Whether the named key signed it; None where none was named."""


def show(
    examination: Examination,
    stream: TextIO,
    *,
    colour: bool,
    width: int | None,
    quiet: bool,
    verbose: bool,
    signer: str | None,
) -> None:
    """Write a line for each file that passed, one for each failed check, the totals and the identity of the release."""
    console = Console(file=stream, no_color=not colour, highlight=False, soft_wrap=True)
    by_subject: dict[str, list[Verdict]] = {}
    for verdict in examination.verdicts:
        by_subject.setdefault(printable(verdict.subject), []).append(verdict)
    for subject, verdicts in by_subject.items():
        good = ", ".join(dict.fromkeys(v.claim for v in verdicts if v.problem is None))
        if good and not quiet:
            console.print(wrapped(f"ok      {subject}: {good}", width), markup=False)
        for verdict in verdicts:
            if verdict.problem is not None:
                problem = f"WRONG   {subject}: {verdict.claim}: {printable(verdict.problem)}"
                console.print(wrapped(problem, width), style="red", markup=False)
    for label in examination.stated if verbose else ():
        console.print(wrapped(f"stated  {printable(label)}", width), markup=False)
    wrong = sum(v.problem is not None for v in examination.verdicts)
    style = "bold red" if wrong or not examination.verdicts else "bold"
    console.print(wrapped(_sum(examination, wrong, len(by_subject)), width), style=style, markup=False)
    console.print(wrapped(printable(_identity(examination, signer)), width), style=style, markup=False)


def _sum(examination: Examination, wrong: int, files: int) -> str:
    if not examination.verdicts:
        return "there was nothing to check"
    checks = _counted(len(examination.verdicts), "check")
    result = (
        f"{_counted(wrong, 'check')} failed of {checks}" if wrong else f"{checks} on {_counted(files, 'file')} passed"
    )
    return f"{result}; {_counted(examination.checked, 'claim')} recomputed, {len(examination.stated)} stated only"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _identity(examination: Examination, signer: str | None) -> str:
    """The identity of a release: project, version, commit and signer."""
    commit = f"commit {examination.commit}" if examination.commit else "no commit"
    changed = " with changes" if examination.dirty else ""
    if examination.signed is None:
        by = "signer not checked (--key names one)"
    else:
        by = f"signed by {signer}" if examination.signed else f"NOT signed by {signer}"
    return f"{examination.project} {examination.version}, {commit}{changed}, {by}"


def as_json(examination: Examination, *, passed: bool, signer: str | None) -> str:
    """The result as JSON: all verdicts, the identity of the release, and the values that only the manifest states."""
    document = {
        "ok": passed,
        "project": examination.project,
        "version": examination.version,
        "commit": examination.commit,
        "dirty": examination.dirty,
        "signer": signer if examination.signed else None,
        "recomputed": examination.checked,
        "stated": list(examination.stated),
        "verdicts": [{"subject": v.subject, "claim": v.claim, "problem": v.problem} for v in examination.verdicts],
    }
    return json.dumps(document, indent=2)
