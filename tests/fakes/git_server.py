"""Git over HTTP by git-http-backend(1), with a fault at any request: all read, and who shows a password pushes."""

from __future__ import annotations

import base64
import gzip
import os
import shutil
import subprocess  # noqa: TID251 - Git is the server
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.destinations import Reply, Request, StandIn, reply
from fakes.published import CANARY

ADDRESS = "https://git.example.org/"
"""What a row of targets.yaml names; settings of Git lead from there to the stand-in."""


@dataclass
class GitServer(StandIn):
    """One bare repository; a name is a file of a branch or tag with its content."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp()))

    def __post_init__(self) -> None:
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", ".")
        self.git("config", "http.receivepack", "true")
        self.git("config", "gc.auto", "0")

    @property
    def repository(self) -> Path:
        path = self.folder / "demo.git"
        path.mkdir(exist_ok=True)
        return path

    def git(self, *arguments: str) -> str:
        environment = {"PATH": os.defpath, "HOME": str(self.folder)}
        argv = ["git", *arguments]
        return subprocess.run(
            argv, cwd=self.repository, env=environment, check=True, capture_output=True, text=True
        ).stdout

    def refs(self) -> dict[str, str]:
        rows = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(row.split(" ") for row in rows)

    def files(self, commit: str | None) -> dict[str, str]:
        rows = self.git("ls-tree", "-r", commit).splitlines() if commit else []
        return {name: head.split(" ")[2] for head, _, name in (row.partition("\t") for row in rows)}

    def answer(self, request: Request) -> Reply:
        pushes = request.query.get("service") == "git-receive-pack" or request.path.endswith("/git-receive-pack")
        if pushes and request.secret != f"Basic {base64.b64encode(f'me:{CANARY}'.encode()).decode()}":
            return reply(401, b"", WWW_Authenticate='Basic realm="git"')
        before = self.refs()
        answer = self.backend(request)
        for ref, commit in self.refs().items():
            old = before.get(ref)
            if old == commit:
                continue
            base = self.git("merge-base", old, commit).strip() if old and ref.startswith("refs/heads/") else old
            if old is not None and base != old:
                self.replaced[ref] += 1
            was = self.files(old)
            for name, blob in self.files(commit).items():
                if was.get(name) != blob:
                    self.create(f"{ref} {name} {blob}")
        return answer

    def backend(self, request: Request) -> Reply:
        body = gzip.decompress(request.body) if request.headers.get("Content-Encoding") == "gzip" else request.body
        environment = {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": "&".join(f"{k}={v}" for k, v in request.query.items()),
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "me",
        }
        argv = ["git", "http-backend"]
        out = subprocess.run(argv, env=environment, input=body, check=True, capture_output=True).stdout
        head, _, content = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200 OK").split(" ")[0])
        return status, headers, content

    def state(self) -> Any:
        return {ref: self.files(commit) for ref, commit in self.refs().items()}
