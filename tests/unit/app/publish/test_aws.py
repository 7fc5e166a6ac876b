"""Signatures as AWS documents them, and credentials from where its tools keep them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import Reply, Request, StandIn, host_of, reply, serving
from ferrule.app.publish import aws
from ferrule.app.publish.base import PublishContext
from ferrule.app.publish.items import UploadFailed
from ferrule.app.publish.web import Web

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = aws.Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
FRIDAY = int(datetime(2013, 5, 24, tzinfo=UTC).timestamp()) * 1_000_000_000


def test_a_download_that_is_documented() -> None:
    """GET Object of "Signature calculations: authorization header", Amazon S3."""
    url = "https://examplebucket.s3.amazonaws.com/test.txt"
    headers = aws.signed(EXAMPLE, "GET", url, "us-east-1", FRIDAY, headers={"Range": "bytes=0-9"})
    assert headers["Authorization"].endswith(
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_an_upload_that_is_documented() -> None:
    """PUT Object, of the same page."""
    url = "https://examplebucket.s3.amazonaws.com/test%24file.text"
    payload = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
    extra = {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}
    headers = aws.signed(EXAMPLE, "PUT", url, "us-east-1", FRIDAY, payload, extra)
    assert headers["Authorization"].endswith("=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")


def test_a_token_is_signed_too() -> None:
    headers = aws.signed(replace(EXAMPLE, token="t0ken"), "GET", "https://a.example/b", "us-east-1", FRIDAY)
    assert headers["x-amz-security-token"] == "t0ken"
    assert "x-amz-security-token" in headers["Authorization"]


@dataclass
class Sts(StandIn):
    """Gives credentials for one token (STS, "AssumeRoleWithWebIdentity")."""

    bodies: list[bytes] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        self.bodies.append(request.body)
        if b"WebIdentityToken=jwt" not in request.body:
            return reply(400, b"<Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error>")
        if b"RoleArn=odd" in request.body:
            return reply(200, b"<nothing/>")
        keys = b"<AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>"
        return reply(200, b"<R>" + keys + b"</R>")

    def state(self) -> None:
        return None


def context_of(folder: Path, **environment: str) -> PublishContext:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    host = host_of(folder / "home", StandIn(url="http://x"), **{**none, **environment})
    host = replace(host, path=(folder / "bin",), programs=folder / "none")
    return PublishContext(Web(host.environment, lambda: 0.0), host, folder, folder, lambda: 0)


def keys_of(context: PublishContext, profile: str | None = None, tokens: str = "") -> aws.Keys | None:
    return aws.keys_of(context, profile, "eu-west-1", tokens)


def test_variables(tmp_path: Path) -> None:
    assert keys_of(context_of(tmp_path)) is None
    variables = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
    assert keys_of(context_of(tmp_path, **variables)) == aws.Keys("a", "s")
    assert keys_of(context_of(tmp_path, **variables, AWS_SESSION_TOKEN="t")) == aws.Keys("a", "s", "t")


def test_files_of_profiles(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    folder = tmp_path / "home" / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = a\naws_secret_access_key = s%s\n[half]\naws_access_key_id = b\n"
    )
    (folder / "config").write_text(
        "[profile other]\naws_access_key_id = o\naws_secret_access_key = s\naws_session_token = t\n"
    )
    assert keys_of(context) == aws.Keys("a", "s%s")
    assert keys_of(context, "other") == aws.Keys("o", "s", "t")
    assert keys_of(context, "half") is None
    assert keys_of(context_of(tmp_path, AWS_PROFILE="other")) == aws.Keys("o", "s", "t")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("no section")
    assert keys_of(context_of(tmp_path, AWS_SHARED_CREDENTIALS_FILE=str(elsewhere))) is None
    # A row that names a profile means it, whatever the variables are.
    assert keys_of(context_of(tmp_path, AWS_ACCESS_KEY_ID="v", AWS_SECRET_ACCESS_KEY="v"), "other").access == "o"


def test_a_role_for_the_token_of_a_workflow(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("jwt\n")
    with serving(Sts()) as server:
        variables = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
        assert keys_of(context_of(tmp_path, **variables), tokens=server.url) == aws.Keys("A", "S", "T")
        assert b"RoleSessionName=ferrule" in server.bodies[0]
        with pytest.raises(UploadFailed, match="its answer holds no credentials"):
            keys_of(context_of(tmp_path, **{**variables, "AWS_ROLE_ARN": "odd"}), tokens=server.url)
        token.write_text("other")
        with pytest.raises(UploadFailed, match="it answers 400: InvalidIdentityToken: no"):
            keys_of(context_of(tmp_path, **variables), tokens=server.url)
        token.unlink()
        with pytest.raises(UploadFailed, match="AWS_WEB_IDENTITY_TOKEN_FILE cannot be read"):
            keys_of(context_of(tmp_path, **variables), tokens=server.url)


def test_what_the_cli_finds(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    program = tmp_path / "bin" / "aws"
    program.parent.mkdir()
    text = '{\\"AccessKeyId\\":\\"a\\",\\"SecretAccessKey\\":\\"s\\",\\"SessionToken\\":\\"t\\"}'
    program.write_text(
        f'#!/bin/sh\ntest "$*" = "configure export-credentials --format process --profile p" && echo "{text}"\n'
    )
    program.chmod(0o755)
    assert keys_of(context, "p") == aws.Keys("a", "s", "t")
    assert keys_of(context) is None
