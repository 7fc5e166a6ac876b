"""Signature Version 4 of AWS, and credentials from where the tools of AWS keep them.

Home-made, as the library that has both, botocore, is 14 MB with its data, has requests of its own type, and would bring
a second HTTP client; a signature is 30 lines of HMAC, checked against the examples that AWS documents ("Signature
calculations: authorization header", SigV4). What those 30 lines do not know (SSO, processes that give credentials,
machines of a cloud) the AWS CLI is asked for, where it is installed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
import urllib.parse
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.app.publish import client, credentials, web
from ferrule.app.publish.items import UploadFailed
from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.app.publish.base import PublishContext
    from ferrule.tools.host import Host

EMPTY: Final = hashlib.sha256().hexdigest()
"""The SHA-256 of nothing, which a request without a body is signed with."""

_LARGEST: Final = 1 << 20
_PORTS: Final = {"http": ":80", "https": ":443"}
_SESSION: Final = "ferrule"


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials: the id, the secret that signs, and the token of those that are for some time."""

    access: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def signed(
    keys: Keys,
    method: str,
    url: str,
    region: str,
    now_ns: int,
    payload: str = EMPTY,
    headers: Mapping[str, str] | None = None,
    service: str = "s3",
) -> dict[str, str]:
    """The headers that prove a request, `headers` among them; `payload` is the SHA-256 of the body, in hexadecimal.

    `url` has its path encoded, and no query (SigV4, "Create a signed request").
    """
    parts = urllib.parse.urlsplit(url)
    timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_ns // 1_000_000_000))
    proof = {"x-amz-content-sha256": payload, "x-amz-date": timestamp}
    proof |= {"x-amz-security-token": keys.token} if keys.token else {}
    # As it is sent: in small letters, and without the port that the scheme has anyway (RFC 9110, 4.2.3).
    host = parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme, ""))
    signed_headers = {**(headers or {}), **proof, "host": host}
    lower = {name.lower(): " ".join(value.split()) for name, value in signed_headers.items()}
    names = ";".join(sorted(lower))
    lines = [f"{name}:{lower[name]}\n" for name in sorted(lower)]
    canonical = "\n".join([method, parts.path or "/", "", "".join(lines), names, payload])
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", timestamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + keys.secret.encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    parameters = f"Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**(headers or {}), **proof, "Authorization": f"AWS4-HMAC-SHA256 {parameters}"}


def keys_of(context: PublishContext, profile: str | None, region: str, tokens: str) -> Keys | None:
    """The credentials that the tools of AWS would take, None where there are none. Raises UploadFailed.

    They are looked for in the order of the tools: variables, a role for the token of a workflow, which the server at
    `tokens` gives, the files of profiles, and the AWS CLI for all else ("Configuration and credential precedence").
    """
    host = context.host
    named = profile or credentials.variable(host, "AWS_PROFILE")
    access, secret = (credentials.variable(host, f"AWS_{n}") for n in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    if access and secret and profile is None:
        return Keys(access, secret, credentials.variable(host, "AWS_SESSION_TOKEN") or "")
    role, file = (credentials.variable(host, n) for n in ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"))
    if role and file and profile is None:
        return _of_role(context, role, Path(file), region, tokens)
    return _of_files(host, named or "default") or _of_cli(host, named)


def _of_role(context: PublishContext, role: str, file: Path, region: str, tokens: str) -> Keys:
    """Credentials for the token of a workflow (STS, "AssumeRoleWithWebIdentity"), which needs no signature."""
    try:
        token = read_regular(file, follow=True, largest=_LARGEST).decode().strip()
    except (OSError, ValueError) as error:
        raise UploadFailed("the file of AWS_WEB_IDENTITY_TOKEN_FILE cannot be read", hint="see what it is") from error
    name = credentials.variable(context.host, "AWS_ROLE_SESSION_NAME") or _SESSION
    values = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": role}
    values |= {"RoleSessionName": name, "WebIdentityToken": token}
    url = tokens or f"https://sts.{region}.amazonaws.com/"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    web.refuse_open(url)  # the token is in the body
    answer = context.web.send("POST", url, auth=None, body=urllib.parse.urlencode(values).encode(), headers=kind)
    if not answer.is_success:
        raise context.web.refusal(answer, hint="see whether the role trusts this workflow")
    text = answer.body.decode("utf-8", "replace")
    matches = [re.search(f"<{tag}>([^<]+)</{tag}>", text) for tag in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    if not all(matches):
        raise UploadFailed("its answer holds no credentials", hint="see whether `tokens` is the address of STS")
    return Keys(*(match[1].strip() for match in matches if match))


def _of_files(host: Host, profile: str) -> Keys | None:
    """The keys of a profile ("Configuration and credential file settings")."""
    import configparser  # noqa: PLC0415 - 1 ms, where it is uploaded to

    folder = host.home / ".aws" if host.home else None
    files = (
        (credentials.variable(host, "AWS_SHARED_CREDENTIALS_FILE"), "credentials", profile),
        (
            credentials.variable(host, "AWS_CONFIG_FILE"),
            "config",
            profile if profile == "default" else f"profile {profile}",
        ),
    )
    for named, name, section in files:
        settings = configparser.RawConfigParser(strict=False, default_section="")
        path = Path(named) if named else folder / name if folder else None
        try:
            settings.read_string(read_regular(path, follow=True, largest=_LARGEST).decode() if path else "")
        except (OSError, ValueError, configparser.Error):
            continue
        values = dict(settings[section]) if settings.has_section(section) else {}
        if values.get("aws_access_key_id") and values.get("aws_secret_access_key"):
            token = values.get("aws_session_token", "")
            return Keys(values["aws_access_key_id"], values["aws_secret_access_key"], token)
    return None


def _of_cli(host: Host, profile: str | None) -> Keys | None:
    """What the AWS CLI finds besides (`aws configure export-credentials`); None if it has none."""
    program = host.which("aws")
    if program is None:
        return None
    options = ["--profile", profile] if profile else []
    try:
        argv = [str(program), "configure", "export-credentials", "--format", "process", *options]
        document = json.loads(client.call(host, argv, _CLI_VARIABLES))
        return Keys(document["AccessKeyId"], document["SecretAccessKey"], document.get("SessionToken") or "")
    except (UploadFailed, ValueError, KeyError, TypeError, AttributeError):
        return None


_CLI_VARIABLES: Final = (
    *("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CA_BUNDLE"),
    *("AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
)
