"""Foreign text never reaches a terminal as something to obey."""

from __future__ import annotations

import sys
import unicodedata

from ferrule.core.printable import coloured_lines, printable, printable_lines

OBEYED = {"Cc", "Cs", "Zl", "Zp"}
REORDERING = {"\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\ufeff"}


def test_every_character_that_is_obeyed_is_written_out_and_no_other():
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        obeyed = unicodedata.category(character) in OBEYED or character in REORDERING
        assert (printable(f"a{character}") != f"a{character}") == obeyed, hex(code)
        assert (printable_lines(f"a{character}") != f"a{character}") == (obeyed and character not in "\n\t"), hex(code)


def test_escapes_say_which_character_it_was():
    assert printable("a\r\n\t\0\x9b\u202e\udcff") == r"a\r\n\t\x00\x9b\u202e\udcff"
    assert printable("Größe ✓ 漢字") == "Größe ✓ 漢字"


def test_colours_are_dropped_from_lines_and_other_sequences_are_shown():
    assert printable_lines("\x1b[1;31mred\x1b[m\n\x1b[2J\x1b]0;x\x07") == "red\n\\x1b[2J\\x1b]0;x\\x07"
    assert printable("\x1b[31mred") == "\\x1b[31mred"


def test_no_text_is_a_command_to_a_runner():
    assert printable("a##[error]b ##vso[task.setvariable] ##VSO[x]") == (
        "a\\x23#[error]b \\x23#vso[task.setvariable] \\x23#VSO[x]"
    )
    assert printable_lines("#\x1b[1m#[error]\n###[x]") == "\\x23#[error]\n#\\x23#[x]"
    assert printable("## [title] #[derive] ##x") == "## [title] #[derive] ##x"
    assert "##[" not in coloured_lines("#\x1b[1m#[error]##[x]")
