"""The same sources built again by somebody else somewhere else, and every byte of both releases compared."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from ferrule.engine.key import difference as changes
from ferrule.engine.sources import IGNORED, StatIndex, files_below
from ferrule.engine.store import Store, storage_errors
from ferrule.errors import BuildError, ConfigError, FerruleError, VerificationError
from ferrule.model import Digest, Json, Plan
from ferrule.places import MANIFEST, REPORT, STATE, read_regular
from ferrule.tools import git
from ferrule.tools.stranger import UMASK, Stranger, Variation, another_order, plain, stranger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ferrule.formats.compare import Difference
    from ferrule.tools.host import Host

Verdict = Literal["equal", "different", "only in the first", "only in the second"]

_DIFFOSCOPE_LINES: Final = 40
_DIFFOSCOPE_SECONDS: Final = 300
_PLACES: Final = ("first/sources", "second/the same sources in a longer path, with spaces/of another depth/checkout")
_CHANGES: Final = 5
_FOLLOWING: Final = ("needs ", "facts ")  # what an action is made of that others made: told of those
_TOLD: Final = re.compile(r"  \S+ (built|failed|skipped)\b|(note|error): ")
_LONG_AGO: Final = 981_173_106
"""2001-02-03: when the second copy of the sources seems to have been written."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be built again.

    `plan` tells the sources, `programs` are those of the toolchain, `against` is a finished release to compare with
    (None: build it too), `work` a folder to build in that is left there, `options` those of `ferrule release`, `jobs`
    the threads of the first build.
    """

    root: Path
    plan: Plan
    programs: tuple[Path, ...]
    against: Path | None = None
    work: Path | None = None
    options: tuple[str, ...] = ()
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """One file of both releases.

    `same_inputs` tells whether the actions that made it had one key on both sides (None where no manifest says), so
    that a difference is either one of what went in or one of how it was made.
    """

    file: str
    verdict: Verdict
    first: Digest | None
    second: Digest | None
    same_inputs: bool | None = None
    difference: Difference | None = None


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
            "files": [_document(compared) for compared in self.files],
            "variations": [
                {"what": v.what, "first": v.first, "second": v.second, "missing": v.missing} for v in self.variations
            ],
            "inputs": list(self.inputs),
            "diffoscope": list(self.view),
            "second": str(self.second) if self.second else None,
        }


def _document(compared: Compared) -> Json:
    found = compared.difference
    return {
        "file": compared.file,
        "verdict": compared.verdict,
        "first": compared.first.hex if compared.first else None,
        "second": compared.second.hex if compared.second else None,
        "same_inputs": compared.same_inputs,
        "difference": {
            "place": found.place,
            "path": [{"kind": step.kind, "name": step.name} for step in found.path],
            "reason": found.reason,
            "offset": found.offset,
            "at": found.at,
            "first": found.first,
            "second": found.second,
            "also": list(found.also),
        }
        if found
        else None,
    }


def reproduce(wish: Wish, host: Host, say: Callable[[str], None]) -> Reproduction:
    """Build the project again in other circumstances and compare; `say` hears how far it has come.

    Folders in between are removed, unless a build failed or the bytes differ, so that one can look. Raises ConfigError
    for a release to compare with that is none, BuildError for a build that fails, StorageError.
    """
    if wish.against is not None and not (wish.against / MANIFEST).is_file():
        raise ConfigError(
            f"there is no {MANIFEST} in this folder, so it holds no whole release",
            where=str(wish.against),
            hint="ferrule release makes one; without --against two releases are made and compared",
        )
    base = _base(wish, host)
    try:
        top = git.top(wish.root, host)
        inner = wish.root.resolve().relative_to(top) if top else Path()
        found = _Reproducing(wish, host, say, base, inner).run()
    except FerruleError:
        say(f"what there is of it is in {base}")
        raise
    except KeyboardInterrupt:
        shutil.rmtree(base, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(base / "second" / "home", ignore_errors=True)  # with what was lent
    if wish.work is None and found.equal:
        shutil.rmtree(base, ignore_errors=True)
    return found


def _base(wish: Wish, host: Host) -> Path:
    """The folder for everything, which other users may enter. It is outside of the project: Cargo looks upwards."""
    with storage_errors(wish.work or Path("TMPDIR")):
        if wish.work is None:
            base = Path(tempfile.mkdtemp(prefix="ferrule-reproduce-", dir=host.environment.get("TMPDIR") or None))
        else:
            base = wish.work.absolute()
            base.mkdir(parents=True, exist_ok=True)
            if any(base.iterdir()):
                raise ConfigError("this folder is not empty", where=str(base), hint="name a new one with --work")
        base.chmod(0o755)
    if base.is_relative_to(wish.root):
        raise ConfigError(
            "a folder inside of the project is no other place: Cargo would find the project above it",
            where=str(base),
            hint="name a folder elsewhere with --work",
        )
    return base


@dataclass(frozen=True, slots=True)
class _Reproducing:
    wish: Wish
    host: Host
    say: Callable[[str], None]
    base: Path
    inner: Path
    varied: list[Variation] = field(default_factory=list)

    def run(self) -> Reproduction:
        first = self.wish.against.absolute() if self.wish.against else self._first() / "dist"
        second = self._second(None if self.wish.against else first.parent)
        self.say("comparing")
        files = tuple(compare(first, second / "dist"))
        lacking = lacking_sources(self.wish, second)
        states = (self.wish.root if self.wish.against else first.parent, second)
        inputs = () if all(c.verdict == "equal" for c in files) else differing_inputs(first, second / "dist", states)
        kept = bool(self.wish.work) or bool(inputs) or any(c.verdict != "equal" for c in files)
        return Reproduction(
            files=files,
            variations=self._told(),
            inputs=(*lacking, *inputs),
            view=self._view(files, first, second / "dist"),
            second=second if kept else None,
        )

    def _first(self) -> Path:
        place = self.base / _PLACES[0]
        self.say("first build: copying the sources")
        with storage_errors(place):
            copy_sources(self.wish.root, place, self.host)
            home = self.base / "first" / "home"
            home.mkdir()
        self._build("first", place / self.inner, plain(self.host, home), self.wish.jobs)
        return place / self.inner

    def _second(self, first: Path | None) -> Path:
        place = self.base / _PLACES[1]
        home = self.base / "second" / "home"
        with storage_errors(place):
            home.mkdir(parents=True)
            place.parent.mkdir(parents=True)
            needed = (self.base, self.host.python, self.host.python.parents[1], Path(__file__).parent)
            who = stranger(self.host, home, (*needed, *self.wish.programs))
            self.say("second build: copying the sources")
            files = self.base / "second" / "files"
            copy_sources(self.wish.root, files, self.host, umask=UMASK, time=_LONG_AGO, backwards=True)
            if who.person.user is not None and who.person.group is not None:
                _give(self.base / "second", who.person.user, who.person.group, leave=home)
        jobs = self.wish.jobs + 1
        here = str(first or self.wish.against)
        self.varied.extend(
            (
                Variation("folder", here, str(place)),
                Variation("threads", str(self.wish.jobs), str(jobs)),
                Variation("times of the sources", "those of copying", "2001-02-03"),
                *who.variations,
            )
        )
        with another_order(self.host, files, place) as order:
            self.varied.append(self._order(order, first or self.wish.root, place / self.inner))
            self._build("second", place / self.inner, who, jobs)
        return place / self.inner

    def _told(self) -> tuple[Variation, ...]:
        """What was different; nobody knows how a finished release was made."""
        if self.wish.against is None:
            return tuple(self.varied)
        return tuple(
            v if v.what == "folder" else Variation(v.what, "as it was released", v.second, v.missing)
            for v in self.varied
        )

    def _order(self, order: Variation, first: Path, second: Path) -> Variation:
        """How many folders list their files otherwise; some file systems do even where they were only written so."""
        folders = [f for f in sorted(_folders(second)) if (first / f).is_dir()]
        moved = sum(_listed(first / f) != _listed(second / f) for f in folders)
        told = f"{order.second}; {moved} of {len(folders)} folders list it otherwise"
        return Variation(
            order.what, order.first, told, "" if moved else order.missing or "no folder lists it otherwise"
        )

    def _build(self, which: str, place: Path, who: Stranger, jobs: int) -> None:
        from ferrule.tools import run  # noqa: PLC0415

        self.say(f"{which} build: from nothing, in {place}")
        log = self.wish.root / STATE / "work" / "logs" / f"reproduce-{which}.log"
        command = (*who.prefix, str(self.host.python), "-m", "ferrule", "release", "--jobs", str(jobs))

        def heard(line: str) -> None:
            if _TOLD.match(line):
                self.say(f"{which} build: {line.strip()}")

        try:
            run.run(
                (*command, *self.wish.options),
                env=who.environment,
                cwd=place,
                log=log,
                on_line=heard,
                person=who.person,
            )
        except run.ToolFailed as error:
            if error.interrupted:
                raise
            raise BuildError(
                f"the {which} build {run.describe_exit(error.code)}\n" + "\n".join(f"  | {t}" for t in error.tail),
                where=str(place),
                hint=f"its log is {log}; ferrule explain {error.code} says what the code means",
            ) from error

    def _view(self, files: tuple[Compared, ...], first: Path, second: Path) -> tuple[str, ...]:
        """How diffoscope shows the difference that tells most; it ends with 1 where there is one (diffoscope(1))."""
        program = self.host.which("diffoscope")
        differing = [c for c in files if c.verdict == "different"]
        if program is None or not differing:
            return ()
        file = min(differing, key=_depth).file
        from ferrule.tools import run  # noqa: PLC0415

        self.say(f"diffoscope looks at {file}")
        command = [str(program), "--no-progress", "--text", "-", str(first / file), str(second / file)]
        try:
            text = run.capture(command, env=self.host.children, timeout=_DIFFOSCOPE_SECONDS).stdout
        except run.ToolFailed as error:
            text = error.stdout if error.code == 1 else f"diffoscope {run.describe_exit(error.code)}: {error.stderr}"
        return tuple(text.splitlines()[:_DIFFOSCOPE_LINES])


# Copies of the sources


def copy_sources(
    root: Path, place: Path, host: Host, *, umask: int = 0o022, time: int | None = None, backwards: bool = False
) -> None:
    """Lay the project, or the repository it is a part of, out at another place, as a checkout with the same changes.

    With Git these are the tracked files and those neither tracked nor ignored, in a repository at the same commit;
    without it everything but what builds leave behind. `umask` is the mask of whoever copies, `time` (seconds) that of
    every file, `backwards` writes them in the opposite order. Raises StorageError, ToolFailed of Git.
    """
    top = git.top(root, host)
    if top is None:
        names = [name for name in _walked(root) if not _is_release(root, name)]
        _copy_files(root, place, names, umask=umask, time=time, backwards=backwards)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    git.clone(top, place, host)
    _copy_files(top, place, list(_known_to_git(top, "", host)), umask=umask, time=time, backwards=backwards)
    git.track(place, (n for n in git.files(top, host, untracked=False) if not (place / n).is_dir()), host)
    _tighten(place / ".git", umask)


def _known_to_git(root: Path, prefix: str, host: Host) -> Iterator[str]:
    """Names of the files, and of those of repositories inside of this one."""
    for name in git.files(root / prefix, host):
        inner = f"{prefix}{name}".rstrip("/")
        if (root / inner).is_dir() and not (root / inner).is_symlink():
            yield from _known_to_git(root, f"{inner}/", host) if (root / inner / ".git").exists() else ()
        elif os.path.lexists(root / inner):
            yield inner


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in IGNORED and name not in links]
        yield from ((Path(folder) / name).relative_to(root).as_posix() for name in (*files, *links))


def _is_release(root: Path, name: str) -> bool:
    top = name.partition("/")[0]
    return (root / top / MANIFEST).is_file() and (root / top / "SHA256SUMS").is_file()


def _copy_files(root: Path, place: Path, names: list[str], *, umask: int, time: int | None, backwards: bool) -> None:
    ordered = sorted(names, reverse=backwards)
    place.mkdir(parents=True, exist_ok=True)
    folders = {place} | {place / parent for name in names for parent in list(Path(name).parents)[:-1]}
    for folder in sorted(folders):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777 & ~umask)
    for name in ordered:
        source, target = root / name, place / name
        mode = source.lstat().st_mode
        if stat.S_ISLNK(mode):
            target.symlink_to(source.readlink())
        elif stat.S_ISREG(mode):
            shutil.copyfile(source, target)
            target.chmod((0o777 if mode & stat.S_IXUSR else 0o666) & ~umask)
            if time is not None:
                os.utime(target, (time, time))


def _tighten(folder: Path, umask: int) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o777 & ~umask)


def _give(folder: Path, user: int, group: int, *, leave: Path) -> None:
    """Make another user the owner of everything below; what is in `leave` is theirs or only lent to them."""
    for path in (folder, *folder.rglob("*")):
        if path != leave and leave not in path.parents:
            os.chown(path, user, group, follow_symlinks=False)


def _folders(root: Path) -> Iterator[str]:
    for folder, folders, _ in os.walk(root):
        folders[:] = [name for name in folders if name not in IGNORED]
        yield os.path.relpath(folder, root)


def _listed(folder: Path) -> list[str]:
    """Names in the order in which the file system gives them, but for those that only one of two copies has."""
    return [entry.name for entry in os.scandir(folder) if entry.name not in IGNORED]


def lacking_sources(wish: Wish, second: Path) -> tuple[str, ...]:
    """Sentences about sources of the plan that another checkout does not have, because Git ignores them."""
    sources = {name for action in wish.plan.actions for name in action.sources}
    lost: set[str] = set()
    for source in sources:
        with suppress(FerruleError):
            lost |= {name for name, _ in files_below(wish.root, source) if not os.path.lexists(second / name)}
    return tuple(f"{name} is a source that git ignores, so no other checkout has it" for name in sorted(lost))


# Comparison


def compare(first: Path, second: Path) -> Iterator[Compared]:
    """Every file of two releases, by name, the manifest last because it follows from the others. Raises StorageError.

    The page about a release tells times and is no part of it.
    """
    with storage_errors(first):
        ours, theirs = _files(first), _files(second)
        keys = _keys(first), _keys(second)
        layouts = _layouts(ours, theirs)
        for name in sorted({*ours, *theirs}, key=lambda n: (n == MANIFEST, n)):
            inputs = keys[0][name] == keys[1][name] if name in keys[0] and name in keys[1] else None
            pair = ours.get(name), theirs.get(name)
            digests = [Digest.of_file(path) if path else None for path in pair]
            verdict = _verdict(pair, digests)
            difference = None
            if verdict != "equal":
                difference = _difference(name, pair, layouts, first, second)
            yield Compared(name, verdict, digests[0], digests[1], inputs, difference)


def _files(folder: Path) -> dict[str, Path]:
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() or p.is_symlink()}
    return {name: path for name, path in found.items() if name != REPORT}


def _verdict(pair: tuple[Path | None, Path | None], digests: list[Digest | None]) -> Verdict:
    one, two = pair
    if one is None or two is None:
        return "only in the first" if one else "only in the second"
    modes = [path.lstat().st_mode for path in (one, two)]
    kinds = {(stat.S_IFMT(mode), mode & stat.S_IXUSR) for mode in modes}
    return "equal" if digests[0] == digests[1] and len(kinds) == 1 else "different"


def _difference(
    name: str, pair: tuple[Path | None, Path | None], layouts: Mapping[str, str], first: Path, second: Path
) -> Difference | None:
    from ferrule.formats import compare as formats  # noqa: PLC0415 - only where something differs

    layout = layouts.get(name)
    if layout is not None:
        # Blobs are called by their digests: what differs in an image is told once, by its index.
        sides = [{n: (top / layout / n).read_bytes() for n in _files(top / layout)} for top in (first, second)]
        return formats.first_difference_of_layouts(*sides) if name == f"{layout}/index.json" else None
    one, two = pair
    if one is None or two is None:
        return None
    found = formats.first_difference(one.read_bytes(), two.read_bytes())
    return found or formats.Difference((), "one of them may be executed, or is a link, and the other is not")


def _layouts(ours: Mapping[str, Path], theirs: Mapping[str, Path]) -> dict[str, str]:
    """For each file of an image layout that both sides have, the layout's folder."""
    folders = [n.removesuffix("/oci-layout") for n in ours if n.endswith("/oci-layout") and n in theirs]
    return {n: folder for n in {*ours, *theirs} for folder in folders if n.startswith(f"{folder}/")}


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_regular(folder / MANIFEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _keys(folder: Path) -> dict[str, str]:
    artifacts = _manifest(folder).get("artifacts")
    rows = artifacts if isinstance(artifacts, list) else []
    return {r["file"]: r["key"] for r in rows if isinstance(r, dict) and {"file", "key"} <= r.keys()}


def differing_inputs(first: Path, second: Path, states: tuple[Path, Path]) -> tuple[str, ...]:
    """Sentences about what two releases were not made of alike: commit, tools, and inputs of actions by their keys.

    `states` are the projects whose stores may still have the key documents of what was made.
    """
    ours, theirs = _manifest(first), _manifest(second)
    told = changes(*({n: m.get(n) for n in ("project", "release", "source", "toolchain")} for m in (ours, theirs)))
    stores = [Store(state / STATE / "store", StatIndex(None, lambda: 0), lambda _: None) for state in states]
    for action, keys in sorted(_actions(ours, theirs)):
        latest = [store.latest(action) for store in stores]
        if latest[0] and latest[1] and [found["key"] for found in latest if found] == list(keys):
            own = [c for c in changes(latest[0]["document"], latest[1]["document"]) if not c.startswith(_FOLLOWING)]
            told += [f"{action}: {change}" for change in own[:_CHANGES]]
            told += [f"{action}: and {len(own) - _CHANGES} more"] if len(own) > _CHANGES else []
    return tuple(told)


def _actions(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterable[tuple[str, tuple[str, str]]]:
    """Ids of actions that had other keys on both sides, with those."""
    sides: list[dict[str, str]] = []
    for manifest in (ours, theirs):
        rows = [row for name in ("artifacts", "packed") for row in manifest.get(name) or [] if isinstance(row, dict)]
        ids = ((_action_id(row), row.get("key")) for row in rows)
        sides.append({name: key for name, key in ids if isinstance(key, str)})
    return ((n, (sides[0][n], sides[1][n])) for n in sides[0].keys() & sides[1].keys() if sides[0][n] != sides[1][n])


def _action_id(row: Mapping[str, Any]) -> str:
    return f"{row.get('artifact')}@{row['target']}" if row.get("target") else str(row.get("artifact"))


def _depth(compared: Compared) -> tuple[bool, bool]:
    """What sorts a difference within a section before one within an archive, and lists of digests last."""
    steps = compared.difference.path if compared.difference else ()
    return not any(step.kind == "section" for step in steps), not steps


def failure(found: Reproduction) -> VerificationError | None:
    """The error that the differing files are, naming the first with its place; None if there are none."""
    differing = [c for c in found.files if c.verdict != "equal"]
    if not differing:
        return None
    first = min(differing, key=_depth)
    place = f": {first.difference.place}" if first.difference else ""
    count = f"{len(differing)} of {len(found.files)} files are not reproduced"
    return VerificationError(
        f"{count}, the first is {first.file}{place}",
        hint=f"both releases were kept; the second is in {found.second}" if found.second else None,
    )
