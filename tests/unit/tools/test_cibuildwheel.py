"""Finding cibuildwheel in the cache; what it is told and what it says are tested with the kind that uses it."""

from __future__ import annotations

import subprocess  # noqa: TID251 - what was found is started
import sys
from pathlib import Path

import pytest

from ferrule.core.model import Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.tools import cibuildwheel
from ferrule.tools.installers.pip import PinnedWheel
from ferrule.tools.problems import ToolProblem

X86, MAC = PLATFORMS["x86_64-unknown-linux-gnu"], PLATFORMS["aarch64-apple-darwin"]


def installed(machine, version: str = "4.3.3", main: str = "print('made')"):
    """A stand-in of the wheel in the cache, whose name needs quoting."""
    machine = type(machine)(machine.root / "it's here")
    path = machine.cache / "tools" / "cibuildwheel-4.3.3"
    (path / "cibuildwheel").mkdir(parents=True)
    (path / ".complete").touch()
    (path / "cibuildwheel" / "__init__.py").write_text(f"__version__ = {version!r}\n")
    (path / "cibuildwheel" / "__main__.py").write_text(f"def main():\n    {main}\n")
    return machine.host(python=Path(sys.executable))


def test_it_is_installed_with_all_that_it_needs(machine):
    fault = cibuildwheel.find(machine.host(), "4.3.3")
    assert isinstance(fault, ToolProblem)
    assert fault.installer == PinnedWheel("cibuildwheel", "4.3.3", extra="uv", alone=False)
    fault.installer.install(machine.host(), {}, lambda _: None)
    (call,) = [c for c in machine.calls if "pip install" in c]
    assert call.endswith("cibuildwheel[uv]==4.3.3")
    assert "--no-deps" not in call


def test_what_was_found_starts_with_its_own_modules(machine):
    tool = cibuildwheel.find(installed(machine), "4.3.3")
    assert isinstance(tool, Tool)
    assert tool.identity == "cibuildwheel 4.3.3"
    assert subprocess.run(tool.argv, capture_output=True, text=True, check=True).stdout == "made\n"


@pytest.mark.parametrize("version", ["4.3.2", None])
def test_another_one_than_the_folder_says_is_broken(machine, version):
    host = installed(machine, version=version or "4.3.3")
    if version is None:
        (host.cache / "tools" / "cibuildwheel-4.3.3" / "cibuildwheel" / "__init__.py").write_text("1/0")
    fault = cibuildwheel.find(host, "4.3.3")
    assert isinstance(fault, ToolProblem)
    assert "is broken" in fault.problem
    assert fault.installer is not None


def test_on_a_mac_the_floor_and_what_is_passed_are_in_the_environment():
    command = cibuildwheel.command(
        Tool("cibuildwheel", "4.3.3", ("cibuildwheel",), ""),
        build=cibuildwheel.identifier("cp311", MAC),
        package=Path("/p/ext"),
        project=Path("/p"),
        output=Path("/o"),
        variables={"FERRULE_COMMIT": "c0ffee"},
        engine=None,
        image=None,
        macos="11.0",
        epoch=1,
    )
    assert command.argv == ("cibuildwheel", "--only", "cp311-macosx_arm64", "--output-dir", "/o", "/p/ext")
    expected = {"SOURCE_DATE_EPOCH": "1", "FERRULE_COMMIT": "c0ffee", "MACOSX_DEPLOYMENT_TARGET": "11.0"}
    assert command.env == expected


def test_no_image_is_older_than_the_oldest():
    assert cibuildwheel.image_for((2, 17)) == "manylinux2014"
    with pytest.raises(ValueError, match=r"glibc 2\.16"):
        cibuildwheel.image_for((2, 16))


def test_messages_of_crates_name_no_folder_of_the_machine():
    assert cibuildwheel.remapped_crates(None) == {"CARGO_BUILD_RUSTFLAGS": "--remap-path-prefix=/root/.cargo=/cargo"}
    assert cibuildwheel.remapped_crates({"HOME": "/Users/me"})["CARGO_BUILD_RUSTFLAGS"].endswith(
        "=/Users/me/.cargo=/cargo"
    )
    assert cibuildwheel.remapped_crates({"HOME": "/Users/me", "CARGO_HOME": "/crates"})[
        "CARGO_BUILD_RUSTFLAGS"
    ].endswith("=/crates=/cargo")
    assert cibuildwheel.remapped_crates({"HOME": "/Users/my name"}) == cibuildwheel.remapped_crates({}) == {}
