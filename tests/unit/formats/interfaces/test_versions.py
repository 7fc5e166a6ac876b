"""What each order of versions calls a break."""

from __future__ import annotations

import pytest

from ferrule.formats.interfaces import versions


def test_order_of_versions():
    output = ["1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1+build", "1.10.0"]
    assert sorted({*output}, key=lambda text: versions.parse(text).rank) == output
    for text in ("1", "1.0", "v1.0.0", "01.0.0", "1.0.0\n", ""):
        with pytest.raises(ValueError, match="not a version"):
            versions.parse(text)
