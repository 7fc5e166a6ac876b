"""Addresses of servers: what may stand in a section, and the hosts that need no TLS.

Sections of destinations read these when `targets.yaml` is checked, so nothing here imports a client.
"""

from __future__ import annotations

from typing import Final

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that a credential may be sent to without TLS."""

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9-]{1,63})*\.?"
"""The pattern of a name of a host, or of an address of IPv4 (RFC 1123, 2.1)."""

PORT: Final = r"(:(6553[0-5]|655[0-2]\d|65[0-4]\d{2}|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}))?".replace(r"\d", "[0-9]")
"""The pattern of a port, which need not be there."""

_GROUP = "[0-9A-Fa-f]{1,4}"
_IPV6 = (
    rf"\[(({_GROUP}:){{7}}{_GROUP}|(?!:*([0-9A-Fa-f]+:+){{7}}[0-9A-Fa-f])"
    rf"({_GROUP}(:{_GROUP})*)?::({_GROUP}(:{_GROUP})*)?)\]"
)
"""An address of IPv6 (RFC 4291, 2.2): eight groups, or fewer with one gap."""

URL: Final = rf"^https?://({NAME}|{_IPV6}){PORT}(/[A-Za-z0-9._~+@%/-]*)?$"
"""The pattern of an address of a server in a section: no user, no query and no fragment, so no secret stands there."""
