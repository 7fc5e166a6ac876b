"""The process environment and the clock; no other module reads them."""

from __future__ import annotations

import os
import platform
import pwd
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from ferrule.app.release import run as release
from ferrule.core import byte_size
from ferrule.core.errors import StorageError, UsageError
from ferrule.engine import machine_cache, remote_server
from ferrule.formats import sigstore
from ferrule.tools import host as hosts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.core.toolchain import RustSource
    from ferrule.engine.remote_server import Address
    from ferrule.kinds.base import Builder


def variables() -> dict[str, str]:
    """All variables of the environment."""
    return dict(os.environ)


def check_current_folder() -> None:
    """Raise StorageError where the folder in which this process runs was deleted: no path can be told from there."""
    try:
        Path.cwd()
    except OSError as error:
        raise StorageError(
            f"the folder in which ferrule was started cannot be used: {error.strerror}",
            hint="change to one that exists (cd), and run the command again",
        ) from error


_COLUMNS: Final = 80
"""Columns of a terminal that does not say how many it has."""

now_ns: Final = time.time_ns
"""Nanoseconds since 1970, by the machine's clock."""

monotonic: Final = time.monotonic
"""A clock in seconds that is never set, for durations."""

sleep: Final = time.sleep
"""Waits for some seconds."""


def host(*, offline: bool) -> hosts.Host:
    """The machine as the process environment describes it; raises StorageError as `cache_folder`.

    HOME is that of the password database where the environment has none, also for what this run starts.
    """
    environment = variables()
    home = home_folder(environment)
    if home is not None:
        environment["HOME"] = str(home)
    path = tuple(Path(p) for p in environment.get("PATH", "").split(os.pathsep) if p)
    return hosts.Host(
        path=path,
        environment=environment,
        cache=cache_folder(environment),
        system=platform.system(),
        machine=platform.machine(),
        is_root=os.geteuid() == 0,
        offline=offline,
        python=Path(sys.executable),
    )


def home_folder(environment: Mapping[str, str], user: int | None = None) -> Path | None:
    """HOME, else what the password database says of this user (or of another); None if neither names a folder."""
    if environment.get("HOME"):
        return Path(environment["HOME"])

    try:
        folder = pwd.getpwuid(os.getuid() if user is None else user).pw_dir
    except KeyError:
        return None
    return Path(folder) if folder else None


def cache_folder(environment: Mapping[str, str], user: int | None = None) -> Path:
    """Where tools and downloads are kept for all projects: FERRULE_CACHE, else `ferrule` in the XDG cache folder.

    Raises StorageError where nothing names a folder: one that everybody may write to, such as /tmp, must not hold
    programs.
    """
    if environment.get("FERRULE_CACHE"):
        return Path(environment["FERRULE_CACHE"]).absolute()
    base = environment.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():  # the XDG base directory specification has others ignored
        return Path(base, "ferrule")
    home = home_folder(environment, user)
    if home is None:
        raise StorageError(
            "HOME is not set, and the password database has no home folder for this user",
            hint="set HOME, or name a folder for tools and downloads with FERRULE_CACHE",
        )
    return home.absolute() / ".cache" / "ferrule"


def run_context(*, jobs: int | None, offline: bool, rust_source: RustSource | None) -> release.RunContext:
    """What a run takes from outside. Raises click.UsageError for a SOURCE_DATE_EPOCH that is no number."""
    epoch = source_date_epoch()
    if epoch is not None and not (epoch.isascii() and epoch.isdigit()):
        raise click.UsageError(f"SOURCE_DATE_EPOCH is {epoch!r}; it must be a number of seconds since 1970")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return release.RunContext(
        host=host(offline=offline),
        jobs=jobs or cores,
        monotonic=monotonic,
        now_ns=now_ns,
        epoch=int(epoch) if epoch is not None else release.DEFAULT_EPOCH,
        rust_source=rust_source,
        builder=builder(),
        compiler_cache=os.environ.get("FERRULE_COMPILER_CACHE") or None,
        machine_cache=machine_cache_size(),
    )


def machine_cache_size() -> int:
    """Bytes that FERRULE_MACHINE_CACHE lets finished actions of all checkouts have; 0 for `off`. Raises UsageError.

    Without it there are none where CI is set: a release there is to depend on its checkout alone, also where a build
    script reads what it does not declare (`git describe`).
    """
    text = os.environ.get("FERRULE_MACHINE_CACHE", "")
    if not text:
        return 0 if os.environ.get("CI") else machine_cache.LARGEST
    if text == "off":
        return 0
    if not re.fullmatch(byte_size.PATTERN, text):
        raise UsageError(f"FERRULE_MACHINE_CACHE is {text!r}", hint="write `off`, or a size such as 20 GiB")
    return byte_size.parse_size(text)


def builder() -> Builder | None:
    """The builder as GitHub Actions or GitLab describes it ("Variables reference"); None for a person.

    GITHUB_WORKFLOW_REF names the workflow that an event started, also where that called another; no variable names the
    called one. So the workflows of `ferrule ci` do, by FERRULE_WORKFLOW. A pipeline of GitLab has the name that its
    certificates have, too: the address of the project, two slashes, and the file at a reference (Fulcio, "OIDC usage").
    """
    environ = os.environ
    if environ.get("GITLAB_CI") == "true":
        return _gitlab_builder(environ)
    named = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_WORKFLOW_REF", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")
    if environ.get("GITHUB_ACTIONS") != "true" or not all(environ.get(name) for name in named):
        return None

    from ferrule.kinds.base import Builder  # noqa: PLC0415 - 60 ms: every kind, which a release that stands needs not

    server, repository, workflow, run, attempt = (environ[name] for name in named)
    return Builder(
        id=environ.get("FERRULE_WORKFLOW") or f"{server}/{workflow}",
        invocation=f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}",
        source=f"git+{server}/{repository}@{environ.get('GITHUB_REF', 'HEAD')}",
    )


def _gitlab_builder(environ: Mapping[str, str]) -> Builder | None:
    """The builder as GitLab describes it ("Predefined CI/CD variables reference")."""
    named = ("CI_PROJECT_URL", "CI_CONFIG_PATH", "CI_COMMIT_REF_NAME", "CI_PIPELINE_URL")
    if not all(environ.get(name) for name in named):
        return None

    from ferrule.kinds.base import Builder  # noqa: PLC0415 - 60 ms: as above

    project, config, name, pipeline = (environ[name] for name in named)
    reference = f"refs/{'tags' if environ.get('CI_COMMIT_TAG') else 'heads'}/{name}"
    return Builder(f"{project}//{config}@{reference}", pipeline, f"git+{project}@{reference}")


def direct_url() -> str | None:
    """The record of where this Ferrule was installed from (direct_url.json); None if there is none."""
    from importlib import metadata  # noqa: PLC0415 - 20 ms

    try:
        return metadata.distribution("ferrule").read_text("direct_url.json")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return None


def remote_cache(url: str | None, mode: str | None) -> Address | None:
    """The remote cache that the command line or the environment names, if one does. Raises UsageError."""
    text = url or os.environ.get("FERRULE_REMOTE_CACHE")
    if not text:
        return None

    how = mode or os.environ.get("FERRULE_REMOTE_CACHE_MODE") or "read"
    return remote_server.address(
        text, mode=how, token=os.environ.get("FERRULE_REMOTE_CACHE_TOKEN"), environment=variables()
    )


def signing_key(named: str) -> EllipticCurvePrivateKey:
    """The key that the command line names: a file, or a variable that holds it. Raises UsageError."""
    if not named.startswith("env://"):
        return sigstore.private_key(read_key(Path(named)), where=named)
    text = os.environ.get(named.removeprefix("env://"))
    if not text:
        raise UsageError("this variable is not set, or empty", where=named, hint="export it, or name a file")
    return sigstore.private_key(text.encode(), where=named)


def read_key(path: Path) -> bytes:
    """The bytes of a key's file. Raises UsageError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"the key cannot be read: {error.strerror}", where=str(path)) from error


def source_date_epoch() -> str | None:
    """SOURCE_DATE_EPOCH as it was given (reproducible-builds.org, "SOURCE_DATE_EPOCH specification")."""
    return os.environ.get("SOURCE_DATE_EPOCH")


def coloured(stream: TextIO) -> bool:
    """Whether to use colours: on a terminal or with FORCE_COLOR, without NO_COLOR (force-color.org, no-color.org)."""
    return allows_colour() and (stream.isatty() or bool(os.environ.get("FORCE_COLOR")))


def width(stream: TextIO) -> int | None:
    """Columns of the terminal that a stream goes to, by COLUMNS where that says it; None if it goes to none."""
    if not stream.isatty():
        return None
    named = os.environ.get("COLUMNS", "")
    if named.isascii() and named.isdigit() and int(named):
        return int(named)
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    return columns or _COLUMNS


def allows_colour() -> bool:
    """Whether colours are not ruled out by NO_COLOR; an empty one says nothing."""
    return not os.environ.get("NO_COLOR")


def choose_colour(choice: str) -> None:
    """Take the word of the command line, `auto`, `always` or `never`, over that of the environment."""
    if choice != "auto":
        os.environ.pop("NO_COLOR", None)
        os.environ.pop("FORCE_COLOR", None)
        os.environ["FORCE_COLOR" if choice == "always" else "NO_COLOR"] = "1"


def on_github() -> bool:
    """Whether GitHub Actions runs this."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def summary_page() -> Path | None:
    """The file whose text the CI system shows on the page of its run (GITHUB_STEP_SUMMARY); None elsewhere."""
    named = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(named) if named else None
