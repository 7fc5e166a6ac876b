from __future__ import annotations

import pytest

from ferrule.formats.musl_symbols import read_musl

SOURCE = """#ifdef PTR64
#define WEAK64 .weak
#else
#define WEAK64 .globl
#endif
.bss
.weak ___environ
.type ___environ, %object;
___environ:
.globl malloc
WEAK64 fstat
#ifdef TIME32
.globl __stat_time64
#endif
#if !defined(ARCH_aarch64) && !defined(ARCH_arm)
.globl of_x86
#ifdef FAMILY_riscv
.globl of_riscv
#else
.globl not_of_riscv
#endif
#endif
#ifndef ARCH_arm
.globl not_of_arm
#endif
"""


@pytest.mark.parametrize(
    ("machine", "more"),
    [
        ("x86_64", {"of_x86", "not_of_riscv", "not_of_arm"}),
        ("riscv64", {"of_x86", "of_riscv", "not_of_arm"}),
        ("aarch64", {"not_of_arm"}),
        ("arm", {"__stat_time64"}),
    ],
)
def test_symbols_are_those_of_the_machine(machine, more):
    symbols = read_musl(SOURCE, machine=machine)
    assert symbols.always == ("libc.so",)
    assert set(symbols.libraries["libc.so"]) == {"___environ", "malloc", "fstat"} | more


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no list"),
        (SOURCE.removesuffix("#endif\n"), "cut"),
        ("#endif\n", "without #if"),
        ("#else\n", "without #if"),
        ("#if defined(A) || defined(B)\n#endif\n", "not understood"),
    ],
)
def test_another_form_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_musl(text, machine="x86_64")
