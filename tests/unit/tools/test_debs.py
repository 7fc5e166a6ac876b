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


PACKAGES = {
    "base-files": ("amd64 arm64", "awk"),
    "ca-certificates": ("all", "openssl (>= 1.1.1), debconf (>= 0.5) | debconf-2.0"),
    "netbase": ("all", ""),
    "tzdata": ("all", "debconf"),
    "libc6": ("amd64 arm64", "libgcc-s1, libcrypt1 (>= 1:4.4) | libcrypt2"),
    "libgcc-s1": ("amd64 arm64", "gcc-12-base (= 12.2.0-14), libc6 (>= 2.35)"),
    "gcc-12-base": ("amd64 arm64", ""),
    "libcrypt1": ("amd64 arm64", "libc6:any"),
}


def offer(machine, packages=PACKAGES):
    """An archive that knows these packages, their architectures and what they depend on."""
    folder = machine.root / "archive"
    folder.mkdir()
    for name, (architectures, depends) in packages.items():
        for architecture in architectures.split():
            asked = ("amd64", "arm64") if architecture == "all" else (architecture,)
            text = f"Package: {name}\nArchitecture: {architecture}\nVersion: 1\nDepends: {depends}\n"
            text += f"Size: 3\nSHA256: {'c' * 64}\n"
            for one in asked:
                (folder / f"{name}:{one}").write_text(text + "\n")
    script = f'shift 2; code=0; for p in "$@"; do /bin/cat "{folder}/$p" 2>/dev/null || code=100; done; exit $code'
    machine.program("apt-cache", script)
    machine.program("apt-get", "exit 0")
    machine.program("dpkg", "exit 0")


def test_a_first_lock_has_the_c_library_and_what_it_depends_on(machine):
    offer(machine)
    locked = debs.first_lock(("amd64", "arm64"), machine.host())
    assert {p.full_name for p in locked} == {
        *("ca-certificates:all", "netbase:all", "tzdata:all"),
        *(f"{name}:{a}" for name, (of, _) in PACKAGES.items() for a in ("amd64", "arm64") if of != "all"),
    }
    assert all(p.sha256 == "c" * 64 for p in locked)
    assert len(machine.calls) == 3  # the C library, what it depends on, what that depends on


def test_a_first_lock_of_an_architecture_that_apt_does_not_know(machine):
    offer(machine)
    with pytest.raises(ConfigError, match="has no base-files:riscv64") as failure:
        debs.first_lock(("amd64", "riscv64"), machine.host())
    assert "dpkg --add-architecture riscv64" in failure.value.hint
