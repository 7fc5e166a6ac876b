"""Measures calls of a component by wasmtime, by the example that is on the path of modules: by_wasmtime.py FILE."""

from __future__ import annotations

import sys

from component import LOOKUPS, EmailValidator
from measure import BLOCKED, SHORT, tell

OPTIONS = {"require_top_level_domain": True, "allow_domain_literal": False, "blocked_emails": BLOCKED}

if __name__ == "__main__":
    validator = EmailValidator(sys.argv[1], {name: lambda _text: False for name in LOOKUPS})
    tell({"short": (lambda: validator.check(SHORT, **OPTIONS), 1)})
