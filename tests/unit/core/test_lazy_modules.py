"""Modules are executed once, at their first use, whole for every thread."""

from __future__ import annotations

import importlib
import subprocess  # noqa: TID251 - what a fresh interpreter imports is what is tested
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest

from ferrule.core import lazy_modules

SOURCES = Path(__file__).resolve().parents[3] / "src"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "pack"
    path.mkdir()
    (path / "__init__.py").write_text("print('package')\n")
    (path / "one.py").write_text(
        "print('one')\nfrom pack import two\nVALUE = 1\ndef both(): return VALUE + two.VALUE\n"
    )
    (path / "two.py").write_text("print('two')\nfrom pack import one\nVALUE = 2\n")
    return path


def run(package: Path, program: str) -> list[str]:
    lines = ["from ferrule.core import lazy_modules", "lazy_modules.install('pack')", dedent(program)]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": f"{SOURCES}:{package.parent}"},
    )
    return done.stdout.split()


def test_a_module_is_executed_at_its_first_use(package: Path) -> None:
    program = """
        from pack import one
        from pack import one
        import pack.one
        print("imported")
        one.both()
        print(one.VALUE, type(one).__name__, one.__spec__.loader.__class__.__name__)
    """
    expected = ["package", "imported", "one", "two", "1", "module", "SourceFileLoader"]
    assert run(package, program) == expected


def test_a_name_of_a_module_is_a_use(package: Path) -> None:
    assert run(package, "from pack.two import VALUE\nprint(VALUE)") == ["package", "two", "2"]


def test_a_package_is_executed_when_something_of_it_is_used(package: Path) -> None:
    inner = package / "inner"
    inner.mkdir()
    (inner / "__init__.py").write_text("print('inner')\nVALUE = 3\n")
    (inner / "deep.py").write_text("print('deep')\nVALUE = 4\n")
    program = """
        from pack import inner
        from pack.inner.deep import VALUE
        print(VALUE, inner.VALUE)
    """
    assert run(package, program) == ["package", "deep", "inner", "4", "3"]


def test_modules_outside_of_the_package_are_left_alone(package: Path) -> None:
    assert run(package, "import colorsys\nprint(type(colorsys).__name__)") == ["module"]


def test_what_fails_fails_at_every_use(package: Path) -> None:
    (package / "one.py").write_text("print('one')\nraise ValueError\n")
    program = """
        from pack import one
        for _ in range(2):
            try:
                one.VALUE
            except ValueError:
                print("failed")
    """
    assert run(package, program) == ["package", "one", "failed", "one", "failed"]


def test_no_thread_sees_half_of_a_module(package: Path) -> None:
    (package / "one.py").write_text(
        "import time\nprint('one')\ntime.sleep(0.2)\nfrom pack import two\nVALUE = two.VALUE\n"
    )
    program = """
        from concurrent.futures import ThreadPoolExecutor
        from pack import one
        with ThreadPoolExecutor(8) as pool:
            print(set(pool.map(lambda _: one.VALUE, range(8))))
    """
    assert run(package, program) == ["package", "one", "two", "{2}"]


@pytest.fixture
def lazy(package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package, imported lazily in this very process as long as the test runs."""
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    lazy_modules.install("pack")
    return package


def test_is_installed_once(lazy: Path) -> None:
    before = list(sys.meta_path)
    lazy_modules.install("pack")
    assert sys.meta_path == before
    assert lazy.name == "pack"


def test_modules_of_this_process_too(lazy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = importlib.import_module("pack.one")
    importlib.import_module("colorsys")
    assert capsys.readouterr().out.split() == ["package"]
    assert one.both() == 3
    assert one.VALUE == 1
    assert capsys.readouterr().out.split() == ["one", "two"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"{lazy.name}.three")


def test_two_threads_execute_a_module_once(lazy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lazy / "one.py").write_text("import time\nprint('one')\ntime.sleep(0.1)\nVALUE = 1\n")
    one = importlib.import_module("pack.one")
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: one.VALUE, range(4))) == {1}
    assert capsys.readouterr().out.split() == ["package", "one"]
