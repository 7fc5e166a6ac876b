"""Types that are written in another way and are the same, and types that are not."""

from __future__ import annotations

import pytest

from ferrule.formats.interfaces import header, python, python_types, typescript, typescript_types


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("string | number", "number | string"),
        ("(string | number)", "| number | string"),
        ("Array<string>", "string[]"),
        ("Array<string | number>", "(number | string)[]"),
        ("ReadonlyArray<string>", "readonly string[]"),
        ("Map<string, A | B>", "Map<string, B | A>"),
        ("Promise<(A | B) | C>", "Promise<C | A | B>"),
        ("A & B", "B & A"),
        ("boolean", "true | false"),
        ("(name: string) => void", "(text: string) => void"),
        ("(a: A | B, ...rest: C[]) => D", "(b: B | A, ...others: Array<C>) => D"),
        ("{ a: string; b?: number }", "{b?: number, a: string,}"),
        ("'a' | \"b\"", "'b' | 'a'"),
        ("A | (() => void)", "(() => void) | A"),
    ],
)
def test_types_of_typescript_that_are_the_same(one, other):
    assert typescript_types.normal(one) == typescript_types.normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("string | number", "string"),
        ("string[]", "readonly string[]"),
        ("(string | number)[]", "string | number[]"),
        ("[A, B]", "[B, A]"),
        ("Map<A, B>", "Map<B, A>"),
        ("(a: A, b: B) => void", "(a: B, b: A) => void"),
        ("(a: A) => void", "(a?: A) => void"),
        ("(a: A) => void", "(...a: A[]) => void"),
        ("{ a: string }", "{ a?: string }"),
        ("{ a: string }", "{ readonly a: string }"),
        ("() => A | B", "(() => A) | B"),
        ("keyof A", "A"),
        ("A extends B ? C : D", "A extends B ? D : C"),
        ("'a'", "a"),
    ],
)
def test_types_of_typescript_that_are_others(one, other):
    assert typescript_types.normal(one) != typescript_types.normal(other)


def test_members_of_a_union_of_typescript():
    assert typescript_types.members("B | (A | C[])") == {"A", "B", "C[]"}
    assert typescript_types.members(None) == {"any"}
    assert typescript_types.members("() => A | B") == {"() => A | B"}
    assert typescript_types.members("not a type ((") == {"not a type (("}


def declared(text: str) -> dict:
    return typescript.read({"package.json": b'{"types": "a.d.ts"}', "a.d.ts": text.encode()})


@pytest.mark.parametrize(
    ("old", "new", "breaking"),
    [
        ("export declare const a: Array<A | B>;", "export declare const a: (B | A)[];", None),
        ("export function f(a: A | B): Array<C>;", "export function f(b: B | A): C[];", None),
        ("export function f(): A[];", "export function f(): readonly A[];", True),
        ("export function f(a: A[]): void;", "export function f(a: A[] | B): void;", False),
        ("export type T = { a: A; b: B };", "export type T = { b: B, a: A };", None),
        ("export type T = { a: A; b: B };", "export type T = { b: B };", True),
    ],
)
def test_declarations_are_compared_by_their_types(old, new, breaking):
    changes = list(typescript.compare(declared(old), declared(new)))
    assert [change.breaking for change in changes] == ([] if breaking is None else [breaking])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Optional[int]", "int | None"),
        ("Union[int, str, None]", "None | str | int"),
        ("List[Optional[int]]", "list[None | int]"),
        ("typing.Dict[str, 'Email']", "dict[str, Email]"),
        ("collections.abc.Sequence[int]", "Sequence[int]"),
        ("Callable[[int | str], None]", "typing.Callable[[Union[str, int]], None]"),
        ("Tuple[int, ...]", "tuple[int, ...]"),
        ("Literal['a', 'b']", 'Literal["a", "b"]'),
    ],
)
def test_annotations_that_are_the_same(one, other):
    assert python_types.normal(one) == python_types.normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int | None", "int"),
        ("list[int]", "Sequence[int]"),
        ("dict[str, int]", "dict[int, str]"),
        ("Callable[[int], None]", "Callable[[int, int], None]"),
        ("Literal['a']", "a"),
        ("other.Sequence", "Sequence"),
        ("tuple[()]", "tuple[int]"),
        ("not an (expression", "another ("),
    ],
)
def test_annotations_that_are_others(one, other):
    assert python_types.normal(one) != python_types.normal(other)


def test_a_depth_without_end_is_an_annotation_as_it_stands():
    deep = "list[" * 5000 + "]" * 5000
    assert python_types.members(deep) == {deep}


@pytest.mark.parametrize(
    ("old", "new", "breaking"),
    [
        ("def f(a: 'Optional[int]' = 1) -> List[int]: ...", "def f(a: None | int = 1) -> list[int]: ...", []),
        ("def f(a: int) -> list[int | None]: ...", "def f(a: int) -> List[Optional[int]]: ...", []),
        ("def f(a: int) -> list[int]: ...", "def f(a: int) -> Sequence[int]: ...", [True]),
        ("def f(a: int | None): ...", "def f(a: int): ...", [True]),
        ("def f(a: int): ...", "def f(a: Optional[int]): ...", [False]),
    ],
)
def test_packages_are_compared_by_their_types(tmp_path, old, new, breaking):
    surfaces = []
    for name, text in (("old", old), ("new", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "demo.py").write_text(text)
        surfaces.append(python.read(tmp_path / name))
    assert [change.breaking for change in python.compare(*surfaces)] == breaking


def of_header(text: str) -> dict:
    marked = f'# 1 "./demo.h"\ntypedef int uint32_t;\ntypedef int int32_t;\n{text}\n'
    return header.read(marked, "./demo.h", release="1.2.3")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("uint32_t f(uint32_t a);", "unsigned int f(unsigned b);"),
        ("void f(const char *a);", "void f(char const *text);"),
        ("void f(int a[3]);", "void f(int *const a);"),
        ("typedef uint32_t id; id f(id a);", "typedef unsigned int id; uint32_t f(id);"),
        ("struct P { uint32_t x; };", "struct P { unsigned x; };"),
        ("void f(void (*callback)(int a));", "typedef void (*callback)(int); void f(callback c);"),
        ("#define LIMIT 10", "#define LIMIT 0x0A"),
        ("#define LIMIT 10u", "#define LIMIT (10U)"),
        ("enum { A, B };", "enum E { A, B };"),
        ("enum E { A, B = 7 };", "enum E { A }; enum F { B = 7 };"),
        ("long f(void);", "long int f();"),
    ],
)
def test_headers_that_mean_the_same(old, new):
    assert [change for change in header.compare(of_header(old), of_header(new)) if change.breaking] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("uint32_t f(void);", "int f(void);"),
        ("void f(char *a);", "void f(const char **a);"),
        ("#define LIMIT 10", "#define LIMIT 11"),
        ("#define LIMIT 10", "#define LIMIT 10u"),
        ("#define LIMIT 10", "#define LIMIT -10"),
        ("#define LIMIT 10", "#define LIMIT OTHER"),
        ("enum { A, B };", "enum E { A, B = 2 };"),
        ("enum E { A, B };", "enum E { A };"),
    ],
)
def test_headers_that_do_not(old, new):
    assert [change for change in header.compare(of_header(old), of_header(new)) if change.breaking] != []
