"""What a failure says of the program behind it."""

from __future__ import annotations

import pytest

from ferrule.core.errors import BuildError, command_of


class ToolError(BuildError):
    command = "cd /x && cc a.c"


def test_the_command_of_a_failure_is_its_own_or_that_of_what_it_explains():
    assert command_of(ToolError("no")) == "cd /x && cc a.c"
    with pytest.raises(BuildError) as caught:
        raise BuildError("what it means") from ToolError("no")
    assert command_of(caught.value) == "cd /x && cc a.c"
    assert command_of(BuildError("nothing was started")) == ""
    assert command_of(None) == ""


def test_a_failure_in_words_has_the_output_without_colours_between_message_and_hint():
    error = BuildError("no", where="x.c:1:2", hint="so", output="\x1b[31mred\x1b[0m\nplain")
    assert str(error).splitlines() == ["x.c:1:2: no", "  | red", "  | plain", "  hint: so"]
