from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.core.errors import VerificationError
from ferrule.formats.leb128 import encode as leb128
from ferrule.formats.wasm import (
    WasmSection,
    custom_sections,
    read_wasm,
    section_label,
    wasm_kind,
    with_custom_section,
)

CORE = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"


def section(number, content):
    return bytes([number]) + leb128(len(content)) + content


def text(value):
    return leb128(len(value.encode())) + value.encode()


def custom(name, content):
    return section(0, text(name) + content)


def vector(*items):
    return leb128(len(items)) + b"".join(items)


IMPORTS = vector(
    text("env") + text("function") + b"\x00\x80\x01",
    text("env") + text("table") + b"\x01\x70\x01\x05\x09",
    text("env") + text("memory") + b"\x02\x00\x11",
    text("env") + text("global") + b"\x03\x7f\x00",
    text("env") + text("tag") + b"\x04\x00\x03",
)
EXPORTS = vector(text("run") + b"\x00\x00", text("memory") + b"\x02\x00")
MODULE = (
    CORE
    + section(1, b"\x00")
    + section(2, IMPORTS)
    + custom("name", b"debug")
    + section(7, EXPORTS)
    + section(10, bytes(300))
    + section(60, b"?")
)
COMPONENT_FILE = (
    COMPONENT
    + section(1, MODULE)
    + section(
        10,
        vector(
            b"\x00" + text("a-module") + b"\x00\x11\x00",
            b"\x00" + text("log") + b"\x01\x07",
            b"\x00" + text("value") + b"\x02\x00\x03",
            b"\x00" + text("typed") + b"\x02\x01\x7f",
            b"\x00" + text("alias") + b"\x03\x00\x02",
            b"\x00" + text("resource") + b"\x03\x01",
            b"\x00" + text("component") + b"\x04\x00",
            b"\x01" + text("ns:pkg/iface@0.1") + b"\x05\x00",
            b"\x02" + text("ns:pkg/other@0.2") + text(".7") + b"\x05\x00",
        ),
    )
    + section(
        11,
        vector(
            b"\x00" + text("run") + b"\x01\x05\x00",
            b"\x00" + text("core") + b"\x00\x11\x05\x00",
            b"\x00" + text("typed") + b"\x01\x05\x01\x01\x02",
        ),
    )
)


def test_a_core_module():
    wasm = read_wasm(MODULE)
    assert wasm.kind == "core"
    assert wasm.imports == ("env.function", "env.table", "env.memory", "env.global", "env.tag")
    assert wasm.exports == ("run", "memory")
    assert wasm.sizes() == {
        "type": 1,
        "import": len(IMPORTS),
        "custom:name": 5,
        "export": len(EXPORTS),
        "code": 300,
        "section 60": 1,
    }


def test_a_component():
    wasm = read_wasm(COMPONENT_FILE)
    assert wasm.kind == "component"
    assert wasm.imports == (
        "a-module",
        "log",
        "value",
        "typed",
        "alias",
        "resource",
        "component",
        "ns:pkg/iface@0.1",
        "ns:pkg/other@0.2.7",
    )
    assert wasm.exports == ("run", "core", "typed")
    assert wasm.sizes()["module"] == len(MODULE)
    assert section_label("component", WasmSection(2, None, b"", 0, 0)) == "core-instance"


@pytest.mark.parametrize("data", [MODULE, COMPONENT_FILE, CORE])
def test_a_custom_section_is_added_at_the_end_and_found_again(data):
    content = bytes(range(256)) * 300
    changed = with_custom_section(data, "ferrule", content)
    assert changed.startswith(data)
    assert custom_sections(changed, "ferrule") == (content,)
    assert read_wasm(changed).exports == read_wasm(data).exports
    assert read_wasm(changed).kind == wasm_kind(data)
    with pytest.raises(VerificationError, match="already"):
        with_custom_section(changed, "ferrule", b"")


def test_sections_of_one_name_are_all_found():
    assert custom_sections(CORE + custom("a", b"1") + custom("b", b"2") + custom("a", b"3"), "a") == (b"1", b"3")


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 1 << 20, 0xFFFFFFFF])
def test_numbers_are_as_short_as_possible(value):
    assert len(leb128(value)) == max(1, -(-value.bit_length() // 7))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither"),
        (b"\0asm", "neither"),
        (b"\0asm\x02\0\0\0", "neither"),
        (CORE + b"\x01", "a number is cut"),
        (CORE + b"\x01\x05ab", "too early"),
        (CORE + b"\x01\x80\x80\x80\x80\x80\x01", "a number is longer than 5 bytes"),
        (CORE + b"\x00\x02\x05a", "too early"),
        (CORE + custom("a", b"").replace(b"a", b"\xff"), "not UTF-8"),
        (CORE + section(2, vector(text("m") + text("n") + b"\x09")), "unknown kind 9"),
        (CORE + section(7, EXPORTS + b"x"), "goes on"),
        (CORE + section(7, b"\xff\xff\xff\xff\x0f"), "a number is cut"),
        (COMPONENT + section(10, vector(b"\x03" + text("x"))), "unknown kind 3"),
        (COMPONENT + section(10, vector(b"\x00" + text("x") + b"\x06")), "unknown kind 6"),
    ],
)
def test_damage_is_refused(data, reason):
    with pytest.raises(VerificationError, match=reason) as caught:
        read_wasm(data, where="x.wasm")
    assert caught.value.where == "x.wasm"


@given(st.integers(8, len(COMPONENT_FILE) - 1), st.integers(0, 255), st.integers(0, 100))
def test_no_damage_leads_to_anything_but_our_error(place, value, cut):
    for file in (MODULE, COMPONENT_FILE):
        data = bytearray(file)
        data[min(place, len(file) - 1)] = value
        with contextlib.suppress(VerificationError):
            read_wasm(bytes(data[: len(data) - cut]))
