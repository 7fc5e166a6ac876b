"""Findings about the tools: a table for people, JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.text import Text

from ferrule.core.printable import printable
from ferrule.reporting.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

_MARKS = {"ok": ("✓", "green"), "fault": ("✗", "red"), "note": ("!", "yellow")}
_FIELDS = ("tool", "state", "required", "version", "path", "problem", "fix", "fixable")


class Finding(Protocol):
    """One tool: the version required and the one on this machine, and if it is unfit, the problem and its fix."""

    @property
    def tool(self) -> str:
        """Name of the tool."""

    @property
    def state(self) -> str:
        """`ok`, `fault`, or `note` where it may be needed and is not there."""

    @property
    def required(self) -> str:
        """Version that is required, or nothing."""

    @property
    def version(self) -> str:
        """Version that this machine has, or nothing."""

    @property
    def path(self) -> str:
        """Its path, or nothing."""

    @property
    def problem(self) -> str:
        """Why it is unfit, or nothing."""

    @property
    def fix(self) -> str:
        """What to do about it, or nothing."""


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects, one a tool."""
    return json.dumps([{name: getattr(f, name) for name in _FIELDS} for f in findings], indent=2)


def show(findings: Sequence[Finding], stream: TextIO, *, colour: bool, width: int | None) -> None:
    """Write a line for each tool, and below those that are unfit what is wrong and the fix."""
    console = Console(file=stream, no_color=not colour, highlight=False, soft_wrap=True)
    names = max((len(f.tool) for f in findings), default=0)
    for finding in findings:
        mark, style = _MARKS[finding.state]
        line = wrapped(f"{mark} {finding.tool:<{names}}  {printable(_summary(finding))}".rstrip(), width)
        console.print(Text.assemble((mark, style), line.removeprefix(mark)))
        if finding.fix:
            console.print(wrapped(f"    fix: {printable(finding.fix)}", width), markup=False)


def _summary(finding: Finding) -> str:
    if finding.problem:
        return finding.problem + (f" (required: {finding.required})" if finding.required else "")
    return f"{finding.version} {finding.path}".strip()
