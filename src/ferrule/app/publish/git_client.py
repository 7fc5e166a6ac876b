"""Git for destinations: a repository for the moment, in which what is pushed is made, and the user's credentials."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from ferrule.app.publish import client
from ferrule.app.publish.address import NAME, PORT
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.tools.host import Host

_CREDENTIALS: Final = ("SSH_AUTH_SOCK", "GIT_ASKPASS", "GIT_SSH_COMMAND", "GITHUB_TOKEN")
_IDENTITY: Final = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")

URL: Final = (
    rf"^(https://{NAME}{PORT}/|ssh://([A-Za-z0-9][A-Za-z0-9._-]*@)?{NAME}{PORT}/|[a-z]+@[A-Za-z0-9.-]+:|/)"
    r"[A-Za-z0-9._~+/-]+$"
)
"""The pattern of an address of a repository in a section: no password stands there, and nothing that Git would run."""


@dataclass(frozen=True, slots=True)
class GitClient:
    """Git in the bare repository `folder`, which is made when it is needed."""

    host: Host
    folder: Path

    def __call__(self, *arguments: str, feed: str | None = None, fixed: Mapping[str, str] | None = None) -> str:
        """Run Git, without a prompt, and return what it printed. Raises UploadFailed."""
        git = str(client.program(self.host, "git"))
        never = {"GIT_TERMINAL_PROMPT": "0"}
        if not self.folder.exists():
            self.folder.mkdir()
            client.call(self.host, [git, "init", "--quiet", "--bare", str(self.folder)])
        argv = [git, "--git-dir", str(self.folder), *arguments]
        return client.call(self.host, argv, (*_CREDENTIALS, *_IDENTITY), {**never, **(fixed or {})}, feed)


def blob(path: Path) -> str:
    """Git's name of a content (Git Internals, "Git objects")."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
