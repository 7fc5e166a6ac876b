"""Another person at the same machine: a user, a home, habits, a clock and an order of files of its own, the same tools.

What cannot be had on a machine is said with its reason, never left out in silence.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import FerruleError, StorageError
from ferrule.tools.run import RunAs, base_environment, capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ferrule.tools.host import Host

UMASK: Final = 0o077
LATER_DAYS: Final = 400
"""How far ahead the clock is set where it can be: more than a year, so that every part of a date differs."""

_USER: Final = "nobody"
VARIATIONS: Final = {
    "TZ": "Pacific/Chatham",  # 45 minutes off the hour
    "LC_ALL": "tr_TR.UTF-8",  # another alphabet: i and I are no pair
    "LANG": "tr_TR.UTF-8",
    "USER": "somebody",
    "LOGNAME": "somebody",
    "PYTHONHASHSEED": "4242",
}
_READ: Final = ("FERRULE_CACHE", "SOURCE_DATE_EPOCH", "RUSTC", "CARGO", "PYTHONPATH")
"""What Ferrule itself goes by, beyond what it lets programs know that it starts."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Something that differs between two builds; `missing` says why it does not, if it does not."""

    what: str
    first: str
    second: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class VariedEnvironment:
    """How to start a program as that person: `prefix` comes before it; `variations` are what is different about it."""

    person: RunAs
    environment: dict[str, str]
    prefix: tuple[str, ...]
    variations: tuple[Variation, ...]


def plain(host: Host, home: Path) -> VariedEnvironment:
    """Ourselves, as most people are: the usual mask, the caller's own environment."""
    environment = _passing(host) | {"PYTHONHASHSEED": "0", "TMPDIR": str(_created(home / "tmp"))}
    return VariedEnvironment(RunAs(umask=0o022), environment, (), ())


def varied_environment(host: Host, home: Path, programs: Iterable[Path]) -> VariedEnvironment:
    """The environment of another user with the existing home `home`, who must reach `programs`. Raises StorageError."""
    environment = _passing(host) | VARIATIONS | _own_home(host, home)
    variations = [
        Variation("umask", "022", f"{UMASK:03o}"),
        *(
            Variation(name, host.environment.get(name, "not set"), VARIATIONS[name])
            for name in ("TZ", "LC_ALL", "USER")
        ),
        Variation("HOME and TMPDIR", host.environment.get("HOME", "not set"), str(home)),
    ]
    person, user = RunAs(umask=UMASK), _another_user(host, (home, *programs))
    if isinstance(user, str):
        variations.append(Variation("user", str(os.geteuid()), str(os.geteuid()), user))
    else:
        try:
            environment |= _share_caches(host, home, user)
        except OSError as error:
            reason = f"what {_USER} would need cannot be lent: {error.strerror}"
            variations.append(Variation("user", str(os.geteuid()), str(os.geteuid()), reason))
        else:
            person = RunAs(UMASK, *user)
            variations.append(Variation("user", str(os.geteuid()), str(user[0])))
    prefix, clock = _clock(host)
    return VariedEnvironment(person, environment, prefix, (*variations, clock))


def _passing(host: Host) -> dict[str, str]:
    own = {name: host.environment[name] for name in _READ if host.environment.get(name)}
    package = str(Path(__file__).parents[3])
    path = os.pathsep.join((package, *filter(None, own.get("PYTHONPATH", "").split(os.pathsep))))
    return base_environment(host.environment) | own | {"PYTHONPATH": path, "NO_COLOR": "1"}


def _own_home(host: Host, home: Path) -> dict[str, str]:
    """Variables for an empty home with shared caches: fetched crates and modules, tools, settings."""
    old = host.home
    modules = _go_modules(host)
    paths = {
        "CARGO_HOME": host.cargo_home,
        "RUSTUP_HOME": host.rustup_home if host.rustup_home and host.rustup_home.is_dir() else None,
        "FERRULE_CACHE": host.cache,
        "GOMODCACHE": modules,
        "XDG_CONFIG_HOME": Path(host.environment.get("XDG_CONFIG_HOME") or old / ".config") if old else None,
    }
    return {
        "HOME": str(home),
        "TMPDIR": str(_created(home / "tmp")),
        **{name: str(path) for name, path in paths.items() if path},
    }


def _go_modules(host: Host) -> Path | None:
    """Where Go keeps modules ("go help environment"): GOMODCACHE, else below the first folder of GOPATH."""
    if host.environment.get("GOMODCACHE"):
        return Path(host.environment["GOMODCACHE"])
    if host.environment.get("GOPATH"):
        return Path(host.environment["GOPATH"].split(os.pathsep)[0]) / "pkg" / "mod"
    return host.home / "go" / "pkg" / "mod" if host.home else None


def _created(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# Another user


def _another_user(host: Host, needed: Iterable[Path]) -> tuple[int, int] | str:
    """User and group by number, or why there is none: only root may start programs as another user."""
    if not host.is_root:
        return "only root may start a program as another user"
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        return f"this machine has no user {_USER}"
    borrowed = [host.cache, *filter(None, (host.cargo_home, _go_modules(host)))]
    for path in needed:
        closed = None if any(path.is_relative_to(folder) for folder in borrowed) else closed_at(path)
        if closed is not None:
            return f"{_USER} may not use {path}" + (f", as {closed} is closed to others" if closed != path else "")
    return entry.pw_uid, entry.pw_gid


def closed_at(file: Path) -> Path | None:
    """The first folder above a file or folder, or itself, that is closed to other users; None if there is none."""
    for path in dict.fromkeys((file.absolute(), file.resolve())):
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & stat.S_IXOTH:
                return folder
        mode = path.stat().st_mode
        bits = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode & bits != bits:
            return path
    return None


def _share_caches(host: Host, home: Path, user: tuple[int, int]) -> dict[str, str]:
    """Give what is ours alone into another user's hands without giving it away; returns where it is.

    Contents that nobody changes are linked, which leaves their owner and mode alone; only folders are new. What
    programs write into is copied. Raises OSError, also where links cannot be made.
    """
    lent = home / "lent"
    for name in ("tools", "debs"):
        _link(host.cache / name, lent / "cache" / name, user)
    _copy(host.cache / "zig", lent / "cache" / "zig", user)
    environment = {"FERRULE_CACHE": str(lent / "cache"), "XDG_CONFIG_HOME": str(lent / "config")}
    if host.cargo_home:
        for name in ("registry", "git"):
            _link(host.cargo_home / name, lent / "cargo" / name, user)
        for config in (host.cargo_home / name for name in ("config.toml", "config")):
            if config.is_file() and b"token" not in config.read_bytes():  # secrets stay where they are
                _copy(config, lent / "cargo" / config.name, user)
        environment["CARGO_HOME"] = str(lent / "cargo")
    if host.rustup_home and host.rustup_home.exists() and closed_at(host.rustup_home) is not None:
        environment["RUSTUP_HOME"] = str(home / "rustup")  # none of its programs is used, or they would be closed too
    modules = _go_modules(host)
    if modules:
        _link(modules, lent / "go", user)
        environment["GOMODCACHE"] = str(lent / "go")
    settings = Path(host.environment.get("XDG_CONFIG_HOME") or (host.home or Path("/")) / ".config")
    _copy(settings / "go" / "env", lent / "config" / "go" / "env", user)
    for folder in (home, *(p for p in home.glob("*") if p.is_dir()), *(p for p in lent.glob("*") if p.is_dir())):
        os.chown(folder, *user)
    environment["PATH"] = os.pathsep.join(str(p) for p in host.path if p.is_dir() and closed_at(p) is None)
    return environment


def _link(source: Path, target: Path, user: tuple[int, int]) -> None:
    """The same tree with folders of the user's own and links to our files, or copies of those closed to others."""
    _own(target, user)
    for folder, folders, files in os.walk(source):
        there = target / os.path.relpath(folder, source)
        _own(there, user)
        for name in (n for n in (*folders, *files) if os.path.islink(os.path.join(folder, n))):  # noqa: PTH114, PTH118
            (there / name).symlink_to((Path(folder) / name).readlink())
        for name in files:
            file = os.path.join(folder, name)  # noqa: PTH118 - a Path costs more
            mode = os.lstat(file).st_mode
            if stat.S_ISREG(mode):
                _hand_over(Path(file), there / name, mode, user)


def _hand_over(file: Path, there: Path, mode: int, user: tuple[int, int]) -> None:
    if mode & stat.S_IROTH and (mode & stat.S_IXOTH or not mode & stat.S_IXUSR):
        there.hardlink_to(file)
    else:
        _copy(file, there, user)


def _copy(source: Path, target: Path, user: tuple[int, int]) -> None:
    if source.is_dir():
        _own(target, user)
        for inner in source.iterdir():
            _copy(inner, target / inner.name, user)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        os.chown(target, *user)


def _own(folder: Path, user: tuple[int, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, *user)


# Clock and order of files


def _clock(host: Host) -> tuple[tuple[str, ...], Variation]:
    """What to put before a program so that it, and what it starts, sees another time of day."""
    program = host.which("faketime")
    if program is None:
        return (), Variation("clock", "now", "as much later as the first build took", "faketime is not installed")
    later = f"{LATER_DAYS} days later, but for programs without a C library: zig, and those in Go"
    return (str(program), "-f", f"+{LATER_DAYS}d"), Variation("clock", "now", later)


@contextmanager
def another_order(host: Host, files: Path, target: Path) -> Iterator[Variation]:
    """Show a folder at another place, where folders list their files in another order, and say how or why not.

    By disorderfs (https://reproducible-builds.org/tools/) or, for root on Linux, by overlayfs. Most file systems
    list files by a hash of their names, so that writing them in another order changes nothing. Where neither can be
    had, the folder itself is moved to that place.
    """
    reasons: list[str] = []
    order = Variation("order of files", "as the file system has it", "written backwards")
    with ExitStack() as shown:
        for way in (_disordered, _overlaid):
            try:
                order = replace(order, second=shown.enter_context(way(host, files, target)))
                break
            except _NotHere as reason:
                reasons.append(str(reason))
        else:
            files.rename(target)
            yield replace(order, missing="; ".join(reasons))
            return
        try:
            yield order
        finally:
            shown.close()
            files.rename(target)


class _NotHere(Exception):  # noqa: N818 - no error: another way is tried
    """Why a way to show files in another order cannot be gone on this machine."""


@contextmanager
def _disordered(host: Host, files: Path, target: Path) -> Iterator[str]:
    mount, unmount = host.which("disorderfs"), host.which("fusermount3") or host.which("fusermount")
    if mount is None or unmount is None:
        raise _NotHere("disorderfs is not installed")
    several = "yes" if host.is_root else "no"
    command = [str(mount), "--quiet", f"--multi-user={several}", "--reverse-dirents=yes", str(files), str(target)]
    with _mounted(host, command, [str(unmount), "-u", str(target)], target):
        yield "reversed, by disorderfs"


@contextmanager
def _overlaid(host: Host, files: Path, target: Path) -> Iterator[str]:
    """Files in two layers: a folder lists those of the lower one first (Linux, "Overlay Filesystem", readdir)."""
    mount, unmount = host.which("mount"), host.which("umount")
    if host.system != "Linux" or not host.is_root or mount is None or unmount is None:
        raise _NotHere("only root on Linux may mount overlayfs")
    lower, work = files.with_name("lower"), files.with_name("work")
    if set(f"{files}") & set(",:\\"):
        raise _NotHere(f"overlayfs takes no path such as {files}")
    work.mkdir()
    split(files, lower)
    layers = f"lowerdir={lower},upperdir={files},workdir={work},redirect_dir=off"
    command = [str(mount), "-t", "overlay", "-o", layers, "overlay", str(target)]
    try:
        with _mounted(host, command, [str(unmount), str(target)], target):
            yield "the later half of each folder's files first, by overlayfs"
    finally:
        if not os.path.ismount(target):
            join(files, lower)
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _mounted(host: Host, mount: list[str], unmount: list[str], target: Path) -> Iterator[None]:
    environment = base_environment(host.environment)
    target.mkdir()
    try:
        capture(mount, env=environment, timeout=60)
    except FerruleError as error:
        target.rmdir()
        raise _NotHere(f"{Path(mount[0]).name} does not work here: {error.message.splitlines()[0]}") from error
    try:
        yield
    finally:
        with suppress(FerruleError):
            capture(unmount, env=environment, timeout=60)
        try:
            target.rmdir()
        except OSError as error:
            raise StorageError(
                f"this cannot be unmounted: {error.strerror}",
                where=str(target),
                hint=f"{unmount[0]} {' '.join(unmount[1:-1])} '{target}'".replace("  ", " "),
            ) from error


def split(files: Path, lower: Path) -> None:
    """Move the later half of each folder's files, in the order in which it lists them, to the same folder in `lower`.

    What Git keeps stays, as Git alone reads it.
    """
    for folder, folders, _ in os.walk(files):
        if folder == str(files):
            folders[:] = [name for name in folders if name != ".git"]
        there = lower / os.path.relpath(folder, files)
        there.mkdir()
        status = Path(folder).stat()
        there.chmod(stat.S_IMODE(status.st_mode))
        os.chown(there, status.st_uid, status.st_gid)
        listed = _files_in(folder)
        for name in listed[(len(listed) + 1) // 2 :]:
            (Path(folder) / name).rename(there / name)


def join(files: Path, lower: Path) -> None:
    """Move what nobody changed or removed back, and forget what says of the other files that they were removed."""
    for folder, folders, _ in os.walk(lower):
        there = files / os.path.relpath(folder, lower)
        if not there.is_dir() or there.is_symlink() or _is_opaque(there):
            folders[:] = []
            continue
        for name in _files_in(folder):
            if not os.path.lexists(there / name):
                (Path(folder) / name).rename(there / name)
    for folder, _, names in os.walk(files):
        for path in (Path(folder) / name for name in names):
            status = path.lstat()
            if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
                path.unlink()
    shutil.rmtree(lower)


def _files_in(folder: str) -> list[str]:
    """Files and links, as the folder lists them."""
    return [entry.name for entry in os.scandir(folder) if not entry.is_dir(follow_symlinks=False)]


def _is_opaque(folder: Path) -> bool:
    """Whether a folder was made anew, so that nothing of the one below is in it."""
    with suppress(OSError):
        return os.getxattr(folder, "trusted.overlay.opaque") == b"y"
    return False
