"""The interface of a component's world."""

from __future__ import annotations

from typing import Any

from ferrule.formats import wit
from ferrule.formats.interfaces import world


def test_every_type_of_a_world():
    text, shade = wit.Scalar("string"), wit.Enum(("dark",))
    kinds = {
        "list<option<string>>": wit.ListOf(wit.OptionOf(text)),
        "result<_, string>": wit.ResultOf(None, text),
        "tuple<string, enum {dark}>": wit.TupleOf((text, shade)),
        "a stream": wit.Other("a stream"),
        "record {a: string}": wit.Record((("a", text),)),
        "variant {a, b: string}": wit.Variant((("a", None), ("b", text))),
        "flags {a, b}": wit.Flags(("a", "b")),
        "a:b/c@2.way": wit.Variant((("x", None), ("y", text)), wit.Name("a:b/c@2.1.0", "way")),
        "mode": wit.Flags(("r", "w"), wit.Name(None, "mode")),
    }
    function = wit.Function(tuple((f"p{n}", kind) for n, kind in enumerate(kinds.values())), None, is_async=True)
    output = world.read(wit.World("w", (), (wit.Interface("a:b/c@2.1.0", (("f", function),)),)))
    (result,) = output["exports"]["a:b/c@2"].values()
    assert [kind for _, kind in result["parameters"]] == list(kinds)
    assert result["async"] is True
    assert output["types"] == {
        "a:b/c@2.way": {"kind": "variant", "cases": [["x", None], ["y", "string"]]},
        "mode": {"kind": "flags", "labels": [["r", None], ["w", None]]},
    }


def test_other_world_and_type_of_another_kind():
    def of(name: str, kind: wit.Type) -> Any:
        return world.read(wit.World(name, (), (wit.Interface(None, (("f", wit.Function((), kind)),)),)))

    name = wit.Name(None, "t")
    cases = wit.Variant((("a", wit.Scalar("u8")), ("b", None)), name)
    old, new = of("a:b/c@0.1.0", wit.Enum(("a", "b"), name)), of("a:b/c@0.2.0", cases)
    result = [f"{change.item} {change.what}" for change in world.compare(old, new)]
    assert result == ["a:b/c@0.1 is now the world a:b/c@0.2", "type t is a variant, and was a enum"]
    other = of("a:b/c@0.2.0", wit.Variant((("a", wit.Scalar("u16")), ("b", wit.Scalar("u8"))), name))
    result = [f"{change.item} {change.what}" for change in world.compare(new, other)]
    assert result == ["type t: a is u16, and was u8", "type t: b is u8, and was without a value"]
