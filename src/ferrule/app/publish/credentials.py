"""Credentials from where the clients of ecosystems keep theirs: variables, .netrc, Docker's settings and helpers."""

from __future__ import annotations

import base64
import json
import netrc
import re
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferrule.core.errors import FerruleError
from ferrule.core.safe_files import read_regular
from ferrule.tools import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.tools.host import Host

_LARGEST = 1 << 20


def variable(host: Host, *names: str) -> str | None:
    """The first of these variables that is set and not empty."""
    return next((value.strip() for name in names if (value := host.environment.get(name, "")).strip()), None)


def of_netrc(host: Host, name: str) -> tuple[str, str] | None:
    """Name and password of a host in the file that NETRC names, else in ~/.netrc (netrc(5))."""
    named = host.environment.get("NETRC")
    path = Path(named) if named else host.home / ".netrc" if host.home else None
    if path is None or not path.is_file():
        return None
    try:
        entry = netrc.netrc(path).hosts.get(name)
    except (netrc.NetrcParseError, OSError, ValueError):
        return None
    return (entry[0], entry[2]) if entry else None


def of_npmrc(host: Host, registry: str) -> dict[str, str] | None:
    """The header that shows a registry of npm's who asks, of ~/.npmrc (npm, "npmrc": auth related configuration).

    A setting holds for an address and all below it, and may name a variable of the environment.
    """
    named = variable(host, "NPM_CONFIG_USERCONFIG", "npm_config_userconfig")
    path = Path(named) if named else host.home / ".npmrc" if host.home else None
    try:
        content = read_regular(path, follow=True, largest=_LARGEST).decode() if path else ""
    except (OSError, ValueError):
        return None
    rows = (line.partition("=") for line in content.splitlines() if not line.lstrip().startswith(("#", ";")))
    settings = {key.strip(): _expanded(value.strip().strip("\"'"), host) for key, _, value in rows}
    parts = urllib.parse.urlsplit(registry)
    address = f"//{parts.netloc}{parts.path.rstrip('/')}/"
    while address.count("/") > 2:  # noqa: PLR2004 - the two slashes before a host
        if token := settings.get(f"{address}:_authToken"):
            return {"Authorization": f"Bearer {token}"}
        if pair := settings.get(f"{address}:_auth"):
            return {"Authorization": f"Basic {pair}"}
        address = address[:-1].rpartition("/")[0] + "/"
    return None


def _expanded(value: str, host: Host) -> str:
    """A value with the variables that it names; one that is not set gives nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda match: host.environment.get(match[1].rstrip("?"), ""), value)


def of_docker(host: Host, registry: str) -> tuple[str, str] | None:
    """Name and password of a registry, as `docker login` and `podman login` keep them (containers-auth.json(5)).

    Docker's own registry is kept by the address of its old index (moby, `registry.IndexServer`).
    """
    names = (registry, f"https://index.{registry}/v1/", f"https://{registry}")
    for settings in _docker_settings(host):
        helpers, entries = (settings.get(key) for key in ("credHelpers", "auths"))
        for name in names:
            helper = helpers.get(name) if isinstance(helpers, dict) else None
            helper = helper or settings.get("credsStore")
            if helper and (pair := _of_helper(host, str(helper), name)):
                return pair
            entry = entries.get(name) if isinstance(entries, dict) else None
            if isinstance(entry, dict) and isinstance(entry.get("auth"), str):
                try:
                    user, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
                except ValueError:
                    continue
                return user, password
    return None


def _docker_settings(host: Host) -> Iterator[dict[str, Any]]:
    environment = host.environment
    paths = [Path(environment["REGISTRY_AUTH_FILE"])] if environment.get("REGISTRY_AUTH_FILE") else []
    if environment.get("XDG_RUNTIME_DIR"):
        paths.append(Path(environment["XDG_RUNTIME_DIR"], "containers", "auth.json"))
    if environment.get("DOCKER_CONFIG"):
        paths.append(Path(environment["DOCKER_CONFIG"], "config.json"))
    if host.home:
        paths += [host.home / ".config" / "containers" / "auth.json", host.home / ".docker" / "config.json"]
    for path in paths:
        try:
            document = json.loads(read_regular(path, follow=True, largest=_LARGEST))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            yield document


def _of_helper(host: Host, name: str, registry: str) -> tuple[str, str] | None:
    """What a credential helper answers (docker-credential-helpers, "get")."""
    program = host.which(f"docker-credential-{name}")
    if program is None:
        return None
    try:
        answer = json.loads(run.capture([str(program), "get"], env=host.children, input=registry, timeout=30).stdout)
        return str(answer["Username"]), str(answer["Secret"])
    except (FerruleError, ValueError, KeyError, TypeError):
        return None
