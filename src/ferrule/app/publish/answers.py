"""What servers say in JSON, read without trust: a document of another shape is a failure in words, not a traceback."""

from __future__ import annotations

from typing import Any

from ferrule.app.publish.items import UploadFailed


def unexpected() -> UploadFailed:
    """The failure of an answer whose shape is not the one that the API documents."""
    hint = "see whether the address in targets.yaml is that of the API"
    return UploadFailed("its answer is not of the documented form", hint=hint, wait=1)


def mapping(value: object) -> dict[str, Any]:
    """An object of JSON. Raises UploadFailed for anything else."""
    if not isinstance(value, dict):
        raise unexpected()
    return value


def rows(value: object) -> list[dict[str, Any]]:
    """A list of objects. Raises UploadFailed for anything else."""
    if not isinstance(value, list):
        raise unexpected()
    return [mapping(row) for row in value]


def part(document: object, *keys: str) -> dict[str, Any]:
    """The object within an object to which keys lead, empty where there is none. Raises UploadFailed for another value.

    >>> part({"dist": {"size": 1}, "none": None}, "dist"), part({"none": None}, "none", "more")
    ({'size': 1}, {})
    """
    value = mapping(document)
    for key in keys:
        inner = value.get(key)
        value = {} if inner is None else mapping(inner)
    return value


def text(document: object, key: str) -> str:
    """A text of an object, empty if there is none. Raises UploadFailed for another value, and for half characters."""
    value = mapping(document).get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise unexpected()
    return value


def number(document: object, key: str) -> int:
    """A whole number that an object has to have. Raises UploadFailed where it has none."""
    value = mapping(document).get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise unexpected()
    return value
