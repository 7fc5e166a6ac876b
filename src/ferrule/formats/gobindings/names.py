"""Names in Go for names in WIT."""

from __future__ import annotations

import re

# Keywords, what is declared everywhere, and what generated functions and their packages are called.
_LOCAL = frozenset({
    "break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go",
    "goto", "if", "import", "interface", "map", "package", "range", "return", "select", "struct", "switch", "type",
    "var", "any", "append", "bool", "byte", "cap", "clear", "close", "comparable", "complex", "copy", "delete",
    "error", "false", "float32", "float64", "imag", "int", "int8", "int16", "int32", "int64", "iota", "len", "make",
    "max", "min", "new", "nil", "panic", "print", "println", "real", "recover", "rune", "string", "true", "uint",
    "uint8", "uint16", "uint32", "uint64", "uintptr", "binary", "context", "errors", "fmt", "json", "math",
    "runtime", "slices", "sync", "utf8", "wazero", "api", "sys", "c", "ctx", "err", "g", "result", "s", "from",
    "to", "lifted",
})  # fmt: skip


def exported(label: str) -> str:
    """`is-valid-email` as IsValidEmail; words in capitals stay as they are."""
    return "".join(word if word.isupper() else word.capitalize() for word in _words(label))


def local(label: str) -> str:
    """`blocked-emails` as blockedEmails, or blockedEmailsValue where a word of the language stands in its way."""
    name = exported(label)
    first = re.match(r"[A-Z]+(?![a-z])|[A-Z]", name)
    name = name[: first.end()].lower() + name[first.end() :] if first else name
    return f"{name}Value" if name in _LOCAL else name


def interface(name: str) -> tuple[str, str, str]:
    """Namespace, package and interface of `ferrule:email-validator/logger@0.1.0`; empty where there is none."""
    prefix, _, label = name.partition("@")[0].rpartition("/")
    namespace, _, package = prefix.rpartition(":")
    return namespace, package, label


def _words(label: str) -> list[str]:
    return [word for word in re.split(r"[^0-9A-Za-z]+", label) if word]


class Names:
    """Names that were given within one scope: each once."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def claim(self, *choices: str) -> str:
        """Give the first choice that is free, or the last one with a number."""
        number = 1
        name = next((choice for choice in choices if choice not in self._taken), "")
        while not name or name in self._taken:
            number += 1
            name = f"{choices[-1]}{number}"
        self._taken.add(name)
        return name
