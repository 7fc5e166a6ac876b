"""Headers of other people's libraries, preprocessed as far as these need it: no compiler runs in unit tests."""

from __future__ import annotations

import re
from pathlib import Path

from ferrule.bindings import conventions, declarations, model
from ferrule.formats.interfaces import header

GOLDEN = Path(__file__).parents[2] / "golden" / "bindings"
STRANGERS = sorted(path.stem for path in GOLDEN.glob("*.h"))


C = frozenset((
    "auto", "bool", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
    "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
    "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while",
))  # fmt: skip
"""Words that nothing may be called in a header."""


def preprocessed(text: str, name: str) -> str:
    """The header as a C compiler's preprocessor gives it: without what is for C++, after the standard types."""
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif\n", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\bbool\b", "_Bool", text)
    kept = "\n".join(
        line if not line.startswith("#") or re.match(r"#define \w+ .", line) else "" for line in text.splitlines()
    )
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", kept, flags=re.DOTALL)
    standard = "\n".join(
        line for line in header.stand_ins()["ferrule-standard.h"].splitlines() if line.startswith("typedef")
    )
    return f'# 1 "standard.h"\n{standard}\n# 1 "{name}"\n{code}\n'


def declared(text: str, name: str = "demo.h") -> declarations.Declarations:
    return declarations.read(preprocessed(text, name), name, source=text)


def recognized(text: str, name: str = "demo.h") -> model.Library:
    return conventions.recognize(declared(text, name), name)


def stranger(name: str) -> model.Library:
    return recognized((GOLDEN / f"{name}.h").read_text(encoding="utf-8"), f"{name}.h")


def keyed(comment: str) -> str:
    """A header with a box that makes keys, of which it says this."""
    return (
        "typedef struct x_box x_box;\nx_box *x_box_new(void);\nvoid x_box_free(x_box *box);\n"
        f"/** {comment} */\ntypedef struct x_key x_key;\n"
        "/** The caller owns it. */\nx_key *x_box_key(const x_box *box);\nvoid x_key_free(x_key *key);\n"
    )
