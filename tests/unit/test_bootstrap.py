"""scripts/nox on machines that offer different things, each played by small programs on an otherwise bare PATH."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from uv import find_uv_bin

from ferrule.tools.run import ToolFailed, capture

SCRIPT = Path(__file__).parents[2] / "scripts" / "nox"

# What the script may take for granted: the programs that every POSIX system has.
SYSTEM = ("cat", "chmod", "cksum", "cp", "find", "id", "ln", "mkdir", "mktemp", "mv", "rm")

# A Python that knows only what scripts/nox asks of one; a file of its name in $ROADS says which road it offers.
PYTHON = """#!/bin/sh
printf '%s\\n' "${0##*/} $*" >>"$LOG"
offer=$(cat "$ROADS/${0##*/}" 2>/dev/null || echo venv)
case "$*" in
*realpath*) [ "$offer" != broken ] || exit 127; echo "$0" ;;
*find_spec*) [ "$offer" != old ] || exit 1; echo "$offer" ;;
*"-m venv "*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
*"-m pip "*) [ ! -e "$ROADS/offline" ] || { echo "no route to the index" >&2; exit 1; } ;;
*sysconfig*) echo "${0%/bin/python}/site" ;;
*os.rename*) exec "$REAL" "$@" ;;
*"-m nox "*) shift 3; printf '<%s>\\n' "$@" ;;
*) exit 99 ;;
esac
"""

UV = """#!/bin/sh
printf '%s\\n' "uv $*" >>"$LOG"
case "$*" in
venv*)
    for last; do :; done
    [ ! -e "$ROADS/no-python-for-uv" ] || exit 2
    mkdir -p "$last/bin"
    cp "$ROADS/fake" "$last/bin/python"
    ;;
"pip install"*) [ ! -e "$ROADS/offline" ] || exit 1 ;;
esac
"""

PIPX = """#!/bin/sh
printf '%s\\n' "pipx $*" >>"$LOG"
echo "$ROADS/pipx/python3.13"
"""

APT = """#!/bin/sh
printf '%s\\n' "apt-get $*" >>"$LOG"
case "$*" in
*" update") echo venv >"$ROADS/lists" ;;
*) [ -e "$ROADS/lists" ] || exit 100; cp "$ROADS/fake" "$ROADS/../bin/python3"; echo venv >"$ROADS/python3" ;;
esac
"""


@dataclass(frozen=True)
class Started:
    code: int
    out: str
    err: str


class Machine:
    """A machine with a project in a folder with spaces, a PATH of its own, and a record of what was called."""

    def __init__(self, root: Path) -> None:
        self.project = root / "a project"
        self.path = root / "bin"
        self.roads = root / "roads"
        self.log = root / "log"
        for folder in (self.project / "scripts", self.project / "requirements", self.path, self.roads):
            folder.mkdir(parents=True)
        shutil.copy(SCRIPT, self.project / "scripts" / "nox")
        self.lock("nox==1 --hash=sha256:00\n")
        for name in SYSTEM:
            result = shutil.which(name)
            assert result is not None
            (self.path / name).symlink_to(result)
        self.program(self.roads / "fake", PYTHON)
        self.user(1000)

    def lock(self, text: str) -> None:
        (self.project / "requirements" / "nox.txt").write_text(text)

    def program(self, place: Path, text: str) -> None:
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_text(text)
        place.chmod(0o755)

    def user(self, number: int) -> None:
        self.program(self.path / "id", f"#!/bin/sh\necho {number}\n")

    def python(self, road: str, name: str = "python3") -> None:
        self.program(self.path / name, PYTHON)
        (self.roads / name).write_text(road)

    def start(self, *arguments: str, cwd: Path | None = None, command: str = "", **env: str) -> Started:
        env = {"PATH": str(self.path), "LOG": str(self.log), "ROADS": str(self.roads), "REAL": sys.executable, **env}
        argv = ["/bin/sh", command or str(self.project / "scripts" / "nox"), *arguments]
        try:
            captured = capture(argv, env=env, cwd=cwd)
        except ToolFailed as failed:
            return Started(failed.code, failed.stdout.rstrip(), failed.stderr.rstrip())
        return Started(0, captured.stdout, captured.stderr)

    @property
    def calls(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def made(self) -> list[str]:
        cache = self.project / ".cache"
        return sorted(entry.name for entry in cache.iterdir()) if cache.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_python_with_venv_makes_nox_and_hands_every_argument_over(machine: Machine) -> None:
    machine.python("venv")
    started = machine.start("-s", "tests", "--", "two words", "", "*")
    noxfile = machine.project / "noxfile.py"
    assert started.out == f"<-f>\n<{noxfile}>\n<-s>\n<tests>\n<-->\n<two words>\n<>\n<*>\n"
    assert "once per version" in started.err
    assert f"--require-hashes -r {machine.project}/requirements/nox.txt" in machine.calls
    assert len(machine.made) == 1


def test_second_start_needs_one_program_before_nox(machine: Machine, tmp_path: Path) -> None:
    machine.python("venv")
    machine.start("-l")
    only = tmp_path / "only"
    only.mkdir()
    for name in ("cksum", "cat"):  # cat is for the fake Python
        (only / name).symlink_to(machine.path / name)
    machine.log.unlink()
    started = machine.start("-l", PATH=str(only))
    assert (started.code, started.err) == (0, "")
    assert machine.calls == f"python -I -m nox -f {machine.project}/noxfile.py -l\n"


@pytest.mark.parametrize(
    ("folder", "command"),
    [("scripts", "nox"), ("scripts", "./nox"), (".", "scripts/nox"), ("requirements", "../scripts/nox")],
)
def test_works_from_any_folder(machine: Machine, folder: str, command: str) -> None:
    machine.python("venv")
    started = machine.start(cwd=machine.project / folder, command=command)
    assert started.out == f"<-f>\n<{machine.project}/noxfile.py>\n"


def test_uv_is_preferred_and_given_the_python(machine: Machine) -> None:
    machine.python("bare")
    machine.program(machine.path / "uv", UV)
    assert machine.start("-l").code == 0
    assert f"uv venv --quiet --no-project --python {machine.path}/python3" in machine.calls
    assert "uv pip install --quiet" in machine.calls
    assert "--require-hashes" in machine.calls


def test_uv_alone_finds_a_python_itself(machine: Machine) -> None:
    machine.program(machine.path / "uv", UV)
    assert machine.start("-l").code == 0
    assert "uv venv --quiet --no-project --python >=3.11" in machine.calls


def test_uv_that_finds_no_python_is_a_sentence(machine: Machine) -> None:
    machine.program(machine.path / "uv", UV)
    (machine.roads / "no-python-for-uv").touch()
    started = machine.start("-l")
    assert started.code == 1
    assert started.err.endswith("no Python of 3.11 or newer was found; install one, or uv, so that it is on the PATH.")
    assert machine.made == []


def test_pip_without_venv_fills_an_environment_made_by_hand(machine: Machine) -> None:
    machine.python("pip")
    assert machine.start("-l").code == 0
    (home,) = (machine.project / ".cache").iterdir()
    assert (home / "pyvenv.cfg").read_text() == f"home = {machine.path}\ninclude-system-site-packages = false\n"
    assert (home / "bin" / "python").readlink() == machine.path / "python3"
    assert "--require-hashes" in machine.calls
    assert "--target" in machine.calls


def test_pipx_lends_its_python(machine: Machine) -> None:
    machine.python("old")
    machine.program(machine.path / "pipx", PIPX)
    machine.program(machine.roads / "pipx" / "python3.13", PYTHON)
    assert machine.start("-l").code == 0
    assert "pipx environment --value PIPX_DEFAULT_PYTHON" in machine.calls
    assert "python3.13 -I -m venv" in machine.calls


@pytest.mark.parametrize("name", ["python3.11", "python3.12", "python3.13", "python3.14", "python"])
@pytest.mark.parametrize("first", ["old", "broken", "bare", "pip"])
def test_a_better_python_under_another_name_is_found(machine: Machine, first: str, name: str) -> None:
    machine.python(first)
    machine.python("venv", name)
    assert machine.start("-l").code == 0
    assert f"{name} -I -m venv" in machine.calls


@pytest.mark.parametrize("road", ["old", "broken"])
def test_an_old_python_alone_is_a_sentence(machine: Machine, road: str) -> None:
    machine.python(road)
    machine.user(0)
    machine.program(machine.path / "apt-get", APT)
    started = machine.start("-l")
    assert started.code == 1
    assert "no Python of 3.11 or newer was found; install one, or uv" in started.err
    assert "apt-get" not in machine.calls
    assert machine.made == []


def test_bare_python_without_root_is_a_sentence(machine: Machine) -> None:
    machine.python("bare")
    machine.program(machine.path / "apt-get", APT)
    started = machine.start("-l")
    assert started.code == 1
    assert f"{machine.path}/python3 has neither venv nor pip; install one of them" in started.err
    assert "apt-get -" not in machine.calls
    assert machine.made == []


@pytest.mark.parametrize("road", ["bare", None])
def test_root_on_debian_installs_the_package_and_says_so(machine: Machine, road: str | None) -> None:
    if road:
        machine.python(road)
    machine.user(0)
    machine.program(machine.path / "apt-get", APT)
    started = machine.start("-l")
    assert started.code == 0
    assert "installing the package python3-venv with apt-get" in started.err
    updates, installs = (machine.calls.count(f" {verb}") for verb in ("update\n", "install -y"))
    assert (updates, installs) == (1, 2)  # the lists are fetched only where the first try fails


def test_nothing_is_installed_where_a_python_will_do(machine: Machine) -> None:
    machine.python("venv", "python3.12")
    machine.user(0)
    machine.program(machine.path / "apt-get", APT)
    assert machine.start("-l").code == 0
    assert "apt-get" not in machine.calls


def test_failed_installation_leaves_nothing_and_says_what_to_do(machine: Machine) -> None:
    machine.python("venv")
    (machine.roads / "offline").touch()
    started = machine.start("-l")
    assert started.code == 1
    assert "no route to the index" in started.err
    assert started.err.endswith("check the network and the package index, then start again.")
    assert machine.made == []
    (machine.roads / "offline").unlink()
    assert machine.start("-l").code == 0


def test_another_lock_is_another_environment(machine: Machine) -> None:
    machine.python("venv")
    machine.start("-l")
    machine.lock("nox==2 --hash=sha256:00\n")
    machine.start("-l")
    assert len(machine.made) == 2


def test_an_environment_whose_python_went_away_is_made_again(machine: Machine) -> None:
    machine.python("venv")
    machine.start("-l")
    (home,) = (machine.project / ".cache").iterdir()
    (home / "bin" / "python").unlink()
    (home / "bin" / "python").symlink_to("/no/longer/there")
    assert machine.start("-l").out.startswith("<-f>")
    assert machine.made == [home.name]


@pytest.mark.parametrize("broken", [False, True])
def test_starts_at_once_end_with_one_environment(machine: Machine, broken: bool) -> None:
    machine.python("venv")
    if broken:
        machine.start("-l")
        (home,) = (machine.project / ".cache").iterdir()
        (home / "bin" / "python").unlink()
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda number: machine.start("-s", str(number)), range(8)))
    assert [one.code for one in started] == [0] * 8
    assert [one.out.splitlines()[-1] for one in started] == [f"<{number}>" for number in range(8)]
    assert len(machine.made) == 1


def test_what_a_killed_start_left_is_removed_after_a_day(machine: Machine) -> None:
    machine.python("venv")
    old, new = (machine.project / ".cache" / f"nox-1-1.new-{age}" for age in ("old", "new"))
    for left in (old, new):
        (left / "bin").mkdir(parents=True)
    os.utime(old, (0, 0))
    machine.start("-l")
    assert not old.exists()
    assert new.exists()


def lock_of_a_small_nox(folder: Path) -> str:
    """Write a wheel that is called nox and prints its arguments, and a lock that installs it without an index."""
    wheel = folder / "nox-1.0-py3-none-any.whl"
    files = {
        "nox/__init__.py": "",
        "nox/__main__.py": "import sys; print(sys.argv[1:], sys.prefix)",
        "nox-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: nox\nVersion: 1.0\n",
        "nox-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, "nox-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, "nox-1.0.dist-info/RECORD": record}.items():
            archive.writestr(name, text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"--no-index\n--find-links {folder.as_uri()}\nnox==1.0 --hash=sha256:{digest}\n"


def real(machine: Machine, tmp_path: Path) -> str:
    machine.lock(lock_of_a_small_nox(tmp_path))
    (machine.path / "python3").symlink_to(sys.executable)
    (home,) = {machine.start("-l", UV_CACHE_DIR=str(tmp_path / "uv-cache")).out for _ in range(2)}
    return home


def test_real_uv(machine: Machine, tmp_path: Path) -> None:
    (machine.path / "uv").symlink_to(find_uv_bin())
    output = real(machine, tmp_path)
    assert output == f"{['-f', f'{machine.project}/noxfile.py', '-l']} {machine.project}/.cache/{machine.made[0]}\n"


def test_real_uv_refuses_another_digest(machine: Machine, tmp_path: Path) -> None:
    (machine.path / "uv").symlink_to(find_uv_bin())
    (machine.path / "python3").symlink_to(sys.executable)
    machine.lock(lock_of_a_small_nox(tmp_path)[:-65] + "0" * 64 + "\n")
    started = machine.start("-l", UV_CACHE_DIR=str(tmp_path / "uv-cache"))
    assert started.code == 1
    assert "Hash mismatch" in started.err
    assert machine.made == []


@pytest.mark.integration
def test_real_python_is_used_for_what_it_has(machine: Machine, tmp_path: Path) -> None:
    output = real(machine, tmp_path)
    if find_spec("ensurepip") or find_spec("pip"):
        assert output.endswith(f"{machine.project}/.cache/{machine.made[0]}\n")
    else:
        assert (output, machine.made) == ("", [])
