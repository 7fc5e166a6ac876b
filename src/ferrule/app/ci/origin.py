"""Where the Ferrule that runs was installed from (PyPA specifications, "Direct URL")."""

from __future__ import annotations

import json
import re


def origin(direct_url: str | None) -> str | None:
    """The line of targets.yaml by which CI gets the same Ferrule; None where the record does not name one for all."""
    try:
        document = json.loads(direct_url or "{}")
        url, commit = document.get("url"), document.get("vcs_info", {}).get("commit_id")
        archive = document.get("archive_info", {})
        digest = archive.get("hashes", {}).get("sha256") or archive.get("hash", "").removeprefix("sha256=")
    except (ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(url, str) or not url.startswith("https://"):
        return None
    if re.fullmatch(r"[0-9a-f]{40}", str(commit)):
        return f"`ferrule: {{git: {url}, commit: {commit}}}`"
    if url.endswith(".whl") and re.fullmatch(r"[0-9a-f]{64}", str(digest)):
        return f"`ferrule: {{wheel: {url}, sha256: {digest}}}`"
    return None
