"""Addresses without the secrets that somebody wrote into them, for messages and the lines of files that they show."""

from __future__ import annotations

import re


def masked(text: str) -> str:
    """The text with an asterisk for each character of what may be a secret in an address (RFC 3986, 3.2.1, 3.4, 3.5).

    These are user and password, and of HTTP the query and the fragment. Columns stay what they are.

    >>> masked('url: "https://me:secret@example.org/a" # https://example.org/r?token=secret')
    'url: "https://*********@example.org/a" # https://example.org/r?************'
    >>> masked("me:secret@example.org/a ssh://git@example.org/a python:3.13@sha256:00")
    '*********@example.org/a ssh://git@example.org/a python:3.13@sha256:00'
    """
    return re.sub(r"[^\s\"']+", _word, text) if "@" in text or "://" in text else text


def _word(match: re.Match[str]) -> str:
    head, scheme, rest = match[0].partition("://")
    if not scheme:
        head, rest = "", head
    is_http = head.lower().endswith(("http", "https"))
    user, at, host = rest.rpartition("@")
    has_password = ":" in user and not re.match(r"sha\d+:", host) and not user.startswith("npm:")
    if has_password or (is_http and at and "/" not in user):
        rest = "*" * len(user) + at + host
    if is_http and (end := re.search(r"[?#]", rest)):
        rest = rest[: end.end()] + "*" * (len(rest) - end.end())
    return head + scheme + rest
