"""The text of modules in JavaScript and of their types; what they answer is seen in tests/integration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ferrule import bindings
from ferrule.bindings import node, node_types

from .strangers import GOLDEN, STRANGERS, C, keyed, preprocessed, recognized, stranger

if TYPE_CHECKING:
    from ferrule.bindings import model

END = "// What is particular to this library.\n"


def particular(text: str) -> str:
    """A module without what every library's has."""
    first, _, rest = text.partition("// What the bindings of every library share.")
    return f"{first}...\n{rest.partition(END)[2]}"


def fitting(name: str) -> model.Library:
    return node.fitting(stranger(name))


@pytest.mark.parametrize("name", STRANGERS)
def test_the_module_of_a_stranger_and_its_types(name: str, pytestconfig: pytest.Config) -> None:
    texts = {
        "js": particular(node.module(fitting(name), f"bound-{name}")),
        "d.ts": node_types.module(fitting(name), f"bound-{name}"),
    }
    for language, text in texts.items():
        path = GOLDEN / f"{name}.{language}.txt"
        if pytestconfig.getoption("--write-screens"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")


def test_types_are_generated_beside_it() -> None:
    text = (GOLDEN / "store.h").read_text(encoding="utf-8")
    one, other = (
        bindings.generate(preprocessed(text, "store.h"), "store.h", source=text, language="node", package="kv")
        for _ in range(2)
    )
    assert one == other
    assert "export declare class Db extends ClosingObject {" in one.types
    assert bindings.generate(preprocessed(text, "s.h"), "s.h", source=text, language="go", package="kv").types == ""


def test_what_is_left_is_named() -> None:
    for text in (node.module(fitting("odd"), "odd"), node_types.module(fitting("odd"), "odd")):
        assert "// - odd_printf: it takes any number of arguments\n" in text


@pytest.mark.parametrize(
    ("comment", "parents"),
    [("A key.", ", _handle0"), ("A key.\n *\n * It needs nothing that it\n * was made with.", "")],
)
def test_what_was_made_with_a_handle_keeps_it_unless_the_header_says_otherwise(comment: str, parents: str) -> None:
    text = node.module(recognized(keyed(comment)), "x")
    assert f"_made = madeHandle(Key, 'key', _returned, LIBRARY.key_free, _live{parents});" in text


def test_what_javascript_cannot_call_is_left() -> None:
    library = node.fitting(
        recognized(
            "typedef struct { int a; } x_in;\ntypedef struct { x_in reserved; int b; } x_out;\n"
            "typedef struct { int a_b; int aB; } x_twice;\n"
            "int x_take(const x_out *out);\nint x_both(const x_twice *t);\n"
            "int x_all(const _Bool *flags, size_t count);\nint x_set(_Bool on);\n"
        )
    )
    assert dict(library.left) == {
        "x_out": "it holds another structure as a whole",
        "x_twice": "two of its fields have one name in JavaScript",
        "x_take": "it takes a x_out, which is left to the author",
        "x_both": "it takes a x_twice, which is left to the author",
        "x_all": "flags is an array of bool, which JavaScript has none of",
    }
    assert [one.prototype.name for one in library.functions] == ["x_set"]


def test_names_that_javascript_has_for_itself() -> None:
    library = recognized(
        "typedef enum { x_import, x_class = 3, x_2 } x_type;\nx_type x_delete(x_type with, int call, int koffi);\n"
        "typedef struct x_error x_error;\nx_error *x_error_make(int of);\nvoid x_error_free(x_error *error);\n"
        "void x_error_close(const x_error *error, int n);\nint x_error_then(const x_error *error);\n"
        "int x_error_constructor(const x_error *error);\n"
    )
    text = node.module(library, "x")
    assert "export function xDelete(with_, call, koffi_) {" in text
    assert "export class XError2 " not in text
    for name in ("close_(n)", "then_()", "constructor_()"):
        assert f"    {name} {{" in text
    assert "    x_2: 4," in text
    assert "    import: 0," in text


def test_no_name_of_a_library_hides_what_its_module_reads() -> None:
    """As a parameter, as a function, as a class and as an error."""
    names = sorted(name for name in node.reserved() - C if re.fullmatch(r"[A-Za-z]\w*", name))
    header = (
        f"typedef enum {{ x_ok, {', '.join(f'x_{name}' for name in names)} }} x_status;\n"
        + "".join(f"x_status x_{name}(int a);\nint x_use_{at}(int {name});\n" for at, name in enumerate(names))
        + "".join(
            f"typedef struct x_{name}_t x_{name}_t;\nvoid x_{name}_t_free(x_{name}_t *one);\n"
            for name in names
            if name[0].isupper()
        )
    )
    spelling = node.Spelling.of(recognized(header))
    exported = [one.name for one in spelling.functions.values() if one.form == "function"]
    given = [*exported, *spelling.classes.values(), *spelling.errors.values()]
    assert len(set(given)) == len(given)
    assert {*given} & node.reserved() <= {"ClosedError"}
    assert not {name for one in spelling.functions.values() for name in one.parameters} & node.reserved()


def test_what_runs_code_of_the_caller_comes_before_buffers() -> None:
    library = recognized(
        "typedef struct { const double *values; size_t values_count; } x_options;\n"
        "int x_use(const double *data, size_t count, const x_options *options);\nint x_other(int a);\n"
    )
    body = node.module(library, "x").partition("export function use(")[2]
    assert 0 < body.index("_Options_of(") < body.index("_call.buffer(") < body.index("LIBRARY.use(")


def test_the_library_is_opened_by_what_it_has() -> None:
    text = node.module(stranger("pixels"), "px")
    assert "checkVersion(version(), 3, path, 'px');" in text
    assert "INTERFACE" not in text
    text = node.module(stranger("store"), "kv")
    assert "import { INTERFACE, locate } from './index.js';" in text
    assert "checkInterface(info.interface, INTERFACE, path, 'kv');" in text


def test_a_comment_ends_where_it_should() -> None:
    assert node.commented("one */ two") == "/** one *\\/ two */"
    assert node.commented("one\n\ntwo", "  ") == "  /**\n   * one\n   *\n   * two\n   */"


def test_64_bits_are_bigints() -> None:
    library = recognized(
        "typedef enum x_big { x_little = 1 } x_big;\nlong x_long(unsigned long long a, int8_t b);\n"
        "int x_sum(const int64_t *values, size_t count);\nint x_lengths(const size_t *values, size_t count);\n"
    )
    types = node_types.module(library, "x")
    assert "export declare function long(a: bigint | number, b: number): bigint;" in types
    assert "sum(values: BigInt64Array): number;" in types
    assert "lengths(values: BigUint64Array | Uint32Array): number;" in types


def test_a_status_that_the_shared_text_throws_is_that_error() -> None:
    library = recognized(
        "typedef enum { x_OK, x_BUSY, x_CLOSED } x_status;\ntypedef struct x_box x_box;\nx_box *x_box_new(void);\n"
        "void x_box_free(x_box *box);\nx_status x_box_use(x_box *box);\n"
    )
    for text in (node.module(library, "x"), node_types.module(library, "x")):
        assert len(re.findall(r"class BusyError extends XError\b", text)) == 1
        assert len(re.findall(r"class ClosedError extends XError\b", text)) == 1
    assert "[Status.BUSY, BusyError]," in node.module(library, "x")


def test_types_of_what_callbacks_are_handed_have_names_that_typescript_takes() -> None:
    library = recognized(
        "typedef struct { void *user_data; void (*seen)(void *user_data, int function, const char *in); } x_hooks;\n"
        "typedef struct x_box x_box;\nx_box *x_box_new(const x_hooks *hooks);\nvoid x_box_free(x_box *box);\n"
    )
    types = node_types.module(library, "x")
    assert "    seen?: ((function_: number, in_: string) => void) | null | undefined;" in types


def test_no_callback_is_called_as_what_the_module_has_for_its_structure() -> None:
    fields = "".join(f"void (*{name})(void *user_data);" for name in ("of", "read", "at", "size"))
    library = recognized(
        f"typedef struct {{ void *user_data; {fields} void (*release)(void *user_data); }} x_hooks;\n"
        "typedef struct x_box x_box;\nx_box *x_box_new(const x_hooks *hooks);\nvoid x_box_free(x_box *box);\n"
    )
    text = node.module(library, "x").partition(END)[2]
    declared = re.findall(r"^(?:export )?(?:const|let|class|function) ([\w$]+)", text, flags=re.MULTILINE)
    assert {"_Hooks$of", "_Hooks_of", "_Hooks$read", "_Hooks_release"} <= {*declared}
    assert len(set(declared)) == len(declared)


def code(text: str) -> str:
    """A text without its comments and quoted texts, but with what these hold in `${}`."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
    text = re.sub(r"'(?:[^'\\]|\\.)*'", "''", text)
    return re.sub(r"`[^`]*`", lambda match: " ".join(re.findall(r"\$\{([^}]*)\}", match[0])), text)


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_generated_declares_and_reads_only_what_is_reserved(name: str) -> None:
    library = fitting(name)
    spelling = node.Spelling.of(library)
    functions = {one.name for one in spelling.functions.values()}
    own = {*spelling.classes.values(), *spelling.errors.values(), spelling.error, *functions}
    module = code(node.module(library, "x").partition(END)[2])
    types = code(node_types.module(library, "x"))
    members = {one for names in spelling.members.values() for one in names.values()}
    declared = re.findall(r"^(?:export )?(?:const|let|class|function) ([A-Za-z]\w*)", module, flags=re.MULTILINE)
    read = re.findall(r"(?<![.\w$])[A-Z]\w*(?![\w:$])", module) + re.findall(r"(?<![.\w])[A-Z]\w*(?!\w*:)", types)
    assert {*declared, *read} - own - members <= node.reserved()


def test_names_that_begin_with_digits() -> None:
    library = recognized(
        "typedef struct { int _0; int _1; } x_pair;\nint x_take(const x_pair *pair);\nint x_add(int _0, int _1);\n"
    )
    text = node.module(library, "x")
    assert "C.int.check(_given._0 ?? 0, '_0')" in text
    assert "export function add(argument0, argument1) {" in text
    assert "    _1?: number | null | undefined;" in node_types.module(library, "x")


def test_structures_that_no_object_can_be_are_left() -> None:
    library = node.fitting(
        recognized(
            "typedef struct { int __proto__; int b; } x_proto;\nint x_take(const x_proto *p);\n"
            "typedef struct { int a_b; int aB; } x_twice;\ntypedef struct x_box x_box;\n"
            "typedef struct { void *user_data; void (*on)(void *user_data, const x_twice *twice); } x_hooks;\n"
            "x_box *x_box_new(const x_hooks *hooks);\nvoid x_box_free(x_box *box);\n"
        )
    )
    assert dict(library.left) == {
        "x_proto": "its field __proto__ is the class of an object in JavaScript",
        "x_twice": "two of its fields have one name in JavaScript",
        "x_hooks": "its function on takes a x_twice, which is left to the author",
        "x_take": "it takes a x_proto, which is left to the author",
        "x_box_new": "it takes a x_hooks, which is left to the author",
    }


STATUS = "x_status x_use(int a);\ntypedef struct x_box x_box;\nx_box *x_box_new(void);\nvoid x_box_free(x_box *box);\n"


def test_the_status_of_faults_is_a_failure() -> None:
    library = recognized(f"typedef enum {{ X_OK = 0, X_IO = -1, X_MEMORY = -2 }} x_status;\n{STATUS}")
    text = node.module(library, "x")
    assert "static status = Status.IO;" in text
    assert "const Internal = ERRORS.get(Status.IO);" in text


def test_a_status_of_64_bits_is_compared_as_one() -> None:
    text = node.module(recognized(f"enum x_status {{ X_OK, X_BAD }};\ntypedef int64_t x_status;\n{STATUS}", "x.h"), "x")
    assert "const _status = C.int64_t.from(LIBRARY.use(C.int.check(a, 'a')));" in text
    assert "if (_status !== 0n) throw failureOf(_status);" in text


def test_two_statuses_with_one_title_are_two_errors() -> None:
    library = recognized(f"typedef enum {{ x_OK, x_closed, x_CLOSED, x_io }} x_status;\n{STATUS}")
    for text in (node.module(library, "x"), node_types.module(library, "x")):
        assert len(re.findall(r"class ClosedError extends", text)) == 1
        assert len(re.findall(r"class XClosedError extends", text)) + len(re.findall(r"class XCLOSEDError ", text)) == 1


def test_an_object_without_properties_has_a_type() -> None:
    types = node_types.module(
        recognized(
            "typedef struct { size_t size; int reserved; } x_options;\n"
            "int x_use(const x_options *options);\nint x_y(void);\n"
        ),
        "x",
    )
    assert "export type Options = Record<string, never>;" in types
    assert "use(options?: Options | null | undefined): number;" in types


def test_a_text_is_no_list_of_texts_and_no_handle_is_another() -> None:
    library = recognized(
        "typedef struct { const char *data; size_t size; } x_text;\n"
        "int x_sum(const x_text *texts, size_t texts_count);\n"
        "typedef struct x_box x_box;\nvoid x_box_free(x_box *box);\n"
    )
    types = node_types.module(library, "x")
    assert "sum(texts: (Iterable<string> & object)): number;" in types
    assert "export declare class Box extends ClosingObject {\n    #private;\n" in types
