# ruff: noqa: E501 - declarations are read better in one piece
"""The interface of a C header: layouts, functions, constants, and what changes for its users."""

from __future__ import annotations

from typing import Any

import pytest
from pycparser import c_ast

from ferrule.core.errors import VerificationError
from ferrule.core.platforms import PLATFORMS, DataModel
from ferrule.formats.interfaces import header

STANDARD = header.stand_ins()["ferrule-standard.h"].replace("#pragma once\n", "")


def c(text: str, **options: Any) -> Any:
    return header.read(f'# 1 "standard.h"\n{STANDARD}# 1 "x.h"\n{text}', "x.h", release="1.0.0", **options)


@pytest.mark.parametrize(
    ("declared", "size", "offsets"),
    [
        ("struct S { char a; int b; char c; };", 12, [0, 4, 8]),
        ("struct S { char a; char b; short c; };", 4, [0, 1, 2]),
        ("struct S { char a; double b; };", 16, [0, 8]),
        ("struct S { char a; void *b; char c; };", 24, [0, 8, 16]),
        ("struct S { char a[5]; uint16_t b; };", 8, [0, 6]),
        ("struct S { uint32_t a[2][3]; uint8_t b; };", 28, [0, 24]),
        ("struct I { short x; char y; }; struct S { char a; struct I b; };", 6, [0, 2]),
        ("struct S { char a; struct { long x; } b; };", 16, [0, 8]),
        ("union S { char a; double b; int c; };", 8, [0, 0, 0]),
        ("enum E { A }; struct S { char a; enum E b; };", 8, [0, 4]),
        ("struct S { char a; long double b; };", 32, [0, 16]),
        ("struct S { size_t a; _Bool b; wchar_t c; };", 16, [0, 8, 12]),
        ("struct S { void (*a)(int); int32_t b; };", 16, [0, 8]),
        ("enum { N = 4 }; struct S { char a[N * 2 + (1 << 1)]; };", 10, [0]),
        ("struct S { char a[sizeof(int)]; const char b; };", 5, [0, 4]),
        ("struct S { int a; char b[]; };", 4, [0, 4]),
        ('struct S { int a; _Static_assert(1, ""); int b; };', 8, [0, 4]),
    ],
)
def test_layout(declared, size, offsets):
    label = "union S" if "union" in declared else "struct S"
    output = c(declared)["types"][label]
    assert output["size"] == size
    assert [field["offset"] for field in output["fields"]] == offsets


@pytest.mark.parametrize(
    ("model", "size", "offsets"),
    [
        (DataModel(), 64, [0, 8, 16, 32, 48]),
        (DataModel(pointer=4, long=4, long_double=8), 32, [0, 4, 8, 16, 24]),  # AAPCS
        (DataModel(4, 4, 12, 4), 32, [0, 4, 8, 16, 28]),  # System V i386
        (DataModel(long=4), 64, [0, 8, 16, 32, 48]),  # 64-bit Windows, by GNU compilers
    ],
)
def test_sizes_and_places_are_those_of_the_machine(model: DataModel, size: int, offsets: list[int]):
    struct = c("struct S { long a; void *b; uint64_t c; long double d; size_t e; };", data_model=model)["types"][
        "struct S"
    ]
    assert (struct["size"], [f["offset"] for f in struct["fields"]]) == (size, offsets)
    assert struct["fields"][0]["type"] == f"i{8 * model.long}"
    assert struct["fields"][4]["type"] == f"u{8 * model.pointer}"


def test_what_each_program_settles_itself_has_no_size_on_a_narrow_machine():
    text = "struct S { time_t a; };"
    assert c(text)["types"]["struct S"]["size"] == 8
    with pytest.raises(VerificationError, match="the size of time_t"):
        c(text, data_model=DataModel(pointer=4, long=4))


def test_long_double_of_apple():
    assert (
        c("struct S { char a; long double b; };", data_model=DataModel(long_double=8))["types"]["struct S"]["size"]
        == 16
    )


@pytest.mark.parametrize(
    ("declared", "parameters", "returns"),
    [
        ("int f(void);", [], "i32"),
        ("void f(int a[4], const int b);", ["i32 *", "i32"], "void"),
        ("const char *f(char *const *list);", ["char *const *"], "const char *"),
        ("unsigned long long f(signed char a, unsigned short b, long int c);", ["i8", "u16", "i64"], "u64"),
        ("struct T *f(enum E e, union U *u);", ["enum E", "union U *"], "struct T *"),
        ("void f(int (*call)(void *, ...));", ["i32 (*)(void *, ...)"], "void"),
        ("typedef int32_t Status; Status f(FILE *file, va_list more);", ["FILE *", "va_list"], "i32"),
        ("typedef int F(char); void f(F *a, F b);", ["i32 ()(char) *", "i32 ()(char)"], "void"),
        ("static inline int f(int a) { return a; }", ["i32"], "i32"),
    ],
)
def test_function(declared, parameters, returns):
    output = c(declared)["functions"]["f"]
    assert (output["parameters"], output["returns"]) == (parameters, returns)


def test_variadic_function_variables_and_enumerators():
    interface = c(
        'int f(const char *format, ...); extern const int limit; extern int table[3]; _Static_assert(1, "");\n'
        "enum E { A = -1, B, C = 'x', D = ~0, F = 0x10 | 010, G = (int)B, H = !1, I = +2, J = 7 ^ 5 & 4 - 3, K = 9 >> 1 };"
    )
    assert interface["functions"]["f"]["variadic"] is True
    assert interface["variables"] == {"limit": "const i32", "table": "i32[3]"}
    assert interface["enums"]["enum E"] == {
        "A": -1, "B": 0, "C": 120, "D": -1, "F": 24, "G": 0, "H": 0, "I": 2, "J": 7 ^ 5 & 1, "K": 4
    }  # fmt: skip


def test_macros_of_the_header_itself():
    digest = "ab" * 32
    output = c(
        "#define GUARD\n#define LIMIT  (1 <<  4)\n#define MAX(a, b) ((a) > (b) ? (a) : (b))\n#define GONE 1\n#undef GONE\n"
        f'#define V "1.0.0"\n#define FINGERPRINT "{digest}"\n#define NAME "demo"\n'
    )["macros"]
    assert output == {
        "FINGERPRINT": None,
        "LIMIT": "(1 << 4)",
        "MAX": "(a, b) ((a) > (b) ? (a) : (b))",
        "NAME": '"demo"',
        "V": None,
    }


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ("struct S { int a; } __attribute__((packed));", "packed"),
        ("#pragma pack(push, 1)\nstruct S { int a; };", "#pragma pack"),
        ("struct S { int a : 3; };", "bit-fields"),
        ("struct S { _Alignas(16) int a; };", "alignment"),
        ("struct S { Unknown a; };", "cannot be read"),
        ("struct S { struct T a; };", "the size of struct T"),
        ("enum E { A = B };", "no whole number"),
        ("enum E { A = 1.5 };", "no whole number (A, line 1)"),
        ("enum E { A = 'ab' };", "no whole number"),
        ("enum E { A = 0x1'000 };", "no whole number"),
        ("struct S {\nint a;\nint v[n]; };", "no whole number (v, line 3)"),
        ("class S {};", "cannot be read"),
        ("_Alignas(16) extern int v;", "alignment"),
        ("int f(int " + "*" * 5000 + "a);", "beyond what can be read"),
        ("int f(_Complex double a);", "the type"),
    ],
)
def test_header_that_is_refused(declared, says):
    with pytest.raises(VerificationError) as caught:
        c(declared)
    assert says in str(caught.value)


def test_attributes_without_a_layout_are_nothing():
    plain, marked = "int f(int a);", '__attribute__((visibility("default"))) int f(int a) __attribute__((nonnull(1)));'
    assert c(plain) == c(marked)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("struct S { int a; };", "union S { int a; };", {("struct S", True), ("union S", False)}),
        ("struct S;", "struct S { int a; };", {("struct S", False)}),
        ("struct S { int a; };", "struct S;", {("struct S", True)}),
        ("typedef int S;", "typedef struct { int a; } S;", {("S", True), ("struct S", False)}),
        ("extern int v;", "extern long v;", {("v", True)}),
        ("union U { int a; char b; };", "union U { char b; int a; };", {("union U", True)}),
        ("int f(int a);", "int f(int a, ...);", {("f()", True)}),
        ("int f(int a, ...);", "int f(int a);", {("f()", True)}),
        ("void f(int (*a)[3]);", "void f(int (*a)[4]);", {("f()", True)}),
        ("void f(int a[2][3]);", "void f(int a[4][3]);", set()),
        ("const char *f(void);", "char *f(void);", {("f()", False)}),
        ("char *f(void);", "const char *f(void);", {("f()", True)}),
        ("void f(int (*g)(char *));", "void f(int (*g)(const char *));", {("f()", True)}),
        ("struct S { int a; double b; };", "struct S { int a; long b; };", {("struct S.b", True)}),
        ("#define N 10", "#define N (0x0A)", set()),
        ('#define V "1.0.0"', '#define V "other"', {("#define V", True)}),
        ('#define V "other"', '#define V "1.0.0"', {("#define V", True)}),
    ],
)
def test_comparing_headers(old, new, says):
    assert {(change.item, change.breaking) for change in header.compare(c(old), c(new))} == says


GROWN = {("struct S", False), ("struct S.more", False)}
KEPT = {("struct S", True), ("struct S.more", False)}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        # A structure that tells its size may have more behind.
        ("uint32_t size; uint32_t a;", "uint32_t size; uint32_t a; uint32_t more;", GROWN),
        ("uint32_t struct_size; uint32_t a;", "uint32_t struct_size; uint32_t a; uint32_t more;", GROWN),
        ("size_t size; void *a;", "size_t size; void *a; void (*more)(void *);", GROWN),
        ("unsigned char size; char a;", "unsigned char size; char a; char more[3];", GROWN),
        ("uint32_t size; uint32_t reserved;", "uint32_t size; uint32_t b; uint32_t more;", {*GROWN, ("struct S.b", False), ("struct S.reserved", False)}),
        ("const uint32_t size; uint32_t a;", "const uint32_t size; uint32_t a; uint32_t more;", GROWN),
        ("uint32_t size; uint8_t reserved[2];", "uint32_t size; uint8_t b; uint8_t reserved[5];", {("struct S", False), ("struct S.reserved", False), ("struct S.b", False)}),
        ("uint8_t size; uint8_t a[250];", "uint8_t size; uint8_t a[250]; uint8_t more[4];", GROWN),
        ("uint8_t size; uint8_t a[250];", "uint8_t size; uint8_t a[250]; uint8_t more[5];", KEPT),
        ("uint32_t size; uint8_t reserved[5];", "uint32_t size; uint8_t reserved[2];", {("struct S", True), ("struct S.reserved", False)}),
        # It does not tell it, or not first, or not by a number that is one.
        ("uint32_t a;", "uint32_t a; uint32_t more;", KEPT),
        ("uint32_t a; uint32_t size;", "uint32_t a; uint32_t size; uint32_t more;", KEPT),
        ("int32_t size; int32_t a;", "int32_t size; int32_t a; int32_t more;", KEPT),
        ("float size; float a;", "float size; float a; float more;", KEPT),
        ("uint32_t *size; void *a;", "uint32_t *size; void *a; void *more;", KEPT),
        ("", "uint32_t size; uint32_t more;", {*KEPT, ("struct S.size", False)}),
        # What was there is not what it was.
        ("uint32_t size; uint32_t a;", "size_t size; uint32_t a; uint32_t more;", {*KEPT, ("struct S.size", True), ("struct S.a", True)}),
        ("uint32_t size; uint32_t a;", "uint32_t struct_size; uint32_t a; uint32_t more;", {*KEPT, ("struct S.size", True), ("struct S.struct_size", True)}),
        ("uint32_t size; uint32_t a;", "uint32_t size; int32_t a; uint32_t more;", {*GROWN, ("struct S.a", True)}),
        ("uint32_t size; uint32_t a;", "uint32_t size; uint32_t more; uint32_t a;", {("struct S", True), ("struct S.a", True), ("struct S.more", True)}),
        ("uint32_t size; uint32_t a;", "uint32_t size;", {("struct S", True), ("struct S.a", True)}),
        ("uint32_t size; uint32_t a;", "uint32_t size; uint32_t a; uint64_t more;", KEPT),  # which is aligned to 8
        # Padding: what older programs leave there is not known, whether the structure grows or not.
        ("uint64_t size; char a;", "uint64_t size; char a; char more;", {("struct S.more", True)}),
        ("uint64_t size; char a;", "uint64_t size; char a; char b; uint64_t more;", {*GROWN, ("struct S.b", True)}),
        ("uint64_t size; char a;", "uint64_t size; char a; char more[12];", {("struct S", True), ("struct S.more", True)}),
        ("char a; int b;", "char a; char more; int b;", {("struct S.more", True)}),
        ("char a; void *b;", "char a; int more; void *b;", {("struct S.more", True)}),
        ("char a; int b; void *c;", "char a; struct { char x; } more; int b; void *c;", {("struct S.more", True), ("struct S.more", False)}),
        # What is reserved has a known value, the padding behind it has none.
        ("uint32_t size; uint16_t reserved;", "uint32_t size; uint32_t more;", {("struct S.reserved", False), ("struct S.more", True)}),
        ("uint32_t size; uint32_t reserved[2];", "uint32_t size; uint16_t more; uint16_t b; uint32_t reserved;", {("struct S.reserved", False), ("struct S.b", False), ("struct S.more", False)}),
        ("uint32_t size; uint16_t reserved1; uint16_t reserved2;", "uint32_t size; uint32_t more;", {("struct S.reserved1", False), ("struct S.reserved2", False), ("struct S.more", False)}),
        ("size_t size; void *reserved[2];", "size_t size; char *more; size_t b;", {("struct S.reserved", False), ("struct S.b", False), ("struct S.more", False)}),
        # Inside of it: what was embedded has its own size, and what is behind it has moved.
        ("uint32_t size; union { char a; } u;", "uint32_t size; union { char a; int b; } u; uint32_t more;", {("union S.u", True), ("union S.u.b", False), *GROWN}),
        ("uint32_t size; struct { uint32_t size; } i;", "uint32_t size; struct { uint32_t size; uint32_t b; } i;", {("struct S", True), ("struct S.i", True), ("struct S.i.b", False)}),
    ],
)  # fmt: skip
def test_structure_that_grows(old, new, says):
    changes = list(header.compare(c(f"struct S {{ {old} }};"), c(f"struct S {{ {new} }};")))
    assert {(change.item, change.breaking) for change in changes} == says


def test_union_does_not_grow_by_its_size():
    old, new = "union S { uint32_t size; uint32_t a; };", "union S { uint32_t size; uint32_t a; uint32_t more[2]; };"
    assert {(one.item, one.breaking) for one in header.compare(c(old), c(new))} == {
        ("union S", True),
        ("union S.more", False),
    }


@pytest.mark.parametrize(
    ("used", "holder"),
    [
        ("void f(struct S *a, const struct S *b, struct S *const c, struct S **d);", ""),
        ("struct S *f(struct S *(*g)(const struct S *)); extern struct S *table[4]; typedef struct S T;", ""),
        ("typedef const struct S T; void f(const T *a); struct SS { int a; }; void g(struct SS a);", ""),
        ("void f(struct S a);", "f()"),
        ("struct S f(void);", "f()"),
        ("void f(int (*g)(struct S *, struct S));", "f()"),
        ("void f(struct S (*all)[3]);", "f()"),
        ("void f(struct S all[2][3]);", "f()"),
        ("typedef const struct S T; void f(T a);", "f()"),
        ("extern const struct S v;", "v"),
        ("extern struct S table[4];", "table"),
        ("typedef struct S Pair[2];", "Pair"),
        ("struct H { int a; struct S b; };", "struct H.b"),
        ("struct H { struct S b[2]; };", "struct H.b"),
        ("union H { struct S b; int a; };", "union H.b"),
        ("struct H { struct { struct S b; } a; };", "struct H.a.b"),
        ("struct H { struct S (*g)(void); };", "struct H.g"),
    ],
)
def test_structure_that_something_holds_by_value_does_not_grow(used, holder):
    old, new = (c(f"struct S {{ uint32_t size; uint32_t a;{more} }};{used}") for more in ("", " uint32_t more;"))
    (change,) = (one for one in header.compare(old, new) if one.item == "struct S")
    text = "has the size 12, and had 8, " + (f"which is compiled into {holder}" if holder else "which its size tells")
    assert (change.what, change.breaking) == (text, bool(holder))


STRANGE = """\
/* __attribute__((packed)) is not used: */ // _Alignas(8)
#define HELP "#pragma pack and __attribute__((packed))"
#define QUOTE '"'
#ifdef __GNUC__
#define PRINTF(text, first) \\
    __attribute__((format(printf, text, first)))
#else
#define __attribute__(x)
#endif
#pragma once
_Pragma("GCC diagnostic push")
int packed(int aligned, int mode[2]); __attribute__((deprecated("use packed"), aligned_alloc(1)))
#if __has_attribute(packed) || defined(__declspec)
__declspec(dllexport) int a[b[0]]; [[nodiscard]] int f(void);
#endif
"""


def test_what_asks_for_no_layout_passes():
    header.refuse_layouts(STRANGE, "x.h")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("#define PACKED __attribute__((packed))", "__attribute__((packed))"),
        ("#define PACKED \\\n    __attribute__ ( ( __packed__ ) )", "__attribute__( ( __packed__ ) )"),
        ("#define PACKED __attribute__((pac\\\nked))", "__attribute__((packed ))"),
        ("struct __attribute((__aligned__(8), deprecated)) s", "__attribute((__aligned__(8), deprecated))"),
        ("__attribute__((packed", "__attribute__((packed #endif"),
        ("#define ATTRIBUTE(x) __attribute__((x))", "__attribute__((x))"),
        ("#define ATTRIBUTE(x) __attribute__(x)", "__attribute__(x)"),
        ("#define P packed\nstruct __attribute__((P)) s", "__attribute__((P))"),
        ("#define ATTRIBUTE __attribute__", "#define ATTRIBUTE __attribute__"),
        ("struct [[gnu::packed]] s", "[[gnu::packed]]"),
        ("struct __declspec(align(8)) s", "__declspec(align"),
        ("#define DECLARED(x) __declspec(x)", "__declspec(x)"),
        ("\n\n  #  pragma pack(push, 1)", "# pragma pack"),
        ("#pragma options align=packed", "#pragma options"),
        ("#pragma ms_struct on", "#pragma ms_struct"),
        ("#pragma clang attribute push(__attribute__((packed)))", "#pragma clang attribute"),
        ('_Pragma("pack(1)")', '_Pragma("pack'),
        ("#define PRAGMA(x) _Pragma(#x)", "_Pragma("),
        ("__pragma(pack(1))", "__pragma(pack"),
        ("#include <pshpack1.h>", "#include <pshpack1.h>"),
        ('#include "pshpack4.h"', '#include "pshpack4.h"'),
        ("char a; _Alignas(8) char b;", "_Alignas"),
        ("alignas(8) char b;", "alignas"),
        ("__packed struct s", "__packed"),
    ],
)
def test_a_layout_is_refused_under_whatever_condition(text, asked):
    ahead = text.partition(asked[:3])[0]
    line = 6 + text.count("\n", 0, len(ahead)) if asked[:3] in text else 8
    with pytest.raises(VerificationError) as caught:
        header.refuse_layouts(f'/* A\n b */ // "\nint a; \\\nint b;\n#ifdef __GNUC__\n{text}\n#endif\n', "x.h")
    assert caught.value.message == f"the layout that {asked} asks for is not known here"
    assert caught.value.where == f"x.h:{line}"


def test_arrays_that_are_parameters_have_their_stride_compiled_in():
    old, new = ("struct S { uint32_t size; uint32_t a; };", "struct S { uint32_t size; uint32_t a; uint32_t more; };")
    for used, holder in (
        ("void f(struct S x[4]);", "f()"),
        ("void f(const struct S x[], size_t n);", "f()"),
        ("typedef void (*each)(const struct S x[]);", "each"),
        ("struct calls { void (*on)(struct S x[2]); };", "struct calls"),
        ("static inline void f(struct S x[2]) { }", "f()"),
        ("void f(struct S *x[4]);", ""),
        ("static inline struct S f(struct S a) { return a; }", ""),
        ("inline struct S f(struct S a) { return a; }", "f()"),
    ):
        before, after = c(old + used), c(new + used)
        (change,) = (one for one in header.compare(before, after) if one.item == "struct S")
        assert (change.breaking, holder in change.what) == (bool(holder), True), used
    assert "strides" not in c(old)
    assert c(old + "void f(struct S x[4]);")["strides"] == {"struct S": "f()"}
    elsewhere = '# 1 "other.h"\nstruct S { int a; }; typedef void (*G)(struct S x[]);\n# 1 "x.h"\nint f(void);\n'
    assert "strides" not in header.read(elsewhere, "x.h", release="1")


def test_preprocessor_sees_the_platform_and_nothing_else():
    linux, macos = (
        header.preprocessor_options(PLATFORMS[f"aarch64-{name}"]) for name in ("unknown-linux-gnu", "apple-darwin")
    )
    assert {"-undef", "-D__linux__=1", "-D__aarch64__=1"} <= {*linux}
    assert "-D__APPLE__=1" in macos
    assert {"-D__SIZEOF_POINTER__=8", "-D__SIZEOF_LONG__=8", "-D__SIZEOF_INT__=4"} <= {*linux}
    narrow = header.preprocessor_options(PLATFORMS["wasm32-unknown-unknown"])
    assert {"-D__SIZEOF_POINTER__=4", "-D__SIZEOF_LONG__=4"} <= {*narrow}
    assert "-D__linux__=1" not in macos


def test_each_of_several_headers_has_what_it_declares_itself():
    text = (
        '# 1 "./all.c"\n# 1 "./a.h" 1\ntypedef struct box { int size; } box;\n#define LIMIT 3\n'
        '# 2 "./all.c" 2\n# 1 "./sub/../sub/b.h" 1\nint weigh(box *one);\nextern int total;\n#define LIMIT_B 4\n'
    )
    surfaces = header.read_files(text, {"a.h": "a.h", "sub/b.h": "sub/b.h"}, release="1.0.0")
    assert (surfaces["a.h"]["types"]["struct box"]["size"], surfaces["a.h"]["functions"]) == (4, {})
    assert surfaces["a.h"]["macros"] == {"LIMIT": "3"}
    assert surfaces["sub/b.h"]["functions"] == {"weigh": {"returns": "i32", "parameters": ["struct box *"]}}
    assert (surfaces["sub/b.h"]["variables"], surfaces["sub/b.h"]["macros"]) == ({"total": "i32"}, {"LIMIT_B": "4"})


def test_what_other_files_declare_is_not_of_the_header():
    other = "int away(void);\nstatic inline int g(int a) { return a; }\nstruct O { int x; };\nenum P { Q = 7 };\n"
    output = header.read(f'# 1 "other.h"\n{other}# 1 "x.h"\nstruct S {{ struct O o; char c[Q]; }};', "x.h", release="1")
    assert output["functions"] == {}
    assert output["enums"] == {}
    assert output["types"]["struct O"] == {"kind": "struct", "opaque": True}
    assert output["types"]["struct S"]["size"] == 12


def test_what_pycparser_has_not_had_so_far_is_refused():
    reading = header._Reading({}, 16, "x.h")
    with pytest.raises(VerificationError, match="beyond what can be read: EmptyStatement"):
        reading.text(c_ast.EmptyStatement())
    with pytest.raises(VerificationError, match="beyond what can be read: EmptyStatement"):
        reading.take(c_ast.EmptyStatement())


def test_enumerations_are_read_beside_what_cannot_be():
    text = (
        '# 1 "other.h"\nenum O { P = 1.5 };\n# 1 "x.h"\nenum E { A, B = 7 };\ntypedef struct T { int a : 3; } U;\n'
        "static inline int f(int v[P]) { return 0; }\nenum { C = P };\n"
    )
    tree, _ = header.syntax_tree(text, {"x.h": "x.h"})
    enums, left = header.enumerations(tree, "x.h")
    assert enums == {"E": {"A": 0, "B": 7}}
    assert left == {
        "U": "struct T has bit-fields, whose places are the compiler's choice (a, line 2)",
        "T": "struct T has bit-fields, whose places are the compiler's choice (a, line 2)",
        "f": "a constant that is no whole number (line 3)",
        "line 4": "a constant that is no whole number (C, line 4)",
    }
