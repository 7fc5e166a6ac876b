"""Every screen of every command: on terminals of 60, 80 and 120 columns, with and without colours, in a pipe and in CI.

What is expected is in tests/golden/screens, a file a screen; see there before a change of it is committed.
"""

from __future__ import annotations

import difflib
import re
import shutil
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from fakes.screen import demo_project, in_pipe, on_terminal, while_it_runs
from fakes.triples import ARM, MAC, X86
from ferrule.cli.commands import SUMMARIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fakes.screen import Seen
    from fakes.toolchain import Demo

    Prepare = Callable[[Demo], AbstractContextManager[object]]

GOLDEN = Path(__file__).parent / "golden" / "screens"
WRITE = "pytest tests/test_screens.py --write-screens"
SOURCE = "rust/demo-ffi/src/lib.rs"
EVERYWHERE = ("60 columns, no colours", "80 columns", "120 columns", "in a pipe")
IN_CI = (*EVERYWHERE, "in GitHub Actions")
IN_A_PIPE = EVERYWHERE[3:4]
AT_80 = EVERYWHERE[1:2]


@dataclass(frozen=True)
class Screen:
    """A command, what is done before it, and where it is seen; of output for programs the first `lines` are enough."""

    name: str
    words: str
    prepare: Prepare = lambda _: nullcontext()
    project: Literal["bare", "released", "small"] = "bare"
    seen: tuple[str, ...] = EVERYWHERE
    folder: str = "."
    lines: int | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def see(self, demo: Demo, where: str) -> Seen:
        """Run the command there."""
        words, folder = tuple(self.words.split()), demo.project / self.folder
        with self.prepare(demo):
            if where == "in a pipe":
                return in_pipe(demo, words, folder, **self.environment)
            if where == "in GitHub Actions":
                return in_pipe(demo, words, folder, CI="true", GITHUB_ACTIONS="true", **self.environment)
            colours = {"NO_COLOR": "1"} if "no colours" in where else {}
            return on_terminal(demo, words, int(where.partition(" ")[0]), folder, **colours, **self.environment)

    def text(self, demo: Demo) -> str:
        """Everything that is seen of it, a part for each place; what looks as elsewhere is said to."""
        parts, before = [f"$ ferrule {self.words}\n"], {}
        for where in self.seen:
            seen = self.see(demo, where)
            shown = "".join(seen.styled.splitlines(keepends=True)[: self.lines])
            assert "no colours" not in where or not _coloured(shown), "a colour in spite of NO_COLOR"
            code = f", exit code {seen.code}" if seen.code else ""
            first = before.setdefault(shown, where)
            parts.append(f"\n--- {where}{code}\n" + (shown if first == where else f"as with {first}\n"))
        return "".join(parts)


def _coloured(text: str) -> bool:
    return any(f"{{{colour}" in text for colour in ("red", "green", "yellow", "cyan", "blue"))


# What is done before


@contextmanager
def edited(demo: Demo, *changes: tuple[str, str], name: str = "targets.yaml") -> Iterator[None]:
    """Texts of a file are others meanwhile."""
    before = (demo.project / name).read_bytes()
    for old, new in changes:
        demo.edit(old, new, name)
    try:
        yield
    finally:
        (demo.project / name).write_bytes(before)


@contextmanager
def anew(demo: Demo) -> Iterator[None]:
    """Nothing was built yet."""
    clear(demo)
    yield
    clear(demo)


@contextmanager
def built(demo: Demo) -> Iterator[None]:
    """Three actions were built."""
    with anew(demo):
        assert in_pipe(demo, ("build", *SDK.split()), demo.project).code == 0
        yield


@contextmanager
def failing(demo: Demo) -> Iterator[None]:
    """Nothing was built, and a target does not compile."""
    with anew(demo):
        (demo.home / f"fail-{X86}").touch()
        yield
        (demo.home / f"fail-{X86}").unlink()


_CHANGES = count()


def changed(demo: Demo) -> AbstractContextManager[None]:
    """A source changed, in another way each time, so that no earlier result fits."""
    return edited(demo, ("a + b", f"a + b // {next(_CHANGES)}"), name=SOURCE)


@contextmanager
def without(demo: Demo, tool: str) -> Iterator[None]:
    """A tool is not there."""
    path = demo.root / "cache" / "tools" / tool
    path.rename(path.with_name("aside"))
    try:
        yield
    finally:
        path.with_name("aside").rename(path)


@contextmanager
def tampered(demo: Demo) -> Iterator[None]:
    """A file of the release is another."""
    path = demo.dist / f"demo-c-1.2.3-{X86}.tar.gz"
    before = path.read_bytes()
    path.write_bytes(before + b"x")
    try:
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def recorded(demo: Demo, *changes: tuple[str, str]) -> Iterator[None]:
    """An interface was recorded, and the record is of another one."""
    assert in_pipe(demo, ("abi", "--record"), demo.project).code == 0
    record = demo.project / "packaging" / "abi"
    for old, new in changes:
        for path in (p for p in record.rglob("*") if p.is_file() and old in p.read_text()):
            path.write_text(path.read_text().replace(old, new))
    try:
        yield
    finally:
        shutil.rmtree(record)


@contextmanager
def with_ci(demo: Demo) -> Iterator[None]:
    """The project says how its CI runs Ferrule."""
    named = ("artifacts:", "ci:\n  ferrule: {command: tools/ferrule}\n\nartifacts:")
    with edited(demo, named), gone_afterwards(demo, ".github"):
        yield


def with_shelf(demo: Demo) -> AbstractContextManager[None]:
    """A release is published into a folder."""
    return edited(demo, ("artifacts:", "publish:\n  shelf: {to: folder, path: shelf}\n\nartifacts:"))


@contextmanager
def sharded(demo: Demo) -> Iterator[None]:
    """The only shard of the release was built."""
    assert in_pipe(demo, ("build", "--shard", "1/1", "--bundle", "bundle", "-j", "1"), demo.project).code == 0
    with gone_afterwards(demo, "bundle", "merged"):
        yield


@contextmanager
def no_file(demo: Demo) -> Iterator[None]:
    """There is no targets.yaml."""
    path = demo.project / "targets.yaml"
    text = path.read_bytes()
    path.unlink()
    try:
        yield
    finally:
        path.write_bytes(text)


@contextmanager
def gone_afterwards(demo: Demo, *names: str) -> Iterator[None]:
    """What a command writes is removed."""
    yield
    for name in names:
        path = demo.project / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def init_folder(demo: Demo) -> AbstractContextManager[object]:
    stack = ExitStack()
    stack.enter_context(no_file(demo))
    stack.enter_context(gone_afterwards(demo, "rust/targets.yaml"))
    return stack


def clear(demo: Demo) -> None:
    for name in (".ferrule", "dist"):
        shutil.rmtree(demo.project / name, ignore_errors=True)


def wrong(demo: Demo) -> AbstractContextManager[None]:
    """Several things of targets.yaml are wrong."""
    return edited(
        demo,
        ("crate: demo-ffi\n    header: header", "crate: demo-fffi\n    header: head"),
        ('{glibc: "2.17"}\n  aarch64-apple', "{glibc: 2.17}\n  aarch64-apple"),
    )


RUNNING = r"native@\S+  compil"
SDK = f"sdk-c -t {X86} -j 1"

SCREENS = (
    # What describes
    Screen("help", "--help"),
    Screen("help-of-a-command", "help release"),
    Screen("version", "--version", seen=IN_A_PIPE),
    Screen("check", "check"),
    Screen("check-errors", "check", wrong, seen=IN_CI),
    Screen("check-as-sarif", "check --format sarif", wrong, seen=IN_A_PIPE, lines=12),
    Screen("plan", "plan"),
    Screen("plan-why", "plan --why", changed, project="small"),
    Screen("config", "config", seen=IN_A_PIPE, lines=12),
    Screen("schema", "schema", seen=IN_A_PIPE, lines=12),
    Screen("completion", "completion bash", seen=IN_A_PIPE, lines=6),
    Screen("script-nothing", "script", seen=AT_80),
    Screen("bindings-nothing", "bindings", seen=AT_80),
    Screen("matrix", "matrix --shards 40", seen=AT_80, lines=1),
    # Tools
    Screen("doctor", "doctor", seen=EVERYWHERE[:2]),
    Screen("doctor-fault", "doctor --no-probe", lambda demo: without(demo, "cbindgen-0.29.4")),
    Screen("setup", "setup"),
    Screen("setup-dry-run", "setup --dry-run", lambda demo: without(demo, "cbindgen-0.29.4")),
    Screen("setup-impossible", "setup --offline", lambda demo: without(demo, "cbindgen-0.29.4")),
    Screen("release-without-tools", "release", lambda demo: without(demo, "cbindgen-0.29.4")),
    # Building
    Screen("release", "release -j 1", anew, seen=AT_80),
    Screen("build", f"build {SDK}", anew, seen=IN_CI),
    Screen("build-again", f"build {SDK}", project="released", seen=IN_CI),
    Screen("build-after-a-change", f"build {SDK}", changed, project="small"),
    Screen("build-failed", f"build {SDK}", failing, seen=IN_CI),
    Screen("build-failed-verbose", f"-v build {SDK}", failing, seen=AT_80),
    Screen("build-quiet", f"build --quiet {SDK}", anew, seen=AT_80),
    Screen("build-json", f"build --json {SDK}", anew, seen=IN_A_PIPE, lines=3),
    Screen("build-shard", "build --shard 1/8 -j 1", anew, seen=(*AT_80, *IN_A_PIPE)),
    Screen("merge", "merge bundle --output merged -j 1", sharded, project="small"),
    Screen("merge-nothing", "merge nowhere", seen=AT_80),
    Screen("release-again", "release -j 1", project="released"),
    # A finished release
    Screen("verify", "verify", project="released"),
    Screen("verify-a-file", f"verify dist/demo-c-1.2.3-{MAC}.tar.gz", project="released"),
    Screen("verify-tampered", "verify --quiet", tampered, project="released"),
    Screen("explain-artifact", "explain native", project="released"),
    Screen("explain-action", f"explain native@{ARM}", project="released"),
    Screen("explain-file", "explain dist/demo-1.2.3.tar.gz", project="released"),
    Screen("explain-exit-code", "explain 5"),
    Screen("explain-unknown", "explain nativ"),
    Screen("abi-no-record", "abi", project="released"),
    Screen("abi-record", "abi --record", lambda demo: gone_afterwards(demo, "packaging/abi"), project="small"),
    Screen("abi", "abi", lambda demo: recorded(demo, ("demo_copy", "demo_clone")), project="small"),
    Screen("report", "report", project="released"),
    Screen("page", "page", project="released", seen=AT_80),
    Screen("changelog", "changelog", project="released", seen=AT_80),
    Screen("bump", "bump --dry-run", project="released"),
    Screen("extract", "extract sdk --to out", lambda demo: gone_afterwards(demo, "out"), project="released"),
    Screen("reproduce-nothing", "reproduce --against nowhere", project="released"),
    Screen("cache-size", "cache size", built, seen=AT_80),
    Screen("cache-verify", "cache verify", built, seen=AT_80),
    Screen("cache-prune", "cache prune", built, seen=AT_80),
    Screen("publish-dry-run", "publish --dry-run", with_shelf, project="released", lines=16),
    Screen("publish-refused", "publish", with_shelf, project="released", seen=AT_80),
    Screen("yank", "yank --reason broken", with_shelf, project="released", seen=AT_80),
    # Files that it writes
    Screen("ci", "ci github", with_ci),
    Screen("ci-check", "ci github --check", with_ci),
    Screen("ci-unnamed", "ci github", seen=AT_80),
    Screen("init", "init", init_folder, folder="rust"),
    Screen("init-exists", "init"),
    Screen("init-diff", "init --diff", seen=AT_80),
    Screen("lock", "lock --init"),
    # The command line
    Screen("no-project", "check", no_file),
    Screen("unknown-command", "relaese"),
    Screen("unknown-option", "release --jbos 3"),
    Screen("unknown-artifact", "build sdk-d"),
    Screen("unsupported-target", "build -t mips-unknown-linux-gnu"),
)


@pytest.fixture(scope="module")
def bare() -> Iterator[Demo]:
    """A project of which nothing was built."""
    with demo_project() as demo:
        yield demo


@pytest.fixture(scope="module")
def released() -> Iterator[Demo]:
    """A project that was released."""
    with demo_project() as demo:
        assert in_pipe(demo, ("release", "--quiet", "-j", "1"), demo.project).code == 0
        yield demo


@pytest.fixture(scope="module")
def small() -> Iterator[Demo]:
    """A project of a library, its header and an SDK that was released; its sources may change."""
    with demo_project() as demo:
        targets = demo.project / "targets.yaml"
        head, artifacts = targets.read_text().split("artifacts:\n")
        names = ("native", "header", "sdk-c", "sums")
        rows = re.findall(r"^  [\w-]+:.*\n(?:   .*\n)*", artifacts, re.MULTILINE)
        kept = [row for row in rows if row.partition(":")[0].strip() in names]
        targets.write_text(f"{head}artifacts:\n{''.join(kept)}")
        assert in_pipe(demo, ("release", "--quiet", "-j", "1"), demo.project).code == 0
        yield demo


@contextmanager
def slow(demo: Demo) -> Iterator[None]:
    """A source changed, and what was built before it took minutes."""
    for latest in (p for p in (demo.project / ".ferrule" / "store").rglob("*") if p.is_file()):
        with suppress(UnicodeDecodeError):
            text = latest.read_text()
            if text.startswith('{"document":'):
                latest.write_text(re.sub(r'"seconds":[0-9.]+', '"seconds":200.0', text))
    with changed(demo):
        yield


def compare(name: str, text: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--write-screens"):
        path.write_text(text)
        return
    expected = path.read_text() if path.exists() else ""
    if text != expected:  # not by assert, which compares long texts for minutes
        lines = difflib.unified_diff(
            expected.splitlines(keepends=True), text.splitlines(keepends=True), "expected", "seen"
        )
        pytest.fail(f"{path.name} is another screen now; if it is a better one, run `{WRITE}`\n{''.join(lines)}")


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_is_as_it_was(screen: Screen, request: pytest.FixtureRequest) -> None:
    demo = request.getfixturevalue(screen.project)
    compare(screen.name, screen.text(demo), request)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_while_something_is_compiled(bare: Demo, width: int, request: pytest.FixtureRequest) -> None:
    with anew(bare):
        compare(f"running-{width}", while_it_runs(bare, ("build", *SDK.split()), width, RUNNING), request)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_while_something_is_compiled_again(small: Demo, width: int, request: pytest.FixtureRequest) -> None:
    with slow(small):
        compare(f"running-again-{width}", while_it_runs(small, ("build", *SDK.split()), width, RUNNING), request)


def test_every_command_has_a_screen() -> None:
    shown = {word for screen in SCREENS for word in screen.words.split()[:2]}
    assert set(SUMMARIES) - shown == set(), "add a screen for it above"


def test_no_screen_is_left_over() -> None:
    names = {screen.name for screen in SCREENS}
    names |= {f"{name}-{width}" for name in ("running", "running-again") for width in (60, 80, 120)}
    assert {path.stem for path in GOLDEN.iterdir()} == names
