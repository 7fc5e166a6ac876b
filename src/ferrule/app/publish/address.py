"""Addresses of servers: what may stand in a section, and the hosts that need no TLS.

Sections of destinations read these when `targets.yaml` is checked, so nothing here imports a client.
"""

from __future__ import annotations

from typing import Final

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that a credential may be sent to without TLS."""

URL: Final = r"^https?://[A-Za-z0-9\[][A-Za-z0-9.:\]-]*(/[A-Za-z0-9._~+@%/-]*)?$"
"""The pattern of an address of a server in a section: no user, no query and no fragment, so no secret stands there."""
