"""Where twine uploads to, and as whom, as it finds out itself (twine, "Configuration" and "Keyring Support").

Credentials are shown to no other address than the one to which twine would show them. Where only twine can tell, nobody
is asked.
"""

from __future__ import annotations

import configparser
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from ferrule.app.publish import client, credentials
from ferrule.app.publish.items import UploadFailed
from ferrule.core.frozen import dataclass
from ferrule.formats import attestation
from ferrule.tools.host import is_program

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.tools.host import Host

_DOMAIN: Final = attestation.INDEX_PUBLISH.split("/")[2].removeprefix("docs.")
KNOWN: Final = {"pypi": f"https://upload.{_DOMAIN}/legacy/", "testpypi": f"https://test.{_DOMAIN}/legacy/"}
"""The repositories that twine knows itself (twine.utils, DEFAULT_REPOSITORY and TEST_REPOSITORY)."""
_OF_TOKENS: Final = "__token__"
_LOGIN: Final = ("username", "password")
_KEYS: Final = ("repository", *_LOGIN, "ca_cert", "client_cert")
_BUNDLES: Final = ("TWINE_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class Account:
    """An address, None where twine knows none, a name, None where twine asks a keyring for it, and a password.

    `shows_certificate` says that twine shows a certificate of the user's, `trusts_others` that what it trusts itself is
    stated.
    """

    address: str | None
    user: str | None
    password: str = field(repr=False)
    shows_certificate: bool = False
    trusts_others: bool = False

    @property
    def is_of_pypi(self) -> bool:
        """Whether twine takes the address for one of PyPI's (twine.auth, `Resolver.is_pypi`)."""
        return (self.address or "").startswith(tuple(KNOWN.values()))

    @property
    def asked(self) -> tuple[str, str, str] | None:
        """Address, name and password that twine would send and another may as well; None where that is not certain."""
        is_certain = self.address and "@" not in self.address and self.user and self.password
        if not is_certain or self.shows_certificate or self.trusts_others:
            return None
        return self.address or "", self.user or "", self.password


def account_of(host: Host, upload: str | None, repository: str) -> Account:
    """What twine is given by variables, else has of ~/.pypirc, else of a keyring. It reads no file with `upload`."""
    settings = {} if upload else of_pypirc(host, repository)
    address = upload or settings.get("repository") or None
    bundle = credentials.variable(host, *_BUNDLES) or settings.get("ca_cert")
    certificate = credentials.variable(host, "TWINE_CLIENT_CERT") or settings.get("client_cert")
    one = Account(address, None, "", shows_certificate=bool(certificate), trusts_others=bool(bundle))
    stored = _OF_TOKENS if one.is_of_pypi else settings.get("username")
    user = credentials.variable(host, "TWINE_USERNAME") or stored or None
    password = credentials.variable(host, "TWINE_PASSWORD") or settings.get("password")
    if not password and address:
        password = _of_keyring(host, address, user or _OF_TOKENS)
    return replace(one, user=user, password=password or "")


def of_pypirc(host: Host, repository: str) -> dict[str, str]:
    """What twine knows of a repository (twine.utils, `get_config`), by ~/.pypirc (PyPA, "The .pypirc file").

    Sections that `index-servers` does not list are not read. Nothing is known by a file that cannot be read.
    """
    parser = configparser.RawConfigParser()
    try:
        parser.read(host.home / ".pypirc" if host.home else ())
    except (configparser.Error, UnicodeDecodeError):
        return {}
    listed = parser.get("distutils", "index-servers", fallback=" ".join(KNOWN)).split()
    if repository not in (*listed, "pypi"):
        return {}
    known = {"repository": KNOWN[repository]} if repository in KNOWN else {}
    rows = [("server-login", key) for key in _LOGIN]
    rows += [(repository, key) for key in _KEYS if repository in listed]
    return known | {key: parser.get(section, key) for section, key in rows if parser.has_option(section, key)}


def _of_keyring(host: Host, address: str, user: str) -> str:
    """The password that a keyring has, first the one that is installed with twine; empty if there is none."""
    program = _keyring(host)
    if program is None:
        return ""
    try:
        return client.call(host, [str(program), "get", address, user]).strip()
    except UploadFailed:
        return ""


def _keyring(host: Host) -> Path | None:
    twine = host.which("twine")
    beside = twine.resolve().with_name("keyring") if twine else None
    return beside if beside and is_program(beside) else host.which("keyring")
