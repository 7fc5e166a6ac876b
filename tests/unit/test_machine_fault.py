"""A fault of the machine is one failure with its fix, however many tests would meet it."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - the tests of another session are what is tested
import sys
from pathlib import Path

import pytest
from judges import CHECKOUT, set_up

from machine_fault import MachineFaultError

TESTS = Path(__file__).parents[1]
CONFTEST = f"""
import sys
sys.path[:0] = ["{TESTS}"]
import pytest
from machine_fault import MachineFaultError, stop_at_machine_fault

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    stop_at_machine_fault(item, call, report)
    return report

@pytest.fixture(scope="session")
def tools():
    raise MachineFaultError("qemu-aarch64 is missing; fix: apt-get install binfmt-support")
"""
MANY = "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_one(tools, n): pass\n"


def test_a_missing_tool_is_one_failure(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_many.py").write_text(MANY)
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", str(tmp_path)]
    # In CI pytest repeats whole messages in its summary.
    environment = {name: value for name, value in os.environ.items() if name != "CI"}  # noqa: TID251 - the machine's own
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 error" in done.stdout
    assert done.stdout.count("fix: apt-get install binfmt-support") == 1
    assert "this machine lacks what these tests need" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_what_set_up_cannot_do_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineFaultError, match="this machine cannot build"):
        set_up("--offline", cwd=CHECKOUT, FERRULE_CACHE=str(tmp_path / "file" / "cache"))
