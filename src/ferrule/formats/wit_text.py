"""WIT as people write it: whether it parses, with line and column of what does not (WIT.md, "Item: …").

Read here because the readers at hand are programs (wasm-tools, jco) that `ferrule check` must not require. Only the
grammar is checked, and where resources, streams and the like are used; names are resolved by the compiler.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Final

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

_SPACE: Final = re.compile(r"(?:[ \t\r\n]|//[^\n]*)+")
_TOKEN: Final = re.compile(
    r"(?P<id>%?[A-Za-z][0-9A-Za-z]*(?:-[0-9A-Za-z]+)*)"
    r"|(?P<arrow>->)|(?P<number>[0-9]+)|(?P<sign>[=,:;(){}<>*/.@_+-])"
)
_WORDS: Final = re.compile(r"(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(?:-(?:[0-9a-z]+|[0-9A-Z]+))*")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+?)?(?:\+[0-9A-Za-z.-]+?)?(?=[\s;,{)]|\.\{|$|/)")
_ONE: Final = frozenset({"list", "option", "future", "stream"})
_DEEPEST: Final = 100
_HANDLES: Final = {
    "resource": "a resource",
    "borrow": "a handle to a resource",
    "own": "a handle to a resource",
    "future": "a future",
    "stream": "a stream",
    "error-context": "an error context",
    "async": "an asynchronous function",
}


@dataclass(frozen=True, slots=True)
class WitProblem(Exception):  # noqa: N818 - becomes a problem of a file with its place
    """Why a text is no WIT, at a line and column counted from 1."""

    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class WitFile:
    """What a file declares: its worlds, and everything that is no plain value in a world or an interface of one.

    `handles` are what it is, and its line and column; `named` are the interfaces that worlds import, export or use.
    """

    worlds: tuple[str, ...]
    handles: tuple[tuple[str, str, int, int], ...]
    named: frozenset[str]

    def in_worlds(self, named: frozenset[str]) -> tuple[tuple[str, int, int], ...]:
        """The handles of worlds, and of the interfaces that are named."""
        return tuple((what, line, column) for owner, what, line, column in self.handles if not owner or owner in named)


def read_wit(text: str) -> WitFile:
    """Read one file; raises WitProblem for the first thing that does not parse.

    >>> read_wit("package a:b; world w { export run: func() -> u32; }").worlds
    ('w',)
    """
    parser = _Parser(text, _tokens(text))
    parser.file()
    return WitFile(tuple(parser.worlds), tuple(parser.handles), frozenset(parser.named))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int


def _at(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    offset = 0
    while offset < len(text):
        if space := _SPACE.match(text, offset):
            offset = space.end()
        elif text.startswith("/*", offset):
            offset = _end_of_comment(text, offset)
        elif tokens and tokens[-1].text == "@" and (version := _VERSION.match(text, offset)):
            tokens.append(_Token("version", version[0], offset))
            offset = version.end()
        elif match := _TOKEN.match(text, offset):
            tokens.append(_Token(match.lastgroup or "", match[0], offset))
            offset = match.end()
        else:
            raise WitProblem(f"unexpected character {text[offset]!r}", *_at(text, offset))
    return [*tokens, _Token("end", "the end of the file", len(text))]


def _end_of_comment(text: str, start: int) -> int:
    """Where a comment ends, which may hold others."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    raise WitProblem("this comment has no end", *_at(text, start))


@dataclass(slots=True)
class _Parser:
    """A reader by recursive descent: one method for each rule of the grammar."""

    text: str
    tokens: list[_Token]
    index: int = 0
    worlds: list[str] = field(default_factory=list)
    handles: list[tuple[str, str, int, int]] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    owner: str = ""

    @property
    def next(self) -> _Token:
        return self.tokens[self.index]

    def fail(self, expected: str) -> WitProblem:
        shown = self.next.text if self.next.kind == "end" else repr(self.next.text)
        return WitProblem(f"expected {expected}, found {shown}", *_at(self.text, self.next.offset))

    def take(self, text: str) -> None:
        if not self.skip(text):
            raise self.fail(repr(text))

    def skip(self, text: str) -> bool:
        if self.next.text == text and self.next.kind != "end":
            self.index += 1
            return True
        return False

    def name(self, what: str = "a name") -> str:
        token = self.next
        if token.kind != "id":
            raise self.fail(what)
        plain = token.text.removeprefix("%")
        if not _WORDS.fullmatch(plain):
            message = f"{token.text!r} is no name: words are in lower case, or all in upper case, with - between them"
            raise WitProblem(message, *_at(self.text, token.offset))
        self.index += 1
        return plain

    def mark(self, word: str) -> None:
        """Note that the token before this one is no plain value."""
        self.handles.append((self.owner, _HANDLES[word], *_at(self.text, self.tokens[self.index - 1].offset)))

    def file(self) -> None:
        while self.next.kind != "end":
            if self.next.text == "package":
                self.package()
            else:
                self.item()

    def package(self) -> None:
        self.take("package")
        self.name("the name of the package's namespace")
        self.take(":")
        self.name()
        while self.skip(":") or self.skip("/"):
            self.name()
        self.version()
        if self.skip("{"):
            while not self.skip("}"):
                self.item()
        else:
            self.take(";")

    def version(self) -> None:
        if self.skip("@"):
            if self.next.kind != "version":
                raise self.fail("a version such as 1.2.3")
            self.index += 1

    def gates(self) -> None:
        """`@since(version = 1.2.3)`, `@unstable(feature = x)` and `@deprecated(version = 1.2.3)`."""
        while self.skip("@"):
            self.name("since, unstable or deprecated")
            self.take("(")
            while not self.skip(")"):
                if self.next.kind == "end":
                    raise self.fail("')'")
                self.index += 1

    def item(self) -> None:
        self.gates()
        if self.skip("use"):
            self.path()
            if self.skip("as"):
                self.name()
            self.take(";")
        elif self.skip("interface"):
            self.owner = self.name()
            self.body(self.interface_item)
        elif self.skip("world"):
            self.owner = ""
            self.worlds.append(self.name())
            self.body(self.world_item)
        else:
            raise self.fail("interface, world or use")

    def body(self, item: Callable[[], None]) -> None:
        self.take("{")
        while not self.skip("}"):
            self.gates()
            item()

    def path(self) -> None:
        """`interface`, or `namespace:package/interface@1.2.3`."""
        name = self.name()
        if self.skip(":"):
            self.name()
            self.take("/")
            name = self.name()
            self.version()
        self.named.add(name)

    def use(self) -> None:
        self.path()
        self.take(".")
        self.take("{")
        while not self.skip("}"):
            self.name()
            if self.skip("as"):
                self.name()
            if not self.skip(","):
                self.take("}")
                break
        self.take(";")

    def world_item(self) -> None:
        if self.skip("import") or self.skip("export"):
            self.extern()
        elif self.skip("include"):
            self.path()
            if self.skip("with"):
                self.list("{", "}", self.renamed)
                self.skip(";")
            else:
                self.take(";")
        elif self.skip("use"):
            self.use()
        elif not self.typedef():
            raise self.fail("import, export, include, use or a type")

    def renamed(self) -> None:
        self.name()
        self.take("as")
        self.name()

    def extern(self) -> None:
        """What a world imports or exports: `name: func(…)`, `name: interface {…}`, or the path of an interface."""
        words = [token.text for token in self.tokens[self.index : self.index + 4]]
        if words[1:2] != [":"] or words[3:4] == ["/"]:
            self.path()
            self.take(";")
            return
        self.name()
        self.take(":")
        if self.skip("interface"):
            self.body(self.interface_item)
            return
        if self.next.text in ("func", "async", "get", "set"):
            self.function()
        else:
            self.path()
        self.take(";")

    def interface_item(self) -> None:
        if self.skip("use"):
            self.use()
        elif not self.typedef():
            self.name("a function, a type or use")
            self.take(":")
            self.function()
            self.take(";")

    def function(self) -> None:
        if self.skip("async"):
            self.mark("async")
        if not (self.skip("get") or self.skip("set")):
            self.take("func")
        self.parameters()
        if self.skip("->"):
            if self.next.text == "(":
                self.parameters()
            else:
                self.type()

    def parameters(self) -> None:
        self.list("(", ")", self.typed)

    def typed(self) -> None:
        self.name()
        self.take(":")
        self.type()

    def list(self, begin: str, end: str, item: Callable[[], None]) -> None:
        self.take(begin)
        while not self.skip(end):
            self.gates()
            item()
            if not self.skip(","):
                self.take(end)
                return

    def typedef(self) -> bool:
        """A type, if one begins here: a function may bear the name of a keyword only with a %."""
        word = self.next.text
        if word not in ("type", "record", "variant", "enum", "flags", "resource"):
            return False
        self.index += 1
        if word == "resource":
            self.mark("resource")
        self.name()
        if word == "type":
            self.take("=")
            self.type()
            self.take(";")
        elif word == "resource":
            if not self.skip(";"):
                self.body(self.method)
        else:
            self.list("{", "}", {"record": self.typed, "variant": self.case}.get(word, self.label))
        return True

    def label(self) -> None:
        self.name()

    def case(self) -> None:
        self.name()
        if self.skip("("):
            self.type()
            self.take(")")

    def method(self) -> None:
        if self.skip("constructor"):
            self.parameters()
            if self.skip("->"):
                self.type()
        else:
            self.name("a method or constructor")
            self.take(":")
            self.skip("static")
            self.function()
        self.take(";")

    def type(self, depth: int = 0) -> None:
        word = self.next.text
        if depth > _DEEPEST:
            raise WitProblem("this type is nested too deeply", *_at(self.text, self.next.offset))
        self.name("a type")
        if word in _HANDLES and word != "resource":
            self.mark(word)
        if word in _ONE or word in ("borrow", "own", "tuple", "result", "map"):
            self.arguments(word, depth)

    def arguments(self, word: str, depth: int) -> None:
        """What stands in `<…>`; `result`, `future` and `stream` may go without."""
        if self.next.text != "<" and word in ("result", "future", "stream"):
            return
        self.take("<")
        if word in ("borrow", "own"):
            self.name("a resource")
        elif word == "result" and self.skip("_"):
            self.take(",")
            self.type(depth + 1)
        else:
            self.type(depth + 1)
            while word in ("tuple", "result", "list", "map") and self.skip(","):
                if word == "list" and self.next.kind == "number":
                    self.index += 1
                elif self.next.text != ">":
                    self.type(depth + 1)
        self.take(">")
