"""Answers every test vector by the component in wasmtime: `main.py PATH/email-validator.json PATH/component.wasm`.

Prints a line of JSON for each vector. It runs the documented example, packaging/python/examples/component.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "packaging" / "python" / "examples"))

from component import LOOKUPS, EmailValidator, OptionsError


def main(path: str, component: str) -> None:
    """Print the answers, UTF-8 whatever the locale says; one instance serves them all."""
    answers: dict[str, list[str]] = {}
    functions = zip(LOOKUPS, ("free", "disposable", "mx", "gravatar"), strict=True)
    validator = EmailValidator(component, {name: lambda text, key=key: text in answers[key] for name, key in functions})
    for vector in json.loads(Path(path).read_text(encoding="utf-8")):
        answers.update(vector["overrides"])
        try:
            output = {"ok": validator.check(vector["candidate"], **vector["options"])}
        except OptionsError as error:
            output = {"err": str(error)}
        line = json.dumps(output, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(f"{line}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
