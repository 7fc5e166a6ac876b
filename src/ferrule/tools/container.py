"""A container engine that answers: docker with its daemon, or podman."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ToolchainError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Tool
from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers import apt
from ferrule.tools.problems import ToolProblem
from ferrule.tools.run import ToolFailed, ToolMissing, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer

NAME = "container"
_PACKAGES = apt.Packages(("docker.io", "iptables"))


def find(host: Host) -> Tool | ToolProblem:
    """The first of docker and podman whose engine answers."""
    silent: list[str] = []
    for program, question in (("docker", "{{.ServerVersion}}"), ("podman", "{{.Version.Version}}")):
        path = host.which(program)
        if path is None:
            continue
        try:
            version = capture([str(path), "info", "--format", question], env=host.children, timeout=20).stdout.strip()
        except ToolFailed as failed:
            silent.append(f"{path}: {failed.tail[-1] if failed.tail else failed.summary}")
            continue
        except ToolMissing as missing:
            silent.append(missing.message)
            continue
        if version:
            # Which one it is, and of which version, is in no byte of what is made in an image.
            return Tool(NAME, f"{program} {version}", (str(path),), "container engine")
        silent.append(f"{path} names no engine")
    problem = "a client is here but no engine answers" if silent else "neither docker nor podman is installed"
    return ToolProblem.with_installer(
        host, NAME, problem, _installer(host), required="docker or podman", version="; ".join(silent)
    )


def _installer(host: Host) -> Installer:
    if host.which("dockerd"):
        # Without iptables the daemon ends as soon as it starts.
        lacks_iptables = host.which("iptables") is None and apt.available(host)
        return apt.Packages(("iptables",)) if lacks_iptables else StartEngine()
    if host.system == "Darwin":
        return OpenDesktop()
    return _PACKAGES


@dataclass(frozen=True, slots=True)
class StartEngine:
    """Start docker's daemon, detached, as the machine's own service would, and wait so many seconds for an answer."""

    patience: float = 30

    method = "dockerd"
    stage = 3
    needs = ()

    def command(self, host: Host) -> str:
        """The command that a person would type: that of the service manager where one runs."""
        if host.which("systemctl") and (host.kernel.parent / "run/systemd/system").is_dir():
            return "sudo systemctl start docker"
        return ("" if host.is_root else "sudo ") + shlex.join(self._argv(host))

    def blocked_reason(self, host: Host) -> str | None:
        """Whether we may start a daemon, and have the program to detach it with."""
        if not host.is_root:
            return "only root may start it"
        return None if host.which("start-stop-daemon") else "there is no start-stop-daemon"

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:  # noqa: ARG002
        """Start it and wait for its first answer; raises ToolchainError if none comes."""
        say("docker's engine: starting dockerd")
        try:
            capture(self._argv(host), env=host.children)
        except ToolFailed as failed:
            raise ToolchainError("dockerd could not be started", output=failed.output) from failed
        deadline = time.monotonic() + self.patience
        while isinstance(find(host), ToolProblem):
            if time.monotonic() > deadline:
                raise ToolchainError("dockerd was started but does not answer", hint="run dockerd by hand to see why")
            time.sleep(0.5)

    def _argv(self, host: Host) -> list[str]:
        return ["start-stop-daemon", "--start", "--background", "--oknodo", "--exec", str(host.which("dockerd"))]


@dataclass(frozen=True, slots=True)
class OpenDesktop:
    """On macOS, where the engine is a program of the desktop: only a person can start it."""

    method = "desktop"
    stage = 3
    needs = ()

    def command(self, host: Host) -> str:
        """What to type."""
        return "open -a Docker" if host.which("docker") else "brew install --cask docker && open -a Docker"

    def blocked_reason(self, host: Host) -> str | None:  # noqa: ARG002
        """It asks questions on the screen."""
        return "it needs the desktop"

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:  # noqa: ARG002
        """Never done by us; raises ToolchainError."""
        raise ToolchainError("the container engine is not running", hint=self.command(host))


TOOL: Final = ToolDefinition(
    name=NAME,
    find=lambda search: [find(search.host)],
    recorded=False,  # no file tells whether the engine runs
)
