"""Pinned wheels as programs: each in a folder of its own below the cache, whole or not there at all."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.core.errors import NetworkError, StorageError, ToolchainError
from ferrule.core.model import Tool
from ferrule.core.safe_files import clear, lockable
from ferrule.tools.installers.apt import Packages, candidates
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import NO_NETWORK, ToolProblem
from ferrule.tools.run import ToolFailed, ToolMissing, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ferrule.tools.host import Host

_MARKER = ".complete"
_UNREACHABLE = (
    "connection broken",
    "NewConnectionError",
    "ConnectTimeout",
    "Network is unreachable",
    "Name or service not known",
    "Temporary failure in name resolution",
    "ProxyError",
    "Connection refused",
    "error sending request",
    "dns error",
    "Failed to fetch",
    "Could not resolve host",
)
_NO_VERSION = ("No matching distribution found", "there is no version of", "No solution found", "could not find")
_NO_SPACE = ("No space left on device", "Disk quota exceeded")
_KIND_OF_PYTHON = (
    "import importlib.util as u, sys; "
    "print('virtual' if sys.prefix != sys.base_prefix else 'whole', *(m for m in ['ensurepip'] if u.find_spec(m)))"
)
_NO_WRITE = ("Read-only file system", "Permission denied")


def folder(host: Host, name: str, version: str) -> Path:
    """Where that wheel is, or would be, unpacked."""
    return host.cache / "tools" / f"{name}-{version}"


def installed(host: Host, name: str, version: str) -> Path | None:
    """The folder of a wheel that was installed whole, or None."""
    target = folder(host, name, version)
    return target if (target / _MARKER).is_file() else None


def program(
    host: Host, name: str, wheel: PinnedWheel, argv: tuple[str, ...], question: tuple[str, ...]
) -> Tool | ToolProblem:
    """A program out of a wheel, started by `argv`, that says to be of the wheel's version when it is `asked`."""
    target = installed(host, wheel.name, wheel.version)
    if target is None:
        return ToolProblem.with_installer(
            host, name, "the pinned wheel is not installed", wheel, required=wheel.version
        )
    reported, broken = "", ""
    try:
        words = capture(question, env=host.children, timeout=60).stdout.split()
        reported = words[-1] if words else ""
    except (ToolFailed, ToolMissing) as error:
        broken = error.message.splitlines()[0]
    if reported == wheel.version:
        return Tool(name, wheel.version, argv, f"{name} {wheel.version}")
    problem = f"the installed wheel is broken: {broken or 'it says it is ' + (reported or 'nothing')}"
    return ToolProblem.with_installer(
        host, name, problem, wheel, required=wheel.version, version=reported, path=str(target)
    )


@dataclass(frozen=True, slots=True)
class PinnedWheel:
    """Unpack a wheel of exactly that version into the cache, with pip, or with uv where there is no pip.

    Unless it is to be `alone`, the packages that it needs come along, those of an `extra` of it too.
    """

    name: str
    version: str
    extra: str = ""
    alone: bool = True

    method = "wheel"
    stage = 1
    needs = ()

    def command(self, host: Host) -> str:
        """The commands that a person would type; the marker tells Ferrule that the folder is whole."""
        target = folder(host, self.name, self.version)
        provider = None if self._installer(host) else _pip_provider(host)
        install = shlex.join((self._installer(host) or self._pip)(host, target))
        before = f"{provider.command(host)} && " if provider else ""
        return f"{before}{install} && touch {shlex.quote(str(target / _MARKER))}"

    def blocked_reason(self, host: Host) -> str | None:
        """Whether there is an installer and a network."""
        if self._installer(host) is None:
            provider = _pip_provider(host)
            blocked = provider.packages and provider.packages.blocked_reason(host) if provider else None
            if blocked or provider is None:
                return f"{host.python} has no pip and there is no uv on the PATH: {blocked or 'install either'}"
        # An index on this machine needs no network, so pip itself decides what it can reach.
        return NO_NETWORK if host.offline and "PIP_FIND_LINKS" not in host.environment else None

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:
        """Install aside, mark, rename, all under a lock; raises NetworkError, ToolchainError or StorageError."""
        from filelock import FileLock  # noqa: PLC0415 - 38 ms

        target = folder(host, self.name, self.version)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            before = _stamp(target)
            with FileLock(lockable(target.with_name(target.name + ".lock"))):
                if _stamp(target) != before:
                    return  # another process has done it while we waited
                provider = None if self._installer(host) else _pip_provider(host)
                if provider:
                    provider.install(host, tools, say)
                say(f"{self.name} {self.version}: wheel into {target}")
                self._install(host, target)
        except OSError as error:
            raise StorageError(f"cannot write {target}: {error.strerror}", where=str(target)) from error

    def _install(self, host: Host, target: Path) -> None:
        aside = target.with_name(target.name + ".part")
        clear(aside)
        installer = self._installer(host)
        if installer is None:
            raise ToolchainError(f"{self.name} cannot be installed: {self.blocked_reason(host)}")
        try:
            capture(installer(host, aside), env=host.children)
        except ToolFailed as failed:
            clear(aside)
            raise self._explain(host, failed) from failed
        (aside / _MARKER).write_text(f"{self.name}=={self.version}\n", encoding="utf-8")
        clear(target)
        aside.rename(target)

    def _installer(self, host: Host) -> Callable[[Host, Path], list[str]] | None:
        if _has_pip(host):
            return self._pip
        return self._uv if host.which("uv") else None

    def _pip(self, host: Host, target: Path) -> list[str]:
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", *self._alone]
        reach = ["--no-index"] if host.offline else []
        return [
            *(str(host.python), "-m", "pip", "install", *quiet, *reach),
            *("--only-binary=:all:", "--target", str(target), self._requirement),
        ]

    def _uv(self, host: Host, target: Path) -> list[str]:
        reach = ["--offline"] if host.offline else []
        options = ["--quiet", *self._alone, "--only-binary=:all:", "--python", str(host.python), *reach]
        return [str(host.which("uv")), "pip", "install", *options, "--target", str(target), self._requirement]

    @property
    def _alone(self) -> list[str]:
        return ["--no-deps"] if self.alone else []

    @property
    def _requirement(self) -> str:
        return f"{self.name}{f'[{self.extra}]' if self.extra else ''}=={self.version}"

    def _explain(self, host: Host, failed: ToolFailed) -> NetworkError | StorageError | ToolchainError:
        output = failed.stdout + failed.stderr
        what = f"the wheel {self.name} {self.version} could not be installed"
        by_hand = f"where there is a network, run: {self.command(host)}"
        if any(sign in output for sign in _NO_SPACE):
            return StorageError(
                f"{what}: the disk is full", hint=f"free some space in {host.cache} and run ferrule setup again"
            )
        if any(sign in output for sign in _NO_WRITE):
            return StorageError(f"{what}: {host.cache} cannot be written", hint=f"make {host.cache} writable")
        if host.offline or any(sign in output for sign in _UNREACHABLE):
            return NetworkError(f"{what}: the package index cannot be reached", hint=by_hand)
        if any(sign in output for sign in _NO_VERSION):
            hint = "correct the version in targets.yaml (toolchain:), or the index that pip is configured for"
            return ToolchainError(f"{what}: the package index does not offer it for this machine", hint=hint)
        return ToolchainError(what, hint=by_hand, output=failed.output)


@dataclass(frozen=True, slots=True)
class _PipProvider:
    """How an interpreter gets its own pip: by packages, by `ensurepip`, or by both."""

    packages: Packages | None
    by_ensurepip: bool

    def command(self, host: Host) -> str:
        """The commands that a person would type."""
        steps = [self.packages.command(host)] if self.packages else []
        return " && ".join([*steps, *([shlex.join(_ensurepip(host))] if self.by_ensurepip else [])])

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:
        """Bring pip; raises NetworkError, ToolchainError or StorageError."""
        if self.packages:
            self.packages.install(host, tools, say)
        if self.by_ensurepip:
            say(f"pip for {host.python}: ensurepip")
            try:
                capture(_ensurepip(host), env=host.children)
            except ToolFailed as failed:
                hint = f"run: {shlex.join(_ensurepip(host))}"
                raise ToolchainError("pip could not be installed", hint=hint, output=failed.output) from failed


def _ensurepip(host: Host) -> list[str]:
    return [str(host.python), "-m", "ensurepip"]


def _pip_provider(host: Host) -> _PipProvider | None:
    """Debian keeps `ensurepip` in python3-venv, and lets it work in virtual environments alone."""
    answer = probe_output(host, host.python, "-c", _KIND_OF_PYTHON).split()
    is_virtual = "virtual" in answer
    if is_virtual and "ensurepip" in answer:
        return _PipProvider(None, by_ensurepip=True)
    package = "python3-venv" if is_virtual else "python3-pip"
    is_packaged = host.python.resolve().parent == host.programs.resolve()
    if answer and is_packaged and package in candidates(host, [package]):
        return _PipProvider(Packages((package,)), by_ensurepip=is_virtual)
    return None


def _stamp(target: Path) -> int | None:
    marker = target / _MARKER
    return marker.stat().st_mtime_ns if marker.is_file() else None


def _has_pip(host: Host) -> bool:
    try:
        capture(
            [str(host.python), "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('pip') is None)"],
            env=host.children,
        )
    except (ToolFailed, ToolMissing):
        return False
    return True
