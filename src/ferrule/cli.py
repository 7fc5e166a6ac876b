"""The command line: arguments, exit codes, and the only reader of the process environment and the clock."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule import __version__
from ferrule.errors import ConfigError, ConfigErrors, FerruleError, StorageError, ToolchainError, VerificationError
from ferrule.places import REPORT, STATE, find_project

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.config import Config
    from ferrule.engine.events import Listener
    from ferrule.explain import Project as KnownProject
    from ferrule.model import Json, Plan, Report
    from ferrule.release import Surroundings
    from ferrule.reporting.pipelines import System
    from ferrule.spec import Builder
    from ferrule.tools.host import Host
    from ferrule.tools.rust import Road
    from ferrule.tools.toolchain import Wanted


def main() -> None:
    """Run the command line; a failure a user can act on is a message and an exit code, anything else a traceback."""
    try:
        cli.main(prog_name="ferrule", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except FerruleError as error:
        complain(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`ferrule plan | head`); that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def complain(error: FerruleError) -> None:
    """Write a failure to standard error: each message with its place, its hint below it."""
    errors = error.mistakes if isinstance(error, ConfigErrors) else (error,)
    for one in errors:
        where = f"{one.where}: " if one.where else ""
        click.echo(click.style("error: ", fg="red", bold=True) + where + one.message, err=True)
        if one.hint:
            click.echo(click.style("  hint: ", fg="cyan") + one.hint, err=True)
    if len(errors) > 1:
        click.echo(f"{len(errors)} mistakes", err=True)


@dataclass(frozen=True, slots=True)
class Options:
    """What the options that all commands share came to."""

    folder: Path
    json: bool
    quiet: bool


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options every command has."""
    decorators = (
        click.option(
            "-C", "--directory", type=click.Path(path_type=Path), default=Path(), help="Work as if started there."
        ),
        click.option("--json", "as_json", is_flag=True, help="Write JSON for programs."),
        click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and results."),
    )
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def running(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that need tools."""
    decorators = (
        click.option("-j", "--jobs", type=click.IntRange(1, 1024), help="Threads that may compute at once; all cores."),
        click.option("--offline", is_flag=True, help="Use no network."),
        click.option("--rust", type=click.Choice(["system", "rustup"]), help="Force the road by which Rust comes."),
    )
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def making(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that make files."""
    help_ = "Install what is missing first, as `ferrule setup` does."
    return click.option("--setup", "set_up", is_flag=True, help=help_)(running(command))


def host(*, offline: bool) -> Host:
    """The machine as the process environment describes it."""
    import platform  # noqa: PLC0415

    from ferrule.tools.host import Host  # noqa: PLC0415

    environment = dict(os.environ)
    path = tuple(Path(p) for p in environment.get("PATH", "").split(os.pathsep) if p)
    return Host(
        path=path,
        environment=environment,
        cache=cache_folder(environment),
        system=platform.system(),
        machine=platform.machine(),
        is_root=os.geteuid() == 0,
        offline=offline,
        python=Path(sys.executable),
    )


def cache_folder(environment: dict[str, str]) -> Path:
    """Where tools and downloads are kept for all projects: FERRULE_CACHE, else `ferrule` in the XDG cache folder."""
    if environment.get("FERRULE_CACHE"):
        return Path(environment["FERRULE_CACHE"]).absolute()
    base = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/tmp")) / ".cache")  # noqa: S108
    return Path(base) / "ferrule"


def surroundings(*, jobs: int | None, offline: bool, rust: Road | None) -> Surroundings:
    """What a run takes from outside. Raises click.UsageError for a SOURCE_DATE_EPOCH that is no number."""
    import time  # noqa: PLC0415

    from ferrule.release import DEFAULT_EPOCH, Surroundings  # noqa: PLC0415

    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told is not None and not (told.isascii() and told.isdigit()):
        raise click.UsageError(f"SOURCE_DATE_EPOCH is {told!r}; it must be a number of seconds since 1970")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Surroundings(
        host=host(offline=offline),
        jobs=jobs or cores,
        monotonic=time.monotonic,
        now_ns=time.time_ns,
        epoch=int(told) if told is not None else DEFAULT_EPOCH,
        road=rust,
        builder=_builder(),
    )


def _builder() -> Builder | None:
    """Who runs the build, as GitHub Actions tells it ("Variables reference"); None where that is a person."""
    from ferrule.spec import Builder  # noqa: PLC0415

    told = os.environ
    named = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_WORKFLOW_REF", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")
    if told.get("GITHUB_ACTIONS") != "true" or not all(told.get(name) for name in named):
        return None
    server, repository, workflow, run, attempt = (told[name] for name in named)
    return Builder(
        id=f"{server}/{workflow}",
        invocation=f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}",
        source=f"git+{server}/{repository}@{told.get('GITHUB_REF', 'HEAD')}",
    )


def _signing_key(named: str) -> EllipticCurvePrivateKey:
    """The key that the command line names: a file, or a variable that holds it. Raises ConfigError."""
    from ferrule.formats.sigstore import private_key  # noqa: PLC0415

    if not named.startswith("env://"):
        return private_key(_read_key(Path(named)), where=named)
    text = os.environ.get(named.removeprefix("env://"))
    if not text:
        raise ConfigError("this variable is not set, or empty", where=named, hint="export it, or name a file")
    return private_key(text.encode(), where=named)


def _read_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the key cannot be read: {error.strerror}", where=str(path)) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ferrule", message="%(prog)s %(version)s")
def cli() -> None:
    """One Rust core, every platform: build and release a Cargo workspace from targets.yaml.

    Exit codes: 0 success, 2 command line, 3 targets.yaml, 4 toolchain, 5 build, 6 verification, 7 storage, 8 network,
    9 nothing to compare with, 130 interrupted; 1 is a bug of ferrule's.
    """


@cli.command()
@shared
@making
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the release goes; dist/ of the project.")
@click.option("--report", is_flag=True, help="Put the page about it beside it, as `ferrule report` makes it.")
@click.option("--sign-key", metavar="FILE", help="Sign with this ECDSA P-256 key: a PEM file, or env://VARIABLE.")
def release(
    directory: Path,
    output: Path | None,
    jobs: int | None,
    rust: Road | None,
    sign_key: str | None,
    **options: bool,
) -> None:
    """Make everything that targets.yaml describes, into dist/.

    \b
    Example:
      ferrule release
      ferrule release --offline --jobs 8
      ferrule release --sign-key release.pem
    """
    key = _signing_key(sign_key) if sign_key else None
    told = Options(directory, options["as_json"], options["quiet"])
    offline = options["offline"]
    wish = Wish(find_project(directory), output, "dist", offline=offline, rust=rust, report=options["report"])
    if key is None and wish.stands(told):
        return
    begun = wish.begun()
    from ferrule import release as work  # noqa: PLC0415 - what it imports is most of a run with nothing to do

    config = work.load(directory)
    around = replace(surroundings(jobs=jobs, offline=options["offline"], rust=rust), key=key)
    plan = work.make_plan(config, around)
    if options["set_up"]:
        _set_up(work.wanted_tools(config, plan, around.road), around.host, told)
    _run(config, plan, around, wish, begun, told)


@cli.command()
@shared
@making
@click.argument("artifacts", nargs=-1)
@click.option("-t", "--target", "targets", multiple=True, help="A target, or `all`; by default this machine's.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where the files go; .ferrule/out of the project."
)
@click.option("--shard", metavar="K/N", help="Make a shard of the release instead: K/N, or an entry of ferrule matrix.")
@click.option("--of", type=click.IntRange(1), metavar="N", help="The N of the shard, where --shard is K alone.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Where the shard goes; .ferrule/bundles/K-of-N.")
def build(
    directory: Path,
    artifacts: tuple[str, ...],
    targets: tuple[str, ...],
    output: Path | None,
    shard: str | None,
    of: int | None,
    bundle: Path | None,
    jobs: int | None,
    rust: Road | None,
    **options: bool,
) -> None:
    """Make a part of the plan, by default what runs on this machine.

    \b
    Example:
      ferrule build
      ferrule build sdk-c --target aarch64-unknown-linux-gnu
      ferrule build --shard 1/4 --bundle bundles/1-of-4
    """
    told = Options(directory, options["as_json"], options["quiet"])
    if shard is not None:
        if artifacts or targets or output:
            raise click.UsageError("a shard is whole: --shard goes with no artifact, --target or --output")
        around = surroundings(jobs=jobs, offline=options["offline"], rust=rust)
        _build_shard(_shard_name(shard, of), bundle, around, told, set_up=options["set_up"])
        return
    if of is not None or bundle is not None:
        raise click.UsageError("--of and --bundle belong to --shard")
    part = Wish(
        *(find_project(directory), output, f"{STATE}/out", artifacts, targets),
        offline=options["offline"],
        rust=rust,
        everything=True,
    )
    if part.stands(told):
        return
    begun = part.begun()
    from ferrule import release as work  # noqa: PLC0415 - what it imports is most of a run with nothing to do

    config = work.load(directory)
    around = surroundings(jobs=jobs, offline=options["offline"], rust=rust)
    plan = work.part(config, around, artifacts, targets)
    if options["set_up"]:
        _set_up(work.wanted_tools(config, plan, around.road), around.host, told)
    _run(config, plan, around, part, begun, told)


def _shard_name(shard: str, of: int | None) -> tuple[int, int] | str:
    """K and N of `K/N`, `K-of-N` or K with --of; anything else is an entry of a matrix. Raises click.UsageError."""
    number, mark, count = shard.replace("-of-", "/").partition("/")
    if not (number.isascii() and number.isdigit() and (not mark or (count.isascii() and count.isdigit()))):
        return shard
    wanted = int(count) if mark else of
    if wanted is None or (of or wanted) != wanted or not 1 <= int(number) <= wanted:
        raise click.UsageError(f"--shard {shard} is none of a number of shards: write K/N, from 1/N to N/N")
    return int(number), wanted


def _build_shard(
    name: tuple[int, int] | str, bundle: Path | None, around: Surroundings, options: Options, *, set_up: bool
) -> None:
    from ferrule import merging, shards  # noqa: PLC0415
    from ferrule import release as work  # noqa: PLC0415

    config = work.load(options.folder)
    plan = work.make_plan(config, around)
    if isinstance(name, str):
        shard = shards.read(name)
    else:
        number, count = name
        # Times that were recorded here are not those of another machine: without a matrix, all split by the plan alone.
        split = merging.split(config, plan, count, {})
        if len(split) != count:
            raise click.UsageError(f"there is work for {len(split)} shards only: --shard {number}/{len(split)}")
        shard = split[number - 1]
    part = merging.narrowed(plan, shard)
    if set_up:
        _set_up(work.wanted_tools(config, part, around.road), around.host, options)
    folder = (bundle or config.root / STATE / "bundles" / shard.id).absolute()
    report = _watch(
        *(config, plan, around, "build", options),
        lambda listen: merging.build(config, plan, around, listen, shard=shard, folder=folder),
    )
    if not report.failed:
        if not options.json and not options.quiet:
            click.echo(f"shard {shard.number} of {shard.of} in {_shown(folder)}")
        return
    finish(report, folder, options)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked to be made, and where; `usual` is the output folder where none was named."""

    root: Path
    named: Path | None
    usual: str
    artifacts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    offline: bool = False
    rust: Road | None = None
    everything: bool = False
    report: bool = False

    @property
    def output(self) -> Path:
        """Where the files go."""
        return (self.named or self.root / self.usual).absolute()

    def document(self) -> Json:
        """All of it, and what else an outcome depends on, for the record of what stands."""
        from ferrule.engine import settled  # noqa: PLC0415

        return settled.wish(
            self.root,
            host(offline=self.offline),
            output=str(self.output),
            artifacts=list(self.artifacts),
            targets=list(self.targets),
            road=self.rust,
            everything=self.everything,
            report=self.report,
            epoch=os.environ.get("SOURCE_DATE_EPOCH"),
        )

    def begun(self) -> tuple[Json, int]:
        """The document at this moment, before anything is read, and the moment itself, by the file system's clock."""
        from ferrule.engine import settled  # noqa: PLC0415

        return self.document(), settled.moment(self.root)

    def stands(self, options: Options) -> bool:
        """Tell it at once if the last run made exactly this and nothing changed since; else leave it to a whole run."""
        import time  # noqa: PLC0415

        from ferrule.engine import settled  # noqa: PLC0415
        from ferrule.engine.sources import StatIndex  # noqa: PLC0415

        if options.json or "GITHUB_ACTIONS" in os.environ or "GITHUB_STEP_SUMMARY" in os.environ:
            return False
        started, state, wish = time.monotonic(), self.root / STATE, self.document()
        index = StatIndex(state / "index.json", time.time_ns)
        told: Any = settled.recall(settled.record_file(state, wish), self.root, index, wish)
        if told is None:
            return False
        index.save()
        from ferrule.reporting import table  # noqa: PLC0415
        from ferrule.reporting.report import duration  # noqa: PLC0415

        if not options.quiet:
            took = duration(time.monotonic() - started)
            click.echo(f"0 built, {told['actions']} unchanged, in {took}", err=True)
        colour, terminal = "NO_COLOR" not in os.environ, sys.stdout.isatty()
        rows = [table.Row(**row) for row in told["rows"]]
        table.show_rows(rows, sys.stdout, colour=colour and terminal, width=None if terminal else 160)
        if not options.quiet:
            click.echo(f"{_counted(told['files'], 'file')} in {_shown(self.output)}")
            _tell_left(told["left"])
        return True


def _watch(
    config: Config,
    plan: Plan,
    around: Surroundings,
    command: str,
    options: Options,
    work: Callable[[Listener], Report],
) -> Report:
    """Show and note what a run does, and what it came to."""
    from ferrule.reporting import reporter, style_for, table  # noqa: PLC0415
    from ferrule.reporting.journal import Journal  # noqa: PLC0415

    stream = sys.stdout
    colour = "NO_COLOR" not in os.environ
    style = style_for(
        json=options.json, terminal=sys.stderr.isatty(), github=os.environ.get("GITHUB_ACTIONS") == "true"
    )
    live = reporter(
        style,
        stream if style in {"json", "github"} else sys.stderr,
        logs=config.root / STATE / "work" / "logs",
        colour=colour,
        width=None,
        quiet=options.quiet,
    )
    journal = Journal(
        folder=config.root / STATE,
        command=command,
        project=plan.project,
        release=plan.version,
        started=around.now_ns() // 1_000_000_000,
        monotonic=around.monotonic,
        listen=live,
    )
    with live:
        report = work(journal)
    if not options.json:
        table.show(report, stream, colour=colour and stream.isatty(), width=None if stream.isatty() else 160)
    _summarise(report)
    return report


def _run(
    config: Config, plan: Plan, around: Surroundings, wish: Wish, begun: tuple[Json, int], options: Options
) -> None:
    from ferrule import release as work  # noqa: PLC0415
    from ferrule.model import to_json  # noqa: PLC0415
    from ferrule.reporting import table  # noqa: PLC0415

    page = (lambda manifest: _page(config, plan, manifest)) if wish.report else None
    report = _watch(
        *(config, plan, around, "build" if wish.everything else "release", options),
        lambda listen: work.run(
            config, plan, around, listen, output=wish.output, everything=wish.everything, page=page
        ),
    )
    made = {action.artifact for action in plan.actions}
    left = [] if wish.artifacts else [a.name for a in config.artifacts if a.name not in made]
    if not report.failed and around.key is None:  # what is signed is signed anew by every run
        rows = to_json([replace(row, state="unchanged") for row in table.rows(report)])
        told: Json = {"actions": len(report.outcomes), "files": len(report.placed), "rows": rows, "left": to_json(left)}
        beside = (REPORT,) if page else ()
        document, since = begun
        if document == wish.document():  # else something, such as the commit, changed while it ran
            work.settle(
                config,
                plan,
                around,
                report,
                output=wish.output,
                wish=document,
                told=told,
                since=since,
                beside=beside,
            )
    finish(report, wish.output, options)
    if not options.json and not options.quiet:
        _tell_left(left)


def _tell_left(names: Sequence[str]) -> None:
    """Say what a build of everything did not make; nothing is left out in silence."""
    if names:
        listed = ", ".join(names)
        click.echo(
            f"not made: {listed}: for other targets, or packing what is; name them, or add --target all", err=True
        )


def _page(config: Config, plan: Plan, manifest: Json) -> str:
    """The page about a release, with the runs that are kept; what cannot be read is said on it."""
    from ferrule.reporting import html, journal  # noqa: PLC0415

    return html.page(html.subject(config, plan, manifest, *journal.read(config.root / STATE)))


def _summarise(report: Report) -> None:
    """Write the table into the page of the CI run, where there is one."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        from ferrule.reporting.table import markdown  # noqa: PLC0415

        with Path(page).open("a", encoding="utf-8") as stream:
            stream.write(markdown(report))


def finish(report: Report, output: Path, options: Options) -> None:
    """Say where everything is, or leave with the exit code of the first failure."""
    errors = [o.error for o in report.outcomes if isinstance(o.error, FerruleError)]
    if report.failed:
        count = len([o for o in report.outcomes if o.state == "failed"])
        click.echo(f"{count} failed; nothing was changed in {_shown(output)}", err=True)
        sys.exit(errors[0].exit_code if errors else 1)
    if not options.json and not options.quiet:
        click.echo(f"{_counted(len(report.placed), 'file')} in {_shown(output)}")


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _shown(path: Path) -> str:
    absolute, here = path.absolute(), Path.cwd()
    return f"{absolute.relative_to(here)}/" if absolute.is_relative_to(here) else f"{absolute}/"


@cli.command()
@shared
@making
@click.argument("folders", nargs=-1, required=True, metavar="DIR…", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the release goes; dist/ of the project.")
@click.option("--report", is_flag=True, help="Put the page about it beside it, as `ferrule report` makes it.")
@click.option("--sign-key", metavar="FILE", help="Sign with this ECDSA P-256 key: a PEM file, or env://VARIABLE.")
def merge(
    directory: Path,
    folders: tuple[Path, ...],
    output: Path | None,
    jobs: int | None,
    rust: Road | None,
    sign_key: str | None,
    **options: bool,
) -> None:
    """Make the release of what shards have built: the same bytes as on one machine, and no compiler is started.

    DIR are the folders that `ferrule build --shard` wrote, one for each shard, in any order.

    \b
    Example:
      ferrule merge bundles/*
    """
    from ferrule import merging  # noqa: PLC0415
    from ferrule import release as work  # noqa: PLC0415

    key = _signing_key(sign_key) if sign_key else None
    told = Options(directory, options["as_json"], options["quiet"])
    config = work.load(directory)
    around = replace(surroundings(jobs=jobs, offline=options["offline"], rust=rust), key=key)
    plan = work.make_plan(config, around)
    if options["set_up"]:
        _set_up(merging.wanted(config, plan, around, folders), around.host, told)
    place = (output or config.root / "dist").absolute()
    page = (lambda manifest: _page(config, plan, manifest)) if options["report"] else None
    report = _watch(
        *(config, plan, around, "merge", told),
        lambda listen: merging.merge(config, plan, around, listen, folders=folders, output=place, page=page),
    )
    finish(report, place, told)


@cli.command()
@shared
@click.option("--shards", "count", type=click.IntRange(1), help="How many; as many as there is work for.")
@click.option(
    "--format", "system", type=click.Choice(["github", "gitlab", "buildkite"]), default="github", help="Whose jobs."
)
def matrix(directory: Path, count: int | None, system: System, **options: bool) -> None:
    """Split what needs compilers over CI machines: a line of JSON for the CI system.

    \b
    Balanced by the times of earlier runs in this project, where there are any. github: the value
    of strategy.matrix, past 256 shards a matrix of matrices; gitlab: a child pipeline; buildkite:
    steps to upload. Each entry can be given to `ferrule build --shard` as it is.

    \b
    Example:
      ferrule matrix --shards 4
      ferrule matrix --shards 100 --format gitlab > pipeline.yml
    """
    from ferrule import merging  # noqa: PLC0415
    from ferrule import release as work  # noqa: PLC0415
    from ferrule.reporting import pipelines  # noqa: PLC0415

    config = work.load(directory)
    around = surroundings(jobs=None, offline=True, rust=None)
    plan = work.make_plan(config, around)
    most = pipelines.LIMITS[system]
    split = merging.split(config, plan, min(count or most, most), merging.times(config, plan, around))
    if count and len(split) < count and not options["quiet"]:
        reason = "takes no more" if len(split) == most else "is all there is work for"
        click.echo(
            f"{_counted(len(split), 'shard')} instead of {count}: {system if len(split) == most else 'that'} {reason}",
            err=True,
        )
    click.echo(pipelines.text(split, system))


@cli.command()
@shared
@click.option("--why", is_flag=True, help="Say for each action whether it would run, and what changed.")
@click.option("--graph", type=click.Choice(["dot", "mermaid"]), help="Write the graph of actions instead.")
def plan(directory: Path, *, why: bool, graph: str | None, **options: bool) -> None:
    """Show everything that would be made, before any work.

    \b
    Example:
      ferrule plan
      ferrule plan --json | jq '.actions[].id'
    """
    from ferrule import plan as planning  # noqa: PLC0415
    from ferrule import release as work  # noqa: PLC0415
    from ferrule.reporting import plans  # noqa: PLC0415

    config = work.load(directory)
    around = surroundings(jobs=None, offline=True, rust=None)
    found = work.make_plan(config, around)
    reasons = work.reasons(config, found, around) if why else None
    if graph:
        click.echo(plans.graph(found, graph), nl=False)
    elif options["as_json"]:
        click.echo(json.dumps(planning.document(found), indent=2))
    else:
        click.echo(plans.text(found, reasons), nl=False)


@cli.command()
@shared
def check(directory: Path, **options: bool) -> None:
    """Validate targets.yaml, crates, WIT and packaging sources without building.

    \b
    Example:
      ferrule check
    """
    from ferrule import release as work  # noqa: PLC0415

    config = work.load(directory)
    found = work.make_plan(config, surroundings(jobs=None, offline=True, rust=None))
    if options["as_json"]:
        click.echo(json.dumps({"ok": True, "actions": len(found.actions)}))
    elif not options["quiet"]:
        counts = {"target": config.targets, "artifact": config.artifacts, "action": found.actions}
        told = ", ".join(_counted(len(things), name) for name, things in counts.items())
        click.echo(f"targets.yaml is good: {told}")


@cli.command()
@shared
def config(directory: Path, **_: bool) -> None:
    """Print the effective matrix: everything that targets.yaml says, with all defaults filled in, as JSON.

    \b
    Example:
      ferrule config
    """
    from ferrule import release as work  # noqa: PLC0415
    from ferrule.config import document  # noqa: PLC0415

    click.echo(json.dumps(document(work.load(directory)), indent=2))


@cli.command()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to a file instead.")
def schema(output: Path | None) -> None:
    """Print the JSON schema of targets.yaml, for editors.

    \b
    Example:
      ferrule schema --output docs/targets.schema.json
    """
    from ferrule.config import schema as make_schema  # noqa: PLC0415
    from ferrule.kinds import KINDS  # noqa: PLC0415

    text = json.dumps(make_schema(KINDS), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)


@cli.command()
@shared
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--key", type=click.Path(path_type=Path), help="Public key (PEM) that must have signed it.")
def verify(directory: Path, path: Path | None, key: Path | None, **options: bool) -> None:
    """Read a finished release again and recompute every claim; needs no network and no project.

    PATH is the folder of a release, or one file of it; by default dist/ of the project.

    \b
    Example:
      ferrule verify
      ferrule verify Downloads/demo-1.2.3 --key demo.pub
    """
    from ferrule import verify as verifying  # noqa: PLC0415
    from ferrule.formats import sigstore  # noqa: PLC0415
    from ferrule.reporting import verdicts  # noqa: PLC0415

    asked = path or find_project(directory) / "dist"
    folder = asked if asked.is_dir() else verifying.release_of(asked)
    if folder is None:
        raise VerificationError(
            "no folder above this file has a manifest, so nothing says what it should be",
            where=str(asked),
            hint="ferrule explain tells what a single file says of itself",
        )
    found = list(verifying.verify(folder, sigstore.public_key(_read_key(key), where=str(key)) if key else None))
    if asked is not folder:
        name = asked.absolute().relative_to(folder.absolute()).as_posix()
        found = [v for v in found if v.subject == name or v.subject.startswith((f"{name}/", f"{name}:"))]
    if options["as_json"]:
        click.echo(verdicts.as_json(found))
    else:
        verdicts.show(
            found, sys.stdout, colour="NO_COLOR" not in os.environ and sys.stdout.isatty(), quiet=options["quiet"]
        )
    if not found or any(v.problem for v in found):
        sys.exit(VerificationError.exit_code)


@cli.command()
@shared
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--record", is_flag=True, help="Keep the interface of this release, to compare later ones with it.")
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where it is kept; packaging/abi of the project.",
)
def abi(directory: Path, folder: Path | None, against: Path | None, *, record: bool, **options: bool) -> None:
    """Compare what users build against with the last release: libraries, header, WIT, Python, npm.

    Says which version the changes ask for. FOLDER is a finished release, by default dist/ of the project. Exit code 6
    if the version promises more than is kept, 9 if there is nothing to compare with.

    \b
    Example:
      ferrule abi
      ferrule abi --record
    """
    from ferrule import abi as interfaces  # noqa: PLC0415
    from ferrule.reporting import comparison  # noqa: PLC0415

    root = find_project(directory)
    place = against or root / interfaces.PLACE
    first = record and not (place / interfaces.RECORD).exists()  # there is nothing before it
    recorded = None if first else interfaces.recall(place)
    dist = folder or root / "dist"
    released = interfaces.read(dist, host(offline=True))
    if folder is None:
        from ferrule import release as work  # noqa: PLC0415

        interfaces.check_current(released, work.load(directory).project.version)
    if recorded is not None:
        found = interfaces.compare(recorded, released)
        if options["as_json"]:
            click.echo(comparison.as_json(found))
        else:
            coloured = "NO_COLOR" not in os.environ and sys.stdout.isatty()
            comparison.show(found, sys.stdout, colour=coloured, quiet=options["quiet"])
        if found.problems:
            sys.exit(VerificationError.exit_code)
    if record:
        interfaces.record(released, place, interfaces.header_files(dist))
        if not options["quiet"]:
            click.echo(f"recorded the interface of {released['release']} in {_shown(place)}", err=options["as_json"])


@cli.command()
@shared
@running
@click.option("--host-only", is_flag=True, help="Only what this machine's own target needs.")
@click.option("--with", "extras", multiple=True, type=click.Choice(["container", "go", "node", "emulation"]))
@click.option("--probe/--no-probe", default=True, help="Link a small program for each target.")
def doctor(directory: Path, extras: tuple[str, ...], *, host_only: bool, probe: bool, **options: Any) -> None:  # noqa: ANN401
    """Examine every tool that the project needs: wanted, found, where, and the fix for each fault.

    \b
    Example:
      ferrule doctor
      ferrule doctor --with container
    """
    from ferrule import doctor as examination  # noqa: PLC0415
    from ferrule import release as work  # noqa: PLC0415
    from ferrule.reporting import findings  # noqa: PLC0415

    around = surroundings(jobs=options["jobs"], offline=options["offline"], rust=options["rust"])
    config = work.load(directory)
    wanted = work.wanted(config, around, extras=extras, host_only=host_only)
    floors = {t.triple: t.glibc for t in config.targets if t.glibc}
    found = examination.examine(wanted, around.host, probe=probe, glibc=floors)
    if options["as_json"]:
        click.echo(findings.as_json(found))
    else:
        findings.show(found, sys.stdout, colour="NO_COLOR" not in os.environ and sys.stdout.isatty())
    if any(f.problem for f in found):
        sys.exit(4)


@cli.command()
@shared
@running
@click.option("--host-only", is_flag=True, help="Only what this machine's own target needs.")
@click.option("--with", "extras", multiple=True, type=click.Choice(["container", "go", "node", "emulation"]))
@click.option("--dry-run", is_flag=True, help="Say what would be installed, and by which road.")
def setup(directory: Path, extras: tuple[str, ...], *, host_only: bool, dry_run: bool, **options: Any) -> None:  # noqa: ANN401
    """Install what is missing, and say by which road; where it may not, name the command for a person.

    \b
    Example:
      ferrule setup
      ferrule setup --rust rustup --dry-run
    """
    from ferrule import release as work  # noqa: PLC0415

    around = surroundings(jobs=options["jobs"], offline=options["offline"], rust=options["rust"])
    wanted = work.wanted(work.load(directory), around, extras=extras, host_only=host_only)
    _set_up(wanted, around.host, Options(directory, options["as_json"], options["quiet"]), dry_run=dry_run)


def _set_up(wanted: Wanted, host: Host, options: Options, *, dry_run: bool = False) -> None:
    from ferrule import doctor as examination  # noqa: PLC0415

    def say(text: str) -> None:
        if not options.quiet:
            click.echo(text, err=options.json)

    examination.setup(wanted, host, say, dry_run=dry_run)


@cli.command()
@shared
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def lock(directory: Path, files: tuple[Path, ...], **options: bool) -> None:
    """Bring lock files of image bases to the newest versions of their packages.

    \b
    Example:
      ferrule lock packaging/image/base.lock
    """
    from ferrule import release as work  # noqa: PLC0415

    config = work.load(directory)
    around = surroundings(jobs=None, offline=False, rust=None)
    for name, count in work.refresh_locks(config, around.host, files):
        if not options["quiet"]:
            click.echo(f"{name}: {count} packages")


@cli.command()
@shared
@click.argument("dist", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where the page goes; .ferrule/report.html of the project."
)
def report(directory: Path, dist: Path | None, output: Path | None, **options: bool) -> None:
    """Write a page about the release in DIST (dist/) and the last runs, and print where it is.

    \b
    One file that loads nothing: what was made for which target, when each step worked and why,
    the critical path, sizes by section and over releases, what needs what, and tool versions.

    \b
    Example:
      ferrule report
      ferrule report --output release.html
    """
    from ferrule import release as work  # noqa: PLC0415
    from ferrule.engine.store import write_aside  # noqa: PLC0415

    config = work.load(directory)
    plan = work.make_plan(config, surroundings(jobs=None, offline=True, rust=None))
    manifest = work.read_manifest(dist or config.root / "dist", required=dist is not None)
    place = (output or config.root / STATE / REPORT).absolute()
    write_aside(place, _page(config, plan, manifest).encode())
    if options["as_json"]:
        click.echo(json.dumps({"report": str(place)}))
    else:
        click.echo(str(place))


@cli.command()
@shared
@making
@click.option("--against", type=click.Path(path_type=Path), help="Compare with this finished release; build once.")
@click.option("--work", "base", type=click.Path(path_type=Path), help="Build in this new folder and leave all there.")
def reproduce(
    directory: Path,
    against: Path | None,
    base: Path | None,
    jobs: int | None,
    rust: Road | None,
    **options: bool,
) -> None:
    """Build again as somebody else somewhere else, from nothing, and compare every byte.

    \b
    Example:
      ferrule reproduce
      ferrule reproduce --against dist
    """
    from ferrule import release as work  # noqa: PLC0415
    from ferrule import reproduce as again  # noqa: PLC0415
    from ferrule.reporting import reproduced  # noqa: PLC0415
    from ferrule.tools.toolchain import require  # noqa: PLC0415

    told = Options(directory, options["as_json"], options["quiet"])
    config = work.load(directory)
    around = surroundings(jobs=jobs, offline=options["offline"], rust=rust)
    plan = work.make_plan(config, around)
    wanted = work.wanted_tools(config, plan, around.road)
    if options["set_up"]:
        _set_up(wanted, around.host, told)
    toolchain = require(wanted, around.host) if wanted.tools else None
    tools = [Path(tool.argv[0]) for tool in toolchain.tools.values() if tool.argv] if toolchain else []
    wish = again.Wish(
        root=config.root,
        plan=plan,
        programs=(*tools, *([toolchain.sysroot] if toolchain else [])),
        against=against,
        work=base,
        options=(*(["--offline"] if options["offline"] else []), *(["--rust", rust] if rust else [])),
        jobs=around.jobs,
    )

    def say(text: str) -> None:
        if not told.quiet:
            click.echo(text, err=True)

    found = again.reproduce(wish, around.host, say)
    document = found.document()
    click.echo(json.dumps(document, indent=2) if told.json else reproduced.text(document), nl=told.json)
    failed = again.failure(found)
    if failed is not None:
        raise failed


@cli.command()
@shared
@click.argument("item")
def explain(directory: Path, item: str, **options: bool) -> None:
    """Say what an artifact, an action, a file, a fingerprint, an exit code or an error is.

    Of what is made: what goes into it, whether it would run and what changed, when and why it was built, what was
    measured. Of a file, downloaded or made: the version and fingerprints that are inside, and the release it is of.

    \b
    Example:
      ferrule explain native@x86_64-unknown-linux-gnu
      ferrule explain dist/demo-1.2.3-py3-none-any.whl
      ferrule explain 5
    """
    from ferrule import explain as explaining  # noqa: PLC0415
    from ferrule.reporting import explained  # noqa: PLC0415

    try:
        found = explaining.explain(item, directory, lambda: _known_project(directory))
    except OSError as error:
        raise StorageError(f"this cannot be read: {error.strerror}", where=str(error.filename or item)) from error
    click.echo(json.dumps(found, indent=2) if options["as_json"] else explained.text(found), nl=options["as_json"])


def _known_project(directory: Path) -> KnownProject | None:
    """All that can be told of the project around a folder; None where there is none, or it is not configured well."""
    from ferrule import explain as explaining  # noqa: PLC0415
    from ferrule import release as work  # noqa: PLC0415
    from ferrule.engine.sources import StatIndex  # noqa: PLC0415
    from ferrule.engine.store import Store  # noqa: PLC0415
    from ferrule.reporting import journal  # noqa: PLC0415

    try:
        config = work.load(directory)
    except ConfigError as error:
        if not isinstance(error, ConfigErrors):
            return None  # there is no project here
        raise
    around = surroundings(jobs=None, offline=True, rust=None)
    plan = work.make_plan(config, around)
    state = config.root / STATE
    runs, _ = journal.read(state)
    why_not, examined = "", {}
    try:
        examined = work.examine(config, plan, around)
    except ToolchainError as error:
        why_not = f"its tools are not complete, so its key is not known: {error.message.splitlines()[0]}"
    return explaining.Project(
        config=config,
        plan=plan,
        store=Store(state / "store", StatIndex(state / "index.json", around.now_ns), lambda _: None),
        examined=examined,
        why_not=why_not,
        history={step.id: step.reason for run in runs for step in run.steps if step.state == "built"},
    )
