"""The use cases in order: read, plan, find the tools, run, ship. The story of the product on a page."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ferrule import plan as planning
from ferrule.engine import settled
from ferrule.engine.events import Noticed
from ferrule.engine.scheduler import Engine
from ferrule.engine.sources import StatIndex
from ferrule.engine.store import ASIDE, DamagedError, Store, storage_errors, write_aside
from ferrule.engine.workshop import Site
from ferrule.errors import ConfigError, StorageError, VerificationError
from ferrule.model import Action, Digest, FileRecord, Json, Outcome, Output, Placed, Plan, Report
from ferrule.places import FILE, MANIFEST, REPORT, STATE, find_project
from ferrule.platforms import PLATFORMS
from ferrule.spec import Builder, Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.config import Config
    from ferrule.engine.events import Listener
    from ferrule.engine.executor import Executor
    from ferrule.engine.remote import Remote
    from ferrule.engine.remote_server import Address
    from ferrule.engine.scheduler import Examination
    from ferrule.tools.host import Host
    from ferrule.tools.rust import Road
    from ferrule.tools.toolchain import Toolchain, Wanted

EXTRAS: Final = {"emulation": "qemu-aarch64"}
"""Tools that people may ask for besides those of a plan, where their name is another one."""

DEFAULT_EPOCH: Final = 315_532_800
"""1980-01-01T00:00:00Z, the first moment that a ZIP can tell: "now" in every output unless SOURCE_DATE_EPOCH says else.

A commit's time would make every commit a new release of everything, even where not one byte of a source changed.
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run takes from outside: the machine, a limit of threads, clocks, and the forced road to Rust, if any.

    `builder` is who runs it where that is no person, `key` what a release is signed with, `remote` where finished
    actions are shared.
    """

    host: Host
    jobs: int
    monotonic: Callable[[], float]
    now_ns: Callable[[], int]
    epoch: int = DEFAULT_EPOCH
    road: Road | None = None
    builder: Builder | None = None
    key: EllipticCurvePrivateKey | None = field(default=None, repr=False)
    remote: Address | None = None


def load(folder: Path) -> Config:
    """Read the configuration of the project that holds `folder`. Raises ConfigErrors with every mistake."""
    from ferrule import config  # noqa: PLC0415
    from ferrule.kinds import KINDS  # noqa: PLC0415

    return config.load(find_project(folder), KINDS)


def make_plan(config: Config, around: Surroundings, *, narrowed: bool = False) -> Plan:
    """Everything that a release of the project would do; `narrowed` as in `plan`. Raises ConfigErrors."""
    from ferrule.tools import git  # noqa: PLC0415

    _refuse_secrets(config.root, around.host)
    told, state = config.project, git.state(config.root, around.host)
    project = Project(
        name=told.name,
        version=told.version,
        license=told.license,
        description=told.description,
        homepage=told.homepage,
        license_files=told.license_files,
        commit=git.last_commit(config.root, config.workspace.code, around.host) or "unreleased",
        epoch=around.epoch,
        checked_out=state.commit,
        dirty=state.dirty,
        builder=around.builder,
    )
    return planning.plan(config, project, disk_of(config.root), narrowed=narrowed)


def _refuse_secrets(root: Path, host: Host) -> None:
    """What targets.yaml holds is in plans, keys and manifests, where no secret may be. Raises ConfigError."""
    from ferrule.tools.secret import held, secrets_of  # noqa: PLC0415

    secrets = secrets_of(host.environment, root)
    lines = (root / FILE).read_bytes().splitlines() if secrets else []
    for number, line in enumerate(lines, 1):
        found = held(secrets, [line])
        if found:
            raise ConfigError(
                f"this line holds a secret, the value of {secrets[found]}",
                where=f"{FILE}:{number}:1",
                hint="take it out: what stands here is published; and let a new one take its place",
            )


def disk_of(root: Path) -> planning.Disk:
    """The project's files, as far as planning may look at them."""

    def read_text(name: str) -> str:
        try:
            return (root / name).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"this file cannot be read: {error.strerror}", where=name) from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"this file is not UTF-8: {error.reason}", where=name, hint="save it as UTF-8") from error

    def folders(name: str) -> tuple[str, ...]:
        with suppress(OSError):
            return tuple(sorted(p.name for p in (root / name).iterdir() if p.is_dir() and p.name[0] not in "._"))
        return ()

    return planning.Disk(read_text, folders)


def wanted_tools(config: Config, plan: Plan, road: Road | None) -> Wanted:
    """The tools that a plan needs, in the versions that targets.yaml asks for."""
    from ferrule.tools.toolchain import Wanted  # noqa: PLC0415

    tools = frozenset(t for action in plan.actions for t in action.tools if not t.startswith("std-"))
    triples = tuple(sorted({a.target for a in plan.actions if a.target and f"std-{a.target}" in a.tools}))
    return Wanted(
        rust=config.toolchain.rust,
        zig=config.toolchain.zig,
        cargo_zigbuild=config.toolchain.cargo_zigbuild,
        cbindgen=config.toolchain.cbindgen,
        go=config.toolchain.go,
        jco=config.toolchain.jco,
        cibuildwheel=config.toolchain.cibuildwheel,
        triples=triples,
        tools=tools,
        road=road,
    )


def wanted(config: Config, around: Surroundings, *, extras: tuple[str, ...], host_only: bool) -> Wanted:
    """The tools that a release (or, with `host_only`, a developer's build) needs, and what was asked for besides."""
    plan = part(config, around, (), ()) if host_only else make_plan(config, around)
    found = wanted_tools(config, plan, around.road)
    return replace(found, tools=found.tools | {EXTRAS.get(name, name) for name in extras})


def toolchain_of(config: Config, plan: Plan, around: Surroundings) -> Toolchain | None:
    """The tools of a plan; None if it needs none. Raises ToolchainError with every fault and its fix."""
    from ferrule.tools.toolchain import require  # noqa: PLC0415

    needed = wanted_tools(config, plan, around.road)
    return require(needed, around.host) if needed.tools else None


def part(config: Config, around: Surroundings, artifacts: tuple[str, ...], targets: tuple[str, ...]) -> Plan:
    """The plan of the named artifacts (all) for the named targets (this machine's).

    WebAssembly that a named artifact packs is made along, being for no machine. Raises ConfigError for a name that
    targets.yaml does not have, with the nearest it has.
    """
    triples, host = tuple(t.triple for t in config.targets), around.host.triple
    _known(artifacts, tuple(a.name for a in config.artifacts), "artifact")
    _known(tuple(t for t in targets if t != "all"), triples, "target")
    if not targets and host not in triples:
        raise ConfigError(
            f"this machine is {host}, which targets.yaml does not list",
            where="targets.yaml",
            hint=f"choose with --target: {', '.join(triples)} or all",
        )
    chosen = set(triples) if "all" in targets else set(targets or (host,))
    if _pack_webassembly(config, artifacts):
        chosen |= {t for t in triples if PLATFORMS[t].system == "wasm"}
    narrowed = replace(config, targets=tuple(t for t in config.targets if t.triple in chosen))
    plan = make_plan(narrowed, around, narrowed=True)
    made = {a.artifact for a in plan.actions}
    lost = [name for name in artifacts if name not in made]
    if lost:
        raise ConfigError(
            f"{lost[0]} is not made for {', '.join(sorted(chosen))}",
            where="targets.yaml",
            hint="choose other targets with --target, or all of them with --target all",
        )
    return planning.only(plan, lambda a: not artifacts or a.artifact in artifacts)


def _pack_webassembly(config: Config, names: tuple[str, ...]) -> bool:
    """Whether one of the artifacts needs another, however indirectly, that is made for WebAssembly alone."""
    by_name = {a.name: a for a in config.artifacts}
    packed: set[str] = set()
    waiting = list(names)
    while waiting:
        others = {name for _, name in by_name[waiting.pop()].spec.references()} - packed
        packed |= others
        waiting += others
    return any(by_name[name].kind.systems == {"wasm"} for name in packed)


def _known(names: tuple[str, ...], existing: tuple[str, ...], what: str) -> None:
    from difflib import get_close_matches  # noqa: PLC0415

    for name in names:
        if name not in existing:
            near = get_close_matches(name, existing, 1)
            raise ConfigError(
                f"there is no {what} {name!r}",
                where="targets.yaml",
                hint=f"did you mean {near[0]}?" if near else f"there are: {', '.join(existing)}",
            )


def reasons(config: Config, plan: Plan, around: Surroundings) -> dict[str, str]:
    """For each action whether its result is at hand, and if not, what changed. Starts nothing and changes nothing.

    An action that needs another which must run cannot be judged before that has run, and says so.
    """
    return {action: found.reason for action, found in examine(config, plan, around).items()}


def examine(config: Config, plan: Plan, around: Surroundings) -> dict[str, Examination]:
    """What a run would find about each action. Starts nothing and changes nothing; raises ToolchainError."""
    engine = engine_of(config, toolchain_of(config, plan, around), around)
    return engine.examine(plan)


def refresh_locks(config: Config, host: Host, files: tuple[Path, ...]) -> Iterator[tuple[str, int]]:
    """Rewrite lock files (those that images of the project are based on, by default) with the newest packages.

    Yields each name with its number of packages. Raises NetworkError, ConfigError.
    """
    from ferrule.tools import debs  # noqa: PLC0415

    found = [
        config.root / base
        for a in config.artifacts
        if isinstance(base := getattr(a.spec, "base", None), str) and "@" not in base
    ]
    for path in files or tuple(dict.fromkeys(found)):
        try:
            packages = debs.refresh(debs.read_lock(path.read_text(encoding="utf-8")), host)
        except (OSError, ValueError) as error:
            raise ConfigError(f"this is no lock file: {error}", where=str(path)) from error
        write_aside(path, debs.format_lock(packages).encode())
        yield path.name, len(packages)


def run(
    config: Config,
    plan: Plan,
    around: Surroundings,
    listen: Listener,
    *,
    output: Path,
    everything: bool = False,
    page: Callable[[Json], str] | None = None,
    elsewhere: Callable[[Engine], AbstractContextManager[Executor]] | None = None,
) -> Report:
    """Run a plan and, if nothing failed, put what ships into `output`.

    `everything` places outputs that do not ship too (a developer's build); `page` makes the page about the release from
    its manifest, where one is wanted beside it; `elsewhere` begins to work with other machines. Raises ToolchainError,
    StorageError; failures of actions are in the report.
    """
    toolchain = toolchain_of(config, plan, around)
    with ExitStack() as others:
        engine = others.enter_context(at_work(config, toolchain, around, listen))
        if elsewhere is not None:
            engine = replace(engine, executor=others.enter_context(elsewhere(engine)))
        return finish(engine, config, plan, around, output=output, everything=everything, page=page)


@contextmanager
def at_work(
    config: Config, toolchain: Toolchain | None, around: Surroundings, listen: Listener | None = None
) -> Iterator[Engine]:
    """An engine on the project's store, alone at work there; what it learnt of files is kept.

    Where nobody listens, nobody waits for another run either: that raises Busy. Raises StorageError.
    """
    with locked(config.root / STATE, listen):
        engine = engine_of(config, toolchain, around, listen or (lambda _: None))
        engine = replace(engine, remote=_remote(engine, around))
        engine.store.sweep()
        _sweep(config.root / STATE)
        yield engine
        engine.index.save()
    if engine.remote is not None:
        engine.remote.close(lambda text: engine.listen(Noticed(text)))


def _remote(engine: Engine, around: Surroundings) -> Remote | None:
    """The remote cache, if there is one and a network may be used."""
    if around.remote is None or around.host.offline:
        return None
    from ferrule.engine.remote import Remote  # noqa: PLC0415
    from ferrule.engine.remote_server import Server  # noqa: PLC0415
    from ferrule.tools import cargo  # noqa: PLC0415

    project = engine.site.project
    paths = (p for p in cargo.settings(project, engine.site.environment) if not p.is_relative_to(project))
    with storage_errors(project):
        settings = {str(path): engine.index.content(path) for path in paths}
    return Remote(Server(around.remote, around.monotonic), engine.store, settings)


def _sweep(state: Path) -> None:
    """Take away what a killed run left, except the logs of its actions; only while no other run is at work."""
    import shutil  # noqa: PLC0415

    for left in (*state.glob("work/*"), *state.glob(".*.aside"), *state.glob("index.json.*")):
        if left.is_dir() and left.name != "logs":
            shutil.rmtree(left, ignore_errors=True)
        elif not left.is_dir():
            with suppress(OSError):
                left.unlink()


def engine_of(
    config: Config, toolchain: Toolchain | None, around: Surroundings, listen: Listener = lambda _: None
) -> Engine:
    """An engine on the project's store, which others may be using: for looking only, unless `at_work`."""
    state = config.root / STATE
    index = StatIndex(state / "index.json", around.now_ns)
    site = Site(
        project=config.root,
        caches=state / "cache",
        host=around.host,
        environment=around.host.children,
        toolchain=toolchain,
    )
    store = Store(state / "store", index, lambda text: listen(Noticed(text)))
    return Engine(site, store, index, state / "work", around.jobs, listen, around.monotonic)


def finish(
    engine: Engine,
    config: Config,
    plan: Plan,
    around: Surroundings,
    *,
    output: Path,
    everything: bool = False,
    page: Callable[[Json], str] | None = None,
) -> Report:
    """Bring a plan to its end with an engine that is `at_work`; the rest as for `run`.

    What turns out to be damaged while it is used is dropped from the store and made again, once.
    """
    try:
        report = _finish(engine, config, plan, around, output=output, everything=everything, page=page)
        if not any(isinstance(o.error, DamagedError) for o in report.outcomes):
            return report
    except DamagedError as error:
        engine.listen(Noticed(f"{error.message}; its action runs again"))
    return _finish(engine, config, plan, around, output=output, everything=everything, page=page)


def _finish(
    engine: Engine,
    config: Config,
    plan: Plan,
    around: Surroundings,
    *,
    output: Path,
    everything: bool,
    page: Callable[[Json], str] | None,
) -> Report:
    outcomes = engine.execute(plan)
    placed = tuple(place(outcomes, everything=everything))
    report = Report(outcomes, placed)
    if not report.failed:
        manifest = manifest_of(config, plan, report, engine.site.toolchain, around)
        beside = {REPORT: page(manifest).encode()} if page else {}
        if around.key is not None:
            beside |= _signatures(around.key, engine.store, placed, manifest)
        ship(engine.store, engine.index, placed, manifest, output, config.root / STATE, engine.listen, beside)
    return report


def settle(
    config: Config,
    plan: Plan,
    around: Surroundings,
    report: Report,
    *,
    output: Path,
    wish: Json,
    told: Json,
    since: int,
    beside: tuple[str, ...] = (),
) -> None:
    """Remember that all of this stands, so that the next run with the same wish can tell it at once.

    `beside` names files of ours in the output folder that are no part of the release, `since` is the moment when the
    command began, by the file system's clock: what changed after it may have come too late for this run. A record that
    cannot be written only costs time later; none is written while another run works.
    """
    with suppress(Busy), locked(config.root / STATE):
        _settle(config, plan, around, report, output=output, wish=wish, told=told, since=since, beside=beside)


def _settle(
    config: Config,
    plan: Plan,
    around: Surroundings,
    report: Report,
    *,
    output: Path,
    wish: Json,
    told: Json,
    since: int,
    beside: tuple[str, ...],
) -> None:
    toolchain = toolchain_of(config, plan, around)
    state = config.root / STATE
    index = StatIndex(state / "index.json", around.now_ns)
    store = Store(state / "store", index, lambda _: None)
    tools = toolchain.tools.values() if toolchain else ()
    results = [store.find(outcome.key) for outcome in report.outcomes if outcome.key]
    basis = settled.Basis(
        files=tuple(
            dict.fromkeys(
                (
                    FILE,
                    *(f"{crate.folder}/Cargo.toml" for crate in config.workspace.crates.values()),
                    *config.workspace.settings,
                    *plan.read,
                    *(name for result in results if result for name in result.discovered),
                )
            )
        ),
        programs=tuple(tool.argv[0] for tool in tools if tool.argv),
        folders=tuple(n for n in plan.listed if (config.root / n).is_dir()),
        trees=((config.workspace.folder, "Cargo.toml"),),
        sources=tuple(sorted({name for action in plan.actions for name in action.sources})),
        output=os.fspath(output),
        placed={
            **{p.file: (p.digest.hex, p.executable) for p in report.placed},
            **{name: (index.digest(output / name).hex, False) for name in (MANIFEST, *beside)},
        },
    )
    file = settled.record_file(state, wish)
    content = settled.remember(file, config.root, index, wish, basis, told, since)
    if content is not None:
        with suppress(StorageError):
            write_aside(file, content)
            index.save()


class Busy(Exception):  # noqa: N818 - it is no error
    """Another run works in this project."""


@contextmanager
def locked(state: Path, listen: Listener | None = None) -> Iterator[None]:
    """Hold the project's lock; a second run waits and says so to `listen`, or raises Busy where nobody listens.

    Raises StorageError where the folder cannot be used.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415

    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / "lock", thread_local=False)  # on a worker another thread gives it back
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if listen is None:
                raise Busy from None
            listen(Noticed("another run works in this project; waiting for it to end"))
            lock.acquire()
    except OSError as error:
        raise StorageError(
            f"the folder for work in progress cannot be used: {error.strerror}",
            where=str(error.filename or state),
            hint="free some space or correct the permissions of the project's folder",
        ) from error
    try:
        yield
    finally:
        lock.release()


def place(outcomes: tuple[Outcome, ...], *, everything: bool) -> Iterator[Placed]:
    """Where each file of each output belongs in the output folder."""
    for outcome in outcomes:
        for output in outcome.action.outputs:
            at = output.ships or (_place_of_unshipped(outcome.action, output) if everything else None)
            if at is None:
                continue
            for record in outcome.files:
                rest = record.name.removeprefix(output.name)
                if record.name == output.name or (output.folder and rest.startswith("/")):
                    yield Placed(at + rest, outcome, output, record.digest, record.size, record.executable)


def _place_of_unshipped(action: Action, output: Output) -> str | None:
    if output.role == "layer":
        return None
    return f"{action.artifact}/{action.target}/{output.name}" if action.target else f"{action.artifact}/{output.name}"


def manifest_of(config: Config, plan: Plan, report: Report, toolchain: Toolchain | None, around: Surroundings) -> Json:
    """The manifest: every file with digest, key and measured facts, what was packed inside, tools and commit."""
    from ferrule.tools import git  # noqa: PLC0415

    state = git.state(config.root, around.host)
    by_output = {(p.outcome.action.id, p.output.name) for p in report.placed}
    return {
        "version": 1,
        "project": plan.project,
        "release": plan.version,
        "source": {"commit": state.commit, "dirty": state.dirty},
        "toolchain": _tools_document(toolchain),
        "artifacts": [_shipped(p) for p in report.placed],
        "packed": [
            {
                "artifact": o.action.artifact,
                "kind": o.action.kind,
                "target": o.action.target,
                "name": record.name,
                "size": record.size,
                "sha256": record.digest.hex,
                "key": o.key.hex if o.key else None,
            }
            for o in report.outcomes
            for record in o.files
            if not any(a == o.action.id and record.name.partition("/")[0] == n for a, n in by_output)
        ],
        "facts": {o.action.id: dict(o.facts) for o in report.outcomes if o.facts},
    }


def read_manifest(folder: Path, *, required: bool) -> Json:
    """The manifest of a release, as it was written; where none is `required`, None if there is none.

    Raises VerificationError where it is not one, or is missing.
    """
    try:
        document: Json = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        if not required:
            return None
        raise VerificationError("there is no release here", where=str(folder), hint="ferrule release") from error
    except (OSError, ValueError, RecursionError) as error:
        told, hint = f"this manifest cannot be read: {error}", "make the release again: ferrule release"
        raise VerificationError(told, where=str(folder / MANIFEST), hint=hint) from error
    return document if isinstance(document, dict) else {}


def _text(manifest: Json) -> str:
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _signatures(
    key: EllipticCurvePrivateKey, store: Store, placed: tuple[Placed, ...], manifest: Json
) -> dict[str, bytes]:
    """Bundles that go beside a release: of its manifest, checksums and provenance, which name everything else."""
    from ferrule.formats import sigstore  # noqa: PLC0415

    signed = {f"{MANIFEST}{sigstore.SUFFIX}": sigstore.sign_blob(key, _text(manifest).encode())}
    for one in placed:
        if one.output.role == "checksums":
            content = store.object(one.digest).read_bytes()
            signed[f"{one.file}{sigstore.SUFFIX}"] = sigstore.sign_blob(key, content)
        elif one.output.role == "provenance":
            content = store.object(one.digest).read_bytes()
            signed[sigstore.bundle_of_statement(one.file)] = sigstore.sign_statement(key, content)
    return signed


def _tools_document(toolchain: Toolchain | None) -> Json:
    if toolchain is None:
        return None
    tools: dict[str, Json] = {name: tool.identity for name, tool in sorted(toolchain.tools.items())}
    return {"road": toolchain.road, "tools": tools, "std": dict(sorted(toolchain.std.items()))}


def _shipped(placed: Placed) -> Json:
    action = placed.outcome.action
    return {
        "artifact": action.artifact,
        "kind": action.kind,
        "target": action.target,
        "role": placed.output.role,
        "file": placed.file,
        "size": placed.size,
        "sha256": placed.digest.hex,
        "key": placed.outcome.key.hex if placed.outcome.key else None,
    }


def ship(
    store: Store,
    index: StatIndex,
    placed: tuple[Placed, ...],
    manifest: Json,
    output: Path,
    state: Path,
    listen: Listener,
    beside: Mapping[str, bytes],
) -> None:
    """Make the output folder hold exactly these files and the manifest, which is taken away first and comes last.

    So a folder with a manifest is whole. `beside` are files of ours that the manifest does not name. Files that an
    earlier run put there and that are no longer wanted are removed; files of other people are left alone and named.
    """
    text = _text(manifest)
    wanted = {*beside, *(p.file for p in placed)}
    ledger = state / f"placed-{Digest.of(os.fsencode(output)).short}.json"
    before = _read_ledger(ledger)
    missing = [p for p in placed if not _stands(index, output / p.file, p)]
    outdated = {name: content for name, content in beside.items() if _read(output / name) != content}
    superfluous = sorted(name for name in before - wanted if (output / name).is_file())
    leftovers = sorted(output.rglob(f"{ASIDE}*"))
    if missing or outdated or superfluous or leftovers or _read(output / MANIFEST) != text.encode():
        with storage_errors(output):
            write_aside(ledger, json.dumps(sorted(before | wanted)).encode())
            (output / MANIFEST).unlink(missing_ok=True)
            for path in leftovers:
                path.unlink()
            for p in missing:
                store.copy_out(FileRecord(p.file, p.digest, p.size, p.executable), output / p.file)
            for name in superfluous:
                (output / name).unlink()
                _remove_empty(output, (output / name).parent)
            for name, content in outdated.items():
                write_aside(output / name, content)
            write_aside(output / MANIFEST, text.encode())
            write_aside(ledger, json.dumps(sorted(wanted)).encode())
    for name in _strangers(output, wanted):
        listen(Noticed(f"{output.name}/{name} is not part of this release and was left alone"))


def _stands(index: StatIndex, path: Path, placed: Placed) -> bool:
    try:
        executable = bool(path.stat().st_mode & 0o100)
        return not path.is_symlink() and executable == placed.executable and index.digest(path) == placed.digest
    except OSError:
        return False


def _read(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


def _read_ledger(path: Path) -> set[str]:
    try:
        names = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return set()
    if not isinstance(names, list):
        return set()
    return {n for n in names if isinstance(n, str) and not n.startswith("/") and ".." not in n.split("/")}


def _remove_empty(top: Path, folder: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _strangers(output: Path, wanted: set[str]) -> list[str]:
    found = (
        p.relative_to(output).as_posix() for p in output.rglob("*") if not p.is_dir() and not p.name.endswith(".aside")
    )
    return sorted(n for n in found if n not in wanted and n != MANIFEST)
