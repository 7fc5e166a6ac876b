"""Which addresses may stand in a section: those that the clients behind it can take apart."""

from __future__ import annotations

import re
import urllib.parse

import pytest

from ferrule.app.publish import address, git_client


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.org", "http://127.0.0.1:8080/a/", "https://example.org:65535/@scope/x", "https://a-b.c./"),
        *("http://[::1]:80/r", "http://[::]", "http://[fe80::1:2]/", "http://[1:2:3:4:5:6:7:8]/", "http://[1::8]"),
        *("http://[1:2:3:4:5:6:7::]", "http://[::2:3:4:5:6:7:8]"),
    ],
)
def test_an_address(url: str) -> None:
    assert re.fullmatch(address.URL, url)
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname
    assert parts.port is None or parts.port < 65536


@pytest.mark.parametrize(
    "url",
    [
        *("https://[::1/r", "https://[]/r", "https://example.org:99999/", "https://example.org:1:2/", "http://a:0/"),
        *("https://[1::2::3]/", "https://[1:2:3:4:5:6:7]/", "https://[1:2:3:4:5:6:7:8::]/", "https://[:::]/"),
        *(
            "https://[12345::]/",
            "https://a..b/r",
            "https://me:secret@example.org/",
            "https://example.org/?a",
            "ftp://a/",
        ),
        *("https://::1]/", f"https://{'a' * 64}.example/"),
    ],
)
def test_what_is_no_address(url: str) -> None:
    assert not re.fullmatch(address.URL, url)


def test_addresses_of_repositories() -> None:
    taken = (
        "https://example.org/a.git",
        "ssh://git@example.org:22/a",
        "ssh://example.org/a",
        "git@example.org:a",
        "/srv/a",
    )
    refused = "ssh://git:secret@example.org/a", "https://example.org:99999/a", "ssh://-oProxyCommand=x/a"
    assert all(re.fullmatch(git_client.URL, one) for one in taken)
    assert not any(re.fullmatch(git_client.URL, one) for one in refused)
