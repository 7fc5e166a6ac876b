# What it means is in the module itself: help(ferrule_email_validator_ext.is_valid_email).
from collections.abc import Callable, Sequence

__version__: str
__build_info__: str

def is_valid_email(
    candidate: str,
    *,
    require_top_level_domain: bool = False,
    allow_domain_literal: bool = False,
    blocked_emails: Sequence[str] = (),
    is_free_email: Callable[[str], bool] | None = None,
    is_disposable_email: Callable[[str], bool] | None = None,
    has_mx_records: Callable[[str], bool] | None = None,
    has_gravatar: Callable[[str], bool] | None = None,
) -> str: ...
