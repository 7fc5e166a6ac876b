"""The timeline of a run, and its critical path."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ferrule.reporting.page import words
from ferrule.reporting.page.bars import BASELINE, HEIGHT, labels, percent, within
from ferrule.reporting.page.markup import Html, joined, tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.reporting.journal import JournalRun, JournalStep
    from ferrule.reporting.page.markup import Node
    from ferrule.reporting.page.subject import PageContent

_ABOVE: Final = 16
_LANE: Final = _ABOVE + HEIGHT + 10
_THINNEST: Final = 0.2
"""The least width of a bar, in percent of the whole."""
_STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900)
_TICKS: Final = 6


def critical_path(steps: tuple[JournalStep, ...]) -> tuple[JournalStep, ...]:
    """The chain of actions, each needing the one before, whose recipes took the most time together.

    No number of jobs makes a run shorter than their sum. Actions that were not run take no time and are left out.
    """
    sums: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for step in steps:
        before[step.id] = max((need for need in step.needs if need in sums), key=lambda need: sums[need], default=None)
        sums[step.id] = sums.get(before[step.id] or "", 0.0) + (step.seconds if step.ran else 0.0)
    by_id = {step.id: step for step in steps}
    at = max(sums, key=lambda step_id: sums[step_id], default=None)
    chain: list[JournalStep] = []
    while at is not None:
        chain.append(by_id[at])
        at = before[at]
    return tuple(step for step in reversed(chain) if step.ran)


def lanes(steps: tuple[JournalStep, ...]) -> tuple[tuple[JournalStep, ...], ...]:
    """The actions that ran, by job: each goes to the first job that was free when it started."""
    jobs: list[list[JournalStep]] = []
    for step in sorted((s for s in steps if s.ran), key=lambda s: s.start):
        free = next((lane for lane in jobs if lane[-1].end <= step.start), None)
        if free is None:
            jobs.append([step])
        else:
            free.append(step)
    return tuple(tuple(lane) for lane in jobs)


@dataclass(frozen=True, slots=True)
class _Chart:
    """What all parts of the drawing share: seconds of the whole, numbers of actions, and those on the path."""

    span: float
    subject: PageContent
    path: tuple[JournalStep, ...]

    def share(self, seconds: float) -> float:
        """A time as a part of the whole width, in percent."""
        return 100 * min(seconds / self.span, 1.0)

    def x(self, seconds: float) -> str:
        return percent(self.share(seconds))


def part(subject: PageContent) -> Html:
    """The section about the last run."""
    run = subject.last
    if run is None:
        nothing = "No run that built something is recorded. The next one will be shown here."
        return words.section("timeline", "Timeline", words.paragraph(nothing))
    path = critical_path(run.steps)
    worked = sum(step.seconds for step in run.steps)
    return words.section(
        "timeline",
        "Timeline",
        words.paragraph(_account(run, path, worked)),
        words.key_of(
            [
                ("critical", "on the critical path"),
                ("work", "other work"),
                *([("cached", "from the cache")] if any(s.cached for s in run.steps) else []),
                *([("broken", "failed")] if any(s.state == "failed" for s in run.steps) else []),
            ]
        ),
        _drawing(subject, run, path),
        _chain(path, run),
    )


def _account(run: JournalRun, path: tuple[JournalStep, ...], worked: float) -> str:
    if not path:
        return f"No action ran; the run took {words.took(run.seconds)}."
    sum_ = sum(step.seconds for step in path)
    jobs = "one job" if run.jobs == 1 else f"{run.jobs} jobs"
    return (
        f"The run took {words.took(run.seconds)}. Its critical path, the longest chain of actions that wait for each "
        f"other, sums up to {words.took(sum_)}: {_share(sum_, run.seconds)} of that. "
        f"All work together was {words.took(worked)}, on {jobs}."
    )


def _share(part_: float, whole: float) -> str:
    percent_ = 100 * part_ / whole if whole > 0 else 100.0
    return "< 1 %" if percent_ < 1 else f"{percent_:.0f} %"


def _chain(path: tuple[JournalStep, ...], run: JournalRun) -> Node:
    if not path:
        return None
    sum_ = sum(step.seconds for step in path)
    rows: list[tuple[Node, ...]] = [
        (words.label(step), words.took(step.seconds), _share(step.seconds, run.seconds)) for step in path
    ]
    rows.append((tag("b", "total"), tag("b", words.took(sum_)), tag("b", _share(sum_, run.seconds))))
    rows.append(("the run", words.took(run.seconds), ""))
    table = words.table("The critical path", ("action", "took", "of the run"), rows, numeric=(1, 2))
    return joined(tag("h3", "The critical path"), table)


def _drawing(subject: PageContent, run: JournalRun, path: tuple[JournalStep, ...]) -> Html:
    rows = lanes(run.steps)
    cached = [step for step in run.steps if step.cached]
    chart = _Chart(max(run.seconds, *(step.end for step in run.steps), 0.001), subject, path)
    top = _LANE if cached else 0
    height = top + _LANE * len(rows)
    tops = {step.id: top + _LANE * at for at, lane in enumerate(rows) for step in lane}
    count = sum(len(lane) for lane in rows)
    return tag(
        "figure",
        tag(
            "svg",
            _axis(chart, height),
            _links(chart, tops),  # first, so that what lies on their way stands before them
            _cached_marks(chart, cached) if cached else None,
            (_lane(chart, lane, top + _LANE * at, f"job {at + 1}") for at, lane in enumerate(rows)),
            class_="timeline",
            width="100%",
            height=height + 22,
            role="img",
            aria_label=f"Timeline of {count} actions on {len(rows)} jobs; the tables below have the same data.",
        ),
    )


def _axis(chart: _Chart, height: int) -> Html:
    step = next((s for s in _STEPS if chart.span / s <= _TICKS), None) or chart.span / _TICKS
    ticks = [step * at for at in range(int(chart.span / step) + 1)]
    return joined(_tick(chart, seconds, height) for seconds in ticks)


def _tick(chart: _Chart, seconds: float, height: int) -> Html:
    at = chart.share(seconds)
    anchor = "start" if at == 0 else "end" if at > 96 else "middle"  # noqa: PLR2004 - near the end
    line = tag("line", x1=percent(at), x2=percent(at), y1=0, y2=height, class_="grid")
    text = tag("text", _tick_text(seconds), x=percent(at), y=height + 16, text_anchor=anchor)
    return joined(line, text)


def _tick_text(seconds: float) -> str:
    """The label of a tick on the axis."""
    if not seconds:
        return "0"
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    return f"{seconds:g} s" if seconds <= 60 else f"{seconds / 60:g} min"  # noqa: PLR2004 - a minute


def _cached_marks(chart: _Chart, steps: list[JournalStep]) -> Html:
    marks = (
        tag(
            "line",
            tag("title", f"{words.label(step)}: {step.reason}"),
            x1=chart.x(step.start),
            x2=chart.x(step.start),
            y1=_ABOVE,
            y2=_ABOVE + HEIGHT,
            class_="cached",
            data_a=chart.subject.numbers[step.id],
        )
        for step in steps
    )
    return joined(tag("text", f"{len(steps)} from the cache", x=0, y=_ABOVE - 5, class_="lane"), marks)


def _lane(chart: _Chart, lane: tuple[JournalStep, ...], y: int, name: str) -> Html:
    ends = [step.start for step in lane[1:]] + [chart.span]
    bars = (_bar(chart, step, y + _ABOVE, until) for step, until in zip(lane, ends, strict=True))
    return joined(tag("text", name, x=0, y=y + _ABOVE - 5, class_="lane"), bars)


def _bar(chart: _Chart, step: JournalStep, y: int, until: float) -> Html:
    right = chart.share(step.end)
    left = min(chart.share(step.start), right - _THINNEST)
    width = right - left
    on_path = any(step.id == other.id for other in chart.path)
    kind = "broken" if step.state == "failed" else "critical" if on_path else "work"
    hint = f"{words.label(step)}: {words.took(step.seconds)}, from {words.took(step.start)} on; {step.reason}"
    name, time = words.name_of(step), words.took(step.seconds)
    texts = [f"{words.label(step)} · {time}", words.label(step), *([] if step.target else [f"{name} · {time}"]), name]
    inside = labels(texts, width)
    behind = {at: text for at, text in labels(texts, chart.share(until) - right).items() if at not in inside}
    return tag(
        "g",
        tag("title", hint),
        tag("rect", x=percent(left), y=y, width=percent(width), height=HEIGHT, rx=2),
        within(inside, left, y, width),
        (
            tag("text", text, x=percent(right), dx=5, y=y + BASELINE, class_=f"beside {at}")
            for at, text in behind.items()
        ),
        class_=f"bar {kind}",
        data_a=chart.subject.numbers[step.id],
    )


def _links(chart: _Chart, tops: dict[str, int]) -> Iterator[Html]:
    for before, after in pairwise(chart.path):
        y1, y2 = (tops[step.id] + _ABOVE + HEIGHT / 2 for step in (before, after))
        yield tag("line", x1=chart.x(before.end), x2=chart.x(after.start), y1=y1, y2=y2, class_="link")
