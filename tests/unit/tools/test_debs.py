from __future__ import annotations

import pytest

from fakes.machine import remove
from ferrule.core.errors import ConfigError, NetworkError, ToolchainError, VerificationError
from ferrule.core.model import Digest
from ferrule.tools import debs
from ferrule.tools.debs import LockedPackage

CONTENT = "a package\n"
DIGEST = Digest.of(CONTENT.encode()).hex
LIBC = LockedPackage("libc6", "amd64", "2.36-9+deb12u10", DIGEST, 10)
TZDATA = LockedPackage("tzdata", "all", "2025b-0+deb12u1", "b" * 64, 20)


def archive(machine, content=CONTENT, *, says="", code=0):
    machine.program("apt-get", f'echo "{says}" >&2; [ {code} = 0 ] || exit {code}; printf "{content}" > libc6.deb')
    shown = "".join(
        f"Package: {p.name}\\nArchitecture: {p.architecture}\\nVersion: {p.version}\\n"
        f"Size: {p.size}\\nSHA256: {p.sha256}\\n\\n"
        for p in (LIBC, TZDATA)
    )
    machine.program("apt-cache", f'printf "{shown}"')
    machine.program("dpkg", "exit 0")


def test_a_lock_is_read_as_it_was_written():
    text = debs.format_lock([TZDATA, LIBC, LockedPackage("libgcc-s1", "arm64")])
    assert debs.read_lock(text) == (TZDATA, LIBC, LockedPackage("libgcc-s1", "arm64"))
    assert f"libc6:amd64=2.36-9+deb12u10 sha256:{DIGEST} 10\n" in text


@pytest.mark.parametrize("line", ["libc6", "libc6:amd64=1", "libc6:amd64=1 sha256:12 3", "-o:amd64", "a b:amd64"])
def test_a_line_that_is_none_is_named(line):
    with pytest.raises(ValueError, match="line 2 is not NAME:ARCH"):
        debs.read_lock(f"# lock\n{line}\n")


def test_a_package_named_twice_is_refused():
    with pytest.raises(ValueError, match="libc6:amd64 is named twice"):
        debs.read_lock("libc6:amd64\nlibc6:amd64\n")


def test_refreshing_asks_once_for_all(machine):
    archive(machine)
    assert debs.refresh([LockedPackage("libc6", "amd64"), LockedPackage("tzdata", "all")], machine.host()) == (
        LIBC,
        TZDATA,
    )
    assert machine.calls == ["apt-cache show --no-all-versions libc6:amd64 tzdata:all"]


def test_an_unknown_package_is_named(machine):
    archive(machine)
    with pytest.raises(ConfigError, match="has no libc6:arm64") as failure:
        debs.refresh([LockedPackage("libc6", "arm64")], machine.host())
    assert "dpkg --add-architecture arm64" in failure.value.hint


def test_fetching_downloads_once_and_checks_each_time(machine):
    archive(machine)
    (path,) = debs.fetch([LIBC], machine.host())
    assert path.read_text() == CONTENT
    assert machine.calls == ["apt-get -q download libc6:amd64=2.36-9+deb12u10"]
    machine.forget_calls()
    assert debs.fetch([LIBC], machine.host(offline=True)) == [path]
    assert machine.calls == []
    path.write_text("damaged")
    assert debs.fetch([LIBC], machine.host())[0].read_text() == CONTENT
    assert [p.name for p in (machine.cache / "debs").iterdir()] == [path.name]


def test_other_bytes_are_refused(machine):
    archive(machine, "something else\n")
    with pytest.raises(VerificationError, match="other bytes for libc6:amd64"):
        debs.fetch([LIBC], machine.host())
    assert not list((machine.cache / "debs").iterdir())


def test_what_cannot_be_fetched_is_explained(machine):
    with pytest.raises(ConfigError, match="tzdata:all is not locked"):
        debs.fetch([LockedPackage("tzdata", "all")], machine.host())
    with pytest.raises(ToolchainError, match="this machine does not have"):
        debs.fetch([LIBC], machine.host())
    archive(machine, says="E: Version '2.36-9+deb12u10' for 'libc6:amd64' was not found", code=100)
    with pytest.raises(ConfigError, match="no longer has libc6:amd64 2"):
        debs.fetch([LIBC], machine.host())
    archive(machine, says="E: Unable to locate package libc6:arm64", code=100)
    with pytest.raises(ToolchainError, match="apt knows no packages of amd64 yet"):
        debs.fetch([LIBC], machine.host())
    archive(machine, says="Err: Temporary failure resolving", code=100)
    with pytest.raises(NetworkError, match="cannot be reached"):
        debs.fetch([LIBC], machine.host())
    with pytest.raises(NetworkError, match="no network may be used"):
        debs.fetch([LIBC], machine.host(offline=True))
    remove(machine.bin / "apt-get")
