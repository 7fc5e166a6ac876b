from __future__ import annotations

import pytest

from ferrule.bindings.declarations import (
    VOID,
    Array,
    EnumRef,
    FunctionPointer,
    Parameter,
    Pointer,
    Scalar,
    StructRef,
    Unreadable,
)
from ferrule.core.errors import VerificationError
from ferrule.formats.interfaces import header

from .strangers import declared

CHAR, INT = Scalar("char"), Scalar("int")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("unsigned a", Scalar("unsigned int")),
        ("long unsigned int a", Scalar("unsigned long")),
        ("unsigned long long int a", Scalar("unsigned long long")),
        ("signed char a", Scalar("signed char")),
        ("short int a", Scalar("short")),
        ("bool a", Scalar("_Bool")),
        ("uint8_t a", Scalar("uint8_t")),
        ("number a", Scalar("int64_t")),
        ("const char *a", Pointer(CHAR, const=True)),
        ("char *const a", Pointer(CHAR)),
        ("const char *const *a", Pointer(Pointer(CHAR, const=True), const=True)),
        ("double a[4]", Array(Scalar("double"), 4)),
        ("uint8_t a[static 32]", Array(Scalar("uint8_t"), 32)),
        ("key a", Array(Scalar("uint8_t"), 16)),
        ("int n[2 + 2]", Unreadable("an array whose length is computed")),
        ("int a[]", Pointer(INT, many=True)),
        ("const int a[]", Pointer(INT, const=True, many=True)),
        ("int_least16_t a", Scalar("int16_t")),
        ("uintmax_t a", Scalar("uint64_t")),
        ("ssize_t a", Scalar("ssize_t")),
        *(
            (f"{name} a", Unreadable(f"the type {name}"))
            for name in ("time_t", "off_t", "wchar_t", "wint_t", "va_list")
        ),
        ("moment *a", Pointer(Unreadable("the type time_t"))),
        ("struct pair *a", Pointer(StructRef("pair"))),
        ("hidden *a", Pointer(StructRef("hidden"))),
        ("enum level a", EnumRef("level")),
        ("union both *a", Pointer(Unreadable("a union"))),
        ("FILE *a", Pointer(StructRef("FILE"))),
        ("long double a", Unreadable("the type long double")),
        ("int (*a)(int)", FunctionPointer(INT, (Parameter("", INT),))),
        ("int (*a)(const char *, ...)", Unreadable("a function with any number of arguments")),
        ("fixed *a", Pointer(Scalar("double"), const=True)),
        ("again a[]", Pointer(Scalar("double"), const=True, many=True)),
        ("name *a", Pointer(Pointer(CHAR), const=True)),
        ("visit a", FunctionPointer(VOID, (Parameter("data", Pointer(VOID)),), "visit")),
    ],
)
def test_types_keep_what_conventions_ask_for(text: str, kind: object) -> None:
    before = (
        "typedef int64_t number;\nstruct pair { int a; };\ntypedef struct hidden hidden;\nunion both { int a; };\n"
        "enum level { LOW };\ntypedef void (*visit)(void *data);\ntypedef uint8_t key[16];\ntypedef time_t moment;\n"
        "typedef const double fixed;\ntypedef fixed again;\ntypedef char *const name;\n"
    )
    (function,) = declared(f"{before}void f({text});").functions
    assert [one.type for one in function.parameters] == [kind]


def test_structures_enumerations_and_numbers() -> None:
    read = declared(
        '#define LIMIT 0x10u\n#define NAME "x"\ntypedef enum { A = -1, B } level;\nenum status { OK };\n'
        "typedef int32_t status;\ntypedef struct { level one; uint8_t rest[2]; int more[LIMIT]; int last[]; } both;\n"
        "extern int variable;\nstatic inline int hidden(int a);\nint shown(void), second(status);\n".replace(
            "int more[LIMIT]", "int more[1 + 1]"
        )
    )
    assert read.structs == {
        "both": (
            Parameter("one", EnumRef("level")),
            Parameter("rest", Array(Scalar("uint8_t"), 2)),
            Parameter("more", Unreadable("an array whose length is computed")),
            Parameter("last", Unreadable("an array without a length")),
        )
    }
    assert read.enums == {"level": {"A": -1, "B": 0}, "status": {"OK": 0}}
    assert read.bases == {"status": "int32_t"}
    assert read.numbers == {"LIMIT": 16}
    assert [one.name for one in read.functions] == ["shown", "second"]
    assert read.functions[1].parameters == (Parameter("", EnumRef("status", "int32_t")),)


def test_comments_belong_to_what_follows() -> None:
    read = declared(
        "/** A level. */\ntypedef enum level {\n  /**\n   * The lowest,\n   * of all.\n   */\n  LOW,\n  HIGH } level;\n"
        "/* no documentation */\nint plain(void);\n/** Adds.\n *\n * # Safety\n *\n * None. */\nint add(int a);\n"
        "/** Called. */\ntypedef void (*visit)(void *);\n/** One. */ struct one { /** Where. */ int at; };\n"
    )
    assert read.comments == {
        "level": "A level.",
        "LOW": "The lowest,\nof all.",
        "add": "Adds.",
        "visit": "Called.",
        "one": "One.",
        "at": "Where.",
    }


def test_what_is_no_c_is_refused() -> None:
    with pytest.raises(VerificationError, match="the header cannot be read"):
        declared("template <class T> T f(T);")


@pytest.mark.parametrize("name", sorted(header.STANDARD_TYPES))
def test_what_stands_in_for_a_type_of_the_standard_library_is_never_taken_for_it(name: str) -> None:
    (function,) = declared(f"{name} *f(void);").functions
    assert isinstance(function.returns, Pointer)
    assert function.returns.to != INT


def test_comments_hold_nothing_that_a_compiler_refuses_or_an_eye_misreads() -> None:
    read = declared("/** A\x07b\u202ec\td\ufeff. */\nint f(void);\n")
    assert read.comments == {"f": "A\ufffdb\ufffdc\td\ufffd."}
