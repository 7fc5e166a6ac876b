"""The commands of this project: releasing, building, testing, checking, measuring. `scripts/nox -l` lists them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import nox

if TYPE_CHECKING:
    from collections.abc import Sequence

nox.needs_version = ">=2024.3.2"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests"]

PYPROJECT = Path("pyproject.toml")
LOCKS = Path("requirements")
FERRULE = LOCKS / "ferrule.txt"
TESTS = LOCKS / "tests.txt"
DOCS = LOCKS / "docs.txt"
NOX = LOCKS / "nox.txt"
BUILD = Path("build")
ROOMS = ("bindings", "config", "core", "engine", "formats", "kinds", "reporting", "tools", "toolchain", "app/explain")
OTHERS = ("tests/unit/app/compatibility", "tests/unit/test_plan.py", "tests/test_linked_elsewhere.py")
MEASURED = (*(f"tests/unit/{room}" for room in ROOMS), *OTHERS)
"""Tests whose coverage counts: most mirror the code. Measuring takes as long again, and any release runs any line."""


@nox.session
def release(session: nox.Session) -> None:
    """Set up what is missing, then make all of dist/, or the releases that are named: `-- sealed-box`."""
    prepare(session, FERRULE)
    session.run("ferrule", "release", "--setup", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Set up what is missing, then build for this machine: `-- [ARTIFACT…] [--target T]` builds just that."""
    prepare(session, FERRULE)
    session.run("ferrule", "build", "--setup", *session.posargs)


@nox.session
def ferrule(session: nox.Session) -> None:
    """Run a command of Ferrule, from its sources and with the locked dependencies: `-- plan`."""
    prepare(session, FERRULE)
    session.run("ferrule", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run every check and test; `-- tests/unit/formats -k tar` runs just those tests, at once."""
    prepare(session, TESTS)
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    check(session)
    session.run("python", "-m", "compileall", "-q", "src", "tests")  # see prepare: thousands of starts follow
    session.run("ferrule", "setup")
    measured, others = (Path(session.virtualenv.location, name) for name in ("measured.xml", "others.xml"))
    covered = {"COVERAGE_FILE": str(Path(session.virtualenv.location, "covered"))}
    verdicts = (0, 1)  # failures are counted below, so that one suite cannot hide the other
    first = ("-n", "auto", "--cov", "--cov-report=", "--cov-fail-under=0", f"--junitxml={measured}", *MEASURED)
    session.run("pytest", *first, success_codes=verdicts, env=covered)
    rest = ("-n", "auto", "--dist", "loadfile", f"--junitxml={others}", *(f"--ignore={path}" for path in MEASURED))
    ran = session.run("pytest", *rest, success_codes=verdicts)
    if ran is None:  # nox --install-only
        return
    summarize(session, measured, others)
    session.run("coverage", "report", env=covered)  # pyproject.toml says of what, and what is enough


@nox.session
def faults(session: nox.Session) -> None:
    """Kill, fill up, damage and crowd whole releases, for an hour; `-- tests/faults/test_clock.py` is a part of it."""
    prepare(session, TESTS)
    session.run("ferrule", "setup")  # real targets are among them
    spread = ("-n", "auto", "--dist", "worksteal")  # a worker that is done takes over what waits behind slow tests
    session.run("pytest", *spread, "-m", "faults or thorough", *(session.posargs or ["tests/faults"]))


@nox.session
def mutants(session: nox.Session) -> None:
    """Change one thing at a time in a sample of the sources, and see a test fail: `-- --room engine`, `-- --rust`."""
    prepare(session, TESTS)
    if session.posargs[:1] == ["--rust"]:
        session.run("ferrule", "setup", "--host-only")
        session.run("python", "tests/fuzz/run.py", "mutants", *session.posargs[1:])
        return
    data, report = (Path(session.virtualenv.location, name) for name in ("reach", "reach.xml"))
    quick = ("-n", "auto", "-q", "-m", "not integration and not faults and not thorough")
    coverage = ("--cov=ferrule", "--cov-context=test", "--cov-report=", "--cov-fail-under=0")
    session.run("pytest", *quick, *coverage, f"--junitxml={report}", "tests", env={"COVERAGE_FILE": str(data)})
    command = ("tests/mutants/run.py", "--data", str(data), "--report", str(report), *session.posargs)
    session.run("python", *command, env={"PYTHONPATH": "tests"})


@nox.session
def hostile(session: nox.Session) -> None:
    """Call every function of the C interfaces a million times with arguments that nobody means: `-- --rounds 1000`."""
    prepare(session, TESTS)
    session.run("ferrule", "setup", "--host-only")
    session.run("python", "tests/fuzz/run.py", "hostile", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz the C interfaces and WIT worlds, and print what was reached: `-- --minutes 60 sealed_box_c`."""
    prepare(session, TESTS)
    session.run("ferrule", "setup", "--host-only")
    session.run("python", "tests/fuzz/run.py", "fuzz", *session.posargs)


@nox.session
def sanitizers(session: nox.Session) -> None:
    """Make the hostile calls under AddressSanitizer with its leak check, and under ThreadSanitizer: `-- thread`."""
    prepare(session, TESTS)
    session.run("ferrule", "setup", "--host-only")
    session.run("python", "tests/fuzz/run.py", "sanitizers", *session.posargs)


@nox.session
def timing(session: nox.Session) -> None:
    """Ask by dudect whether the time that sealed-box takes depends on its secrets."""
    prepare(session, TESTS)
    session.run("ferrule", "setup", "--host-only")
    session.run("python", "tests/fuzz/run.py", "timing")


@nox.session
def pyext(session: nox.Session) -> None:
    """Build an extension module by cibuildwheel in a stand-in for its image; `-- --manylinux` takes the genuine one."""
    prepare(session, TESTS)
    session.run("pytest", "-m", "pyext", *session.posargs, "tests/pyext")


@nox.session
def rehearse(session: nox.Session) -> None:
    """Release this repository as four shards, by its workflow, as somebody else, and follow the tutorial."""
    prepare(session, TESTS)
    session.run("ferrule", "setup", "--with", "go", "--with", "node")
    session.run("pytest", "-m", "rehearsal", *session.posargs, "tests/rehearsal", "tests/integration")


@nox.session
def targets(session: nox.Session) -> None:
    """Build a library and a program for every target, run or read them, print a table: `-- -k musl` takes some."""
    prepare(session, TESTS)
    session.run("pytest", "-m", "targets", *session.posargs, "tests/targets")


@nox.session
def published(session: nox.Session) -> None:
    """Publish this repository's release to servers on loopback, killed and resumed; `-- --released DIR --table F`."""
    prepare(session, TESTS)
    session.run("pytest", "-m", "published", *session.posargs, "tests/published")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types, imports, shell and workflows; changes nothing."""
    prepare(session, TESTS)
    check(session)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site into site/, without a warning; and check its links and what it loads."""
    session.install("--require-hashes", "-r", str(DOCS))
    session.run("zensical", "build", "--strict", "--clean")
    session.run("python", "docs/site.py", "site")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure Ferrule beside other tools, or with `-- --compare` beside an earlier commit: `-- --help` says more."""
    prepare(session, TESTS)  # for wasmtime
    if "--compare" in session.posargs:
        session.run("python", "bench/compare.py", *session.posargs)
        return
    session.run("ferrule", "setup", "--with", "go", "--with", "node")
    session.run("python", "bench/run.py", *session.posargs)


@nox.session
def dist(session: nox.Session) -> None:
    """Build Ferrule's own wheel and source distribution into build/, and have others judge them."""
    prepare(session, TESTS)
    session.run("hatchling", "build", "--directory", str(BUILD))
    session.run("twine", "check", "--strict", *map(str, sorted(BUILD.iterdir())))


@nox.session
def lock(session: nox.Session) -> None:
    """Write requirements/*.txt anew from pyproject.toml; `-- --upgrade` takes the newest versions."""
    project = nox.project.load_toml(PYPROJECT)
    groups = nox.project.dependency_groups
    runtime = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    session.install("--require-hashes", "-r", str(NOX))  # for its uv
    compile_lock(session, NOX, groups(project, "nox"))
    compile_lock(session, FERRULE, runtime)
    compile_lock(session, TESTS, [*runtime, *groups(project, "test", "lint")], "-c", str(FERRULE))
    compile_lock(session, DOCS, groups(project, "docs"))


def prepare(session: nox.Session, requirements: Path) -> None:
    """Install a lock by its digests and the project itself, unless the environment already holds exactly that."""
    stamp = Path(session.virtualenv.location, "installed")
    wanted = hashlib.sha256(requirements.read_bytes() + PYPROJECT.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    # Compiled once here, as pip does by itself: where Python may write no bytecode, every start would compile it all.
    session.install("--require-hashes", "-r", str(requirements), env={"UV_COMPILE_BYTECODE": "1"})
    session.install("--no-deps", "--no-build-isolation", "-e", ".")
    stamp.write_text(wanted)


def check(session: nox.Session) -> None:
    """Run every check that builds nothing."""
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("lint-imports")
    session.run("shellcheck", "scripts/nox", ".ci/run", ".ci/consumers")
    session.run("ferrule", "ci", "github", "--check")
    session.run("zizmor", "--offline", "--quiet", "--persona=pedantic", ".github/workflows")


def summarize(session: nox.Session, *reports: Path) -> None:
    """Say in one line what all suites came to, and fail the session if one test did."""
    # The files are our own: pytest wrote them a moment ago.
    suites = [suite for report in reports for suite in ET.parse(report).iter("testsuite")]  # noqa: S314
    total, failures, errors, skipped = (
        sum(int(suite.get(count, "0")) for suite in suites) for count in ("tests", "failures", "errors", "skipped")
    )
    line = f"{total} tests: {total - failures - errors - skipped} passed, {failures + errors} failed, {skipped} skipped"
    if failures or errors:
        session.error(line)
    session.log(line)


def compile_lock(session: nox.Session, target: Path, wanted: Sequence[str], *constraints: str) -> None:
    """Lock requirements with their digests, for every platform and Python from the oldest supported one on."""
    source = Path(session.create_tmp(), target.with_suffix(".in").name)
    source.write_text("\n".join(wanted), encoding="utf-8")
    oldest = nox.project.load_toml(PYPROJECT)["project"]["requires-python"].removeprefix(">=")
    session.run(
        *("uv", "pip", "compile", "--quiet", str(source), *constraints, "--output-file", str(target)),
        *("--universal", "--python-version", oldest, "--generate-hashes", "--no-annotate", "--no-emit-index-url"),
        *("--custom-compile-command", "scripts/nox -s lock", *session.posargs),
    )
