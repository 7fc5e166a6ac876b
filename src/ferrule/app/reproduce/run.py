"""Rebuilds a release as another user in another directory, and compares every byte of both."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.app.release.run import source_files
from ferrule.app.reproduce.release_diff import Compared, compare, differing_inputs
from ferrule.app.reproduce.source_copy import copy_sources, give
from ferrule.app.reproduce.varied_environment import (
    UMASK,
    Variation,
    VariedEnvironment,
    another_order,
    plain,
    varied_environment,
)
from ferrule.core.errors import BuildError, FerruleError, UsageError, VerificationError
from ferrule.core.safe_files import MANIFEST, STATE
from ferrule.engine.state import logs_folder, work_folder
from ferrule.engine.store import storage_errors
from ferrule.tools import git, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferrule.core.model import Json, Plan
    from ferrule.tools.host import Host

_DIFFOSCOPE_LINES: Final = 40
_DIFFOSCOPE_SECONDS: Final = 300
_FOLDERS: Final = ("first/sources", "second/the same sources in a longer path, with spaces/of another depth/checkout")
_PROGRESS_LINE: Final = re.compile(r"  \S+ (built|failed|skipped)\b|(note|error): ")
_LONG_AGO: Final = 981_173_106
"""2001-02-03: when the second copy of the sources seems to have been written."""


@dataclass(frozen=True, slots=True)
class ReproductionRequest:
    """What to rebuild.

    `plan` tells the sources, `programs` are those of the toolchain, `against` is a finished release to compare with
    (None: build it too), `work` a folder to build in that is left there, `options` those of `ferrule release`, `jobs`
    the threads of the first build, `release` the one of several that is built.
    """

    root: Path
    plan: Plan
    programs: tuple[Path, ...]
    against: Path | None = None
    work: Path | None = None
    options: tuple[str, ...] = ()
    jobs: int = 1
    release: str | None = None

    def dist(self, project: Path) -> Path:
        """The folder of the release that a copy of the project makes."""
        return project / "dist" / (self.release or "")


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of it: every file, what was different about the two builds, and what went into them otherwise.

    `inputs` are sentences about what the releases were not made of alike; `view` is how diffoscope shows the first
    difference; `second` is the second copy of the project, which holds its release, if it was left there.
    """

    files: tuple[Compared, ...]
    variations: tuple[Variation, ...]
    inputs: tuple[str, ...] = ()
    view: tuple[str, ...] = ()
    second: Path | None = None

    @property
    def equal(self) -> bool:
        """Whether every byte of every file is the same."""
        return all(compared.verdict == "equal" for compared in self.files)

    def document(self) -> Json:
        """All of it as JSON."""
        return {
            "version": 1,
            "equal": self.equal,
            "files": [compared.document() for compared in self.files],
            "variations": [
                {"what": v.what, "first": v.first, "second": v.second, "missing": v.missing} for v in self.variations
            ],
            "inputs": list(self.inputs),
            "diffoscope": list(self.view),
            "second": str(self.second) if self.second else None,
        }


def reproduce(request: ReproductionRequest, host: Host, say: Callable[[str], None]) -> Reproduction:
    """Build the project again in other circumstances and compare; `say` hears how far it has come.

    Folders in between are removed, unless a build failed or the bytes differ, so that one can look. Raises UsageError
    for a release to compare with that is none, BuildError for a build that fails, StorageError.
    """
    if request.against is not None and not (request.against / MANIFEST).is_file():
        raise UsageError(
            f"there is no {MANIFEST} in this folder, so it holds no whole release",
            where=str(request.against),
            hint="ferrule release makes one; without --against two releases are made and compared",
        )
    base = _base(request, host)
    try:
        top = git.top(request.root, host)
        inner = request.root.resolve().relative_to(top) if top else Path()
        reproduction = _Reproducing(request, host, say, base, inner).run()
    except FerruleError:
        say(f"what was built so far is in {base}")
        raise
    except KeyboardInterrupt:
        shutil.rmtree(base, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(base / "second" / "home", ignore_errors=True)  # with what was lent
    if request.work is None and reproduction.equal:
        shutil.rmtree(base, ignore_errors=True)
    return reproduction


def _base(request: ReproductionRequest, host: Host) -> Path:
    """The folder for everything, which other users may enter. It is outside of the project: Cargo looks upwards."""
    with storage_errors(request.work or Path("TMPDIR")):
        if request.work is None:
            base = Path(tempfile.mkdtemp(prefix="ferrule-reproduce-", dir=host.environment.get("TMPDIR") or None))
        else:
            base = request.work.absolute()
            base.mkdir(parents=True, exist_ok=True)
            if any(base.iterdir()):
                raise UsageError("this folder is not empty", where=str(base), hint="name a new one with --work")
        base.chmod(0o755)
    if base.is_relative_to(request.root):
        raise UsageError(
            "this folder is inside the project: Cargo would find the project above it",
            where=str(base),
            hint="name a folder elsewhere with --work",
        )
    return base


@dataclass(frozen=True, slots=True)
class _Reproducing:
    request: ReproductionRequest
    host: Host
    say: Callable[[str], None]
    base: Path
    inner: Path
    varied: list[Variation] = field(default_factory=list)

    def run(self) -> Reproduction:
        ours = self._first() if self.request.against is None else self.request.root
        first = self.request.dist(ours) if self.request.against is None else self.request.against.absolute()
        second = self._second(None if self.request.against else ours)
        dist = self.request.dist(second)
        self.say("comparing")
        files = tuple(compare(first, dist))
        lacking = lacking_sources(self.request, second, self.host)
        inputs = () if all(c.verdict == "equal" for c in files) else differing_inputs(first, dist, (ours, second))
        keep = bool(self.request.work) or bool(inputs) or any(c.verdict != "equal" for c in files)
        return Reproduction(
            files=files,
            variations=self._variations(),
            inputs=(*lacking, *inputs),
            view=self._view(files, first, dist),
            second=second if keep else None,
        )

    def _first(self) -> Path:
        directory = self.base / _FOLDERS[0]
        self.say("first build: copying the sources")
        with storage_errors(directory):
            copy_sources(self.request.root, directory, self.host)
            home = self.base / "first" / "home"
            home.mkdir()
        self._build("first", directory / self.inner, plain(self.host, home), self.request.jobs)
        return directory / self.inner

    def _second(self, first: Path | None) -> Path:
        directory = self.base / _FOLDERS[1]
        home = self.base / "second" / "home"
        with storage_errors(directory):
            home.mkdir(parents=True)
            directory.parent.mkdir(parents=True)
            needed = (self.base, self.host.python, self.host.python.parents[1], Path(__file__).parents[2])
            who = varied_environment(self.host, home, (*needed, *self.request.programs))
            self.say("second build: copying the sources")
            files = self.base / "second" / "files"
            copy_sources(self.request.root, files, self.host, umask=UMASK, time=_LONG_AGO, backwards=True)
            if who.person.user is not None and who.person.group is not None:
                give(self.base / "second", who.person.user, who.person.group, leave=home)
        jobs = self.request.jobs + 1
        here = str(first or self.request.against)
        self.varied.extend(
            (
                Variation("folder", here, str(directory)),
                Variation("threads", str(self.request.jobs), str(jobs)),
                Variation("times of the sources", "those of copying", "2001-02-03"),
                *who.variations,
            )
        )
        with another_order(self.host, files, directory) as order:
            self.varied.append(self._order(order, first or self.request.root, directory / self.inner))
            self._build("second", directory / self.inner, who, jobs)
        return directory / self.inner

    def _variations(self) -> tuple[Variation, ...]:
        """What was different; nobody knows how a finished release was made."""
        if self.request.against is None:
            return tuple(self.varied)
        return tuple(
            v if v.what == "folder" else Variation(v.what, "as it was released", v.second, v.missing)
            for v in self.varied
        )

    def _order(self, order: Variation, first: Path, second: Path) -> Variation:
        """How many folders list their files otherwise; some file systems do even where they were only written so."""
        copied = source_files(second, self.host).folders(".")
        folders = [f for f in sorted(os.path.relpath(c, second) for c in copied) if (first / f).is_dir()]
        moved = sum(_is_listed_otherwise(first / f, second / f) for f in folders)
        description = f"{order.second}; {moved} of {len(folders)} folders list it otherwise"
        return Variation(
            order.what, order.first, description, "" if moved else order.missing or "no folder lists it otherwise"
        )

    def _build(self, which: str, directory: Path, who: VariedEnvironment, jobs: int) -> None:
        self.say(f"{which} build: from scratch, in {directory}")
        log = logs_folder(work_folder(self.request.root / STATE)) / f"reproduce-{which}.log"
        names = (self.request.release,) if self.request.release else ()
        command = (*who.prefix, str(self.host.python), "-m", "ferrule", "release", *names, "--jobs", str(jobs))

        def heard(line: str) -> None:
            if _PROGRESS_LINE.match(line):
                self.say(f"{which} build: {line.strip()}")

        try:
            run.run(
                (*command, *self.request.options),
                env={**who.environment, "FERRULE_MACHINE_CACHE": "off"},  # what is compared is made twice
                cwd=directory,
                log=log,
                on_line=heard,
                person=who.person,
            )
        except run.ToolFailed as error:
            if error.interrupted:
                raise
            raise BuildError(
                f"the {which} build {run.describe_exit(error.code)}",
                output=error.output,
                where=str(directory),
                hint=f"its log is {log}; ferrule explain {error.code} says what the code means",
            ) from error

    def _view(self, files: tuple[Compared, ...], first: Path, second: Path) -> tuple[str, ...]:
        """How diffoscope shows the difference that tells most; it ends with 1 where there is one (diffoscope(1))."""
        program = self.host.which("diffoscope")
        differing = [c for c in files if c.verdict == "different"]
        if program is None or not differing:
            return ()
        file = min(differing, key=lambda c: c.depth).file

        self.say(f"running diffoscope on {file}")
        command = [str(program), "--no-progress", "--text", "-", str(first / file), str(second / file)]
        try:
            text = run.capture(command, env=self.host.children, timeout=_DIFFOSCOPE_SECONDS).stdout
        except run.ToolFailed as error:
            text = error.stdout if error.code == 1 else f"diffoscope {run.describe_exit(error.code)}: {error.stderr}"
        return tuple(text.splitlines()[:_DIFFOSCOPE_LINES])


def _is_listed_otherwise(first: Path, second: Path) -> bool:
    """Whether the file system gives the names that both folders have in another order."""
    names, others = ([entry.name for entry in os.scandir(folder)] for folder in (first, second))
    return [n for n in names if n in others] != [n for n in others if n in names]


def lacking_sources(request: ReproductionRequest, second: Path, host: Host) -> tuple[str, ...]:
    """Sentences about sources of the plan that another checkout does not have, because Git ignores them."""
    sources = {name for action in request.plan.actions for name in action.sources}
    files = source_files(request.root, host)
    lost: set[str] = set()
    for source in sources:
        with suppress(FerruleError):
            lost |= {file.name for file in files.below(source) if not os.path.lexists(second / file.name)}
    return tuple(f"{name} is a source that git ignores, so no other checkout has it" for name in sorted(lost))


def failure(reproduction: Reproduction) -> VerificationError | None:
    """The error that the differing files are, naming the first and where it differs; None if there are none."""
    differing = [c for c in reproduction.files if c.verdict != "equal"]
    if not differing:
        return None
    first = min(differing, key=lambda c: c.depth)
    location = f": {first.difference.location}" if first.difference else ""
    count = f"{len(differing)} of {len(reproduction.files)} files are not reproduced"
    return VerificationError(
        f"{count}, the first is {first.file}{location}",
        hint=f"both releases were kept; the second is in {reproduction.second}" if reproduction.second else None,
    )
