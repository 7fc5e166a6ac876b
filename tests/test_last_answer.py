"""A release with nothing to do, said again by the program's start: never where anything is another than then."""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - what a fresh interpreter says is what is tested
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ferrule
from fakes.several_releases import several
from fakes.toolchain import Demo, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Change = Callable[["Released"], AbstractContextManager[object]]

ASK = (
    "import sys; sys.argv[0] = 'ferrule'; from ferrule.__main__ import _repeated; "
    "repeated = _repeated(); assert 'click' not in sys.modules; sys.exit(0 if repeated else 77)"
)


class Released:
    """A project in a repository of Git, released by a copy of the program, which tests may change too."""

    def __init__(self, root: Path, *, repository: str = "project") -> None:
        self.demo = lay_out(root)
        self.repository = root / repository
        self.program = root / "program"
        shutil.copytree(Path(ferrule.__file__).parent, self.program / "ferrule")
        self.write("project/.gitignore", "target/\n*.log\n.ferrule/\ndist/\n")
        self.write("project/rust/empty/placeholder.log", "so that there is a folder without sources")
        (self.project / "linked.md").symlink_to("LICENSE")
        self.git("init", "--quiet")
        self.git("add", "--all", str(self.project))
        self.git("commit", "--quiet", "--message", "one")
        self.settle()

    @property
    def project(self) -> Path:
        return self.demo.project

    @property
    def environment(self) -> dict[str, str]:
        return {**self.demo.environment, "PYTHONPATH": str(self.program)}

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
        subprocess.run(["git", *who, *arguments], cwd=self.repository, check=True, env={"PATH": os.defpath})

    def write(self, name: str, text: str) -> Path:
        path = self.demo.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *program: str, folder: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *program],
            cwd=self.project / folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self, *arguments: str, folder: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """What the program's start says by itself; exit code 77 where it leaves the answer to the whole way."""
        return self.run("-c", ASK, *(arguments or ("release",)), folder=folder, **environment)

    def repeats(self, *arguments: str, folder: str = "", **environment: str) -> bool:
        done = self.asked(*arguments, folder=folder, **environment)
        assert done.returncode in (0, 77), done.stderr
        assert done.returncode == 0 or not done.stdout + done.stderr
        return done.returncode == 0

    def settle(self, *arguments: str, folder: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Release until the answer is kept; the last output of the whole way."""
        for _ in range(4):
            done = self.run("-m", "ferrule", *(arguments or ("release",)), folder=folder, **environment)
            assert done.returncode == 0, done.stderr
            if self.repeats(*arguments, folder=folder, **environment):
                return done
        raise AssertionError(f"no answer is kept: {done.stderr}")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return Released(tmp_path_factory.mktemp("answered"))


@contextmanager
def kept(released: Released, name: str) -> Iterator[Path]:
    """Whatever happens to a file or folder meanwhile, afterwards it is as it was."""
    path, aside = released.demo.root / name, released.demo.root / "aside"
    present = os.path.lexists(path)
    if present and path.is_dir():
        shutil.copytree(path, aside, symlinks=True)
    elif present:
        shutil.copy2(path, aside, follow_symlinks=False)
    try:
        yield path
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if present:
            aside.rename(path)


def written(name: str, text: str = "something else") -> Change:
    @contextmanager
    def change(released: Released) -> Iterator[None]:
        with kept(released, name):
            released.write(name, text)
            yield

    return change


def done_to(name: str, act: Callable[[Path], object]) -> Change:
    @contextmanager
    def change(released: Released) -> Iterator[None]:
        with kept(released, name) as path:
            act(path)
            yield

    return change


def by_git(*commands: tuple[str, ...]) -> Change:
    """Commands of which the last one takes back what the others did."""

    @contextmanager
    def change(released: Released) -> Iterator[None]:
        for command in commands[:-1]:
            released.git(*command)
        try:
            yield
        finally:
            released.git(*commands[-1])

    return change


def same_size(path: Path) -> None:
    """Other bytes, with the size and the times of before."""
    before = path.stat()
    path.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def retargeted(path: Path) -> None:
    path.unlink()
    path.symlink_to("targets.yaml")


def replaced(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def linked(path: Path) -> None:
    """The folder itself moves, so that everything in it is as it was."""
    moved = path.parent.parent / "moved"
    shutil.rmtree(moved, ignore_errors=True)
    path.rename(moved)
    path.symlink_to(moved)


SOURCE = "project/rust/demo-ffi/src/lib.rs"
WHEEL = "project/dist/demo-1.2.3-py3-none-macosx_11_0_arm64.whl"
CHANGES: dict[str, Change] = {
    "a source": written(SOURCE),
    "a source, of equal size and time": done_to(SOURCE, same_size),
    "a source is gone": done_to(SOURCE, Path.unlink),
    "a source may be executed": done_to(SOURCE, lambda path: path.chmod(0o755)),
    "a new source": written("project/rust/demo-ffi/src/new.rs"),
    "a new source in a folder without any": written("project/rust/empty/new.rs"),
    "a new folder": done_to("project/rust/other", Path.mkdir),
    "a link leads elsewhere": done_to("project/linked.md", retargeted),
    "targets.yaml": written("project/targets.yaml", "not even a mapping"),
    "the lock file of crates": written("project/rust/Cargo.lock"),
    "what Git ignores": written("project/.gitignore", "dist/\n.ferrule/\n"),
    "what Git ignores here": written("project/.git/info/exclude", "*.rs"),
    "what Git ignores for this user": written(".config/git/ignore", "*.rs"),
    "settings of Git": written(".gitconfig", "[core]\nfilemode = false\n"),
    "a commit": by_git(("commit", "--quiet", "--allow-empty", "--message", "two"), ("reset", "--quiet", "HEAD~")),
    "another branch": by_git(("checkout", "--quiet", "-b", "other"), ("checkout", "--quiet", "-")),
    "packed references": by_git(("pack-refs", "--all"), ("update-ref", "HEAD", "HEAD")),
    "what is staged": by_git(("rm", "--quiet", "--cached", "LICENSE"), ("add", "LICENSE")),
    "no repository any more": done_to("project/.git", shutil.rmtree),
    "a result": written(WHEEL),
    "a result, of equal size and time": done_to(WHEEL, same_size),
    "a result is gone": done_to(WHEEL, Path.unlink),
    "a result may be executed": done_to(WHEEL, lambda path: path.chmod(0o755)),
    "a result that is a link": done_to(WHEEL, retargeted),
    "a stranger among the results": written("project/dist/stranger"),
    "a stranger in a folder of the results": written("project/dist/image/stranger"),
    "no results": done_to("project/dist", shutil.rmtree),
    "settings of Cargo above the project": written(".cargo/config.toml", "[build]\n"),
    "settings of Cargo in the project": written("project/.cargo/config.toml", "[build]\n"),
    "settings of Cargo of a crate": written("project/rust/demo-ffi/.cargo/config.toml", "[build]\n"),
    "a toolchain file in the project": written("project/rust-toolchain.toml", '[toolchain]\nchannel = "stable"\n'),
    "a toolchain file above the project": written("rust-toolchain", "stable\n"),
    "results that are a link": done_to("project/dist", linked),
    "a compiler, by the same bytes": done_to("bin/cargo", replaced),
    "a file that may hold a secret": written(".npmrc", "//example.org/:_authToken=demo-1.2.3-py3\n"),
    "a module of the program": written("program/ferrule/plan.py"),
    "a module of the program, of equal size and time": done_to("program/ferrule/kinds/wheel/__init__.py", same_size),
    "a module more": written("program/ferrule/kinds/another.py"),
    "no state": done_to("project/.ferrule", shutil.rmtree),
    "the records of runs": done_to("project/.ferrule", lambda state: [p.unlink() for p in state.glob("settled-*")]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_the_whole_way_is_gone(released: Released, change: str) -> None:
    if not released.repeats():
        released.settle()
    with CHANGES[change](released):
        assert not released.repeats()


@pytest.mark.parametrize(
    "arguments",
    [
        *(["release", *more] for more in (["--json"], ["--report"], ["-o", "dist"], ["-C", "."], ["-j", "2"], ["x"])),
        *(["release", *more] for more in (["--color", "always"], ["--setup"], ["--sign-key", "k"], ["--unknown"])),
        *(["release", *more] for more in (["--offline"], ["--quiet"], ["--help"], [""])),
        *([], ["build"], ["check"], ["--quiet", "release"], ["Release"]),
    ],
)
def test_another_command_goes_the_whole_way(released: Released, arguments: list[str]) -> None:
    if not released.repeats():
        released.settle()
    done = released.run("-c", ASK, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (77, "", "")


@pytest.mark.parametrize(
    "variables",
    [
        *({name: "1"} for name in ("NO_COLOR", "FORCE_COLOR", "CI", "SOURCE_DATE_EPOCH", "PYTHONUTF8", "ANYTHING")),
        {"GITHUB_ACTIONS": "true"},
        {"GITHUB_STEP_SUMMARY": "summary.md"},
        {"PATH": "/usr/bin"},
        {"FERRULE_REMOTE_CACHE": "http://127.0.0.1:1"},
        {"RUSTFLAGS": "-g"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_in_another_environment_the_whole_way_is_gone(released: Released, variables: dict[str, str]) -> None:
    if not released.repeats():
        released.settle()
    assert not released.repeats(**variables)


NIGHTLY = '[toolchain]\nchannel = "nightly"\n'
REFUSED: dict[str, tuple[Change, int]] = {
    "a toolchain file in the project": (written("project/rust-toolchain.toml", NIGHTLY), 3),
    "an ignored toolchain file": (written("project/rust/rust-toolchain", "nightly"), 3),
    "a toolchain file above the project": (written("rust-toolchain.toml", NIGHTLY), 3),
    "a toolchain file of a crate": (written("project/rust/demo-ffi/rust-toolchain.toml", NIGHTLY), 3),
    "settings of Cargo above": (written(".cargo/config.toml", "[unstable]\nx = true\n"), 3),
    "settings of Cargo of a crate": (written("project/rust/demo-ffi/.cargo/config.toml", "[profile.release]\n"), 3),
    "results that are a link": (done_to("project/dist", linked), 7),
    "a state that is a link": (done_to("project/.ferrule", linked), 7),
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_a_run_refuses_is_never_up_to_date(released: Released, change: str) -> None:
    if not released.repeats():
        released.settle()
    refused, code = REFUSED[change]
    with refused(released):
        done = released.run("-m", "ferrule", "release")
    assert (done.returncode, "0 built" in done.stderr) == (code, False), done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        *((name, "-g", 3) for name in ("RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS")),
        *((name, "0", 3) for name in ("CARGO_PROFILE_RELEASE_LTO", "CARGO_ENCODED_RUSTFLAGS")),
        ("FERRULE_MACHINE_CACHE", "much", 2),
        ("FERRULE_REMOTE_CACHE", "nothing", 2),
        ("SOURCE_DATE_EPOCH", "today", 2),
        ("DEMO_TOKEN", "Adds two numbers", 3),
    ],
)
def test_an_environment_that_a_run_refuses_is_never_up_to_date(
    released: Released, variable: str, value: str, code: int
) -> None:
    if not released.repeats():
        released.settle()
    done = released.run("-m", "ferrule", "release", **{variable: value})
    assert (done.returncode, "0 built" in done.stderr) == (code, False), done.stderr


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes"])
def test_rules_of_git_above_the_project_are_looked_at(tmp_path: Path, name: str) -> None:
    released = Released(tmp_path, repository=".")
    released.write(name, "*.md\n")
    assert not released.repeats()
    released.settle()
    released.write(name, "*.rs\n")
    assert not released.repeats()
    released.settle()
    (tmp_path / name).unlink()
    assert not released.repeats()


def test_from_another_folder_the_whole_way_is_gone(released: Released) -> None:
    if not released.repeats():
        released.settle()
    assert not released.repeats(folder="rust/demo-ffi")
    released.settle(folder="rust/demo-ffi")
    with written("project/rust/targets.yaml")(released):
        assert not released.repeats(folder="rust/demo-ffi")


HARMLESS: tuple[Change, ...] = (
    written("project/target/debug/demo"),
    by_git(("status", "--short"), ("status", "--short")),
    by_git(("tag", "v9"), ("tag", "--delete", "v9")),
)


def test_what_does_not_matter_leaves_the_answer(released: Released) -> None:
    (released.project / "target" / "debug").mkdir(parents=True, exist_ok=True)
    time.sleep(0.05)
    released.git("status", "--short")  # which writes the index again where a file is as young as that
    if not released.repeats():
        released.settle()
    with ExitStack() as changes:
        for change in HARMLESS:
            changes.enter_context(change(released))
        assert released.repeats(OLDPWD="/", SHLVL="3", _="/bin/ferrule")


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["release"], {}),
        (["release", "--quiet"], {}),
        (["release", "--offline", "-v"], {}),
        (["release", "--setup"], {}),
        (["release"], {"NO_COLOR": "1"}),
        (["release"], {"FORCE_COLOR": "1", "COLUMNS": "60"}),
    ],
)
def test_it_says_what_the_whole_way_says(released: Released, arguments: list[str], variables: dict[str, str]) -> None:
    whole = released.settle(*arguments, **variables)
    again = released.asked(*arguments, **variables)
    assert (again.returncode, again.stdout) == (0, whole.stdout)
    assert again.stderr.rpartition(" in ")[0] == whole.stderr.rpartition(" in ")[0]
    assert "34 files in dist/" in again.stdout or "--quiet" in arguments
    assert "FORCE_COLOR" not in variables or "\x1b[" in again.stdout


def test_a_reader_that_went_away_is_no_failure(released: Released) -> None:
    if not released.repeats():
        released.settle()
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "ferrule", "release"],
            cwd=released.project,
            env=released.environment,
            stdout=stream,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a full device")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [(), ("--verbose",), ("--json",)])
def test_an_answer_that_cannot_be_written_is_a_sentence(released: Released, arguments: tuple[str, ...]) -> None:
    if not released.repeats():
        released.settle()
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "ferrule", "release", *arguments],
            cwd=released.project,
            env=released.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 7
    assert done.stderr.endswith("error: standard output cannot be written: No space left on device\n")
    assert "Traceback" not in done.stderr


def test_a_damaged_answer_is_none(released: Released) -> None:
    for path in released.project.glob(".ferrule/answer-*"):
        path.unlink()
    released.settle()
    [file] = released.project.glob(".ferrule/answer-*")
    whole = file.read_bytes()
    for content in (b"", whole[:64], whole[:-1], whole[:-1] + b"\xff", bytes(len(whole)), whole + b"x"):
        file.write_bytes(content)
        assert not released.repeats()
    file.write_bytes(whole)
    assert released.repeats()
    for act in (lambda: file.symlink_to("elsewhere"), lambda: os.mkfifo(file), file.mkdir):
        with kept(released, f"project/.ferrule/{file.name}"):
            (released.project / ".ferrule" / "elsewhere").write_bytes(whole)
            file.unlink()
            act()
            assert not released.repeats()
    assert released.repeats()


def test_few_answers_are_kept(released: Released) -> None:
    for number in range(12):
        released.run("-m", "ferrule", "release", ANYTHING=str(number))
    assert len(list(released.project.glob(".ferrule/answer-*"))) == 8
    assert not list(released.project.glob(".ferrule/.answer-*"))


def test_a_secret_in_the_answer_is_not_kept(released: Released) -> None:
    done = released.run("-m", "ferrule", "release", MY_TOKEN="macosx_11_0_arm64")
    assert "***.whl" in done.stdout
    assert not released.repeats(MY_TOKEN="macosx_11_0_arm64")


def test_several_releases_and_a_project_without_git(tmp_path: Path) -> None:
    demo: Demo = several(tmp_path)
    for _ in range(2):
        assert demo.ferrule("release").returncode == 0
    whole = demo.ferrule("release")
    script = [sys.executable, "-c", ASK, "release"]

    def again() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            script, cwd=demo.project, env=demo.environment, capture_output=True, text=True, check=False
        )

    assert (again().returncode, again().stdout, again().stderr) == (0, whole.stdout, whole.stderr)
    (demo.project / "one-more.rs").touch()
    assert again().returncode == 77
