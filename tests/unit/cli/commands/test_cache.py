"""`ferrule cache` on the project of a release, with pretended compilers."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo


def copied(demo: Demo) -> Path:
    """A second checkout of the project, elsewhere."""
    return shutil.copytree(demo.project, demo.root / "some" / "where" / "else", symlinks=True)


def take(demo: Demo, checkout: Path) -> None:
    """Let the project be that checkout."""
    demo.project.rename(demo.root / "first")
    checkout.rename(demo.project)


def test_size_verify_and_prune(demo: Demo) -> None:
    assert not demo.run().failed
    parts = json.loads(demo.ferrule("cache", "size", "--json").stdout)
    assert parts["store"]["files"] > 50
    assert parts[".ferrule"]["bytes"] > sum(part["bytes"] for name, part in parts.items() if name != ".ferrule")
    good = demo.ferrule("cache", "verify")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("undamaged: ")
    one = next(path for path in (demo.project / ".ferrule/store/objects").rglob("*") if path.is_file())
    one.chmod(0o644)
    one.write_bytes(one.read_bytes() + b"!")
    bad = demo.ferrule("cache", "verify")
    assert bad.returncode == 7
    assert "was damaged and is dropped" in bad.stderr
    before = demo.files()
    pruned = demo.ferrule("cache", "prune", "-q")
    assert (pruned.returncode, pruned.stdout, pruned.stderr) == (0, "", "")
    assert not demo.run().failed
    assert demo.files() == before


def test_a_second_checkout_takes_what_the_first_has_made(demo: Demo) -> None:
    again = copied(demo)
    first = demo.ferrule("release", "-v", FERRULE_MACHINE_CACHE="")
    assert first.returncode == 0, first.stderr
    files, calls = demo.files(), len(demo.calls)
    take(demo, again)
    second = demo.ferrule("release", "-v", FERRULE_MACHINE_CACHE="")
    assert second.returncode == 0, second.stderr
    assert demo.files() == files
    assert re.search(r"[1-9]\d* from other checkouts, 0 unchanged", second.stderr + second.stdout)
    assert not [call for call in demo.calls[calls:] if re.match("cargo|cbindgen|go build|zig", call)], "\n".join(
        demo.calls[calls:]
    )


def test_other_checkouts_are_left_alone_where_that_is_said(demo: Demo) -> None:
    again = copied(demo)
    assert demo.ferrule("release", FERRULE_MACHINE_CACHE="").returncode == 0
    take(demo, again)
    second = demo.ferrule("release", "-v", FERRULE_MACHINE_CACHE="off")
    assert second.returncode == 0
    assert "from other checkouts" not in second.stderr + second.stdout
    wrong = demo.ferrule("plan", FERRULE_MACHINE_CACHE="much")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "write `off`, or a size such as 20 GiB" in wrong.stderr


def test_a_cache_that_others_can_write_to_is_noted(demo: Demo) -> None:
    folder = demo.root / "cache" / "actions"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    done = demo.ferrule("release", FERRULE_MACHINE_CACHE="")
    assert done.returncode == 0
    assert f"others can write to {folder}" in done.stderr
    assert list(folder.iterdir()) == []


def test_the_cache_of_the_machine(demo: Demo) -> None:
    assert demo.ferrule("release", FERRULE_MACHINE_CACHE="").returncode == 0
    usage = json.loads(demo.ferrule("cache", "size", "--machine", "--json").stdout)
    assert usage["actions"]["files"] > 20
    assert demo.ferrule("cache", "verify", "--machine").stdout.startswith("undamaged: ")
    kept = demo.ferrule("cache", "prune", "--machine", "--json", FERRULE_MACHINE_CACHE="1 GiB")
    assert json.loads(kept.stdout) == {"deleted": {"files": 0, "bytes": 0}}
    assert demo.ferrule("cache", "prune", "--machine", FERRULE_MACHINE_CACHE="off").returncode == 0
    assert not list((demo.root / "cache" / "actions" / "results").iterdir())
