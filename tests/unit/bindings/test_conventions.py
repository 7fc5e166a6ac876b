from __future__ import annotations

import pytest

from ferrule.bindings import model
from ferrule.bindings.conventions import words
from ferrule.bindings.declarations import EnumRef, Scalar

from .strangers import recognized, stranger

HANDLE = "typedef struct x_box x_box;\nvoid x_box_free(x_box *box);\nint x_more(void);\n"


def left(text: str, before: str = HANDLE) -> str:
    """Why the one that does not fit is left to the author."""
    ((_, reason),) = recognized(before + text).left
    return reason


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("EmailValidatorText", ("email", "validator", "text")),
        ("HTTPServer", ("http", "server")),
        ("kv_cursor_t", ("kv", "cursor")),
        ("Utf8Text", ("utf8", "text")),
        ("", ()),
    ],
)
def test_words(name: str, parts: tuple[str, ...]) -> None:
    assert words(name) == parts


@pytest.mark.parametrize(
    ("name", "prefix", "functions"),
    [
        ("bare", "", ["add", "greet", "initial"]),
        ("counter", "counter_", ["create", "clone", "add", "import", "peek", "step"]),
        ("events", "ev_", ["new", "emit", "weigh", "ask", "emit_elsewhere"]),
        ("odd", "odd_", ["sum"]),
        ("pixels", "px_", ["invert", "mean", "scale", "repeat", "extent"]),
        ("store", "kv_", ["open", "put", "get", "stats", "cursor", "next"]),
    ],
)
def test_strangers(name: str, prefix: str, functions: list[str]) -> None:
    library = stranger(name)
    assert (library.prefix, ["_".join(one.words) for one in library.functions]) == (prefix, functions)
    assert bool(library.left) == (name == "odd")


def test_what_a_library_says_of_itself() -> None:
    library = stranger("store")
    assert (library.build_info, library.last_error, library.abi_version) == ("kv_build_info", "kv_last_error", None)
    assert stranger("pixels").abi_version == ("px_abi_version", 3)
    assert library.status is not None
    assert [name for _, name, _ in library.status.members] == ["OK", "NOT_FOUND", "CLOSED", "BROKEN"]
    assert (library.failure, stranger("events").failure, stranger("bare").failure) == (9, 3, -1)


def test_every_form_of_a_result() -> None:
    results = {one.prototype.name: one.results for one in stranger("store").functions}
    assert results == {
        "kv_db_open": (model.HandleResult("kv_db", 1),),
        "kv_db_put": (),
        "kv_db_get": (model.TextResult("kv_string_free", 3, "value", 4),),
        "kv_db_stats": (model.StructResult("kv_stats", 1, "stats"),),
        "kv_db_cursor": (model.HandleResult("kv_cursor_t", 1),),
        "kv_cursor_next": (
            model.TextResult("kv_string_free", 1, "key"),
            model.ValueResult(Scalar("int32_t"), 2, "more"),
        ),
    }
    results = {one.prototype.name: one.results for one in stranger("pixels").functions}
    assert results["px_repeat"] == (
        model.ValueResult(Scalar("int"), None),
        model.BytesResult("px_bytes_free", 3, 4, "out", "uint8_t", free_takes_length=True),
    )


def test_every_form_of_an_argument() -> None:
    library = recognized(
        f"{HANDLE}typedef enum {{ X_LOW }} x_level;\ntypedef struct {{ const char *data; size_t len; }} x_text;\n"
        "typedef struct { uint32_t size; uint8_t reserved[3]; const x_text *names; size_t names_count; x_level level; }"
        " x_options;\n"
        "void x_take(const char *text, size_t text_len, const char *path, const x_text *all, size_t count,"
        " const x_options *options, x_level level, const void *data, size_t size, const x_box *box,"
        " float *out, size_t n);"
    )
    function = library.functions[-1]
    assert function.arguments == (
        model.Text(0, "text"),
        model.Text(2, "path", nul=True),
        model.Texts(3, "all", "x_text"),
        model.StructArgument(5, "options", "x_options"),
        model.Value(6, "level", EnumRef("x_level")),
        model.Buffer(7, "data", "uint8_t"),
        model.HandleArgument(9, "box", "x_box"),
        model.Buffer(10, "out", "float", writable=True),
    )
    options = library.structs["x_options"]
    assert options.size == "size"
    assert [one.name for one in options.arguments] == ["names", "level"]
    assert library.enums[0].members == (("X_LOW", "LOW", 0),)


def test_a_size_is_the_structures_own_where_it_is_a_whole_number_and_stands_first() -> None:
    library = recognized(
        "typedef struct { size_t size; int a; } x_first; typedef struct { int a; size_t size; } x_later;"
        "typedef struct { double size; int a; } x_broken; typedef struct { int struct_size; int a; } x_signed;"
        "typedef struct { void *user_data; void (*f)(void *user_data); uint32_t size; } x_functions;"
        "typedef struct { uint32_t size; void *user_data; void (*f)(void *user_data); } x_sized;"
    )
    sizes = {name: struct.size for name, struct in library.structs.items()}
    ours = ("x_first", "x_signed", "x_sized")
    assert {name for name, size in sizes.items() if size} == {*ours}
    assert [one.name for one in library.structs["x_functions"].arguments] == ["size"]


def test_callbacks_with_user_data_and_an_end_of_life() -> None:
    handlers = stranger("events").structs["ev_handlers"]
    assert (handlers.user_data, handlers.release, handlers.size) == ("user_data", "release", "struct_size")
    assert [(one.field, one.user_data, one.failed) for one in handlers.callbacks] == [
        ("on_event", 0, -1),
        ("weigh", 2, -1),
        ("veto", 0, 3),
        ("log", 0, 0),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("int x_print(const char *format, ...);", "it takes any number of arguments"),
        ("union x_u { int a; }; int x_use(union x_u *one);", "it has a union"),
        ("int x_use(long double one);", "it has the type long double"),
        (
            "struct x_pair { int a, b; }; int x_use(struct x_pair one);",
            "one is passed as a whole: pass a pointer to it",
        ),
        ("struct x_pair { int a; }; int x_use(const struct x_pair *all, size_t n);", "all is an array of structures"),
        ("int x_use(const double *values);", "no convention says what values points to, and how much of it"),
        ("int x_use(const double *values, uint32_t count);", "no convention says what values points to"),
        ("int x_use(void (*f)(int));", "f is a function by itself: put it into a structure with its user data"),
        ("int *x_get(void);", "what it returns is a pointer, of which no convention says who frees it"),
        ("char *x_get(void);", "nothing frees what it allocates: there is no x_string_free"),
        ("int x_get(uint8_t **out, size_t *len);", "nothing frees what it allocates: there is no x_bytes_free"),
        ("int x_get(int **out);", "out is a pointer to a pointer of another kind"),
        ("int x_two(x_box **a, x_box **b);", "it makes two handles at once"),
        ("int x_two(x_box **a);", "it makes a handle and gives something else besides"),
        ("struct x_h { int (*on)(int); };", "it holds functions and no user data for them: a field `void *user_data`"),
        ("struct x_h { void *data; int (*on)(int); };", "its function on takes no user data"),
        ("struct x_h { void *data; char *(*on)(void *data); };", "its function on returns a pointer"),
        ("struct x_h { void *data; int (*on)(void *data, int *out); };", "no convention says what out points to"),
        (
            "struct x_h { void *data; int (*on)(void *data, const x_box *box); };",
            "its function on is handed box, which is neither text, bytes, number nor a structure of numbers",
        ),
        ("struct x_h { void *data; int (*on)(void *data, long double a); };", "its field on is the type long double"),
        (
            "struct x_h { void *data; void (*on)(void *data, size_t len, const char *text); };",
            "its function on is handed text, which may be as long as len says",
        ),
        (
            "struct x_h { void *data; void (*on)(void *data, const char *text, int len); };",
            "text is a text as long as len says, which is no size_t",
        ),
        ("struct x_h { time_t at; };", "its field at is the type time_t"),
        ("struct x_h { const char *name; uint32_t name_len; };", "name is a text as long as name_len says"),
        ("int x_use(off_t at);", "it has the type off_t"),
        ("time_t x_use(void);", "it has the type time_t"),
        ("int x_use(const char *format, va_list all);", "it has the type va_list"),
        ("struct x_h { union x_u { int a; } one; };", "its field one is a union"),
        (
            "struct x_h { double *all; size_t n; };",
            "its field all points to what is neither a text, a batch of texts nor",
        ),
        (
            (
                "struct x_s { size_t size; int a; };"
                "struct x_h { void *data; void (*on)(void *data, const struct x_s *s); };"
            ),
            "its function on is handed s, which is neither text, bytes, number nor a structure of numbers",
        ),
        (
            (
                "struct x_s { const char *a; int b; };"
                "struct x_h { void *data; void (*on)(void *data, const struct x_s *s); };"
            ),
            "its function on is handed s, which is neither text, bytes, number nor a structure of numbers",
        ),
        ("struct x_hidden; int x_a(void);", "no function frees it: one that takes only a pointer to it"),
        (
            "struct x_h { void *data; void (*on)(void *data); }; void x_call(const struct x_h *h);",
            "it takes callbacks and makes no handle that they would live as long as",
        ),
        (
            "struct x_t { const char *data; size_t len; }; int x_get(struct x_t *out);",
            "the library writes to out, which",
        ),
    ],
)
def test_what_does_not_fit_is_left_by_name(text: str, reason: str) -> None:
    assert left(text).startswith(reason)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("const uint8_t *data, size_t len, uint8_t out[32]", "out is an array of 32"),
        ("const uint8_t key[32], size_t len", "key is an array of 32"),
        ("double values[]", "values is an array, and no convention says of how many"),
        ("const double values[]", "values is an array, and no convention says of how many"),
        ("int argc, char *argv[]", "argv is an array, and no convention says of how many"),
        ("char *names[3]", "names is an array of 3"),
        ("char *buffer, int size", "buffer points to bytes, and no convention says to how many"),
        ("char *buffer, size_t *size", "buffer points to bytes"),
        ("const uint8_t *data, size_t len, uint8_t *out", "out points to bytes"),
        ("signed char *level", "level points to bytes"),
        ("size_t n, double *values", "values may be as many as n says"),
        ("double *mean, uint32_t count", "mean may be as many as count says"),
        ("double *mean, int bufLen", "mean may be as many as bufLen says"),
        ("double *mean, size_t *count", "mean may be as many as count says"),
        ("double *mean, unsigned nbytes", "mean may be as many as nbytes says"),
        ("uint8_t *a, uint8_t *b, size_t len", "a points to bytes"),
        ("double *a, double *b, size_t len", "a may be as many as len says"),
        ("double *a, const double *b, double *c, uint32_t len", "a may be as many as len says"),
        ("double *matrix", "matrix is called as memory is"),
        ("double start, double *dst", "dst is called as memory is"),
        ("double start, x_pair *block", "block is called as memory is"),
        ("const double *in, size_t n, double *out", "out may be as many as n says: call it what the one is"),
        ("const double *x, size_t n, double *y", "y may be as many as n says: call it what the one is"),
        ("const double *all, size_t n, x_level *levels", "levels may be as many as n says"),
        ("double *values, double start, int n", "values may be as many as n says"),
        ("int n, double start, double *values", "values may be as many as n says"),
        ("x_pair *pair, uint32_t n", "pair may be as many as n says"),
        ("size_t n, x_pair *pair", "pair may be as many as n says"),
        ("const double *all, size_t n, x_pair *corners", "corners may be as many as n says"),
        ("const x_pair *pair, int n", "pair may be an array of structures, as many as n says"),
        ("int n, const x_pair *pair", "pair may be an array of structures, as many as n says"),
        ("x_box **boxes, size_t n", "boxes may be several handles, as many as n says"),
        ("char **names, uint32_t count", "names may be several texts, or one as long as count says"),
        ("char **text, uint32_t *text_len", "text may be several texts, or one as long as text_len says"),
        ("const char *text, uint32_t text_len", "text is a text as long as text_len says, which is no size_t"),
    ],
)
def test_a_pointer_to_what_may_be_several_is_left(parameters: str, reason: str) -> None:
    before = "void x_string_free(char *t);\ntypedef enum { X_LOW } x_level;\ntypedef struct { int a, b; } x_pair;\n"
    assert left(f"{before}int x_use({parameters});").startswith(reason)


@pytest.mark.parametrize(
    ("parameters", "arguments", "results"),
    [
        ("const double *celsius, size_t count, size_t *kept", ["celsius"], ["kept"]),
        ("const int32_t *all, size_t count, int32_t *least, int32_t *greatest", ["all"], ["least", "greatest"]),
        ("const double values[], size_t n, double *mean", ["values"], ["mean"]),
        ("double values[], size_t n", ["values"], []),
        ("uint32_t *width, uint32_t *height", [], ["width", "height"]),
        ("const char *name, size_t name_len, int32_t *out", ["name"], ["out"]),
        ("uint64_t *hits, uint64_t *misses", [], ["hits", "misses"]),
        ("const double *all, size_t n, x_stats *stats", ["all"], ["stats"]),
        ("double *values, size_t n, x_block *block", ["values"], ["block"]),
        ("double factor, double *scaled", ["factor"], ["scaled"]),
        ("bool n, double *value", ["n"], ["value"]),
    ],
)
def test_a_pointer_to_one_is_a_result(parameters: str, arguments: list[str], results: list[str]) -> None:
    before = "typedef struct { int a; } x_stats;\ntypedef struct { int a; } x_block;\n"
    library = recognized(f"{before}void x_use({parameters});\nvoid x_more(void);\n")
    assert library.left == ()
    function = library.functions[0]
    assert [one.name for one in function.arguments] == arguments
    named = [one.name for one in function.results if not isinstance(one, model.HandleResult)]
    assert named == results


def test_a_maker_may_take_a_capacity() -> None:
    library = recognized(f"{HANDLE}void x_box_new(size_t capacity, x_box **box);\n")
    assert library.left == ()


def test_a_function_that_takes_what_is_left_is_left_too() -> None:
    library = recognized(f"{HANDLE}struct x_h {{ int (*on)(int); }};\nvoid x_use(const struct x_h *hooks);")
    assert dict(library.left)["x_use"] == "hooks is a x_h, which is left to the author"


def test_one_function_may_free_all_that_the_library_allocates() -> None:
    library = recognized("char *x_get(void);\nint x_read(double **all, size_t *count);\nvoid x_free(void *data);\n")
    assert library.left == ()
    assert [one.results[-1] for one in library.functions] == [
        model.TextResult("x_free", None),
        model.BytesResult("x_free", 0, 1, "all", "double", free_takes_length=False),
    ]


def test_structures_are_known_wherever_they_are_defined() -> None:
    library = recognized(
        "struct x_h; struct x_e; struct x_t;\n"
        "struct x_h { void *data; int (*on)(void *data, const struct x_e *event); const struct x_t *all; size_t n; };\n"
        "struct x_o { const struct x_t *texts; size_t texts_count; };\n"
        "struct x_e { int number; };\n"
        "struct x_t { const char *text; size_t length; };\n"
        "void x_use(const struct x_o *o);\nvoid x_more(void);\n"
    )
    assert library.left == ()
    assert list(library.structs) == ["x_e", "x_t", "x_o", "x_h"]


@pytest.mark.parametrize(
    "text",
    [
        "const x_box *x_box_new(const x_box *box);",
        "void x_box_new(x_box *of, const x_box **box);",
    ],
)
def test_what_is_const_is_never_a_new_handle(text: str) -> None:
    assert left(text).endswith("is const, so that the library keeps it, and nobody may close it")


@pytest.mark.parametrize("name", ["x_shared", "x_box_add", "x_box_renew", "x_box_root"])
@pytest.mark.parametrize("comment", ["", "/** Never owned: it is not owned by the caller. */ "])
def test_what_is_returned_is_new_only_by_its_name_or_comment(name: str, comment: str) -> None:
    assert left(f"{comment}x_box *{name}(x_box *box);").startswith("no convention says whether what it returns is new")


@pytest.mark.parametrize(
    "text",
    [
        "x_box *x_box_create(void);",
        "x_box *x_make_big_box(void);",
        "x_box *x_box_copy(const x_box *box);",
        "x_box *x_box_from_text(const char *text);",
        "/** The lid.\n * The caller\n * owns it. */\nx_box *x_box_lid(x_box *box);",
        "/** It is owned by the caller. */\nx_box *x_box_lid(x_box *box);",
    ],
)
def test_what_makes_a_handle(text: str) -> None:
    library = recognized(f"{HANDLE}{text}")
    assert library.left == ()
    assert library.functions[-1].results == (model.HandleResult("x_box", None),)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("best", "other"),
    [
        ("void x_box_free(x_box *b);", "void x_box_close(x_box *b);"),
        ("void x_box_close(x_box *b);", "void x_box_release(x_box *b);"),
        ("void x_box_release(x_box *b);", "int x_box_free(x_box *b);"),
        ("void x_box_destroy(x_box *b);", "void x_box_free(const x_box *b);"),
        ("void x_box_release(x_box *b);", "void x_free(x_box *b);"),
    ],
)
def test_of_several_functions_that_may_free_a_handle_one_does(best: str, other: str, turned: bool) -> None:
    both = (other, best) if turned else (best, other)
    library = recognized(f"typedef struct x_box x_box; {' '.join(both)} int x_more(void); void x__(int a);")
    free = best.partition("void ")[2].partition("(")[0]
    assert library.handles["x_box"].free == free
    assert library.left == (
        (other.split()[1].partition("(")[0], f"it may free what {free} frees, which is called to close it"),
    )


def test_a_function_frees_a_handle_only_by_exactly_its_name() -> None:
    library = recognized(
        "typedef struct x_box x_box; void x_box_lock_release(x_box *b); void x_free(x_box *b); int x_more(void);"
    )
    assert library.handles["x_box"].free == "x_free"
    assert [one.words for one in library.functions] == [("lock", "release"), ("more",)]
    library = recognized("typedef struct x_box x_box; void x_box_lock_release(x_box *b); int x_more(void);")
    assert "is called x_box_free" in dict(library.left)["x_box"]


@pytest.mark.parametrize(
    ("members", "failure"),
    [
        ("X_OK = 0, X_IO = -5, X_FULL = -1", -1),
        ("X_OK, X_IO", 1),
        ("X_OK = 0, X_CALLBACK_FAILED = -7, X_IO = -1", -7),
    ],
)
def test_a_failure_is_no_success(members: str, failure: int) -> None:
    assert (
        recognized(f"typedef enum {{ {members} }} x_status; x_status x_do(void); x_status x_go(void);").failure
        == failure
    )


def test_a_status_that_cannot_fail_is_an_enumeration() -> None:
    library = recognized("typedef enum { X_OK } x_status; x_status x_do(void); void x_more(void);")
    assert (library.status, [one.c_name for one in library.enums]) == (None, ["x_status"])


def test_enumerations_are_as_wide_as_their_values() -> None:
    library = recognized(
        "typedef enum { X_A = 0x80000000 } x_flags; typedef enum { X_B = -1, X_C } x_signs;\n"
        "typedef enum { X_D = 0x100000000LL } x_wide; typedef enum { X_E = -1, X_F = 0xffffffff } x_both;\n"
        "enum x_long; enum x_long { X_G = 0x100000000LL }; typedef int64_t x_long;\n"
        "void x_use(x_flags a, x_signs b, x_long c); void x_take(x_wide a); typedef struct { x_both a; } x_holder;\n"
        "typedef struct { void *user_data; x_flags (*on)(void *user_data); } x_hooks;\n"
    )
    wide = "an enumeration of values that take more than 32 bits, of which compilers make different types"
    assert {one.c_name: one.base for one in library.enums} == {
        "x_flags": "unsigned int",
        "x_signs": "int",
        "x_long": "int64_t",
    }
    assert dict(library.left) == {
        "x_wide": f"it is {wide}",
        "x_both": f"it is {wide}",
        "x_take": f"it has {wide}",
        "x_holder": f"its field a is {wide}",
    }
    assert library.functions[0].prototype.parameters[0].type == EnumRef("x_flags", "unsigned int")
    assert library.structs["x_hooks"].callbacks[0].failed == 0


def test_only_what_is_called_reserved_as_a_whole_is() -> None:
    library = recognized(
        "typedef struct { int margin; int padding; int reserved_seats; int unused; uint8_t pad[3]; uint8_t pad_[3];"
        " int reserved; int _pad1; int padding2; int reserved_2; } x_style; void x_a(const x_style *s); void x_b(void);"
    )
    assert library.left == ()
    assert [one.name for one in library.structs["x_style"].arguments] == [
        "margin",
        "padding",
        "reserved_seats",
        "unused",
    ]


@pytest.mark.parametrize("name", ["release", "free_ctx", "user_data_free", "drop_fn", "dispose"])
def test_what_releases_user_data(name: str) -> None:
    library = recognized(
        f"typedef struct {{ void *user_data; void (*on_key_release)(void *user_data); void (*{name})(void *); }} x_h;"
        "void x_a(void); void x_b(void);"
    )
    struct = library.structs["x_h"]
    assert (struct.release, [one.field for one in struct.callbacks]) == (name, ["on_key_release"])


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ("void (*release)(void *); void (*data_free)(void *);", "release and data_free may each say that"),
        ("void (*on_release)(void *);", "on_release may be the end of its user data, or an event"),
    ],
)
def test_which_one_releases_user_data_has_to_be_certain(members: str, reason: str) -> None:
    assert left(f"struct x_h {{ void *user_data; {members} }};").startswith(reason)


def test_of_several_functions_that_free_texts_it_is_the_one_with_the_usual_name() -> None:
    text = "char *x_name(void); void x_path_free(char *p); void x_str_free(char *t, size_t n);"
    for usual in ("x_string_free", "x_free"):
        library = recognized(f"{text} void {usual}(char *t);")
        assert library.functions[0].results == (model.TextResult(usual, None),)
    library = recognized(f"{text} void x_label_free(char *t);")
    assert dict(library.left)["x_name"] == "x_path_free or x_label_free frees it: there is no x_string_free"
    assert recognized(text).functions[0].results == (model.TextResult("x_path_free", None),)


@pytest.mark.parametrize(
    "text",
    [
        "#define X_ABI_VERSION (1 << 4)\nuint32_t x_abi_version(void);",
        "uint32_t x_abi_version(void);",
        "#define X_ABI_VERSION 1\nint64_t x_abi_version(void);",
    ],
)
def test_a_version_that_is_not_compared_is_said(text: str) -> None:
    library = recognized(f"{text}\nvoid x_a(void);")
    assert library.abi_version is None
    assert dict(library.left)["X_ABI_VERSION"].startswith("the version is not compared: x_abi_version has to return")


def test_what_cannot_be_read_is_left_with_all_that_needs_it() -> None:
    library = recognized(
        "typedef struct x_bits x_bits; struct x_bits { int a : 3; };\nvoid x_bits_free(x_bits *b);\n"
        "typedef struct { int v[x_n]; } x_many;\nenum x_odd { X_ODD = 'ab' };\nint x_take(const x_many *m);\n"
        "int x_ask(enum x_odd a);\nint x_give(const struct x_bits *b);\nint x_fits(int a);\n"
        "int x_grid(int v[X_ODD]);\nenum { X_C = '\\n' };\n"
    )
    assert [one.prototype.name for one in library.functions] == ["x_fits"]
    reasons = dict(library.left)
    assert reasons["x_many"] == "a constant that is no whole number (v, line 3)"
    assert reasons["x_odd"] == "a constant that is no whole number (X_ODD, line 4)"
    assert reasons["x_ask"].startswith("it has x_odd, which cannot be read: a constant that is no whole number (X_ODD")
    assert {"x_bits", "x_take", "x_give", "x_grid", "line 10", "x_bits_free"} <= reasons.keys()
