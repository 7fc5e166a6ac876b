"""Measured figures as values: how samples become a ratio, a table, a chart and a document."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a command: seconds by the clock on the wall, and seconds that it and its children computed."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One result: `value` in `unit` (`x` for a ratio), at most `goal` where there is one, and what was compared."""

    name: str
    what: str
    value: float
    unit: str
    goal: float | None
    detail: str

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is no goal."""
        return None if self.goal is None else self.value <= self.goal


def middle(samples: Sequence[Sample]) -> Sample:
    """The medians of wall and CPU time, each by itself."""
    return Sample(median(s.wall for s in samples), median(s.cpu for s in samples))


def total(samples: Sequence[Sample]) -> Sample:
    """The sums: what commands cost that run one after another."""
    return Sample(sum(s.wall for s in samples), sum(s.cpu for s in samples))


def ratios(
    name: str,
    what: str,
    ours: Sequence[Sample],
    theirs: Sequence[Sample],
    *,
    wall: float | None = None,
    cpu: float | None = None,
) -> list[Figure]:
    """Wall and CPU time of ours over theirs, from the medians of both; `wall` and `cpu` are the goals."""
    mine, other = middle(ours), middle(theirs)
    rounds = f"{len(ours)} round{'s' if len(ours) != 1 else ''}"
    return [
        Figure(
            f"{name}-{kind}",
            f"{what}, {words}",
            getattr(mine, kind) / max(getattr(other, kind), 1e-9),
            "x",
            goal,
            f"{seconds(getattr(mine, kind))} to {seconds(getattr(other, kind))}, {rounds}",
        )
        for kind, words, goal in (("wall", "wall time", wall), ("cpu", "CPU time", cpu))
    ]


def seconds(value: float) -> str:
    """Seconds for people.

    >>> seconds(0.0123), seconds(1.5), seconds(83.2)
    ('12 ms', '1.50 s', '83.2 s')
    """
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"  # noqa: PLR2004 - two digits tell enough from there on


def shown(value: float, unit: str) -> str:
    """A value with its unit.

    >>> shown(1.0345, "x"), shown(0.4321, "s"), shown(61.25, "MiB")
    ('1.03 x', '0.43 s', '61 MiB')
    """
    return f"{value:.0f} {unit}" if unit == "MiB" else f"{value:.2f} {unit}"


def verdict(figure: Figure) -> str:
    """Whether the goal is met, in a word."""
    return {True: "yes", False: "**no**", None: "-"}[figure.met]


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table that can also be read as it is."""
    head = ("figure", "value", "goal", "met", "measured")
    lines = [
        (
            f.what,
            shown(f.value, f.unit),
            f"≤ {shown(f.goal, f.unit)}" if f.goal is not None else "-",
            verdict(f),
            f.detail,
        )
        for f in figures
    ]
    widths = [max(len(line[i]) for line in (head, *lines)) for i in range(len(head))]
    rule = tuple("-" * width for width in widths)
    rows = (
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (head, rule, *lines)
    )
    return "\n".join(f"| {row} |" for row in rows) + "\n"


_WIDTH, _LEFT, _BAR, _STEP, _SPAN = 960, 410, 18, 34, 360


def chart(figures: Sequence[Figure]) -> str:
    """A bar for each figure with a goal, as long as its share of that goal; the line is the goal (SVG 1.1)."""
    judged = [f for f in figures if f.goal]
    height = 56 + _STEP * len(judged)
    at_goal = _LEFT + _SPAN / 1.5
    bars = "".join(_bar(f, 46 + _STEP * number) for number, f in enumerate(judged))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="13">\n'
        "<title>Each figure as a share of its goal; shorter is better</title>\n"
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="{at_goal:.0f}" y="20" text-anchor="middle" fill="#555555">goal</text>\n'
        f'{bars}<line x1="{at_goal:.1f}" y1="28" x2="{at_goal:.1f}" y2="{height - 12}" stroke="#555555" '
        'stroke-dasharray="4 3"/>\n</svg>\n'
    )


def _bar(figure: Figure, top: int) -> str:
    assert figure.goal  # only figures with a goal are drawn
    share = min(figure.value / figure.goal, 1.5)
    length, middle_of_bar = share / 1.5 * _SPAN, top + _BAR - 4
    after = _LEFT + max(length, _SPAN / 1.5) + 10
    colour = "#2e7d5b" if figure.met else "#b3541e"
    value = f"{shown(figure.value, figure.unit)} (goal {shown(figure.goal, figure.unit)})"
    return (
        f'<text x="{_LEFT - 12}" y="{middle_of_bar}" text-anchor="end" fill="#222222">{escape(figure.what)}</text>\n'
        f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>\n'
        f'<text x="{after:.0f}" y="{middle_of_bar}" fill="#222222">{escape(value)}</text>\n'
    )


_PANEL, _PLOT, _GAP = 220, 120, 60


def history(entries: Sequence[Mapping[str, Any]]) -> str:
    """How the instructions of each command went from one commit to the next, from zero on (SVG 1.1)."""
    names = list(dict.fromkeys(name for entry in entries for name in entry["counts"]))
    panels = "".join(_panel(name, entries, 20 + number * _PANEL) for number, name in enumerate(names))
    width = 40 + _PANEL * len(names)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_PLOT + 2 * _GAP}" '
        f'viewBox="0 0 {width} {_PLOT + 2 * _GAP}" font-family="system-ui, sans-serif" font-size="13">\n'
        "<title>Millions of instructions of commands, by commit</title>\n"
        f'<rect width="{width}" height="{_PLOT + 2 * _GAP}" fill="#ffffff"/>\n{panels}</svg>\n'
    )


def _panel(name: str, entries: Sequence[Mapping[str, Any]], left: int) -> str:
    values = [(entry["commit"], entry["counts"][name] / 1e6) for entry in entries if name in entry["counts"]]
    most, step = max(value for _, value in values), (_PANEL - 60) / max(len(values) - 1, 1)
    points = [(left + number * step, _GAP + _PLOT * (1 - value / most)) for number, (_, value) in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#2e7d5b">'
        f"<title>{commit}: {value:.0f} million</title></circle>\n"
        for (x, y), (commit, value) in zip(points, values, strict=True)
    )
    bottom = _GAP + _PLOT
    return (
        f'<text x="{left}" y="24" fill="#222222">{escape(name)}</text>\n'
        f'<text x="{left}" y="42" fill="#555555">{values[0][1]:.0f} to {values[-1][1]:.0f} million</text>\n'
        f'<line x1="{left}" y1="{bottom}" x2="{left + _PANEL - 60}" y2="{bottom}" stroke="#555555"/>\n'
        f'<polyline points="{line}" fill="none" stroke="#2e7d5b" stroke-width="2"/>\n{dots}'
        f'<text x="{left}" y="{bottom + 20}" font-size="11" fill="#555555">{escape(values[0][0])}</text>\n'
        f'<text x="{left + _PANEL - 60}" y="{bottom + 36}" text-anchor="end" font-size="11" fill="#555555">'
        f"{escape(values[-1][0])}</text>\n"
    )
