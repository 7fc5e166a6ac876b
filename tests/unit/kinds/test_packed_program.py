"""What all packages around a program share; what is packed is tested with each kind."""

from __future__ import annotations

import pytest

from ferrule.kinds.base import PlanProblem
from ferrule.kinds.packed_program import checked_name


def test_a_name_that_a_package_may_have() -> None:
    assert checked_name("demo", "[a-z]+", "an npm package") == "demo"
    with pytest.raises(PlanProblem, match="an npm package cannot be called Demo, as the program is"):
        checked_name("Demo", "[a-z]+", "an npm package")
