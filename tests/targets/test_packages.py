"""Extension modules for five Pythons, and an addon of Node-API, for every target that can have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from judges import provision, run
from machines import MACHINES
from node_programs import QUIET, npm
from readers import READERS, read_machine
from released_targets import Row

from ferrule.core.platforms import PLATFORMS
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from machines import Machine
    from released_targets import Built, Workspace

PYTHONS = ("cp310", "cp311", "cp312", "cp313", "cp314")
CODE = "import sys; sys.path.insert(0, sys.argv[1]); import count_ext; print(count_ext.words('a b a'))"
SCRIPT = "import('@example/count').then((count) => console.log(count.words('a b a')))"


def those_of(kind: str) -> list[str]:
    """The targets that a kind can be made for on this machine."""
    return [t for t in MACHINES if PLATFORMS[t].is_native and KINDS[kind].unsupported(PLATFORMS[t]) is None]


@pytest.mark.parametrize("target", those_of("extension"))
def test_extension_modules(
    target: str, workspaces: Callable[[str], Workspace], rows: list[Row], tmp_path: Path
) -> None:
    machine, platform = MACHINES[target], PLATFORMS[target]
    provision({**READERS, **machine.judges})
    built = workspaces("extension").release(target)
    wheels = {python: next(built.folder.glob(f"*-{python}-{python}-*.whl")) for python in PYTHONS}
    assert len(list(built.folder.glob("*.whl"))) == len(wheels)
    for python, wheel in wheels.items():
        run("unzip", "-q", wheel, "-d", tmp_path / python)
        (module,) = (path for path in (tmp_path / python).rglob("count_ext*") if path.suffix in {".so", ".pyd"})
        read_machine(module, platform.machine)
    is_run = machine.version in wheels
    if machine.python is not None and is_run:
        assert machine.start(machine.python(), "-c", CODE, str(tmp_path / str(machine.version))).split() == ["3"]
    size = sum(wheel.stat().st_size for wheel in wheels.values())
    rows.append(row_of(built, machine if is_run else None, f"{len(wheels)} extension wheels", size))


@pytest.mark.parametrize("target", those_of("npm"))
def test_addons(target: str, workspaces: Callable[[str], Workspace], rows: list[Row], tmp_path: Path) -> None:
    machine, platform = MACHINES[target], PLATFORMS[target]
    provision({**READERS, **machine.judges})
    workspace = workspaces("addon")
    built = workspace.release(target)
    packages = sorted(built.folder.glob("*.tgz"))
    assert len(packages) == 2
    (of_platform,) = (path for path in packages if path.name != "example-count-1.2.3.tgz")
    run("tar", "-xf", of_platform, "-C", tmp_path)
    (addon,) = tmp_path.rglob("*.node")
    read_machine(addon, platform.machine)
    if machine.node:
        assert call_by_node(workspace.tool("node", "--with", "node"), packages, tmp_path / "user") == "3"
    rows.append(row_of(built, machine if machine.node else None, "addon", addon.stat().st_size))


def call_by_node(node: str, packages: list[Path], folder: Path) -> str:
    """What a user of the packages gets, who has installed them by npm."""
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    run(*npm(node), "install", *QUIET, "--offline", *packages, cwd=folder)
    return run(node, "--eval", SCRIPT, cwd=folder).stdout.strip()


def row_of(built: Built, machine: Machine | None, kind: str, size: int) -> Row:
    """A line of the table; None for a machine stands for files that were only read."""
    action = next(name for name in built.manifest["facts"] if name.endswith(f"@{built.target}") and ":" not in name)
    role = next(iter(built.manifest["facts"][action]))
    return Row(built.target, kind, size, built.seconds, built.measured(action, role), machine.name if machine else "-")
