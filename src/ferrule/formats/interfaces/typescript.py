"""The types that an npm package declares: what each of its entries exports, as tree-sitter parses the declarations.

A parser of its own would be the third-largest part of this folder, and TypeScript's compiler needs a JavaScript engine.
tree-sitter's grammar gives shapes and no types: types are compared in one spelling (`typescript_types`), and names
are not resolved.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import tree_sitter
import tree_sitter_typescript

from ferrule.core.errors import VerificationError
from ferrule.formats.interfaces import Change, Surface, added, broken, compare_named
from ferrule.formats.interfaces.typescript_types import members, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Position: TypeAlias = Literal["given", "taken"]
"""Whether users hand over values of a type, or get them."""

_BOTH: Final[frozenset[Position]] = frozenset(("given", "taken"))
_TURNED: Final[dict[Position, Position]] = {"given": "taken", "taken": "given"}
_NEWER: Final = re.compile(rb"\bexport\s+type\s+(?=\*)")
"""A form of TypeScript 5.0 that the grammar does not know; for names it says no more than without the word."""
_UNTOLD: Final = {"kind": "const", "type": None}
"""What comes from another package: that it is there is all that is known of it."""
_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")


def read(files: Mapping[str, bytes], *, where: str | None = None) -> Surface:
    """What the entries of a package export, from its files by name (`package.json` and declarations).

    The document: by entry (`.`, `./part`), by name, `kind` (`interface`, `class`, `type`, `function`, `const`, `enum`,
    `namespace`) and its parts. Raises VerificationError for a package without entries, for entries whose
    declarations are missing, and for text that is no TypeScript.
    """
    try:
        package = json.loads(files["package.json"])
        entries = dict(_entries(package))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise VerificationError(f"the package has no package.json that can be read: {error!r}", where=where) from error
    reading = _Reading(files, where)
    return {name: dict(sorted(reading.module(path).items())) for name, path in sorted(entries.items())}


def _entries(package: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Entries with declarations (Node.js, "Package entry points"; TypeScript, "package.json exports")."""
    exports = package.get("exports")
    if exports is None:
        types = package.get("types") or package.get("typings")
        if types:
            yield ".", posixpath.normpath(types)
        return
    if not isinstance(exports, dict) or not any(name.startswith(".") for name in exports):
        exports = {".": exports}
    for name, target in exports.items():
        types = _types(target)
        if types and "*" not in name:
            yield name, posixpath.normpath(types)


def _types(target: object) -> str | None:
    if not isinstance(target, dict):
        return None
    types = target.get("types")
    return types if isinstance(types, str) else next(filter(None, map(_types, target.values())), None)


@dataclass(slots=True)
class _Reading:
    """The modules that were read so far."""

    files: Mapping[str, bytes]
    where: str | None
    seen: dict[str, Surface] = field(default_factory=dict)

    def module(self, path: str) -> Surface:
        """What a module exports, and what it uses of its own without exporting it."""
        if path in self.seen:
            return self.seen[path]
        if path not in self.files:
            raise VerificationError(f"the package has no file {path}", where=self.where)
        surface: Surface = {}
        self.seen[path] = surface
        listed: dict[str, str] = {}
        for node in self.parse(path).named_children:
            if node.type == "import_statement":
                surface |= self.imported(node, path)
            elif node.type == "export_statement":
                self.exported(node, path, surface, listed)
            else:
                _declare(node, surface)
        for name, local in listed.items():
            surface[name] = surface.get(local, _UNTOLD)
        return surface

    def parse(self, path: str) -> Any:  # noqa: ANN401 - tree-sitter's nodes
        """The root of a file's tree; raises VerificationError if the grammar does not cover it."""
        language = tree_sitter.Language(tree_sitter_typescript.language_typescript())
        root = tree_sitter.Parser(language).parse(_NEWER.sub(b"export ", self.files[path])).root_node
        if root.has_error:
            line = _first_error(root).start_point[0] + 1
            raise VerificationError(
                "the declarations cannot be read", where=f"{self.where or 'package'}: {path}:{line}"
            )
        return root

    def beside(self, node: Any, path: str) -> str | None:  # noqa: ANN401
        """The module that an import or export names, if it is one of the package."""
        source = node.child_by_field_name("source")
        name = _text(source).strip("'\"") if source else ""
        if not name.startswith("."):
            return None
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        stem = re.sub(r"(\.d)?\.([cm]?)[jt]s$", r".d.\2ts", joined)
        return next((n for n in (stem, joined, f"{joined}.d.ts", f"{joined}/index.d.ts") if n in self.files), stem)

    def imported(self, node: Any, path: str) -> Surface:  # noqa: ANN401
        """A whole module under a name, whose functions types may speak of (`typeof logger`)."""
        other = self.beside(node, path)
        whole = next(iter(_inside(node, "namespace_import")), None)
        if other is None or whole is None:
            return {}
        return {_text(whole.named_children[0]): {"kind": "namespace", "members": self.module(other)}}

    def exported(self, node: Any, path: str, surface: Surface, listed: dict[str, str]) -> None:  # noqa: ANN401
        """What an export statement adds to a module."""
        other = self.beside(node, path)
        elsewhere = self.module(other) if other else {}
        clause = next((c for c in node.named_children if c.type in {"export_clause", "namespace_export"}), None)
        if clause is None:
            if declaration := node.child_by_field_name("declaration"):
                _declare(declaration, surface)
            else:
                surface |= elsewhere
        elif clause.type == "namespace_export":
            surface[_text(clause.named_children[0])] = {"kind": "namespace", "members": elsewhere}
        else:
            for one in _inside(clause, "export_specifier"):
                local = _text(one.child_by_field_name("name"))
                name = _text(one.child_by_field_name("alias") or one.child_by_field_name("name"))
                if node.child_by_field_name("source") is None:
                    listed[name] = local
                else:
                    surface[name] = elsewhere.get(local, _UNTOLD)


def _first_error(node: Any) -> Any:  # noqa: ANN401
    """The first piece that the grammar does not know, or misses, in a node that has one."""
    if node.type == "ERROR" or node.is_missing:
        return node
    return _first_error(next(child for child in node.children if child.has_error))


def _inside(node: Any, kind: str) -> Iterator[Any]:  # noqa: ANN401
    for child in node.named_children:
        if child.type == kind:
            yield child
        else:
            yield from _inside(child, kind)


def _text(node: Any) -> str:  # noqa: ANN401
    """The node's text without comments and in one spelling of spaces."""
    if node is None:
        return ""
    pieces = [_text_of_leaf(leaf) for leaf in _leaves(node)]
    return re.sub(r"\s*([()\[\]{}<>,;:|&?.=]+)\s*", _spaced, " ".join(filter(None, pieces))).strip()


def _spaced(match: re.Match[str]) -> str:
    mark = match[1]
    return {",": ", ", ":": ": ", "|": " | ", "&": " & ", "=>": " => ", "=": " = ", ";": "; "}.get(mark, mark)


def _leaves(node: Any) -> Iterator[Any]:  # noqa: ANN401
    if node.type == "comment":
        return
    if node.child_count == 0 or (node.type in {"string", "template_string"} and node.is_named):
        yield node
    else:
        for child in node.children:
            yield from _leaves(child)


def _text_of_leaf(node: Any) -> str:  # noqa: ANN401
    text: str = node.text.decode()
    return f"'{text[1:-1]}'" if node.type == "string" and node.is_named else text


def _type_of(node: Any, name: str = "type") -> str | None:  # noqa: ANN401
    """The type in an annotation, without its colon; the bars before the first member of a union say nothing."""
    annotation = node.child_by_field_name(name)
    return _text(annotation).removeprefix(":").strip().removeprefix("|").strip() or None if annotation else None


def _declare(node: Any, surface: Surface) -> None:  # noqa: ANN401, C901 - one case for each form
    match node.type:
        case "ambient_declaration" | "export_statement":
            for child in node.named_children:
                _declare(child, surface)
        case "interface_declaration":
            extends = [_text(t) for c in _inside(node, "extends_type_clause") for t in c.named_children]
            mine = surface.setdefault(_name(node), {"kind": "interface", "extends": [], "members": {}})
            mine["extends"] += extends
            mine["members"] |= _members(node.child_by_field_name("body"))
        case "class_declaration" | "abstract_class_declaration":
            extends = [_text(c.child_by_field_name("value")) for c in _inside(node, "extends_clause")]
            members = _members(node.child_by_field_name("body"))
            surface[_name(node)] = {"kind": "class", "extends": extends, "members": members}
        case "type_alias_declaration":
            parameters = _text(node.child_by_field_name("type_parameters"))
            alias = {"kind": "type", "type": _type_of(node, "value")}
            surface[_name(node)] = alias | ({"parameters": parameters} if parameters else {})
        case "function_signature" | "function_declaration":
            surface.setdefault(_name(node), {"kind": "function", "calls": []})["calls"].append(_call(node))
        case "lexical_declaration" | "variable_declaration":
            for one in _inside(node, "variable_declarator"):
                surface[_name(one)] = {"kind": "const", "type": _type_of(one)}
        case "enum_declaration":
            surface[_name(node)] = {"kind": "enum", "values": dict(_enumerators(node.child_by_field_name("body")))}
        case "internal_module" | "module":
            inner: Surface = {}
            for child in node.child_by_field_name("body").named_children:
                _declare(child, inner)
            surface[_name(node)] = {"kind": "namespace", "members": inner}


def _name(node: Any) -> str:  # noqa: ANN401
    return _text(node.child_by_field_name("name"))


def _enumerators(body: Any) -> Iterator[tuple[str, str | None]]:  # noqa: ANN401
    following = 0
    for one in body.named_children:
        if one.type == "enum_assignment":
            value = _text(one.child_by_field_name("value"))
            following = int(value) + 1 if re.fullmatch(r"-?\d+", value) else 0
            yield _name(one), value
        elif one.type != "comment":
            yield _text(one), str(following)
            following += 1


def _members(body: Any) -> Surface:  # noqa: ANN401
    members: Surface = {}
    for one in body.named_children:
        if _private(one):
            continue
        words = {c.type for c in one.children} | {_text(c) for c in one.children if not c.is_named}
        static = "static " if "static" in words else ""
        if one.type in {"method_signature", "abstract_method_signature", "call_signature", "construct_signature"}:
            name = _name(one) or {"call_signature": "()", "construct_signature": "new ()"}[one.type]
            if words & {"get", "set"}:
                member = {"optional": False, "readonly": "get" in words, "type": _call(one)["returns"]}
                members.setdefault(static + name, member)["readonly"] &= "get" in words
                continue
            entry = members.setdefault(static + name, {"optional": "?" in words, "calls": []})
            entry["calls"].append(_call(one))
        elif one.type in {"property_signature", "public_field_definition"}:
            member = {"optional": "?" in words, "readonly": "readonly" in words, "type": _type_of(one)}
            members[static + _name(one).strip("'")] = member
        elif one.type == "index_signature":
            members[f"[{_text(one.child_by_field_name('index_type'))}]"] = {
                "optional": True,
                "readonly": "readonly" in words,
                "type": _type_of(one),
            }
    return dict(sorted(members.items()))


def _private(node: Any) -> bool:  # noqa: ANN401
    modifiers = {_text(c) for c in node.named_children if c.type == "accessibility_modifier"}
    return "private" in modifiers or _name(node).startswith("#")


def _call(node: Any) -> Surface:  # noqa: ANN401
    parameters = []
    parameter_list = node.child_by_field_name("parameters")
    for one in parameter_list.named_children if parameter_list else ():
        if one.type not in {"required_parameter", "optional_parameter"}:
            continue
        pattern = one.child_by_field_name("pattern")
        rest = {"rest": True} if pattern is not None and pattern.type == "rest_pattern" else {}
        parameters.append({"type": _type_of(one), "optional": one.type == "optional_parameter", **rest})
    return {"parameters": parameters, "returns": _type_of(node, "return_type") or _type_of(node)}


# Comparing


def compare(old: Surface, new: Surface) -> Iterator[Change]:
    """Every difference for programs that were compiled with the older declarations."""
    for entry in sorted({*old, *new}):
        if entry not in new:
            yield broken(entry, "is no longer an entry of the package")
        elif entry not in old:
            yield added(entry, "is a new entry of the package")
        else:
            yield from _Comparing(_positions(old[entry], new[entry]), entry).items(old[entry], new[entry])


def _positions(*modules: Surface) -> dict[str, frozenset[Position]]:
    """For each name whether users give or take its values, from where functions, classes and constants speak of it."""
    positions: dict[str, frozenset[Position]] = {}
    waiting: list[tuple[str, Position]] = []
    for module in modules:
        for item in module.values():
            if item["kind"] in {"function", "const", "class"}:
                waiting += _mentions(item, "taken")
    while waiting:
        name, position = waiting.pop()
        if position in positions.get(name, frozenset()):
            continue
        positions[name] = positions.get(name, frozenset()) | {position}
        for module in modules:
            if name in module and module[name]["kind"] not in {"function", "const"}:
                waiting += _mentions(module[name], position)
    return positions


def _mentions(item: Surface, position: Position) -> Iterator[tuple[str, Position]]:
    """Names in a declaration, with the position they have if the declared thing has the given one."""
    texts: list[tuple[str | None, Position]] = [(item.get("type"), position)]
    texts += [(text, position) for text in item.get("extends", ())]
    for member in item.get("members", {}).values():
        yield from _mentions(member, position)
    for call in item.get("calls", ()):
        texts.append((call["returns"], position))
        texts += [(p["type"], _TURNED[position]) for p in call["parameters"]]
    for text, side in texts:
        for word in _WORD.findall(re.sub(r"'[^']*'", "", text or "")):
            yield word, side
            if "=>" in (text or "") or "Parameters<" in (text or ""):
                yield word, _TURNED[side]


@dataclass(frozen=True, slots=True)
class _Comparing:
    """The rules for one entry, where `positions` says how users meet each name."""

    positions: Mapping[str, frozenset[Position]]
    entry: str

    def items(self, old: Surface, new: Surface, prefix: str = "", of: frozenset[Position] = _BOTH) -> Iterator[Change]:
        """Declarations of a module, or of a namespace that users give or take."""
        supplied = bool(prefix) and "given" in of
        for change in compare_named(
            old,
            new,
            lambda name: self.label(prefix + name),
            lambda name, a, b: self.item(prefix + name, a, b, of if prefix else self.positions.get(name, _BOTH)),
        ):
            fresh = supplied and not change.breaking and change.what == "is new"
            yield broken(change.item, "has to be supplied now") if fresh else change

    def label(self, name: str) -> str:
        """How an item is called for people."""
        return name if self.entry == "." else f"{self.entry} {name}"

    def item(self, name: str, old: Surface, new: Surface, of: frozenset[Position]) -> Iterator[Change]:
        """One declaration."""
        item = self.label(name)
        if old["kind"] != new["kind"]:
            yield broken(item, f"is a {new['kind']}, and was a {old['kind']}")
            return
        match old["kind"]:
            case "interface" | "class":
                positions: frozenset[Position] = frozenset({"taken"}) if old["kind"] == "class" else of
                for base in [b for b in old["extends"] if b not in new["extends"]]:
                    yield broken(item, f"no longer extends {base}")
                for base in [b for b in new["extends"] if b not in old["extends"]]:
                    yield (broken if "given" in positions else added)(item, f"extends {base} now")
                yield from self.members(name, old["members"], new["members"], positions)
            case "function":
                inside = "." in name  # of a namespace, which users may be the ones to supply
                yield from self.calls(f"{item}()", old["calls"], new["calls"], of if inside else frozenset({"taken"}))
            case "const":
                yield from _types_differ(item, old["type"], new["type"], frozenset({"taken"}))
            case "type":
                if old.get("parameters") != new.get("parameters"):
                    yield broken(item, f"has the parameters {new.get('parameters')}, and had {old.get('parameters')}")
                yield from _types_differ(item, old["type"], new["type"], of)
            case "enum":
                yield from compare_named(
                    *(old["values"], new["values"], lambda n: f"{item}.{n}"),
                    lambda n, a, b: iter([broken(f"{item}.{n}", f"is {b}, and was {a}")]),
                )
            case _:  # a namespace
                yield from self.items(old["members"], new["members"], f"{name}.", of)

    def members(self, name: str, old: Surface, new: Surface, of: frozenset[Position]) -> Iterator[Change]:
        """Members of an interface or class."""
        for change in compare_named(
            old,
            new,
            lambda member: self.label(f"{name}.{member}"),
            lambda member, a, b: self.member(self.label(f"{name}.{member}"), a, b, of),
        ):
            member = change.item.removeprefix(self.label(f"{name}."))
            if member in new and member not in old and not new[member]["optional"] and "given" in of:
                yield broken(change.item, "has to be given now")
            else:
                yield change

    def member(self, item: str, old: Surface, new: Surface, of: frozenset[Position]) -> Iterator[Change]:
        """One property or method."""
        if old["optional"] and not new["optional"]:
            yield (broken if "given" in of else added)(item, "is required, and was optional")
        if new["optional"] and not old["optional"]:
            yield (broken if "taken" in of else added)(item, "is optional, and was always there")
        if new.get("readonly") and not old.get("readonly"):
            yield (broken if "taken" in of else added)(item, "can no longer be set")
        if old.get("readonly") and not new.get("readonly"):
            yield added(item, "can be set")
        if ("calls" in old) != ("calls" in new):
            yield broken(item, "is a method now" if "calls" in new else "is no longer a method")
        elif "calls" in old:
            yield from self.calls(f"{item}()", old["calls"], new["calls"], of)
        else:
            yield from _types_differ(item, old["type"], new["type"], of)

    def calls(self, item: str, old: list[Surface], new: list[Surface], of: frozenset[Position]) -> Iterator[Change]:
        """Signatures: each older one has to be there still, or one that takes at least as much."""
        before, after = ([_normal_call(call) for call in calls] for calls in (old, new))
        gone = [call for call, form in zip(old, before, strict=True) if form not in after]
        come = [call for call, form in zip(new, after, strict=True) if form not in before]
        for one, other in zip(gone, come, strict=False):
            yield from _call_differs(item, one, other, of)
        for call in gone[len(come) :]:
            yield broken(item, f"can no longer be called as {_shown(call)}")
        for call in come[len(gone) :]:
            yield added(item, f"can be called as {_shown(call)} too")


def _shown(call: Surface) -> str:
    parameters = call["parameters"]
    shown = ", ".join(f"{'...' * bool(p.get('rest'))}{p['type']}{'?' * p['optional']}" for p in parameters)
    return f"({shown}): {call['returns']}"


def _call_differs(item: str, old: Surface, new: Surface, of: frozenset[Position]) -> Iterator[Change]:
    before, after = old["parameters"], new["parameters"]
    for number, (a, b) in enumerate(zip(before, after, strict=False), 1):
        turned = frozenset(_TURNED[p] for p in of)
        yield from _types_differ(f"{item}: parameter {number}", a["type"], b["type"], turned)
        if a["optional"] and not b["optional"]:
            yield (broken if "taken" in of else added)(f"{item}: parameter {number}", "has to be given")
        elif b["optional"] and not a["optional"]:
            yield (broken if "given" in of else added)(f"{item}: parameter {number}", "need not be given")
    for number in range(len(after), len(before)):
        yield (broken if "taken" in of else added)(f"{item}: parameter {number + 1}", "is gone")
    for number in range(len(before), len(after)):
        free = after[number]["optional"] or after[number].get("rest") or "taken" not in of
        text = "is new" if free else "is new and has to be given"
        yield (added if free else broken)(f"{item}: parameter {number + 1}", text)
    yield from _types_differ(f"{item}: result", old["returns"], new["returns"], of)


def _types_differ(item: str, old: str | None, new: str | None, of: frozenset[Position]) -> Iterator[Change]:
    if normal(old) == normal(new):
        return
    a, b = members(old), members(new)
    fine: Position | None = "given" if a < b else "taken" if b < a else None
    yield (added if of == {fine} else broken)(item, f"is {new}, and was {old}")


def _normal_call(call: Surface) -> Surface:
    """A signature with its types in one spelling."""
    parameters = [p | {"type": normal(p["type"])} for p in call["parameters"]]
    return {"parameters": parameters, "returns": normal(call["returns"])}
