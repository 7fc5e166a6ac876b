"""Plans a release for as many targets as asked, in a process of its own; prints what that cost, as JSON."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

_WRITTEN = 1000
"""Targets that stand in the file: its size is limited, so those beyond are put beside them once it has been read."""

_CARGO = (
    '[package]\nname = "demo-ffi"\nversion = "1.2.3"\nlicense = "MIT"\n[lib]\ncrate-type = ["cdylib", "staticlib"]\n'
)
_MATRIX = """\
version: 1
project: {name: demo, version: {cargo: .}, license-files: [LICENSE]}
targets:
%s
artifacts:
  native: {kind: library, crate: demo-ffi, header: header}
  header: {kind: header, crate: demo-ffi}
  sdk: {kind: sdk, library: native, header: header}
  sums: {kind: checksums}
"""


def measure(count: int) -> dict[str, float]:
    """Load and plan a project with `count` made-up targets: CPU seconds of reading and of planning, actions, MiB."""
    from ferrule.core import lazy_modules  # noqa: PLC0415 - the imports are part of what is measured

    lazy_modules.install("ferrule")
    from ferrule import config, plan  # noqa: PLC0415
    from ferrule.__main__ import collect_rarely  # noqa: PLC0415
    from ferrule.app.publish import DESTINATIONS  # noqa: PLC0415
    from ferrule.app.release.run import disk_of  # noqa: PLC0415
    from ferrule.core.model import Target  # noqa: PLC0415
    from ferrule.core.platforms import PLATFORMS  # noqa: PLC0415
    from ferrule.kinds import KINDS  # noqa: PLC0415

    collect_rarely()
    row = PLATFORMS["x86_64-unknown-linux-gnu"]
    names = [f"x86_64-made{number:05}-linux-gnu" for number in range(count)]
    PLATFORMS.update({name: replace(row, triple=name) for name in names})
    with tempfile.TemporaryDirectory(prefix="ferrule-bench-") as folder:
        project = Path(folder)
        (project / "src").mkdir()
        (project / "src" / "lib.rs").touch()
        (project / "LICENSE").touch()
        (project / "Cargo.lock").write_text('version = 4\n[[package]]\nname = "demo-ffi"\nversion = "1.2.3"\n', "utf-8")
        (project / "Cargo.toml").write_text(_CARGO, encoding="utf-8")
        lines = "\n".join(f'  {name}: {{glibc: "2.17"}}' for name in names[:_WRITTEN])
        (project / "targets.yaml").write_text(_MATRIX % lines, encoding="utf-8")
        begun = time.process_time()
        found = config.load(project, KINDS, DESTINATIONS, platforms=PLATFORMS)
        read = time.process_time()
        if count > _WRITTEN:
            found = replace(found, targets=tuple(Target(name, glibc="2.17") for name in names))
        disk = disk_of(project)
        start = time.process_time()
        actions = plan.plan(found, found.project, disk, PLATFORMS).actions
        planned = time.process_time()
    return {"read": read - begun, "plan": planned - start, "actions": len(actions), "peak": peak()}


def peak() -> float:
    """The most memory this process has held, in MiB."""
    # Linux's rusage would count what its parent held when it was started.
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes, on macOS


if __name__ == "__main__":
    json.dump(measure(int(sys.argv[1])), sys.stdout)
