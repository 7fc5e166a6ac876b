"""All consumers print the same bytes for every vector, and the page in docs/ says so."""

from __future__ import annotations

import pytest
from agreement import BEGIN, END, Row, Used, aligned, caption, expected_line, judge, markdown, promised, written
from judges import CHECKOUT

from consumers import CONSUMERS, Builds
from fakes.triples import X86
from sessions import say_at_end

pytestmark = pytest.mark.only_on(X86, reason="the table is of one machine, which emulates the other")

PAGE = CHECKOUT / "docs" / "agreement.md"
COMMAND = "scripts/nox -s tests -- tests/integration/test_agreement.py --write-agreement"

# What is compared, and how it is told

VECTORS = [
    {"name": f"number {n}", "candidate": f"{n}@ö.example", "options": {}, "expected": {"ok": f'{{"ü":{n}}}'}}
    for n in range(5)
]
LINES = [expected_line(vector) for vector in VECTORS]
USED = Used("a library", "0123456789abcdef" * 4)


def printed(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_a_line_is_compact_and_escapes_nothing_that_may_stand_as_it_is():
    assert LINES[0] == '{"ok":"{\\"ü\\":0}"}'


def test_the_same_bytes_agree():
    row = judge("one", VECTORS, printed(*LINES), USED)
    assert (row.passed, row.total, row.agrees, row.differences) == (5, 5, True, ())


def test_the_first_differences_are_told_with_what_was_expected():
    row = judge("one", VECTORS, printed(LINES[0], *(line.replace("ok", "err") for line in LINES[1:])), USED)
    assert (row.passed, row.agrees, len(row.differences)) == (1, False, 3)
    assert row.differences[0] == (
        'number 1: \'1@ö.example\' with {}\n  expected {"ok":"{\\"ü\\":1}"}\n  got      {"err":"{\\"ü\\":1}"}'
    )


@pytest.mark.parametrize(
    ("said", "passed", "counted"),
    [
        (printed(*LINES[:-1]), 4, "4 whole lines for 5 vectors"),
        (printed(*LINES)[:-1], 4, "4 whole lines for 5 vectors"),
        (printed(*LINES, LINES[0]), 5, "6 whole lines for 5 vectors"),
        ("", 0, "0 whole lines for 5 vectors"),
    ],
)
def test_lines_too_few_too_many_or_cut_off_are_no_agreement(said, passed, counted):
    row = judge("one", VECTORS, said, USED)
    assert (row.passed, row.agrees, row.differences[0]) == (passed, False, counted)


def test_the_table_says_the_same_in_a_terminal_and_on_a_page():
    rows = [judge("Rust", VECTORS, printed(*LINES), Used("its sources")), judge("C", VECTORS, printed(*LINES), USED)]
    assert aligned(rows) == [
        "consumer  vectors  runs         sha256",
        "--------  -------  -----------  ----------------",
        "Rust      5 of 5   its sources  -",
        "C         5 of 5   a library    0123456789abcdef",
    ]
    page = written(f"before\n{BEGIN}old\n{END}after\n", rows, "Release 1.")
    assert page == f"before\n{BEGIN}\nRelease 1.\n\n{markdown(rows)}\n{END}after\n"
    assert promised(page) == [("Rust", "5 of 5", "its sources"), ("C", "5 of 5", "a library")]


# All consumers


class Agreement:
    """The rows, each made when it is first asked for, and shown at the end of the run."""

    def __init__(self, builds: Builds, vectors: list[dict]) -> None:
        self.builds = builds
        self.vectors = vectors
        self.rows: dict[str, Row] = {}

    def row(self, name: str) -> Row:
        if name not in self.rows:
            consumer = CONSUMERS[name]
            used = consumer.used(self.builds.release)
            self.rows[name] = judge(name, self.vectors, consumer.printed(self.builds), used)
        return self.rows[name]

    def summary(self) -> str:
        rows = [self.rows[name] for name in CONSUMERS if name in self.rows]
        return "\n".join([*aligned(rows), *(f"{name}: no answers" for name in CONSUMERS if name not in self.rows)])


@pytest.fixture(scope="session")
def agreement(release, programs, vectors, tmp_path_factory, pytestconfig) -> Agreement:
    result = Agreement(Builds(release, programs, tmp_path_factory.mktemp("consumers")), vectors)
    say_at_end(pytestconfig, result.summary)
    return result


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_it_prints_the_expected_bytes_for_every_vector(agreement, consumer):
    row = agreement.row(consumer)
    assert row.agrees, "\n".join(row.differences)
    assert row.total > 500


def test_all_run_what_was_compiled_once(agreement):
    used = {agreement.row(consumer).used for consumer in CONSUMERS}
    assert len(used) == len({one.what for one in used}) > 3


def test_the_page_is_current(agreement, release, pytestconfig):
    rows = [agreement.row(consumer) for consumer in CONSUMERS]
    assert [row.consumer for row in rows if not row.agrees] == []
    page = PAGE.read_text(encoding="utf-8")
    if pytestconfig.getoption("--write-agreement", default=False):
        page = written(page, rows, caption(release.manifest["release"], release.dist / "manifest.json"))
        PAGE.write_text(page, encoding="utf-8")
    assert promised(page) == [row.cells()[:-1] for row in rows], f"run: {COMMAND}"
