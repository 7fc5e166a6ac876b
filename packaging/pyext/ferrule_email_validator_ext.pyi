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
) -> str:
    """The decision about one address, as the JSON that is the same in every language.

    Raises ValueError for options that cannot be used, and what a look-up raised.
    """
