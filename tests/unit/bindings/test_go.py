"""The text of files in Go; what they answer is seen in tests/integration/test_bindings_in_go.py."""

from __future__ import annotations

import pytest

from ferrule.bindings import go

from .strangers import GOLDEN, STRANGERS, recognized, stranger

SHARED = "// Handles, calls and callbacks, which are the same for every library.\n"


@pytest.mark.parametrize("name", STRANGERS)
def test_the_file_of_a_stranger(name: str, pytestconfig: pytest.Config) -> None:
    path = GOLDEN / f"{name}.go.txt"
    text = go.module(go.fitting(stranger(name)), f"example.org/{name}").partition(SHARED)[0]
    if pytestconfig.getoption("--write-screens"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("double x_mean(int a);", "x_mean", "it passes a floating-point number by itself"),
        ("void x_scale(float a);", "x_scale", "it passes a floating-point number by itself"),
        ("void x_put(char a);", "x_put", "it passes a char, which has a sign on some machines"),
        (f"void x_many({', '.join(f'int a{n}' for n in range(16))});", "x_many", "it takes more than 15 arguments"),
        ("struct x_s { char a; };", "x_s", "its field a is a char, which has a sign on some machines"),
        ("struct x_s { char a; }; void x_use(const struct x_s *s);", "x_use", "it takes a x_s, which is left"),
        (
            "struct x_h { void *data; double (*on)(void *data); int (*off)(void *data); };",
            "x_h.on",
            "it returns a floating-point number, which purego cannot; it is null",
        ),
        (
            "void x_string_free(char *t); void x_both(char **a, size_t *a_len, char **b, size_t *b_len);",
            "x_both",
            "it gives several texts of known length",
        ),
    ],
)
def test_what_go_cannot_call_is_left_too(text: str, name: str, reason: str) -> None:
    library = go.fitting(recognized(f"{text}\nint x_more(void);"))
    assert dict(library.left)[name].startswith(reason)
    assert "x_more" in go.module(library, "example.org/x")


def test_what_python_can_call_and_go_too_is_not_left() -> None:
    assert go.fitting(stranger("store")) == stranger("store")
