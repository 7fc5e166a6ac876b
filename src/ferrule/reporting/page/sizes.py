"""Sizes: each binary by section, and each shipped artifact over the recorded releases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferrule.core.byte_size import size
from ferrule.core.facts import Facts
from ferrule.reporting.page import words
from ferrule.reporting.page.bars import HEIGHT, labels, percent, within
from ferrule.reporting.page.markup import Html, joined, number, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.reporting.journal import JournalRun
    from ferrule.reporting.page.markup import Node
    from ferrule.reporting.page.subject import PageContent

PURPOSES: Final = {
    "code": "code",
    "constants": "constants",
    "variables": "variables",
    "unwinding": "unwinding",
    "linking": "linking",
    "module": "core module",
    "other": "other",
    "rest": "headers and padding",
    "memory": "only in memory",
}
"""What sections are for, by class in the style sheet; `memory` takes no room in the file, `rest` is in no section."""

# The first pattern that matches the whole name decides. ELF: gABI and psABI, Go's names from its linker; Mach-O by
# segment and section; WebAssembly by the kinds of sections of modules and components.
_RULES: Final = tuple(
    (re.compile(pattern), purpose)
    for pattern, purpose in (
        (r"\.t?bss.*|\.sbss|\.noptrbss|\.relro_padding|__\w+,__(thread_)?bss|__\w+,__common", "memory"),
        (r"\.text.*|\.init|\.fini|__TEXT,__text|code", "code"),
        (r"module", "module"),
        (r"\.eh_frame.*|\.gcc_except_table.*|\.gopclntab", "unwinding"),
        (r"__TEXT,__(eh_frame|gcc_except_tab|unwind_info)", "unwinding"),
        (
            r"\.rodata.*|\.data\.rel\.ro.*|\.typelink|\.itablink|\.go\.(type|func|module)|__\w+,__(const|cstring|literal\d+)|data",
            "constants",
        ),
        (r"\.(go|noptr)?data.*|\.tdata.*|\.(init|fini)_array|__\w+,__(data|thread_data|thread_vars)", "variables"),
        (
            r"\.(dyn|gnu\.|rela?\b|got|plt|hash|interp|sym|str|shstr).*|__\w+,__(stubs|stub_helper|la_symbol_ptr|got)",
            "linking",
        ),
        (r"alias|canon|(core-)?(instance|type|export|import)|function|table|element|global|memory|start", "linking"),
    )
)


def purpose(section: str) -> str:
    """What a section is for, one of PURPOSES.

    >>> purpose(".text"), purpose("__TEXT,__const"), purpose("custom:name")
    ('code', 'constants', 'other')
    """
    return next((name for pattern, name in _RULES if pattern.fullmatch(section)), "other")


@dataclass(frozen=True, slots=True)
class Binary:
    """A file whose sections were measured; sizes are in bytes, `size` is that of the file."""

    artifact: str
    action: str
    role: str
    name: str
    size: int
    sections: Mapping[str, int]

    def by_purpose(self) -> dict[str, int]:
        """Bytes in the file by purpose, in the order of PURPOSES, and last what no section holds."""
        sums = dict.fromkeys(PURPOSES, 0)
        for section, count in self.sections.items():
            sums[purpose(section)] += count
        del sums["memory"]
        sums["rest"] = max(self.size - sum(sums.values()), 0)
        return {name: count for name, count in sums.items() if count}


def binaries(subject: PageContent) -> list[Binary]:
    """Every file of the release whose sections are in the manifest, in the order of the plan."""
    facts = subject.release.facts if subject.release else {}
    measured: list[Binary] = []
    for action in subject.plan.actions:
        for role, file_facts in sorted(facts.get(action.id, Facts()).compiled.items()):
            sections = file_facts.sections
            output = next((o for o in action.outputs if o.role == role), None)
            if sections and output:
                paths = {output.name, output.ships}
                file = next((f for f in subject.files(action) if f.path in paths), None)
                count = file.size if file else sum(sections.values())
                measured.append(Binary(action.artifact, action.id, role, output.name, count, sections))
    return measured


_SMALL: Final = 0.1
"""Changes of fewer per cent are written in bytes."""


def by_section(subject: PageContent) -> Html:
    """The section about the sizes of binaries."""
    measured = binaries(subject)
    if not measured:
        nothing = "No binary of this release has been measured."
        return words.section("sections", "Sizes by section", words.paragraph(nothing))
    used = [name for name in PURPOSES if any(name in binary.by_purpose() for binary in measured)]
    most: dict[str, int] = {}
    for binary in measured:
        most[binary.artifact] = max(most.get(binary.artifact, 1), sum(binary.by_purpose().values()))
    text = "What fills each file. The bars of an artifact share one scale; sections without bytes in it are left out."
    return words.section(
        "sections",
        "Sizes by section",
        words.paragraph(text),
        words.key_of([(name, PURPOSES[name]) for name in used]),
        *(_bar(subject, binary, most[binary.artifact]) for binary in measured),
        tag("details", tag("summary", "Every section"), _every(measured)),
    )


def _bar(subject: PageContent, binary: Binary, most: int) -> Html:
    action = next(a for a in subject.plan.actions if a.id == binary.action)
    heading = tag(
        "div",
        tag("span", tag("b", words.label(action)), " ", tag("code", binary.name)),
        tag("span", words.exact(binary.size)),
        class_="heading",
    )
    text = ", ".join(f"{PURPOSES[name]} {size(count)}" for name, count in binary.by_purpose().items())
    drawn = tag(
        "svg",
        _pieces(binary, most),
        class_="stack",
        width="100%",
        height=HEIGHT,
        role="img",
        aria_label=f"{binary.name} for {action.target or 'all targets'}: {text}",
    )
    return tag("div", heading, drawn, class_="sized", data_a=subject.numbers[action.id])


def _pieces(binary: Binary, most: int) -> Iterator[Html]:
    left = 0.0
    for name, count in binary.by_purpose().items():
        share = 100 * count / most
        texts = [f"{PURPOSES[name]} {size(count)}", PURPOSES[name], size(count)]
        yield tag(
            "g",
            tag("title", f"{PURPOSES[name]}: {size(count)} ({count:,} bytes)"),
            tag("rect", x=percent(left), y=0, width=percent(share), height=HEIGHT),
            within(labels(texts, share), left, 0, share),
            class_=f"piece {name}",
        )
        left += share


def _every(measured: list[Binary]) -> Html:
    rows: list[tuple[Node, ...]] = [
        (
            joined(binary.action, " ", tag("code", binary.name)),
            tag("code", section),
            PURPOSES[purpose(section)],
            tag("data", f"{count:,}", value=str(count)),
        )
        for binary in measured
        for section, count in sorted(binary.sections.items(), key=lambda item: (-item[1], item[0]))
    ]
    return words.table("Every section", ("file", "section", "for", "bytes"), rows, numeric=(3,))


# Over releases


@dataclass(frozen=True, slots=True)
class Point:
    """A recorded release: its name, and the bytes that it ships by action."""

    name: str
    sizes: Mapping[str, int]


def points(subject: PageContent) -> list[Point]:
    """The releases among the recorded runs, the oldest first; of several in a row with equal sizes, the first."""
    history: list[Point] = []
    for run in subject.runs:
        if run.whole:
            sizes = _shipped(run)
            if not history or history[-1].sizes != sizes:
                history.append(Point(f"{run.release} (run {run.number})", sizes))
    return history


def _shipped(run: JournalRun) -> dict[str, int]:
    sums = {step.id: sum(file.size for file in step.files if file.ships) for step in run.steps}
    return {action: count for action, count in sums.items() if count}


def over_releases(subject: PageContent) -> Html:
    """The section about sizes over releases."""
    history = points(subject)
    if len(history) < 2:  # noqa: PLR2004 - a line has two ends
        text = f"So far there is one: {history[0].name}." if history else "None is recorded so far."
        more = "Once a release with different sizes is built, this section compares them."
        return words.section("releases", "Sizes over releases", words.paragraph(f"{text} {more}"))
    actions = list(dict.fromkeys(action for point in history for action in point.sizes))
    names = {action.id: words.label(action) for action in subject.plan.actions}
    rows = [
        _history(names.get(action, action), [point.sizes.get(action) for point in history], history)
        for action in actions
    ]
    span = f"From {history[0].name} to {history[-1].name}; each line has its own scale, of at least five per cent."
    head = ("what ships", "over releases", "first", "last", "change")
    table = words.table("Sizes over releases", head, rows, numeric=(2, 3, 4))
    return words.section("releases", "Sizes over releases", words.paragraph(span), table)


def _history(name: str, sizes: list[int | None], history: list[Point]) -> tuple[Node, ...]:
    counts = [count for count in sizes if count is not None]
    first, last = counts[0], counts[-1]
    change = 100 * (last - first) / first
    change_text = (
        "as it was" if last == first else f"{change:+.1f} %" if abs(change) >= _SMALL else f"{last - first:+,} B"
    )
    line = _line(name, [(point.name, count) for point, count in zip(history, sizes, strict=True)])
    return (name, line, words.exact(first), words.exact(last), change_text)


def _line(name: str, sizes: list[tuple[str, int | None]]) -> Html:
    counts = [count for _, count in sizes if count is not None]
    middle = (max(counts) + min(counts)) / 2
    reach = max(max(counts) - min(counts), middle * 0.05, 1) / 2
    at = [
        (4 + 132 * index / (len(sizes) - 1), 14 - 10 * (count - middle) / reach, f"{label}: {size(count)}")
        for index, (label, count) in enumerate(sizes)
        if count is not None
    ]
    return tag(
        "svg",
        tag("polyline", points=" ".join(f"{number(x)},{number(y)}" for x, y, _ in at)),
        (
            tag("circle", tag("title", label), cx=x, cy=y, r=3.5 if index == len(at) - 1 else 2.5)
            for index, (x, y, label) in enumerate(at)
        ),
        class_="line",
        width=140,
        height=28,
        role="img",
        aria_label=f"{name}: " + ", ".join(label for _, _, label in at),
    )
