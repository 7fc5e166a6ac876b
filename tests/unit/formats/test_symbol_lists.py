from __future__ import annotations

import pytest

from fakes.symbol_lists import glibc, libsystem
from ferrule.core.errors import ToolchainError
from ferrule.core.platforms import LINUX_MUSL, PLATFORMS, X86_64, Platform
from ferrule.formats import symbol_lists


def test_each_system_has_its_form():
    linux = symbol_lists.read(glibc(), PLATFORMS["aarch64-unknown-linux-gnu"])
    assert "ld-linux-aarch64.so.1" in linux.libraries
    mac = symbol_lists.read(libsystem().encode(), PLATFORMS["aarch64-apple-darwin"])
    assert "of_arm" in mac.libraries["/usr/lib/libSystem.B.dylib"]


@pytest.mark.parametrize(("triple", "data"), [("x86_64-unknown-linux-gnu", b"x"), ("x86_64-apple-darwin", b"\xff")])
def test_a_list_of_another_zig_is_refused(triple, data):
    with pytest.raises(ToolchainError, match="cannot be read") as caught:
        symbol_lists.read(data, PLATFORMS[triple])
    assert "pin a zig" in (caught.value.hint or "")


def test_musl_has_a_form_of_its_own():
    musl = Platform("x86_64-unknown-linux-musl", LINUX_MUSL, X86_64, elf_interpreter="/lib/ld-musl-x86_64.so.1")
    result = symbol_lists.read(b".globl malloc\n#ifdef ARCH_aarch64\n.globl of_arm\n#endif\n", musl)
    assert [set(symbols) for symbols in result.libraries.values()] == [{"malloc"}]
