"""Answers every test vector by the installed extension: `main.py PATH/email-validator.json`, a JSON line for each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ferrule_email_validator_ext import is_valid_email


def answer(vector: dict[str, Any]) -> dict[str, str]:
    """What the extension says, in the words of the vectors."""
    yes = vector["overrides"]
    lookups = {
        "is_free_email": yes["free"].__contains__,
        "is_disposable_email": yes["disposable"].__contains__,
        "has_mx_records": yes["mx"].__contains__,
        "has_gravatar": yes["gravatar"].__contains__,
    }
    try:
        return {"ok": is_valid_email(vector["candidate"], **vector["options"], **lookups)}
    except ValueError as error:
        return {"err": str(error)}


def main(path: str) -> None:
    """Print the answers, UTF-8 whatever the locale says."""
    for vector in json.loads(Path(path).read_text(encoding="utf-8")):
        line = json.dumps(answer(vector), ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(f"{line}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
