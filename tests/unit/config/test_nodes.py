"""Bytes to nodes: what plain scalars mean, where nodes are, and what is refused before it costs anything."""

from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ferrule.config import nodes
from ferrule.config.nodes import MappingNode, ScalarNode, find, plain, read
from ferrule.config.problems import MOST, Position, Problems, listed, quote
from ferrule.core.errors import ConfigErrors
from work import calls


def tree(text: str, loader: object = None) -> nodes.Node:
    mistakes = Problems("a.yaml")
    node = read(text.encode(), mistakes, loader)
    mistakes.check()
    return node


def refused(data: str | bytes) -> list[str]:
    mistakes = Problems("a.yaml")
    with suppress(ConfigErrors):
        read(data.encode() if isinstance(data, str) else data, mistakes)
    return [f"{m.where}: {m.message}" for m in mistakes.error().errors]


@pytest.mark.parametrize("loader", [nodes.LOADER, yaml.SafeLoader])
def test_nodes_and_their_places(loader: object):
    root = tree("# first\na:\n  - one\n  - {b: 'two', c: }\nä: [3, 0.5, true]\n", loader)
    assert plain(root) == {"a": ("one", {"b": "two", "c": None}), "ä": (3, 0.5, True)}
    assert isinstance(root, MappingNode)
    assert root.keys == {"a": Position(2, 1), "ä": Position(5, 1)}
    assert find(root, ("a", 1, "b")) == (Position(4, 9), ScalarNode(Position(4, 9), "two", "two"))
    assert find(root, ("a", 1, "c"))[0] == Position(4, 16)
    assert find(root, ("ä", 2))[0] == Position(5, 13)
    assert find(root, ("a",))[0] == Position(2, 1)


def test_columns_count_characters():
    root = tree('"äöü😀": [x, z]\n')
    assert find(root, ("äöü😀", 1))[0] == Position(1, 13)


def test_quoted_values_are_texts():
    assert plain(tree("a: 'no'\nb: \"1.10\"\nc: >-\n  one\n  two\n")) == {"a": "no", "b": "1.10", "c": "one two"}


def test_one_document_may_say_where_it_begins_and_ends():
    assert plain(tree("---\na: b\n...\n")) == {"a": "b"}


def test_mappings_are_merged_and_cut_without_losing_places():
    first, second = tree("a: 1\nb: 2"), tree("\n\nb: 3\nc: 4")
    assert isinstance(first, MappingNode)
    assert isinstance(second, MappingNode)
    merged = first.merged(second)
    assert plain(merged) == {"a": 1, "b": 3, "c": 4}
    assert merged.keys["b"] == Position(3, 1)
    assert plain(merged.without("a", "c", "z")) == {"b": 3}


def test_all_that_is_refused_in_one_document():
    assert refused('a: &x 1\nb: *x\nc: [*x, *y, !!str z]\na: 2\nyes: no\n1: ~\n? [d]\n: e\nf: "\\e"\n') == [
        'a.yaml:1:4: the anchor "&x" is not supported',
        'a.yaml:2:4: the alias "*x" is not supported',
        'a.yaml:3:9: the alias "*y" is not supported',
        'a.yaml:3:13: the tag "tag:yaml.org,2002:str" is not supported',
        'a.yaml:4:1: the key "a" is there twice',
        'a.yaml:5:1: "yes" without quotes is read as true by some readers of YAML',
        'a.yaml:5:6: "no" without quotes is read as false by some readers of YAML',
        'a.yaml:6:1: the key "1" is not text',
        "a.yaml:7:3: a key is text, not a mapping or list",
        "a.yaml:9:4: this value contains the character U+001B",
    ]


def test_a_merge_key_that_is_alone():
    assert refused("<<\n") == ['a.yaml:1:1: "<<" without quotes is read as an instruction by some readers of YAML']


def test_invisible_characters_are_told_once_each_and_all():
    assert refused("a: \u200b\u200b\u202e\nb: \u2028\x07") == [
        "a.yaml:1:4: the file contains the character U+200B, which cannot be seen",
        "a.yaml:1:6: the file contains the character U+202E, which cannot be seen",
        "a.yaml:2:4: the file contains the character U+2028, which cannot be seen",
        "a.yaml:2:5: the file contains the character U+0007, which cannot be seen",
    ]


def test_joiners_are_spelling():
    assert plain(tree("a: \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f468\u200d\U0001f469")) != {}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a: b\n\xff", "2:1: the byte 0xff"),
        ("ä: ".encode() + b"\xc3\x28", "1:4: the byte 0xc3"),
        (b"\xfe\xff\x00a", "1:1: the file is encoded as UTF-16"),
        (b"\xef\xbb\xbfa: b", "1:1: the file begins with a byte order mark"),
        (b"a: b\n%YAML 1.2\n", "2:1: YAML directives"),
        (b"a:\n\tb: c\n", "2:1: a tab cannot indent"),
        (b"a: @b\n", "1:4: this is not YAML: while scanning for the next token"),
        (b"a: 'b\n", "2:1: this is not YAML: while scanning a quoted scalar"),
        (b"\n", "1:1: the file is empty"),
        (b"a: b\n---\n", "2:1: a second document"),
    ],
)
def test_what_cannot_be_read(data: bytes, place: str):
    (result,) = refused(data)
    assert result.startswith(f"a.yaml:{place}")


def test_a_parser_that_says_nothing_of_the_place():
    class Loader:
        def __init__(self, _: str) -> None:
            pass

        def check_event(self) -> bool:
            raise yaml.YAMLError("it is late")

        def dispose(self) -> None:
            pass

    with pytest.raises(ConfigErrors, match=r"a\.yaml:1:1: this is not YAML: it is late"):
        tree("a: b", Loader)


def test_limits():
    assert "nested deeper than 16" in refused("[" * 17)[0]
    assert plain(tree("[" * 16 + "]" * 16)) is not None
    assert "more than 20000 values" in refused("[" + "a," * 20_000 + "]")[0]
    assert len(plain(tree("[" + "a," * 19_999 + "]"))) == 19_999
    assert "larger than 1 MiB" in refused(b"#" * (nodes.LARGEST + 1))[0]
    assert refused(b"#" * nodes.LARGEST) == ["a.yaml:1:1: the file is empty"]


def test_mistakes_without_end_end():
    result = refused("[" + "no, " * 5000 + "]")
    assert len(result) == MOST + 1
    assert result[-1].endswith("there are more errors than are shown")


# mistakes


def test_the_nearest_name():
    mistakes = Problems("a.yaml")
    assert mistakes.nearest("libary", ["header", "library", "libraries"]) == "library"
    assert mistakes.nearest("zzz", ["header", "library"]) is None
    assert mistakes.nearest("", ["header"]) is None
    assert mistakes.nearest("a" * 61, ["a" * 61]) is None
    assert mistakes.suggestion("heder", ["header"], "no idea") == "did you mean header?"
    assert mistakes.suggestion("zzz", ["header"], "no idea") == "no idea"


def test_looking_for_the_nearest_name_has_an_end():
    mistakes = Problems("a.yaml")

    def look() -> None:
        for _ in range(100):
            mistakes.nearest("ab" * 30, ["ba" * 30] * 1000)

    assert calls(look) < 1_000_000
    assert mistakes.nearest("libary", ["library"]) is None


def test_a_place_that_was_closed_takes_no_more():
    mistakes = Problems("a.yaml")
    mistakes.check()
    mistakes.close(Position(1, 2), "first", "hint")
    mistakes.add(Position(1, 2), "second", "hint")
    mistakes.add(Position(1, 1), "third", "hint")
    mistakes.add(Position(1, 1), "third", "another hint")
    assert mistakes.has(Position(1, 1))
    assert not mistakes.has(Position(1, 3))
    assert [m.message for m in mistakes.error().errors] == ["third", "first"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", '"a"'),
        ('say "a\\b"', '"say \\"a\\\\b\\""'),
        ("\x1b[31m\n\u202e\U000e0001", '"\\x1b[31m\\n\\u202e\\U000e0001"'),
        ("x" * 61, '"' + "x" * 59 + '…"'),
        ("ä😀", '"ä😀"'),
    ],
)
def test_quoted_text_can_mislead_nobody(text: str, shown: str):
    assert quote(text) == shown


@given(st.text(max_size=100))
def test_quoted_text_is_printable_and_short(text: str):
    shown = quote(text)
    assert shown.isprintable()
    assert len(shown) <= 60 * 10 + 2


def test_lists_in_sentences():
    assert listed([]) == "none"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(map(str, range(20)), most=4) == "0, 1, 2 and 17 more"
