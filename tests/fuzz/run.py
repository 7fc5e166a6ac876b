"""Hostile calls of the libraries, for as long as somebody wants: `scripts/nox -s hostile`.

The calls themselves are in rust/fuzz/calls, whose first lines say what is chosen and what is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
WORKSPACE: Final = ROOT / "rust" / "fuzz"
TARGET: Final = ROOT / ".cache" / "fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000_000, help="calls of each function, by each test")
    arguments = parser.parse_args()
    command = ("test", "--locked", "--release", "-p", "calls", "--", "--nocapture", "--test-threads=1")
    return cargo(*command, HOSTILE_ROUNDS=str(arguments.rounds))


def cargo(*argv: str, **environment: str) -> int:
    """Run the Cargo that makes releases, in the workspace of the calls; its status."""
    tools = rust()
    own = {"CARGO_TARGET_DIR": str(TARGET), "RUSTC": tools["rustc"]}
    return subprocess.run(
        [tools["cargo"], *argv], cwd=WORKSPACE, env=os.environ | own | environment, check=False
    ).returncode


def rust() -> dict[str, str]:
    """Where the programs of the toolchain are, as `ferrule doctor` says."""
    command = [sys.executable, "-m", "ferrule", "doctor", "--json", "--no-probe"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return {row["tool"]: row["path"] for row in json.loads(done.stdout)}


if __name__ == "__main__":
    sys.exit(main())
