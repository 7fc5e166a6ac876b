"""Credentials are found where clients keep them, and a file that cannot be read is as if it were not there."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import StandIn, host_of
from ferrule.app.publish import credentials

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.tools.host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    result = host_of(tmp_path, StandIn(url="http://127.0.0.1:1"))
    for name in (".netrc", ".npmrc"):
        (tmp_path / name).unlink()
    (tmp_path / ".docker" / "config.json").unlink()
    return result


def settings(host: Host, document: object) -> None:
    (host.home / ".docker" / "config.json").write_text(json.dumps(document))


def test_variables(host: Host) -> None:
    assert credentials.variable(host, "NOT_SET", "GITHUB_TOKEN") == host.environment["GITHUB_TOKEN"]
    assert credentials.variable(host, "NOT_SET") is None


def test_netrc(host: Host) -> None:
    assert credentials.of_netrc(host, "a.example") is None
    file = host.home / ".netrc"
    file.write_text("machine a.example login me password secret\n")
    file.chmod(0o600)
    assert credentials.of_netrc(host, "a.example") == ("me", "secret")
    assert credentials.of_netrc(host, "b.example") is None
    file.write_text("this is no netrc {")
    assert credentials.of_netrc(host, "a.example") is None


def test_docker(host: Host) -> None:
    assert credentials.of_docker(host, "r.example") is None
    settings(host, {"auths": {"r.example": {"auth": base64.b64encode(b"me:sec:ret").decode()}}})
    assert credentials.of_docker(host, "r.example") == ("me", "sec:ret")
    assert credentials.of_docker(host, "s.example") is None
    settings(host, {"auths": {"https://index.r.example/v1/": {"auth": base64.b64encode(b"me:x").decode()}}})
    assert credentials.of_docker(host, "r.example") == ("me", "x")
    for odd in (
        [],
        {"auths": {"r.example": {"auth": "%"}}},
        {"auths": {"r.example": 5}},
        {"auths": [1], "credHelpers": "x"},
        {"credsStore": "none"},
    ):
        settings(host, odd)
        assert credentials.of_docker(host, "r.example") is None


def test_a_credential_helper(host: Host, tmp_path: Path) -> None:
    helper = tmp_path / "bin" / "docker-credential-test"
    helper.parent.mkdir()
    helper.write_text('#!/bin/sh\nread -r name\necho "{\\"Username\\":\\"me\\",\\"Secret\\":\\"for $name\\"}"\n')
    helper.chmod(0o755)
    settings(host, {"credHelpers": {"r.example": "test"}})

    assert credentials.of_docker(replace(host, path=(helper.parent, *host.path)), "r.example") == (
        "me",
        "for r.example",
    )


def npmrc(host: Host, *lines: str) -> None:
    (host.home / ".npmrc").write_text("\n".join(lines))


def test_npmrc(host: Host, tmp_path: Path) -> None:
    assert credentials.of_npmrc(host, "https://r.example") is None
    npmrc(
        host,
        "; //r.example/:_authToken=no",
        "//r.example/:_authToken = ${GITLAB_TOKEN}",
        "//s.example/a/:_auth=bWU6eA==",
    )
    token = {"Authorization": f"Bearer {host.environment['GITLAB_TOKEN']}"}
    assert credentials.of_npmrc(host, "https://r.example") == token
    assert credentials.of_npmrc(host, "https://r.example/team/npm/") == token
    assert credentials.of_npmrc(host, "https://r.example:8443") is None
    assert credentials.of_npmrc(host, "https://s.example/a/b") == {"Authorization": "Basic bWU6eA=="}
    assert credentials.of_npmrc(host, "https://s.example") is None
    npmrc(host, "//r.example/:_authToken=${NOT_SET}")
    assert credentials.of_npmrc(host, "https://r.example") is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("//r.example/:_authToken='quoted'")
    named = replace(host, environment={**host.environment, "NPM_CONFIG_USERCONFIG": str(elsewhere)})
    assert credentials.of_npmrc(named, "https://r.example") == {"Authorization": "Bearer quoted"}
    elsewhere.write_bytes(b"\xff")
    assert credentials.of_npmrc(named, "https://r.example") is None
