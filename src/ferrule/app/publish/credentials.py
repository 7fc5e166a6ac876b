"""Credentials from where the clients of ecosystems keep theirs: variables, .netrc, Docker's settings and helpers."""

from __future__ import annotations

import base64
import configparser
import json
import netrc
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


def has_password_in_pypirc(host: Host, section: str) -> bool:
    """Whether ~/.pypirc has a password for a repository (PyPA specifications, "The .pypirc file")."""
    settings = configparser.RawConfigParser()
    try:
        settings.read(host.home / ".pypirc" if host.home else ())
    except (configparser.Error, UnicodeDecodeError):
        return False
    return settings.has_option(section, "password")


def of_docker(host: Host, registry: str) -> tuple[str, str] | None:
    """Name and password of a registry, as `docker login` and `podman login` keep them (containers-auth.json(5))."""
    for settings in _docker_settings(host):
        helper = settings.get("credHelpers", {}).get(registry) or settings.get("credsStore")
        if helper and (pair := _of_helper(host, str(helper), registry)):
            return pair
        entry = settings.get("auths", {}).get(registry)
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
