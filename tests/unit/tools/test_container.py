"""Container engines: which one answers, why none does, and how one is started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ferrule.core.errors import ToolchainError
from ferrule.tools import container
from ferrule.tools.problems import ToolProblem


def silent(_line):
    """Nobody listens."""


def test_podman_serves_where_docker_is_silent(machine):
    machine.program("docker", "exit 1")
    machine.program("podman", "echo 4.3.1")
    result = container.find(machine.host())
    assert (result.version, result.identity) == ("podman 4.3.1", "container engine")


def test_dockerd_is_started_and_waited_for(machine):
    machine.program("docker", f'[ -e "{machine.root}/up" ] && echo 20.10.24 || exit 1')
    machine.program("dockerd", "exit 0")
    machine.program("start-stop-daemon", f': > "{machine.root}/up"')
    fault = container.find(machine.host())
    fault.installer.install(machine.host(), {}, silent)
    assert container.find(machine.host()).version == "docker 20.10.24"


def test_engines_that_only_a_person_can_start(machine):
    machine.program("docker", "exit 1")
    fault = container.find(machine.host(system="Darwin"))
    assert (fault.fixable, fault.fix.startswith("open -a Docker")) == (False, True)
    machine.program("dockerd", "exit 0")
    fault = container.find(machine.host(is_root=False))
    assert not fault.fixable
    assert fault.fix.startswith("sudo start-stop-daemon")


def test_a_machine_without_any(machine):
    problem = container.find(machine.host())
    assert isinstance(problem, ToolProblem)
    assert (problem.problem, problem.version) == ("neither docker nor podman is installed", "")
    assert problem.required == "docker or podman"


def test_each_client_says_why_it_does_not_serve(machine):
    machine.program("docker", "echo looking >&2; echo 'no daemon' >&2; exit 1")
    machine.program("podman", "exit 0")
    problem = container.find(machine.host())
    assert problem.problem == "a client is here but no engine answers"
    assert problem.version == f"{machine.bin}/docker: no daemon; {machine.bin}/podman names no engine"


def test_a_client_that_says_nothing_is_told_by_its_exit_code(machine):
    machine.program("docker", "exit 3")
    assert container.find(machine.host()).version.endswith("exit code 3")


def test_a_client_that_is_no_program(machine):
    path = machine.program("docker", "")
    path.write_bytes(b"\x7fELF and nothing more")
    problem = container.find(machine.host())
    assert problem.problem == "a client is here but no engine answers"
    assert str(path) in problem.version


def test_a_daemon_without_iptables_gets_it_first(machine):
    machine.program("docker", "exit 1")
    machine.program("dockerd", "exit 0")
    machine.apt({})
    assert container.find(machine.host()).installer == container.apt.Packages(("iptables",))
    machine.program("iptables", "exit 0")
    assert isinstance(container.find(machine.host()).installer, container.StartEngine)


def test_a_service_manager_starts_the_engine_where_one_runs(machine):
    machine.program("dockerd", "exit 0")
    machine.program("systemctl", "exit 0")
    assert container.StartEngine().command(machine.host()).startswith("start-stop-daemon ")
    (machine.root / "run/systemd/system").mkdir(parents=True)
    assert container.StartEngine().command(machine.host()) == "sudo systemctl start docker"


def test_an_engine_that_cannot_be_started_from_here(machine):
    machine.program("dockerd", "exit 0")
    assert container.StartEngine().blocked_reason(machine.host()) == "there is no start-stop-daemon"
    machine.program("start-stop-daemon", "exit 0")
    assert container.StartEngine().blocked_reason(machine.host()) is None
    assert container.StartEngine().blocked_reason(machine.host(is_root=False)) == "only root may start it"


def test_a_daemon_that_ends_at_once(machine):
    machine.program("dockerd", "exit 0")
    machine.program("start-stop-daemon", "echo no such file >&2; exit 2")
    messages = []
    with pytest.raises(ToolchainError, match="dockerd could not be started") as failure:
        container.StartEngine().install(machine.host(), {}, messages.append)
    assert messages == ["docker's engine: starting dockerd"]
    assert failure.value.output == "no such file"


def test_a_daemon_that_never_answers(machine):
    machine.program("docker", "exit 1")
    machine.program("dockerd", "exit 0")
    machine.program("start-stop-daemon", "exit 0")
    with pytest.raises(ToolchainError, match="dockerd was started but does not answer") as failure:
        replace(container.StartEngine(), patience=0).install(machine.host(), {}, silent)
    assert failure.value.hint == "run dockerd by hand to see why"


def test_an_engine_of_the_desktop_is_opened_by_a_person(machine):
    host = machine.host(system="Darwin")
    assert container.OpenDesktop().command(host).startswith("brew install --cask docker && ")
    machine.program("docker", "exit 1")
    with pytest.raises(ToolchainError, match="the container engine is not running") as failure:
        container.OpenDesktop().install(host, {}, silent)
    assert failure.value.hint == "open -a Docker"
