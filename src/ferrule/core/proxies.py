"""Which proxy an address is reached by, as the environment of a run has it.

Home-made, as the standard library's own reader looks at the environment of the process alone.
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def proxy_of(url: str, environment: Mapping[str, str]) -> str | None:
    """The proxy that `https_proxy`, `http_proxy` or `all_proxy` names, unless `no_proxy` names the host.

    >>> proxy_of("https://a.example/x", {"HTTPS_PROXY": "http://p:3128", "no_proxy": "b.example"})
    'http://p:3128'
    """
    parts = urllib.parse.urlsplit(url)
    low = {name.lower(): value for name, value in environment.items() if name.lower().endswith("_proxy") and value}
    host = f".{parts.hostname}"
    without = [name.strip().lstrip("*.") for name in low.get("no_proxy", "").split(",") if name.strip()]
    if low.get("no_proxy") == "*" or any(host.endswith(f".{name}") for name in without):
        return None
    return low.get(f"{parts.scheme}_proxy") or low.get("all_proxy")
