"""A package index: under which addresses a keyring knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.destinations import StandIn, host_of
from ferrule.app.publish.base import PublishContext
from ferrule.app.publish.pypi import PypiPublisher, PypiSection

if TYPE_CHECKING:
    from pathlib import Path


def has_credentials(folder: Path, known: str, **keys: str) -> bool:
    """Whether credentials are found where the keyring knows one address, with a name."""
    program = folder / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ntest "$*" = "get {known}" && echo secret\n')
    program.chmod(0o755)
    host = host_of(folder / "home", StandIn(url="http://x"), TWINE_PASSWORD="", TWINE_USERNAME="")
    host = replace(host, path=(program.parent,), programs=folder / "none")
    section = PypiSection(to="pypi", index="https://index.example.org/simple", **keys)
    return PypiPublisher(section, (), PublishContext(None, host, folder, folder, lambda: 0))._has_credentials()


@pytest.mark.parametrize(
    ("known", "keys"),
    [
        ("https://upload.index.example.org/legacy/ __token__", {}),
        ("https://index.example.org/legacy/ __token__", {"repository": "testpypi"}),
        ("https://uploads.example.org/ __token__", {"upload": "https://uploads.example.org/"}),
    ],
)
def test_the_keyring_is_asked_for_every_address(tmp_path: Path, known: str, keys) -> None:
    assert has_credentials(tmp_path, known, **keys)


def test_an_address_and_a_name_of_pypirc(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".pypirc").write_text("[corp]\nrepository = https://corp.example.org/up/\nusername = me\n")
    assert has_credentials(tmp_path, "https://corp.example.org/up/ me", repository="corp")


def test_a_keyring_that_knows_another(tmp_path: Path) -> None:
    assert not has_credentials(tmp_path, "https://another.example.org/ __token__")
