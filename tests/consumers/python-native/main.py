"""Answers every test vector by the installed wheel: `main.py PATH/email-validator.json`, a line of JSON for each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TypedDict

from ferrule_email_validator import EmailValidationConfig, Lookups, UnknownEmailTypeError, is_valid_email


class Options(TypedDict):
    """The options of a vector."""

    require_top_level_domain: bool
    allow_domain_literal: bool
    blocked_emails: list[str]


class Vector(TypedDict):
    """One item of the file."""

    name: str
    candidate: str
    options: Options
    overrides: dict[str, list[str]]


def answer(vector: Vector) -> dict[str, str]:
    """What the library says, in the words of the vectors."""
    yes = vector["overrides"]
    lookups = Lookups(
        is_free_email=yes["free"].__contains__,
        is_disposable_email=yes["disposable"].__contains__,
        has_mx_records=yes["mx"].__contains__,
        has_gravatar=yes["gravatar"].__contains__,
    )
    try:
        return {"ok": is_valid_email(vector["candidate"], EmailValidationConfig(**vector["options"]), lookups).json}
    except UnknownEmailTypeError as error:
        return {"err": str(error)}


def main(path: str) -> None:
    """Print the answers, UTF-8 whatever the locale says."""
    vectors: list[Vector] = json.loads(Path(path).read_text(encoding="utf-8"))
    for vector in vectors:
        line = json.dumps(answer(vector), ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(f"{line}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
