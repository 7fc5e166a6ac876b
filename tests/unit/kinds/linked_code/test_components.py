"""What a bill of materials says of one crate, and of what the linker adds."""

from __future__ import annotations

import pytest

from ferrule.core.facts import Facts, MeasuredFile
from ferrule.kinds.linked_code.components import Components, linked_by_zig
from ferrule.tools.crates import LinkedCrate

LINUX = "x86_64-unknown-linux-gnu"


@pytest.mark.parametrize(
    ("authors", "origin", "supplier"),
    [
        (("A <a@example.org>", "B"), "registry+https://registry.example/index", "A, B"),
        (("<a@example.org>",), "registry+https://registry.example/index", "https://registry.example/index"),
        ((), "git+https://example.org/a.git?rev=1#0123", "https://example.org/a.git"),
        ((), "git+https://example.org/a.git#0123", "https://example.org/a.git"),
        ((), None, "ourselves"),
    ],
)
def test_the_supplier_of_a_crate(authors: tuple[str, ...], origin: str | None, supplier: str) -> None:
    crate = LinkedCrate("pkg:cargo/a@1", "a", "1", linked=True, authors=authors, origin=origin)
    assert Components("ourselves", ())._of_crate(crate) == supplier


@pytest.mark.parametrize(
    ("needed", "links_unwinder", "names"),
    [
        ((), True, ["zig-compiler-rt", "zig-libunwind"]),
        (("libc.so.6", "libgcc_s.so.1"), True, ["zig-compiler-rt"]),
        (("libc.so.6",), False, ["zig-compiler-rt"]),
    ],
)
def test_zig_brings_its_unwinder_unless_that_of_gcc_is_needed(
    needed: tuple[str, ...], links_unwinder: bool, names: list[str]
) -> None:
    recorded = Facts(compiled={"cdylib": MeasuredFile("elf", needed=needed)})
    added = [*linked_by_zig({"zig": "0.17.0"}, LINUX, recorded, links_unwinder=links_unwinder)]
    assert [part.name for part in added] == names
    assert {part.properties for part in added} == {(("target", LINUX),)}


def test_what_zig_did_not_link_has_nothing_of_it() -> None:
    assert [*linked_by_zig({"zig": None}, LINUX, Facts(), links_unwinder=True)] == []
    assert [*linked_by_zig({"zig": "0.17.0"}, None, Facts(), links_unwinder=True)] == []
