"""The program's start: what it imports before it answers."""

from __future__ import annotations

import subprocess  # noqa: TID251 - what a fresh interpreter imports is what is tested
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def imported(*arguments: str, **variables: str) -> set[str]:
    """Modules that are in memory when a command ends, without those that are never executed."""
    program = (
        "import atexit, sys\n"
        "from types import ModuleType\n"
        f"sys.argv = {['ferrule', *arguments]!r}\n"
        "executed = lambda: [name for name, module in sys.modules.items() if type(module) is ModuleType]\n"
        "atexit.register(lambda: sys.stderr.write('\\n'.join(['', *executed()])))\n"
        "from ferrule.__main__ import main\n"
        "main()\n"
    )
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin", **variables}
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import site; site.main()\n{program}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    return set(done.stderr.splitlines()) - {""}


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "ferrule"}


def test_version_imports_nothing() -> None:
    modules = imported("--version")
    assert own(modules) == {"ferrule", "ferrule.__main__"}
    assert "click" not in modules
    assert len(modules) < 80


@pytest.mark.parametrize("command", ["build", "release"])
def test_a_word_is_completed_without_the_engine(command: str) -> None:
    modules = imported(_FERRULE_COMPLETE="bash_complete", COMP_WORDS=f"ferrule {command} ", COMP_CWORD="2")
    assert f"ferrule.cli.commands.{command}" in modules
    assert not {name for name in own(modules) if name.startswith("ferrule.engine.")}


def ended(program: str) -> subprocess.CompletedProcess[str]:
    """A program that asks for the version, and then looks at what is left."""
    start = "import gc, sys; sys.argv = ['ferrule', '--version']; from ferrule.__main__ import main"
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "-c", f"{start}\n{program}"], capture_output=True, text=True, check=True, env=environment
    )


def test_the_end_looks_for_no_cycles_among_all_that_is_left() -> None:
    said = ended("main(); print(gc.get_freeze_count(), len(gc.get_objects()))").stdout
    frozen, left = map(int, said.splitlines()[-1].split())
    assert frozen > 1000 > left


def test_a_library_that_looks_for_leaks_at_the_end_finds_none() -> None:
    assert ended("import lief; main()").stderr == ""


def test_help_imports_no_command() -> None:
    modules = imported("--help")
    assert own(modules) == {
        *("ferrule", "ferrule.__main__", "ferrule.core", "ferrule.core.errors", "ferrule.core.lazy_modules"),
        "ferrule.core.interrupts",
        *("ferrule.core.frozen", "ferrule.core.printable"),
        *("ferrule.cli", "ferrule.cli.commands", "ferrule.cli.environment", "ferrule.cli.redact_output"),
        "ferrule.cli.options",
        *("ferrule.tools", "ferrule.tools.secrets"),
        *("ferrule.app.release", "ferrule.engine", "ferrule.formats", "ferrule.toolchain"),  # packages without code
    }
    assert len(modules) < 150


@pytest.mark.parametrize("command", ["check", "plan"])
def test_reading_a_project_imports_nothing_that_works_on_files(command: str) -> None:
    heavy = {"lief", "rich", "cryptography", "cyclonedx", "urllib3", "jinja2", "filelock", "tarfile", "asyncio"}
    assert (heavy | {"pycparser", "ctypes", "fractions"}) & imported(command) == set()


INTERRUPTING = """
import importlib.abc, os, signal, sys, weakref

class Find(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *rest):
        if name == {module!r}:
            sys.meta_path.remove(self)
            {act}

class Name:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)

class Target:
    pass

def in_a_callback():
    target = Target()
    reference = weakref.ref(target, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del target

sys.argv = ["ferrule", "check"]
sys.meta_path.insert(0, Find())
signal.signal(signal.SIGINT, signal.default_int_handler)
from ferrule.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["threading", "ferrule.core.interrupts", "click", "yaml"])
@pytest.mark.parametrize(
    "act",
    [
        "os.kill(os.getpid(), signal.SIGINT)",
        "type('Owner', (), {'name': Name()})",
        "in_a_callback()",
    ],
    ids=["plainly", "in a name of a class", "in a callback"],
)
def test_an_interrupt_while_modules_are_loaded_is_a_sentence(module: str, act: str) -> None:
    """Also one of which Python makes a RuntimeError (before 3.12), and one that it drops after a traceback."""
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    argv = [sys.executable, "-c", INTERRUPTING.format(module=module, act=act).replace("{{", "{")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() == "interrupted; what was finished is kept, and the next run goes on from there"


LOADING = """
import os, signal, sys, time
from importlib.machinery import ExtensionFileLoader
from ferrule.core import interrupts

CODE = ExtensionFileLoader.create_module.__code__, ExtensionFileLoader.exec_module.__code__

def is_loading(frame):
    return frame is not None and (frame.f_code in CODE or is_loading(frame.f_back))

def kill(frame, event, _):
    if event == "call" and frame.f_globals.get("__name__") == "enum" and is_loading(frame):
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
interrupts.take()
sys.setprofile(kill)
try:
    import lief
    time.sleep(60)
except KeyboardInterrupt:
    sys.stdout.write("interrupted")
"""


def test_an_interrupt_while_a_library_in_c_plus_plus_is_loaded_comes_afterwards() -> None:
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", LOADING]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "interrupted"), done.stderr


@pytest.mark.parametrize("command", ["check", "plan", "release", "verify", "doctor", "schema"])
def test_a_folder_that_was_deleted_is_a_sentence(tmp_path: Path, command: str) -> None:
    program = f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && exec {sys.executable} -m ferrule {command}"
    (tmp_path / "gone").mkdir()
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", program], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 7
    assert done.stderr.startswith("error: the folder in which ferrule was started cannot be used: No such file")
    assert "hint: change to one that exists" in done.stderr


COMMANDS = ("--version", "--help", "check", "plan --json")


def sh(command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """What a shell says of a command in which `ferrule` is this one."""
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"} | more
    argv = ["/bin/sh", "-c", command.replace("ferrule", f"exec {sys.executable} -m ferrule", 1)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_output_is_a_sentence(command: str) -> None:
    done = sh(f"ferrule {command} >&-")
    assert (done.returncode, done.stderr) == (7, "error: standard output is closed\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize(("command", "unbuffered"), [*((each, "") for each in (*COMMANDS, "plan")), ("plan", "1")])
def test_an_output_that_cannot_be_written_is_a_sentence(command: str, unbuffered: str) -> None:
    done = sh(f"ferrule {command} >/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 7
    assert done.stderr == "error: standard output cannot be written: No space left on device\n"


def test_other_streams_that_are_closed_lead_nowhere() -> None:
    usual = sh("ferrule check")
    assert sh("ferrule check >/dev/full 2>&1").returncode == 7
    for closed in ("<&-", "2>&-", "<&- 2>&-"):
        done = sh(f"ferrule check {closed}")
        assert (done.returncode, done.stdout) == (0, usual.stdout)
    assert sh("ferrule check nowhere 2>&-").returncode == sh("ferrule check nowhere").returncode
    silent = sh("ferrule check >&- 2>&-")
    assert (silent.returncode, silent.stdout, silent.stderr) == (7, "", "")
