"""Where twine uploads to, and as whom, with twine itself as the judge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from twine import exceptions, utils

from fakes.destinations import StandIn, host_of
from ferrule.app.publish.twine_account import KNOWN, Account, account_of, of_pypirc

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.tools.host import Host

CORP = "[corp]\nrepository = https://corp.example.org/up/\nusername = me\n"
LISTED = f"[distutils]\nindex-servers = corp\n{CORP}"
SETTINGS = {
    "nothing": "",
    "not listed": CORP,
    "listed": f"{LISTED}password = x%y\n",
    "certificates": f"{LISTED}ca_cert = /srv/ca.pem\nclient_cert = /srv/me.pem\n",
    "listed without a section": "[distutils]\nindex-servers = corp\n",
    "PyPI by another address": "[pypi]\nrepository = https://corp.example.org/up/\npassword = x\n",
    "PyPI not listed": f"{LISTED}[pypi]\nrepository = https://other.example.org/\npassword = x\n",
    "an old login": f"[server-login]\nusername = me\npassword = x\n{LISTED}",
    "none": "no section\n",
}


def machine(folder: Path, pypirc: str | None = None, **environment: str) -> Host:
    """A machine with a file of settings and without programs."""
    names = {"TWINE_PASSWORD": "", "TWINE_USERNAME": "", **environment}
    host = host_of(folder / "home", StandIn(url="http://x"), **names)
    if pypirc is not None:
        (folder / "home" / ".pypirc").write_text(pypirc)
    return replace(host, path=(folder / "bin",), programs=folder / "none")


def test_what_twine_knows_itself() -> None:
    assert {"pypi": utils.DEFAULT_REPOSITORY, "testpypi": utils.TEST_REPOSITORY} == KNOWN


@pytest.mark.parametrize("name", ["pypi", "testpypi", "corp", "other"])
@pytest.mark.parametrize("pypirc", SETTINGS.values(), ids=SETTINGS)
def test_a_repository_is_what_twine_says(tmp_path: Path, pypirc: str, name: str) -> None:
    host = machine(tmp_path, pypirc)
    try:
        expected = utils.get_repository_from_config(str(tmp_path / "home" / ".pypirc"), name)
    except exceptions.InvalidConfiguration:
        expected = {}
    except KeyError:  # a login and no address
        expected = {"repository": None}
    settings = of_pypirc(host, name)
    if expected.get("repository"):
        assert settings == {key: value for key, value in expected.items() if value is not None}
    assert settings.get("repository") == expected.get("repository")


@pytest.mark.parametrize(
    ("known", "upload", "name"),
    [
        (f"{utils.DEFAULT_REPOSITORY} __token__", None, "pypi"),
        (f"{utils.TEST_REPOSITORY} __token__", None, "testpypi"),
        ("https://uploads.example.org/ __token__", "https://uploads.example.org/", "pypi"),
        ("https://corp.example.org/up/ me", None, "corp"),
    ],
)
@pytest.mark.parametrize("beside", [True, False], ids=["beside twine", "on the PATH"])
def test_the_keyring_is_asked_for_the_address_of_the_upload(
    tmp_path: Path, known: str, upload: str | None, name: str, beside: bool
) -> None:
    """Twine has one of its own where it is installed by itself, and the PATH leads to twine alone."""
    host = machine(tmp_path, LISTED.replace("= corp", "= corp testpypi", 1))
    programs = tmp_path / ("venv" if beside else "bin")
    (tmp_path / "bin").mkdir()
    programs.mkdir(exist_ok=True)
    for program, text in (("keyring", f'test "$*" = "get {known}" && echo secret'), ("twine", "")):
        (programs / program).write_text(f"#!/bin/sh\n{text}\n")
        (programs / program).chmod(0o755)
    if beside:
        (tmp_path / "bin" / "twine").symlink_to(programs / "twine")
    assert account_of(host, upload, name).password == "secret"
    assert account_of(host, "https://another.example.org/", name).password == ""


@pytest.mark.parametrize(
    ("upload", "name", "environment", "asked"),
    [
        (None, "pypi", {"TWINE_PASSWORD": "x"}, (utils.DEFAULT_REPOSITORY, "__token__", "x")),
        (None, "pypi", {"TWINE_PASSWORD": "x", "TWINE_USERNAME": "me"}, (utils.DEFAULT_REPOSITORY, "me", "x")),
        (None, "corp", {"TWINE_PASSWORD": "x"}, ("https://corp.example.org/up/", "me", "x")),
        (None, "corp", {}, None),
        (None, "corp", {"TWINE_PASSWORD": "x", "REQUESTS_CA_BUNDLE": "/srv/ca.pem"}, None),
        (None, "other", {"TWINE_PASSWORD": "x", "TWINE_USERNAME": "me"}, None),
        ("https://up.example.org/", "corp", {"TWINE_PASSWORD": "x"}, None),  # the name would come from a keyring
        ("https://you:y@up.example.org/", "corp", {"TWINE_PASSWORD": "x", "TWINE_USERNAME": "me"}, None),
    ],
)
def test_what_an_index_may_be_asked(tmp_path: Path, upload: str | None, name: str, environment, asked) -> None:
    assert account_of(machine(tmp_path, LISTED, **environment), upload, name).asked == asked


def test_a_password_is_in_no_representation() -> None:
    assert "secret" not in repr(Account(None, None, "secret"))
