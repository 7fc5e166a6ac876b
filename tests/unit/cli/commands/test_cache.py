"""`ferrule cache` on the project of a release, with pretended compilers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakes.toolchain import Demo


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
