"""Runs the workflows of a project here, by act, with stand-ins for other people's actions (actions/)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess  # noqa: TID251 - the runner is a program
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.app.ci import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Mapping

STAND_INS = Path(__file__).parent / "actions"
_USES = re.compile(r"uses: ([^ ./][^ ]*@[^ \n]+)")


@dataclass(frozen=True)
class Runner:
    """A place where workflows of the repository `source` run: each job in a folder of its own, on this machine.

    The actions are stand-ins: a clone for a checkout, copies of folders for artifacts, notes for what is published.
    """

    source: Path
    root: Path
    environment: Mapping[str, str]
    labels: tuple[str, ...] = ("ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "docker")
    system: str = "github"

    @property
    def workflows(self) -> Path:
        """The folder of the workflows; those of Forgejo with short names of actions, as act knows no addresses."""
        folder = self.source / SYSTEMS[self.system].folder
        if self.system == "github":
            return folder
        copies = self.root / "workflows"
        copies.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            (copies / path.name).write_text(re.sub(r"uses: https://[^/]+/", "uses: ", path.read_text()))
        return copies

    @property
    def artifacts(self) -> Path:
        """What jobs of the last run have kept, by name."""
        return self.root / "artifacts"

    @property
    def published(self) -> Path:
        """What was to be attested and published in the last run."""
        return self.root / "published"

    def run(
        self, workflow: str, event: str, ref: str = "", job: str = "", **inputs: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a workflow as after an event: to its end, or one job and all that this needs."""
        for folder in (self.artifacts, self.published):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        output = self.root / "event.json"
        output.write_text(json.dumps({"ref": ref} if ref else {}))
        options = (
            "--no-skip-checkout",
            "--no-cache-server",
            "--container-daemon-socket",
            "-",
            "--eventpath",
            str(output),
        )
        labels = (f"--platform={label}=-self-hosted" for label in self.labels)
        actions = _USES.findall("\n".join(p.read_text() for p in self.workflows.iterdir()))
        stand_ins = (
            f"--local-repository={a}={STAND_INS / a.partition('@')[0].partition('/')[2]}" for a in sorted(set(actions))
        )
        given = (*(f"--input={name}={value}" for name, value in inputs.items()), *(["--job", job] if job else []))
        own = {
            "DOCKER_HOST": "unix:///nowhere",
            "STANDIN_ARTIFACTS": str(self.artifacts),
            "STANDIN_PUBLISHED": str(self.published),
            "STANDIN_REPOSITORY": str(self.source),
            "XDG_CACHE_HOME": str(self.root / "cache"),
        }
        program = shutil.which("act", path=str(Path(sys.executable).parent))
        assert program, "act is a requirement of the tests"
        return subprocess.run(
            [program, event, "--workflows", str(self.workflows / workflow), *options, *labels, *stand_ins, *given],
            cwd=self.source,
            env={**self.environment, **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=3600,
            check=False,
        )

    def kept(self, name: str) -> dict[str, bytes]:
        """The files of an artifact of the last run."""
        folder = self.artifacts / name
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
