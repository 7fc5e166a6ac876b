from __future__ import annotations

import pytest

from ferrule.formats.header_declarations import Declaration, declarations, differences


def names(code: str) -> list[str]:
    return [one.name for one in declarations(f'# 1 "./demo.h"\n{code}\n', {"demo.h": "demo.h"})]


def test_functions_and_variables_of_the_file_itself_with_their_lines():
    text = """\
# 1 "./demo.h"
# 1 "/usr/include/stdint.h" 1 3 4
typedef int int32_t;
int of_the_system(void);
# 7 "./demo.h" 2
int32_t demo_add(int32_t a,
                 int32_t b);
extern const int32_t DEMO_LIMIT;
"""
    assert declarations(text, {"demo.h": "demo.h"}) == (
        Declaration("demo_add", "demo.h", 7, is_function=True),
        Declaration("DEMO_LIMIT", "demo.h", 9, is_function=False),
    )


@pytest.mark.parametrize(
    ("code", "declared"),
    [
        ("const char *demo_name(void);", ["demo_name"]),
        ("struct P demo_point(const struct P *p, void (*callback)(int, void *));", ["demo_point"]),
        ("void (*demo_handler(int signal))(int);", ["demo_handler"]),
        ("extern void (*demo_hook)(int);", ["demo_hook"]),
        ("extern int demo_table[3];", ["demo_table"]),
        ("extern int (*demo_rows)[3];", ["demo_rows"]),
        ("extern int demo_a, demo_b;", ["demo_a", "demo_b"]),
        (
            'extern "C" {\nint demo_n(void);\nnamespace demo { int demo_o(void); }\n}\nint demo_p(void);',
            ["demo_n", "demo_o", "demo_p"],
        ),
        ("int demo_c(void), demo_d(int);", ["demo_c", "demo_d"]),
        ("extern int demo_e(void);", ["demo_e"]),
        ('int demo_f(int) __asm__("_demo_f") __attribute__((warn_unused_result));', ["demo_f"]),
        ('__attribute__((visibility("default"))) int demo_g(void);', ["demo_g"]),
        ("int demo_h(void);\nint demo_h(void);", ["demo_h"]),
        ("int demo_i(void) { return f(1); }\nint demo_j(void);", ["demo_i", "demo_j"]),
        # What has no symbol:
        ("typedef int (*demo_callback)(int);", []),
        ("typedef struct P { int x; int (*f)(void); } P;", []),
        ("struct P { int x; int (*f)(void); };\nenum E { A, B = (1 << 2) };\nunion U;", []),
        ("static inline int demo_k(int x) { if (x) { return 1; } return x; }\nint demo_l(void);", ["demo_l"]),
        ("inline int demo_m(void) { return 1; }", []),
        ('_Static_assert(sizeof(int) == 4, "; (");', []),
        ("", []),
    ],
)
def test_what_a_declaration_declares(code, declared):
    assert names(code) == declared


@pytest.mark.parametrize("code", ["int f(void;", "int f)void);", "int f(void];", "{" * 10_000])
def test_brackets_that_do_not_match_are_refused(code):
    with pytest.raises(ValueError, match="close"):
        names(code)


def test_a_header_is_compared_with_a_library_both_ways():
    text = "int demo_add(int);\nint demo_fetch(void);\nextern int DEMO_LIMIT;\n/* demo_more() */ // demo_more\n"
    declared = declarations(f'# 1 "d.h"\n{text}', {"d.h": "demo.h"})
    exports = ("__dso_handle", "_mh_dylib_header", "demo_add", "demo_more")
    assert differences(declared, exports, texts={"demo.h": text}) == [
        "demo.h:2 declares demo_fetch, which the library does not export",
        "demo.h:3 declares DEMO_LIMIT, which the library does not export",
        "it exports demo_more, which demo.h does not declare",
    ]
    assert differences(declared, ("demo_add", "demo_fetch", "DEMO_LIMIT"), texts={"demo.h": text}) == []
    assert differences((), ("demo_add",), texts={"demo.h": "// demo_add"}) != []


def test_what_users_of_a_header_switch_on_is_declared():
    text = "#if defined(DEMO_NET)\nint demo_fetch(void);\n#endif\n"
    assert differences((), ("demo_fetch",), texts={"demo.h": text}) == []


def test_several_headers_are_one_interface():
    texts = {"demo.h": "int demo_add(int);\n", "demo/more.h": "int demo_more(void);\n"}
    preprocessed = "".join(f'# 1 "./include/{name}"\n{text}' for name, text in texts.items())
    declared = declarations(preprocessed, {f"include/{name}": name for name in texts})
    assert differences(declared, ("demo_add", "demo_less"), texts=texts) == [
        "demo/more.h:1 declares demo_more, which the library does not export",
        "it exports demo_less, which no header declares",
    ]


def test_a_name_that_is_only_mentioned_is_not_declared():
    text = "typedef struct T { int demo_field; } T;\nint demo_add(int demo_argument);\n#define DEMO_MACRO demo_macro\n"
    declared = declarations(f'# 1 "d.h"\n{text}', {"d.h": "demo.h"})
    exports = ("demo_add", "demo_argument", "demo_field", "demo_macro")
    assert differences(declared, exports, texts={"demo.h": text}) == [
        f"it exports {name}, which demo.h does not declare" for name in exports[1:]
    ]


def test_conditions_that_split_brackets_hide_nothing():
    text = "#ifdef A\nstruct {\n#else\nunion {\n#endif\nint x; } *demo_any(int);\n"
    assert differences((), ("demo_any",), texts={"demo.h": text}) == []


def test_a_name_with_an_underscore_is_a_promise_too():
    declared = declarations('# 1 "d.h"\nint _demo_under(void);', {"d.h": "demo.h"})
    problem = ["demo.h:1 declares _demo_under, which the library does not export"]
    assert differences(declared, ("_init",), texts={"demo.h": ""}) == problem
    assert differences(declared, ("_init", "_demo_under"), texts={"demo.h": ""}) == []


def test_a_static_library_may_define_more():
    declared = declarations('# 1 "d.h"\nint demo_add(int);', {"d.h": "demo.h"})
    assert differences(declared, {"demo_add", "shared"}, texts={"demo.h": ""}, only_declared=True) == []
    assert differences(declared, {"shared"}, texts={"demo.h": ""}, only_declared=True) != []


def test_what_has_no_name_declares_nothing():
    assert names("extern int a, , b;") == ["a", "b"]
