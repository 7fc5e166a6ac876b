"""Uploads by the ecosystems' own clients: found on the PATH, given their credentials, understood where they fail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.app.publish.items import UploadFailed
from ferrule.core.errors import ToolchainError
from ferrule.core.one_line import one_line
from ferrule.tools import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ferrule.tools.host import Host

_SECONDS: Final = 900.0
_LONGEST: Final = 300
_TRANSIENT: Final = re.compile(
    r"\b(?:408|429|500|502|503|504)\b|\bE(?:CONNRE|TIMEDOUT|AI_AGAIN|NOTFOUND|SOCKET)|timed? ?out|ConnectionError"
    r"|[Cc]onnection (?:reset|refused|aborted)|socket hang up|Remote end closed|Broken pipe|IncompleteRead|Max retries"
)
_TELLING: Final = re.compile(r"error|E\d{3}|HTTP|denied|fail|reject|fatal", re.IGNORECASE)
_IDLE: Final = ("WARNING", "Uploading", "INFO")
_NO_LOGIN: Final = r"could not read (?:Username|Password)|Permission denied \(publickey"
_HINTS: Final = {
    _NO_LOGIN: "git has no credentials for it: gh auth login, a credential helper, or an SSH key",
    r"\b(?:E?401|ENEEDAUTH)\b": "the credentials are missing, expired or wrong: renew them",
    r"\bE?403\b": "use credentials that may write there; the name may belong to somebody else",
    r"\bE?413\b": "the file is larger than the server takes: ask its owner to raise the limit",
}
_OIDC: Final = (
    *("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "GITHUB_ACTIONS"),
    *("PYPI_ID_TOKEN", "TESTPYPI_ID_TOKEN", "GITLAB_CI"),
)
"""By these the clients get a token of their own where an index trusts a workflow."""


def program(host: Host, name: str) -> Path:
    """A client. Raises UploadFailed where it is not installed."""
    path = host.which(name)
    if path is None:
        raise UploadFailed(f"{name} is not installed", hint=f"install {name}, so that it is on the PATH")
    return path


def call(
    host: Host,
    argv: Sequence[str],
    variables: Sequence[str] = (),
    fixed: Mapping[str, str] | None = None,
    feed: str | None = None,
) -> str:
    """Run a client and return what it printed.

    It gets the `variables` that are set, which hold its credentials, and `fixed` ones, and reads `feed`.

    Raises UploadFailed with what it said, and a wait where that may pass.
    """
    environment = {n: host.environment[n] for n in (*variables, *_OIDC) if host.environment.get(n)}
    try:
        return run.capture(
            argv, env=host.children | environment | dict(fixed or {}), timeout=_SECONDS, input=feed
        ).stdout
    except run.ToolFailed as failure:
        said = failure.stderr.strip() or failure.stdout.strip()
        lines = [line for line in said.splitlines() if _TELLING.search(line) and not line.lstrip().startswith(_IDLE)]
        text = one_line(" ".join(lines[:4]) or said[-_LONGEST:])[:_LONGEST] or failure.summary
        wait = 1.0 if _TRANSIENT.search(said) or "did not end" in failure.message else None
        hint = next((hint for sign, hint in _HINTS.items() if re.search(sign, text)), "see what it says")
        raise UploadFailed(text, hint=hint, wait=wait) from failure
    except ToolchainError as error:
        raise UploadFailed(error.message, hint=error.hint or "install it") from error
