from __future__ import annotations

from ferrule.tools.program_output import BoundedText, Listener, Log, Record, shown_lines


def test_plain_lines_are_no_commands_to_a_runner():
    assert shown_lines(b"::x\n##[error]y\n", str) == "::x\n\\x23#[error]y\n"
    assert shown_lines(b"# [error]\n", str) == "# [error]\n"


def test_only_lines_with_a_mark_are_heard_each_once_and_in_order():
    heard = []
    listener = Listener(heard.append, ["note: ", "ü"])
    listener.hear(b"no\nnote: a, note: b\n\nx\r\xc3\xbc\nnote: c\n")
    listener.hear(b"nothing\n")
    listener.hear(b"overwritten note: \rby this\n")
    assert heard == ["note: a, note: b", "ü", "note: c"]
    Listener(heard.append).hear(b"every\n\n")
    assert heard[3:] == ["every", ""]


def test_an_answer_that_is_too_long_is_let_go(tmp_path):
    with Log(tmp_path / "log", str) as log:
        record = Record(log, None, 4)
        record.feed(from_stdout=True, data=b"abc\n")
        assert (record.answer(), record.too_long) == ("abc\n", False)
        record.feed(from_stdout=True, data=b"d\n")
        assert (record.answer(), record.too_long) == ("", True)


def test_the_beginning_and_the_end_of_a_long_text_are_kept():
    text = BoundedText(head=4, tail=5)
    assert [text.add(piece) for piece in (b"a\n", b"b\n", b"c\n", b"d\n", b"e\n", b"f\n")] == [True, True] + [False] * 4
    assert text.content() == b"a\nb\n... 2 bytes were left out here ...\nd\ne\nf\n"
    text.forget_head()
    assert text.content() == text.end() == b"... 2 bytes were left out here ...\nd\ne\nf\n"
    short = BoundedText(head=2, tail=6)
    assert [short.add(b"a\n"), short.add(b"b\n")] == [True, False]
    assert short.content() == b"a\nb\n"  # nothing was left out, and no note says so
