from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.triples import MAC, WASM
from ferrule.core.byte_size import size
from ferrule.core.errors import BuildError
from ferrule.core.model import Digest, Machine, Outcome, Plan, Report
from ferrule.engine.events import (
    ActionFinished,
    ActionProgress,
    ActionStarted,
    Noticed,
    RunFinished,
    RunStarted,
    WorkForeseen,
)
from ferrule.engine.forecast import Forecast
from ferrule.engine.store import file_name
from ferrule.reporting import plans, reporter, style_for, table
from ferrule.reporting.report import about, duration, expectation, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.reporting.conftest import Story

    from ferrule.engine.events import Event
    from ferrule.reporting import Style

SUMMARY = "1 built, 1 unchanged, 1 failed, 1 skipped, in 2 min 17 s"


def told(story: Story) -> list[Event]:
    return [
        RunStarted(4, 2),
        WorkForeseen(Forecast(4, 4, 250.0)),
        ActionStarted(story.library.action, "never built here", 10.0),
        ActionProgress(story.library.action, "compiling [core] v1"),
        ActionFinished(story.image),
        ActionFinished(story.library),
        Noticed("a damaged cache record was dropped [x]"),
        ActionStarted(story.wheel.action, "recipe: A -> B", None),
        ActionFinished(story.wheel),
        ActionFinished(story.sums),
        RunFinished(story.outcomes, 137.4),
    ]


def shown(style: Style, story: Story, logs: Path, *, quiet: bool = False, colour: bool = False) -> str:
    stream = io.StringIO()
    with reporter(style, stream, logs=logs, colour=colour, width=100, quiet=quiet) as hear:
        for event in told(story):
            hear(event)
    return stream.getvalue()


# Words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (60.0, "1 min 00 s"), (3725.4, "62 min 05 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024 * 1024 - 1, "1.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2000 * 1024**3, "2000.0 GiB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1, "a few seconds"), (9.9, "a few seconds"), (12.0, "about 10 s"), (94.0, "about 90 s"), (96.0, "about 2 min")],
)
def test_what_is_only_expected_is_said_roughly(seconds: float, text: str) -> None:
    assert about(seconds) == text


@pytest.mark.parametrize(
    ("forecast", "text"),
    [
        (Forecast(1, 0, None), "1 action, all for the first time here; later runs build only what changed"),
        (Forecast(9, 9, 250.0), "up to 9 actions, about 4 min by earlier runs"),
        (Forecast(9, 6, None), "up to 9 actions, 3 of them for the first time here"),
        (
            Forecast(9, 6, None, (MAC,)),
            (
                "up to 9 actions, 3 of them for the first time here; "
                f"Rust's standard library is compiled from source for {MAC}, a minute or two"
            ),
        ),
        (
            Forecast(9, 9, 20.0, (MAC, WASM)),
            (
                "up to 9 actions, about 20 s by earlier runs; Rust's standard library is compiled from source for "
                f"{MAC}, {WASM}, a minute or two each"
            ),
        ),
    ],
)
def test_expectations(forecast: Forecast, text: str) -> None:
    assert expectation(forecast) == text


def test_verdicts(story: Story) -> None:
    assert [verdict(o) for o in story.outcomes] == [
        "native@x86_64-unknown-linux-gnu built in 12.3 s",
        "image cached",
        "wheel failed in 2 min 05 s: it does not compile: 100%",
        "sums skipped: wheel failed",
    ]


@pytest.mark.parametrize(
    ("json_wanted", "terminal", "github", "style"),
    [
        (True, True, True, "json"),
        (False, True, True, "github"),
        (False, True, False, "terminal"),
        (False, False, False, "lines"),
    ],
)
def test_form_follows_where_the_output_goes(json_wanted: bool, terminal: bool, github: bool, style: Style) -> None:
    assert style_for(json=json_wanted, interactive=terminal, github=github) == style


# Lines and folds


def test_lines(story: Story, tmp_path: Path) -> None:
    assert shown("lines", story, tmp_path).splitlines() == [
        "up to 4 actions, about 4 min by earlier runs",
        "  native@x86_64-unknown-linux-gnu … (never built here)",
        "  native@x86_64-unknown-linux-gnu built in 12.3 s",
        "note: a damaged cache record was dropped [x]",
        "  wheel … (recipe: A -> B)",
        "  wheel failed in 2 min 05 s: it does not compile: 100%",
        "  sums skipped: wheel failed",
        SUMMARY,
    ]


def test_lines_quietly(story: Story, tmp_path: Path) -> None:
    assert shown("lines", story, tmp_path, quiet=True) == ""


def test_github_folds_logs_and_annotates_failures(story: Story, tmp_path: Path) -> None:
    log = b"$ cargo build\n bad \xff byte\n"
    (tmp_path / f"{file_name(story.library.action.id)}.log").write_bytes(log)
    assert shown("github", story, tmp_path).splitlines() == [
        "up to 4 actions, about 4 min by earlier runs",
        "  native@x86_64-unknown-linux-gnu … (never built here)",
        "::group::native@x86_64-unknown-linux-gnu built in 12.3 s",
        f"::stop-commands::{Digest.of(log)}",
        "$ cargo build",
        " bad \ufffd byte",
        f"::{Digest.of(log)}::",
        "::endgroup::",
        "note: a damaged cache record was dropped [x]",
        "  wheel … (recipe: A -> B)",
        "::group::wheel failed in 2 min 05 s: it does not compile: 100%25",
        "::endgroup::",
        "::error title=wheel::src/lib.rs:7:5: it does not compile: 100%25%0Asecond line%0A  hint: correct it",
        "::group::sums skipped: wheel failed",
        "::endgroup::",
        SUMMARY,
    ]


@pytest.mark.parametrize("line", ["::set-output name=a::b", "  ::warning::x", "##[error]x", "\t::endgroup::", "::x::"])
def test_no_line_of_a_log_is_a_command_to_github(story: Story, tmp_path: Path, line: str) -> None:
    (tmp_path / "wheel.log").write_text(f"first\n{line}\nlast\n")
    lines = shown("github", story, tmp_path).splitlines()
    begin = next(n for n, w in enumerate(lines) if w.startswith("::stop-commands::"))
    word = lines[begin].removeprefix("::stop-commands::")
    shown_line = line.replace("##[", "\\x23#[")
    assert lines[begin + 1 : begin + 5] == ["first", shown_line, "last", f"::{word}::"]


def test_title_of_an_annotation_is_escaped(story: Story, tmp_path: Path) -> None:
    odd = replace(story.wheel, action=replace(story.wheel.action, id="image:base,x"))
    stream = io.StringIO()
    with reporter("github", stream, logs=tmp_path, colour=False, width=None, quiet=False) as hear:
        hear(ActionFinished(odd))
    assert "::error title=image%3Abase%2Cx::" in stream.getvalue()


# JSON


def test_json_is_an_event_a_line(story: Story, tmp_path: Path) -> None:
    events = [json.loads(line) for line in shown("json", story, tmp_path).splitlines()]
    assert [e["event"] for e in events] == [
        "run-started",
        "work-foreseen",
        "action-started",
        "action-progress",
        "action-finished",
        "action-finished",
        "notice",
        "action-started",
        "action-finished",
        "action-finished",
        "run-finished",
    ]
    assert events[0] == {"event": "run-started", "actions": 4, "jobs": 2}
    assert events[1] == {
        "event": "work-foreseen",
        "actions": 4,
        "timed": 4,
        "seconds": 250.0,
        "std_from_source": [],
    }
    assert events[2]["expected_seconds"] == 10.0
    assert events[3] == {
        "event": "action-progress",
        "action": "native@x86_64-unknown-linux-gnu",
        "text": "compiling [core] v1",
    }
    assert events[5]["files"] == [
        {"name": "lib.so", "sha256": story.library.files[0].digest.hex, "size": 20480},
    ]
    failed = events[8]
    assert (failed["state"], failed["hint"]) == ("failed", "correct it")
    assert failed["error"].startswith("src/lib.rs:7:5: it does not compile")
    assert events[-1] == {
        "event": "run-finished",
        "seconds": 137.4,
        "built": 1,
        "cached": 1,
        "shared": 0,
        "remote": 0,
        "failed": 1,
        "skipped": 1,
    }


# Terminal


def test_terminal_keeps_a_line_of_all_that_was_done(story: Story, tmp_path: Path) -> None:
    text = shown("terminal", story, tmp_path)
    for line in (
        "✓ native@x86_64-unknown-linux-gnu built in 12.3 s",
        "note: a damaged cache record was dropped [x]",
        "✗ wheel failed in 2 min 05 s: it does not compile: 100%",
        "- sums skipped: wheel failed",
        SUMMARY,
    ):
        assert line in text
    assert "image" not in text
    assert "\x1b[3" not in text


def test_terminal_quietly(story: Story, tmp_path: Path) -> None:
    assert shown("terminal", story, tmp_path, quiet=True).strip() == ""


def test_terminal_hears_of_actions_it_never_saw(story: Story, tmp_path: Path) -> None:
    stream = io.StringIO()
    with reporter("terminal", stream, logs=tmp_path, colour=False, width=80, quiet=False) as hear:
        hear(ActionProgress(story.library.action, "early"))
        hear(ActionFinished(story.sums))
    assert "sums skipped" in stream.getvalue()


# Table


def folder_digest(story: Story) -> str:
    """Of the two files of the image, as its definition says."""
    lines = sorted(f"{p.file}\0{644}\0{p.digest.hex}\n" for p in story.report.placed if p.file.startswith("image/"))
    assert len(lines) == 2
    return Digest.of("".join(lines).encode()).short


def succeeded(story: Story) -> Report:
    return Report(tuple(o for o in story.outcomes if o.state not in {"failed", "skipped"}), story.report.placed)


def test_table(story: Story) -> None:
    stream = io.StringIO()
    table.show(succeeded(story), stream, colour=False, width=100)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert lines == [
        "file    target                        size  sha256             time",
        f"lib.so  x86_64-unknown-linux-gnu  20.0 KiB  {story.library.files[0].digest.short}     12.3 s",
        f"image/  all                        1.0 KiB  {folder_digest(story)}  unchanged",
    ]


def row(file: str, artifact: str = "a", target: str = "x86_64-unknown-linux-gnu", state: str = "1.0 s") -> table.Row:
    return table.Row(file, artifact, target, 2048, "0123456789ab", state)


def written(rows: list[table.Row], width: int) -> list[str]:
    stream = io.StringIO()
    table.show_rows(rows, stream, colour=False, width=width)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_files_that_accompany_others_are_one_row_for_each_ending() -> None:
    rows = [
        *(
            row("d-1.whl"),
            row("image/", "image"),
            row("d-1.whl.cdx.json", "sbom", "all"),
            row("lone.cdx.json", "other"),
        ),
        *(
            row("image.cdx.json", "sbom", "all"),
            row("d-1.cdx.json", "sbom", "all", "2.0 s"),
            row("SUMS", "sums", "all"),
        ),
        row("SUMS.sig", "sums"),
    ]
    folded = table.folded(rows)
    assert [r.file for r in folded] == ["d-1.whl", "image/", "*.cdx.json, 3 files", "lone.cdx.json", "SUMS", "SUMS.sig"]
    assert (folded[2].size, folded[2].state, folded[2].artifact) == (3 * 2048, "", "sbom")
    assert table.folded(folded) == folded


LONG = "demo-1.2.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (60, "file size time"),
        (80, "file size time"),
        (110, "file target size time"),
        (130, "file target size sha256 time"),
    ],
)
def test_no_name_is_broken_for_a_column_that_can_be_missed(width: int, columns: str) -> None:
    lines = written([row(LONG), row("b")], width)
    assert lines[0].split() == columns.split()
    assert max(map(len, lines)) <= width
    assert "".join(line.split()[0] for line in lines[1:-1]) == LONG
    assert len(lines) == (4 if width <= 80 else 3)


def test_where_nothing_was_built_no_row_says_so() -> None:
    assert written([row("a", state="unchanged"), row("b", state="unchanged")], 80)[0].split()[-1] == "sha256"
    assert written([row("a", state="unchanged"), row("b", state="remote")], 80)[0].split()[-1] == "time"


def test_a_failure_lists_no_files_because_none_was_placed(story: Story) -> None:
    stream = io.StringIO()
    table.show(story.report, stream, colour=False, width=100)
    assert [line.rstrip() for line in stream.getvalue().splitlines()] == [
        "",
        "wheel failed",
        "  src/lib.rs:7:5: it does not compile: 100%",
        "second line",
        "  hint: correct it",
        "",
        "sums skipped",
        "  wheel failed",
    ]
    assert table.markdown(story.report).splitlines() == [
        "",
        "**wheel failed**: it does not compile: 100%",
        "",
        "**sums skipped**: wheel failed",
    ]


@pytest.mark.parametrize("style", ["lines", "github", "terminal"])
def test_what_comes_from_outside_is_never_obeyed(story: Story, style: Style, tmp_path: Path) -> None:
    stream = io.StringIO()
    foreign = "\x1b]0;title\x07\x1b[2J\u202e\udcff"
    outcome = Outcome(story.library.action, "failed", reason=foreign, error=BuildError(foreign))
    with reporter(style, stream, logs=tmp_path, colour=False, width=200, quiet=False) as listen:
        listen(Noticed(foreign))
        listen(ActionStarted(story.library.action, foreign, None))
        listen(ActionProgress(story.library.action, foreign))
        listen(ActionFinished(outcome))
    table.show(Report((outcome,), ()), stream, colour=False, width=200)
    written = stream.getvalue()
    assert "\\x1b]0;title" in written
    assert not set(written) & set("\x07\u202e\udcff")
    assert "\x1b]" not in written


def test_table_of_nothing() -> None:
    stream = io.StringIO()
    table.show(Report((), ()), stream, colour=False, width=100)
    assert stream.getvalue() == ""


def test_table_as_markdown(story: Story) -> None:
    assert table.markdown(succeeded(story)).splitlines() == [
        "| artifact | target | size | sha256 | time |",
        "| --- | --- | ---: | --- | ---: |",
        f"| `lib.so` | x86_64-unknown-linux-gnu | 20.0 KiB | `{story.library.files[0].digest.short}` | 12.3 s |",
        f"| `image/` | all | 1.0 KiB | `{folder_digest(story)}` | unchanged |",
    ]


# Plans


def plan(story: Story) -> Plan:
    return Plan("demo", "1.2.3", tuple(o.action for o in story.outcomes))


def test_plan_as_text(story: Story) -> None:
    assert plans.text(plan(story)).splitlines() == [
        "demo 1.2.3: 4 actions",
        "",
        "native (kind)",
        "  native@x86_64-unknown-linux-gnu",
        "      dist/lib.so",
        "",
        "image (kind)",
        "  image",
        "      dist/image/",
        "",
        "wheel (kind)",
        "  wheel",
        "      dist/wheel",
        "",
        "sums (kind)",
        "  sums",
        "      dist/sums",
    ]


def test_plan_says_what_needs_a_machine_of_its_own(story: Story) -> None:
    (first, *others) = plan(story).actions
    picky = replace(plan(story), actions=(replace(first, machine=Machine("macos", "only Macs sign")), *others))
    lines = plans.text(picky).splitlines()
    assert lines[lines.index("      dist/lib.so") + 1] == "      only on macOS: only Macs sign"


def test_plan_with_reasons(story: Story) -> None:
    reasons = {o.action.id: f"because of {o.action.artifact}" for o in story.outcomes}
    assert "      why: because of wheel" in plans.text(plan(story), reasons).splitlines()


def test_plan_as_graphs(story: Story) -> None:
    dot = plans.graph(plan(story), "dot").splitlines()
    assert dot[0] == "digraph plan {"
    assert '  a0 [label="native@x86_64-unknown-linux-gnu"];' in dot
    assert "  a2 -> a3;" in dot
    mermaid = plans.graph(plan(story), "mermaid").splitlines()
    assert mermaid[0] == "flowchart LR"
    assert '  a1["image"]' in mermaid
    assert "  a2 --> a3" in mermaid
