"""The report of a release: what was built for which target, when and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ferrule.reporting.page import graph, matrix, sizes, timeline, words
from ferrule.reporting.page.document import document
from ferrule.reporting.page.markup import Html, joined, tag
from ferrule.reporting.page.subject import PageContent, short, subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.reporting.journal import JournalRun, JournalStep
    from ferrule.reporting.page.markup import Node

__all__ = ["PageContent", "page", "subject"]

_PARTS: Final = {
    "matrix": "Artifacts",
    "timeline": "Timeline",
    "why": "Why",
    "sections": "Sections",
    "releases": "Over releases",
    "graph": "Graph",
    "tools": "Tools",
    "undone": "Not built",
}


def page(about: PageContent) -> str:
    """The whole page. The same values always give the same text."""
    title = f"{about.plan.project} {about.plan.version}"
    return document(
        f"{title}: release report",
        _PARTS,
        tag("header", tag("h1", title), _source(about), _summary(about), _alarm(about)),
        (
            matrix.part(about),
            timeline.part(about),
            _why(about),
            sizes.by_section(about),
            sizes.over_releases(about),
            graph.part(about),
            _tools(about),
            _undone(about),
        ),
        "Written by ferrule report. Hover over a number for all its digits.",
        styles=("page.css",),
        script="page.js",
    )


# Above all


def _source(about: PageContent) -> Html:
    release = about.release
    if release is None:
        return words.paragraph("Nothing has been released yet: this page shows the plan.")
    if release.commit is None:
        return words.paragraph("Built from sources outside of a Git repository.")
    changed = ", with uncommitted changes" if release.dirty else ""
    return words.paragraph("Built from commit ", words.digest(release.commit), changed, ".")


def _summary(about: PageContent) -> Html:
    return tag("dl", (tag("div", tag("dt", name), tag("dd", value)) for name, value in _figures(about)))


def _figures(about: PageContent) -> Iterator[tuple[str, Node]]:
    if about.release:
        shipped = about.release.shipped
        count = tag("data", _counted(len(shipped), "file"), value=len(shipped))
        yield "in dist/", joined(count, ", ", words.exact(sum(file.size for file in shipped)))
    run = about.last
    if run:
        states = [str(step.state) for step in run.steps]
        yield "last run that built something", f"ferrule {run.command}, {_when(run)}"
        yield "took", words.took(run.seconds)
        path = timeline.critical_path(run.steps)
        yield "critical path", words.took(sum(step.seconds for step in path))
        counts = [(states.count(state), word) for state, word in _COUNTED.items()]
        yield "actions", ", ".join(f"{count} {word}" for count, word in counts if count)


_COUNTED: Final = {
    "built": "built",
    "cached": "from the cache",
    "shared": "from other checkouts",
    "remote": "from the remote cache",
    "failed": "failed",
    "skipped": "skipped",
}


def _when(run: JournalRun) -> str:
    try:
        time = datetime.fromtimestamp(0, UTC) + timedelta(seconds=run.started)
    except OverflowError:
        return "at an impossible time"
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _alarm(about: PageContent) -> Html | None:
    if about.last is None or not about.last.failed:
        return None
    failed = [step for step in about.last.steps if step.state == "failed"]
    items = (tag("li", tag("b", words.label(step)), f": {step.reason}") for step in failed)
    files = "The files in dist/ are from an earlier run." if about.release else "dist/ is empty."
    return tag("div", tag("p", f"The last run failed. {files}"), tag("ul", items), class_="alarm", role="note")


# Why


def _why(about: PageContent) -> Html:
    if about.last is None:
        return words.section("why", "Why it was built", words.paragraph("No run that built something is recorded."))
    done = sorted((s for s in about.last.steps if not s.cached), key=lambda step: step.start)
    cached = [step for step in about.last.steps if step.cached]
    summary = f"{_counted(len(done), 'action')} had to run, {len(cached)} came from the cache."
    field = tag("input", type="search", id="filter", autocomplete="off", spellcheck="false")
    return words.section(
        "why",
        "Why it was built",
        words.paragraph(summary),
        tag(
            "p",
            tag("label", "Filter: ", field),
            tag("span", id="left", role="status"),
            id="filtering",
            hidden=True,
        ),
        _steps(about, "What was built, and why", done) if done else None,
        tag("details", tag("summary", f"{len(cached)} from the cache"), _steps(about, "Results from the cache", cached))
        if cached
        else None,
    )


def _steps(about: PageContent, caption: str, steps: list[JournalStep]) -> Html:
    timed = any(step.expected is not None for step in steps)
    rows: list[tuple[Node, ...]] = [
        (
            joined(words.mark(step.state), " ", tag("span", words.label(step), data_a=about.numbers[step.id])),
            step.reason.replace(" -> ", " → "),
            words.took(step.start) if step.ran else "",
            words.took(step.seconds) if step.ran else "",
            *([words.took(step.expected) if step.expected is not None else ""] if timed else []),
            words.digest(step.key) if step.key else "",
        )
        for step in steps
    ]
    head = ("action", "because", "started at", "took", *(["took previously"] if timed else []), "key")
    return words.table(caption, head, rows, numeric=(2, 3, 4) if timed else (2, 3))


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


# Tools


def _tools(about: PageContent) -> Html:
    release = about.release
    tools = release.toolchain if release else None
    if tools is None or not tools.tools:
        return words.section("tools", "Tools", words.paragraph("Nothing of this release needed a compiler."))
    rows: list[tuple[Node, ...]] = []
    for name, identity in sorted(tools.tools.items()):
        version, _, more = identity.partition("; ")
        rows.append(
            (tag("code", name), joined(version, tag("details", tag("summary", "more"), more)) if more else version)
        )
    rust = words.paragraph(_RUST_SOURCES.get(tools.rust_source, "Rust was installed already."))
    return words.section("tools", "Tools", rust, words.table("Tools", ("tool", "version"), rows))


_RUST_SOURCES: Final = {
    "distribution": "Rust was installed from packages of the distribution.",
    "rustup": "Rust was installed by rustup.",
}

# What was not done


def _undone(about: PageContent) -> Html:
    rows = list(_gaps(about))
    return words.section(
        "undone",
        "What was not built, and why",
        words.table("What was not built, and why", ("what", "why"), rows)
        if rows
        else words.paragraph("Nothing: everything in the plan was built."),
        tag("ul", (tag("li", note) for note in _notes(about)), class_="notes"),
    )


def _gaps(about: PageContent) -> Iterator[tuple[Node, ...]]:
    steps = about.last.steps if about.last else ()
    yield from ((words.label(s), joined(words.state(s.state), ": ", s.reason)) for s in steps if s.state == "failed")
    yield from ((words.label(s), joined(words.state(s.state), ": ", s.reason)) for s in steps if s.state == "skipped")
    listed = {step.id for step in steps if step.state in {"failed", "skipped"}}
    for action in about.plan.actions:
        if action.id not in listed and action.outputs and not about.files(action):
            yield words.label(action), "planned, but not in dist/ yet"
    left_out: dict[tuple[str, str], list[str]] = {}
    for (artifact, target), why in about.absent.items():
        left_out.setdefault((artifact, why), []).append(short(target))
    yield from ((f"{artifact} · {', '.join(targets)}", why) for (artifact, why), targets in left_out.items())


def _notes(about: PageContent) -> Iterator[str]:
    if about.last:
        yield from about.last.notes
    yield from about.notes
