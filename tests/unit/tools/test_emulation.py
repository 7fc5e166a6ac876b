"""Programs of another machine."""

from __future__ import annotations

from ferrule.tools import emulation


def silent(_line):
    """Nobody listens."""


def test_programs_of_another_machine(machine):
    assert emulation.find(machine.host(machine="arm64"), "aarch64").version == "native"
    machine.apt({})
    assert emulation.find(machine.host(), "aarch64").problem == "not installed"
    machine.program("qemu-aarch64-static", "echo qemu-aarch64 version 7.2.22")
    machine.program("mount", f'/bin/mkdir -p "{machine.root}/proc/sys/fs/binfmt_misc"')
    machine.program("update-binfmts", f'echo enabled > "{machine.root}/proc/sys/fs/binfmt_misc/qemu-aarch64"')
    fault = emulation.find(machine.host(), "aarch64")
    assert not emulation.find(machine.host(is_root=False), "aarch64").fixable
    fault.installer.install(machine.host(), {}, silent)
    assert emulation.find(machine.host(), "aarch64").identity == "qemu-aarch64 7.2.22"
