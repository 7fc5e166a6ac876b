"""Measures calls by the wheel that is on the path of modules; prints nanoseconds and memory for each input, as JSON."""

from __future__ import annotations

from ferrule_email_validator import EmailValidationConfig, Validator
from measure import BLOCKED, MANY, SHORT, tell

if __name__ == "__main__":
    with Validator(EmailValidationConfig(require_top_level_domain=True, blocked_emails=BLOCKED)) as validator:
        tell({"short": (lambda: validator.check(SHORT), 1), "batch": (lambda: validator.check_batch(MANY), len(MANY))})
