from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.worlds import (
    COMPONENT,
    CORE,
    ERROR_CONTEXT,
    GOLDEN,
    RESOURCE,
    STRING,
    U8,
    custom,
    declared,
    equal_to,
    exported,
    exporting,
    function,
    golden,
    imported,
    instance,
    module,
    of_function,
    of_instance,
    result,
    section,
    text,
    told,
    vector,
)
from ferrule.core.errors import VerificationError
from ferrule.formats.wit import (
    Enum,
    Function,
    Interface,
    ListOf,
    Name,
    Other,
    Record,
    ResultOf,
    Scalar,
    read_world,
    undeclared_imports,
)

SHARED = "ferrule:types/kinds@0.1.0"
INDEX = b"\x00"


def kind_of(data: bytes) -> object:
    """The type that the one parameter of the one export has."""
    ((_, exported_function),) = read_world(data).exports[0].functions
    ((_, kind),) = exported_function.parameters
    return kind


def test_a_world_tells_its_name_and_all_that_it_imports_and_exports():
    world = read_world(golden("email-validator"))
    text_ = Scalar("string")
    options = Record(
        (
            ("require-top-level-domain", Scalar("bool")),
            ("allow-domain-literal", Scalar("bool")),
            ("blocked-emails", ListOf(text_)),
        ),
        Name(None, "email-validation-config"),
    )
    assert world.name == "ferrule:email-validator/email-validator@0.1.0"
    assert world.exports == (
        Interface(
            None,
            (
                (
                    "is-valid-email",
                    Function((("candidate", text_), ("options", options)), ResultOf(text_, text_)),
                ),
            ),
        ),
    )
    logger, overrides = world.imports
    assert logger.name == "ferrule:email-validator/logger@0.1.0"
    assert dict(logger.functions) == dict.fromkeys(("debug", "log", "warn", "error"), Function((("msg", text_),), None))
    assert dict(overrides.functions)["has-gravatar"] == Function((("email", text_),), Scalar("bool"))


def test_a_type_has_the_name_of_the_interface_that_declares_it_wherever_it_is_used():
    world = read_world(golden("types"))
    assert [interface.name for interface in world.imports] == [None, "ferrule:types/echo@0.1.0"]
    assert [interface.name for interface in world.exports] == [None, "ferrule:types/echo@0.1.0"]
    own, echo = (dict(interface.functions) for interface in world.exports)
    point = Record((("x", Scalar("s32")), ("y", Scalar("s32"))), Name(SHARED, "point"))
    assert own["sum"] == Function((("points", ListOf(point)),), point)
    assert echo["a-point"].result == point
    assert echo["a-color"].result == Enum(("red", "green", "light-blue"), Name(SHARED, "color"))
    assert echo["a-name"].result == Scalar("string")
    assert echo["a-held"].result == Record((("v", Scalar("u8")),), Name("ferrule:types/echo@0.1.0", "held"))
    assert echo == dict(world.imports[1].functions)


def test_worlds_of_several_crates_are_one():
    first = told(function(), exported("f", of_function(0)), name="a:b/first")
    shared = declared(instance(function(), exported("g", of_function(0))))
    more = declared(instance(function(("v", U8)), exported("h", of_function(0))))
    second = told(shared, imported("a:b/i", of_instance(0)), name="a:b/second")
    third = told(more, imported("a:b/i", of_instance(0)), declared(instance()), imported("a:b/none", of_instance(1)))
    world = read_world(module(first, second, third))
    assert world.name == "a:b/first"
    assert [interface.name for interface in world.imports] == ["a:b/i"]
    assert [name for name, _ in world.imports[0].functions] == ["g", "h"]


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (b"\x69" + INDEX, "an owned resource"),
        (b"\x68" + INDEX, "a borrowed resource"),
        (b"\x66\x01" + U8, "a stream"),
        (b"\x65\x00", "a future"),
        (b"\x67" + U8 + b"\x04", "a list of fixed length"),
        (b"\x63" + STRING + U8, "a map"),
    ],
)
def test_types_that_are_no_plain_values_are_told_in_words(definition, words):
    resource = imported("r", RESOURCE)
    data = module(told(resource, declared(definition), function(("v", b"\x01")), exported("f", of_function(2))))
    assert kind_of(data) == Other(words)
    assert kind_of(module(told(resource, function(("v", INDEX)), exported("f", of_function(1))))) == Other(
        "the resource r"
    )


def test_an_error_context_and_an_asynchronous_function():
    assert kind_of(exporting(kind=ERROR_CONTEXT)) == Other("an error-context")
    data = module(told(function(opcode=b"\x43", returns=result(U8)), exported("f", of_function(0))))
    assert read_world(data).exports[0].functions == (("f", Function((), Scalar("u8"), is_async=True)),)


def importing(world: bytes, *imports: tuple[str, str]) -> bytes:
    """A module with a world, that imports functions by module and name."""
    rows = b"".join(text(name) + text(label) + b"\0\0" for name, label in imports)
    return world[:8] + section(2, bytes([len(imports)]) + rows) + world[8:]


@pytest.mark.parametrize(
    ("name", "label", "is_declared"),
    [
        ("wasi:io/poll@0.2.6", "poll", True),
        ("wasi:io/poll@0.2.6", "[async-lower]poll", True),
        ("wasi:io/poll@0.2.6", "[stream-new-0]poll", True),
        ("wasi:io/poll@0.2.7", "poll", False),
        ("wasi:io/poll", "poll", False),
        ("[export]$root", "[task-return]f", True),
        ("$root", "[waitable-set-new]", True),
        ("$root", "[waitable-join]", True),
        ("$root", "[task-cancel]", True),
        ("$root", "[context-get-0]", True),
        ("$root", "waitable-set-new", False),
        ("env", "[waitable-set-new]", False),
    ],
)
def test_imports_that_a_world_declares_or_the_component_model_has(name: str, label: str, is_declared: bool) -> None:
    world = module(
        told(
            declared(instance(function(), exported("poll", of_function(0)))),
            imported("wasi:io/poll@0.2.6", of_instance(0)),
        )
    )
    data = importing(world, (name, label))
    assert undeclared_imports(data, data) == (() if is_declared else (f"{name}.{label}",))


def test_an_alias_reaches_outside():
    inside = instance(b"\x02\x03\x02\x01\x00", function(("v", INDEX)), exported("f", of_function(1)))
    data = module(told(declared(b"\x6d" + vector(text("one"))), declared(inside), exported("a:b/i", of_instance(1))))
    assert kind_of(data) == Enum(("one",))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (COMPONENT, "this is a component; its world is told by its core module"),
        (CORE, "the module has no section component-type, which says its world"),
        (module(told(encoding=b"\x04\x01")), "in an encoding other than version 4 with UTF-8"),
        (module(told(encoding=b"\x05\x00")), "in an encoding other than version 4 with UTF-8"),
        (module(COMPONENT), "in an encoding other than version 4 with UTF-8"),
        (
            module(b"\x03\0wit-bindgen-rust\x060.13.1"),
            "other than version 4 with UTF-8, as wit-bindgen 0.13.1 writes it",
        ),
        (b"nothing", "this is neither a WebAssembly module nor a component"),
    ],
)
def test_modules_that_tell_no_world_are_refused(data, message):
    with pytest.raises(VerificationError, match=r"^a\.wasm: ") as caught:
        read_world(data, where="a.wasm")
    assert message in str(caught.value)


def enclosed(*sections: bytes) -> bytes:
    return module(COMPONENT + custom("wit-component-encoding", b"\x04\x00") + b"".join(sections))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (module(told(declared(b"\x01"))), "a type has the unknown form 0x01"),
        (module(told(b"\x09")), "a declaration of the unknown kind 9"),
        (module(told(b"\x04\x02" + text("f") + of_function(0))), "a name has the unknown form 2"),
        (module(told(imported("v", b"\x02\x01" + U8))), "an import or export has the unknown kind 2"),
        (module(told(b"\x02\x01\x02\x00\x00")), "an alias of something other than a type"),
        (module(told(b"\x02\x03\x01\x00\x00")), "an alias of something other than a type"),
        (module(told(b"\x02\x03\x02\x09\x00")), "an alias leaves the component"),
        (module(told(b"\x02\x03\x00\x00" + text("t"))), "does not hold together"),
        (
            module(told(declared(instance()), imported("i", of_instance(0)), b"\x02\x03\x00\x00" + text("t"))),
            "hold together",
        ),
        (module(told(exported("f", of_function(0)))), "does not hold together"),
        (module(told(declared(U8), exported("f", of_function(0)))), "type 0 is not one of functions"),
        (module(told(declared(U8), imported("i", of_instance(0)))), "type 0 is not one of instances"),
        (exporting(function(), kind=INDEX), "type 0 is not one of values"),
        (enclosed(), "does not hold together"),
        (enclosed(section(7, vector(U8))), "what it says of its world is no type of a component"),
        (enclosed(section(7, vector(b"\x41" + vector(declared(U8), exported("x", equal_to(0)))))), "is no world"),
        (enclosed(section(7, vector(b"\x41" + vector()))), "does not hold together"),
        (enclosed(section(7, b"\x01")), "ends too early"),
    ],
)
def test_damaged_worlds_are_refused(data, message):
    with pytest.raises(VerificationError, match="the WebAssembly file is damaged") as caught:
        read_world(data)
    assert message in str(caught.value)


def test_an_instance_that_is_none_is_refused():
    inner = b"\x41" + vector()
    data = module(told(declared(inner), imported("i", b"\x05\x00"), b"\x02\x03\x00\x00" + text("t")))
    with pytest.raises(VerificationError, match="instance 0 is none"):
        read_world(data)


@given(st.data())
def test_no_damage_leads_to_another_error(data):
    content = bytearray((GOLDEN / "types.wasm").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.integers(8, len(content) - 1))
        content[path] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(8, len(content)))
    with contextlib.suppress(VerificationError):
        read_world(module(bytes(content)))
    with contextlib.suppress(VerificationError):
        read_world(module(bytes(content[:cut])))
