from __future__ import annotations

import tarfile
import zipfile
from email import message_from_string
from typing import TYPE_CHECKING

import pytest

from fakes.triples import X86
from ferrule.core.errors import BuildError
from ferrule.core.model import Output
from ferrule.kinds.wheel import Sdist, Wheel, _Common, metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from ferrule.core.model import ActionInterface

COMMON = _Common("py", "demo", "demo-x", "1.2.3", ("LICENSE", "legal/NOTICE"), 315_532_800)
PYPROJECT = """[project]
name = "demo-x"
dynamic = ["version"]
description = "Adds"
readme = "README.md"
license = "MIT"
requires-python = ">=3.11"
"""
WHEEL = "demo_x-1.2.3-py3-none-manylinux_2_17_x86_64.whl"
SDIST = "demo_x-1.2.3.tar.gz"


@pytest.fixture
def sources(bench: Bench) -> Bench:
    for name, content in {
        "LICENSE": "licence",
        "legal/NOTICE": "notice",
        "py/pyproject.toml": PYPROJECT,
        "py/README.md": "# Demo\n\nIt adds.\n",
        "py/src/demo/__init__.py": "",
        "py/src/demo/build/__init__.py": "a package may be called so",
        "py/src/demo/_native/old.so": "left by a developer's build",
        "py/src/demo/__pycache__/x.cpython-311.pyc": "",
        "py/src/demo/stale.pyc": "",
        "py/src/.mypy_cache/x": "",
        "py/dist/old.whl": "",
        "rust/Cargo.toml": "[workspace]",
        "rust/ffi/src/lib.rs": "code",
        "rust/target/debug/x": "",
    }.items():
        bench.source(name, content)
    return bench


def made_wheel(bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]) -> zipfile.ZipFile:
    library, files = native(X86)
    context = bench.make(
        Wheel(COMMON, library, ("py3-none-manylinux_2_17_x86_64",)),
        Output(WHEEL, "wheel"),
        needed={library.id: files},
        facts={library.id: {"fingerprint": "f1", "interface": "i1"}},
    )
    return zipfile.ZipFile(context.output("wheel"))


def test_wheel_carries_the_package_the_library_and_what_the_loader_must_know(
    sources: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    with made_wheel(sources, native) as wheel:
        assert set(wheel.namelist()) == {
            "demo/__init__.py",
            "demo/build/__init__.py",
            "demo/_native/__init__.py",
            "demo/_native/libz.so.1",
            "demo_x-1.2.3.dist-info/METADATA",
            "demo_x-1.2.3.dist-info/RECORD",
            "demo_x-1.2.3.dist-info/WHEEL",
            "demo_x-1.2.3.dist-info/licenses/LICENSE",
            "demo_x-1.2.3.dist-info/licenses/NOTICE",
        }
        known: dict[str, str] = {}
        exec(wheel.read("demo/_native/__init__.py"), known)
        assert wheel.getinfo("demo/_native/libz.so.1").external_attr >> 16 & 0o777 == 0o755
    assert {n: known[n] for n in ("LIBRARY", "VERSION", "FINGERPRINT", "INTERFACE")} == {
        "LIBRARY": "libz.so.1",
        "VERSION": "1.2.3",
        "FINGERPRINT": "f1",
        "INTERFACE": "i1",
    }


def test_sdist_carries_the_project_and_the_workspace(sources: Bench) -> None:
    context = sources.make(Sdist(COMMON, "rust", ("rust/Cargo.toml", "rust/ffi")), Output(SDIST, "sdist"))
    with tarfile.open(context.output("sdist")) as sdist:
        names = {m.name.removeprefix("demo_x-1.2.3/") for m in sdist if m.isfile()}
    assert names == {
        "PKG-INFO",
        "LICENSE",
        "NOTICE",
        "README.md",
        "pyproject.toml",
        "src/demo/__init__.py",
        "src/demo/build/__init__.py",
        "rust/Cargo.toml",
        "rust/ffi/src/lib.rs",
    }


def test_sdist_of_a_workspace_at_the_root(sources: Bench) -> None:
    context = sources.make(Sdist(COMMON, ".", ("rust/ffi",)), Output(SDIST, "sdist"))
    with tarfile.open(context.output("sdist")) as sdist:
        assert "demo_x-1.2.3/rust/rust/ffi/src/lib.rs" in sdist.getnames()


def test_metadata_is_that_of_the_project_with_the_release_in_it(sources: Bench) -> None:
    told = message_from_string(metadata(sources.project / "py", COMMON))
    assert (told["Name"], told["Version"], told["Summary"]) == ("demo-x", "1.2.3", "Adds")
    assert told["License-Expression"] == "MIT"
    assert told.get_all("License-File") == ["LICENSE", "NOTICE"]
    assert told["Description-Content-Type"] == "text/markdown"
    assert "It adds." in str(told.get_payload())
    assert told["Dynamic"] is None


def test_metadata_without_a_description(sources: Bench) -> None:
    sources.source("py/pyproject.toml", '[project]\nname = "demo-x"\ndynamic = ["version"]\n')
    told = message_from_string(metadata(sources.project / "py", COMMON))
    assert told.get_all("License-File") == ["LICENSE", "NOTICE"]
    assert str(told.get_payload()).strip() == ""


@pytest.mark.parametrize(
    "line", ['requires-python = "what"', 'license = "No such licence!"', 'readme = "gone.md"', 'dependencies = ["a b"]']
)
def test_metadata_that_no_index_would_take(sources: Bench, line: str) -> None:
    sources.source("py/pyproject.toml", f'[project]\nname = "demo-x"\ndynamic = ["version"]\n{line}\n')
    with pytest.raises(BuildError) as caught:
        metadata(sources.project / "py", COMMON)
    assert caught.value.where == "py/pyproject.toml"
