"""Secrets in addresses, where messages and lines of files show these."""

from __future__ import annotations

import pytest

from ferrule.core.masked import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://token@example.org/a", "https://*****@example.org/a"),
        ("x: {index: https://u:p/w@example.org}", "x: {index: https://*****@example.org}"),
        ("https://example.org/r?t=s@x", "https://example.org/r?*****"),
        ("[https://a.example,https://b.example#frag]", "[https://a.example,https://b.example#*****"),
        ("https://u:p@example.org/r?t=s", "https://***@example.org/r?***"),
        ("u:p@example.org/team/demo", "***@example.org/team/demo"),
    ],
)
def test_what_is_hidden(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/@scope/name",
        "ssh://git@example.org:22/demo.git",
        "git@example.org:demo.git",
        "python:3.13@sha256:0011",
        "npm:demo@1.2.3",
        "image: a # b?c",
        "https://example.org/ # a comment?",
        "me@example.org",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert masked(text) == text
