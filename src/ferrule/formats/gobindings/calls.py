"""What is particular to a world, in Go: interfaces of what it imports, methods of what it exports, and their calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.formats.gobindings import abi, names
from ferrule.formats.gobindings.types import Types, spelled
from ferrule.formats.wit import ResultOf

if TYPE_CHECKING:
    from ferrule.formats.wit import Function, Interface, Type, World

_RUNTIME = (
    "CallError", "Compile", "Component", "ErrClosed", "ErrForeign", "ErrImport", "ErrTrap", "ErrValue", "Error",
    "Imports", "Interface", "Module", "Options", "Result", "Root", *(f"Tuple{count}" for count in range(1, 33)),
)  # fmt: skip
"""What `runtime.go` and this module name themselves."""


class Writer:
    """Writes what is particular to a world."""

    def __init__(self, world: World, fingerprint: str) -> None:
        self._world = world
        self._fingerprint = fingerprint
        self._names = names.Names(*_RUNTIME)
        self._types = Types(self._names)
        self._go_interface = _go_names(world, self._names)
        self._uses_memory = self._uses_realloc = False

    def calls(self) -> str:
        """What a user sees first: imports, the component, its functions, its types; then the functions of the host."""
        exported = self._exports()
        imported = self._imports()
        hosts = self._hosts()
        constants = (
            "// Interface is the interface fingerprint that the module has to bear.\n"
            f'const Interface = "{self._fingerprint}"\n\n'
            "// usesMemory says whether any value passes through the memory of the module.\n"
            f"const usesMemory = {str(self._uses_memory).lower()}\n\n"
            "// usesRealloc says whether the module has to make room for values.\n"
            f"const usesRealloc = {str(self._uses_realloc).lower()}\n"
        )
        parts = (constants, imported, exported, *self._types.declarations, self._signatures(), hosts)
        return "\n".join(parts)

    def conversions(self) -> str:
        """The functions that carry values with parts."""
        return "\n".join(self._types.conversions)

    # What the world imports.

    def _imports(self) -> str:
        fields, texts, checks = [], [], []
        for interface, go in self._imported():
            name = interface.name or self._world.name
            what = f"is the interface {name}" if interface.name else f"are the functions of the world {name} itself"
            fields.append(f"\t// {go} {what}.\n\t{go} {go}\n")
            checks.append(
                f'\tif imports.{go} == nil {{\n\t\treturn nil, fmt.Errorf("%w: Imports.{go} is nil", ErrValue)\n\t}}\n'
            )
            taken = names.Names()
            methods = [self._method(taken, label, function) for label, function in interface.functions]
            texts.append(f"\n// {go} is what {name} asks of its host.\ntype {go} interface {{\n{''.join(methods)}}}\n")
        body = f"struct {{\n{''.join(fields)}}}" if fields else "struct{}"
        return (
            "// Imports are what the module imports; all are needed. Their methods run in the goroutine of the call,\n"
            "// with its context. A method with an error gives the error of its result as an Error; any other error,\n"
            "// and a panic, ends the call, which then returns ErrImport with that error inside.\n"
            f"type Imports {body}\n" + "".join(texts) + self._bind("".join(checks))
        )

    def _bind(self, checks: str) -> str:
        links = "".join(f"\tc.{field}.component = c\n" for _, field, _ in self._exported() if field)
        return (
            "\n// Bind gives the module its imports, and makes a first instance. Components of one module share its\n"
            "// code and nothing else.\n"
            "func (m *Module) Bind(ctx context.Context, imports Imports) (*Component, error) {\n"
            f"{checks}"
            "\tp, err := newPool(ctx, m, imports)\n\tif err != nil {\n\t\treturn nil, err\n\t}\n"
            f"\tc := &Component{{pool: p}}\n{links}"
            "\t// A component that was forgotten gives back its instances.\n"
            "\truntime.AddCleanup(c, func(p *pool) { _ = p.close() }, p)\n"
            "\treturn c, nil\n}\n"
        )

    def _method(self, taken: names.Names, label: str, function: Function) -> str:
        go = taken.claim(names.exported(label))
        return f"\t// {go} is {_declared(label, function)}.\n\t{go}{self._go_signature(function, named=False)}\n"

    def _hosts(self) -> str:
        rows, texts = [], []
        for interface, go in self._imported():
            taken, functions = names.Names(), []
            for label, function in interface.functions:
                method = taken.claim(names.exported(label))
                host = f"host{go}{method}"
                parameters, results = abi.signature(function, imported=True)
                self._note_memory(function, imported=True)
                functions.append(f'\t\t{{"{label}", {host}, {_cores(parameters)}, {_cores(results)}}},\n')
                texts.append(self._host(host, f"{go}.{method}", f"{interface.name or '$root'}#{label}", function))
            rows.append(f'\t{{"{interface.name or "$root"}", []hostFunction{{\n{"".join(functions)}\t}}}},\n')
        body = f"{{\n{''.join(rows)}}}" if rows else "{}"
        return f"// hosts are the modules that the core module imports.\nvar hosts = []host{body}\n" + "".join(texts)

    def _host(self, name: str, method: str, asked: str, function: Function) -> str:
        """A function of the host: takes parameters from the stack, asks the import, and gives its result."""
        lines = [
            f"\nfunc {name}(ctx context.Context, _ api.Module, s []uint64) {{\n",
            f'\tg := entered(ctx, "{asked}")\n',
            *(f"\t{line}\n" for line in self._lifted_parameters(function)),
        ]
        arguments = "".join(f", p{at}" for at in range(len(function.parameters)))
        call = f"g.pool.imports.{method}(g.ctx.Context{arguments})"
        result = function.result
        if isinstance(result, ResultOf):
            lines += self._host_result(call, result)
        elif result:
            lines.append(f"\tr := {call}\n\tg.answered()\n")
        else:
            lines.append(f"\t{call}\n\tg.answered()\n")
        if result and abi.result_in_memory(function):
            slot = len(abi.signature(function, imported=True)[0]) - 1
            lines.append(f"\tto := uint32(s[{slot}])\n\tg.area(to, {abi.size(result)}, {abi.align(result)})\n")
            lines.append(f"\t{self._types.store(result, 'to', 'r')}\n")
        elif result:
            lines.append(f"\t{self._types.lower(result, 0, 'r')}\n")
        return "".join(lines) + "\tg.resume()\n}\n"

    def _host_result(self, call: str, result: ResultOf) -> list[str]:
        go = f"[{self._types.go(result.ok)}, {self._types.go(result.err)}]"
        if result.ok:
            return [f"\tv, err := {call}\n\tr := resultOf{go}(v, err)\n\tg.answered()\n"]
        return [f"\terr := {call}\n\tr := resultOf{go}(struct{{}}{{}}, err)\n\tg.answered()\n"]

    def _lifted_parameters(self, function: Function) -> list[str]:
        kinds = [kind for _, kind in function.parameters]
        if not abi.parameters_in_memory(function):
            rows = enumerate(zip(kinds, abi.slot_numbers(kinds), strict=True))
            return [f"p{at} := {self._types.lift(kind, slot)}" for at, (kind, slot) in rows]
        check = ["from := uint32(s[0])", f"g.area(from, {abi.extent(kinds)}, {max(map(abi.align, kinds))})"]
        rows = enumerate(zip(kinds, abi.offsets(kinds), strict=True))
        return check + [f"p{at} := {self._types.load(kind, _plus('from', offset))}" for at, (kind, offset) in rows]

    # What the world exports.

    def _exports(self) -> str:
        fields, texts, number = "", [], 0
        for interface, field, owner in self._exported():
            if field:
                fields += f"\t// {field} are the functions of {interface.name}.\n\t{field} {owner}\n"
                texts.append(
                    f"// {owner} are the functions of {interface.name}.\n"
                    f"type {owner} struct {{\n\tcomponent *Component\n}}\n"
                )
            taken = names.Names(*(() if field else ("Close",)))
            for label, function in interface.functions:
                go = taken.claim(names.exported(label), f"Call{names.exported(label)}")
                texts.append(self._export(number, owner, go, label, function))
                number += 1
        component = (
            "// Component is the module with its imports. Any number of goroutines may use it.\n"
            f"type Component struct {{\n\tpool *pool\n{fields}}}\n\n"
            "// Close frees the instances: those at work when their calls end. Later calls return ErrClosed. Closing\n"
            "// twice does nothing.\nfunc (c *Component) Close() error {\n\treturn c.pool.close()\n}\n"
        )
        return "\n".join((component, *texts))

    def _export(self, number: int, owner: str, go: str, label: str, function: Function) -> str:
        receiver, pool = ("*Component", "c.pool") if owner == "Component" else (owner, "c.component.pool")
        self._note_memory(function, imported=False)
        result = function.result
        split = isinstance(result, ResultOf)
        only_fails = isinstance(result, ResultOf) and not result.ok
        results = "result, err" if result and not only_fails else "err"
        lines = [
            f"// {go} is {_declared(label, function)}.\n",
            f"func (c {receiver}) {go}{self._go_signature(function, named=True)} {{\n",
            f"\tg, err := {pool}.take(ctx, {number})\n\tif err != nil {{\n\t\treturn {results}\n\t}}\n",
            f"\tdefer {pool}.give(g, &err)\n",
        ]
        if function.parameters or (result and not abi.result_in_memory(function)):
            lines.append("\ts := g.stack[:]\n")
        lines += [f"\t{line}\n" for line in self._lowered_parameters(function)]
        lines.append("\tg.call()\n")
        if not result:
            return "".join(lines) + "\tg.end()\n\treturn nil\n}\n"
        if abi.result_in_memory(function):
            lines.append(f"\tfrom := uint32(g.stack[0])\n\tg.area(from, {abi.size(result)}, {abi.align(result)})\n")
            value = self._types.load(result, "from")
        else:
            value = self._types.lift(result, 0)
        if only_fails:
            lines.append(f"\tlifted := {value}\n\tg.end()\n\t_, err = lifted.split()\n\treturn err\n}}\n")
        elif split:
            lines.append(f"\tlifted := {value}\n\tg.end()\n\treturn lifted.split()\n}}\n")
        else:
            lines.append(f"\tresult = {value}\n\tg.end()\n\treturn result, nil\n}}\n")
        return "".join(lines)

    def _lowered_parameters(self, function: Function) -> list[str]:
        kinds = [kind for _, kind in function.parameters]
        parameters = _parameters(function)
        if not abi.parameters_in_memory(function):
            rows = zip(kinds, abi.slot_numbers(kinds), parameters, strict=True)
            return [self._types.lower(kind, slot, name) for kind, slot, name in rows]
        rows = zip(kinds, abi.offsets(kinds), parameters, strict=True)
        return [
            f"to := g.alloc(1, {abi.extent(kinds)}, {max(map(abi.align, kinds))})",
            *(self._types.store(kind, _plus("to", offset), name) for kind, offset, name in rows),
            "s[0] = uint64(to)",
        ]

    def _signatures(self) -> str:
        rows = []
        for interface in self._world.exports:
            for label, function in interface.functions:
                parameters, results = abi.signature(function, imported=False)
                core = f"{interface.name}#{label}" if interface.name else label
                rows.append(f'\t{{"{core}", {_cores(parameters)}, {_cores(results)}}},\n')
        return f"// exports are the functions of the core module.\nvar exports = [...]signature{{\n{''.join(rows)}}}\n"

    # Names and signatures.

    def _imported(self) -> list[tuple[Interface, str]]:
        """Each interface, and its name in Go."""
        return [(interface, self._go_interface[interface.name, True]) for interface in self._world.imports]

    def _exported(self) -> list[tuple[Interface, str | None, str]]:
        """Each interface, the field of the component that holds its functions, and the type of that."""
        rows: list[tuple[Interface, str | None, str]] = []
        for interface in self._world.exports:
            go = self._go_interface[interface.name, False]
            rows.append((interface, go if interface.name else None, go))
        return rows

    def _go_signature(self, function: Function, *, named: bool) -> str:
        parameters = zip(_parameters(function), function.parameters, strict=True)
        arguments = "".join(f", {name} {self._types.go(kind)}" for name, (_, kind) in parameters)
        result = self._results(function.result, named=named)
        return f"(ctx context.Context{arguments}){result}"

    def _results(self, result: Type | None, *, named: bool) -> str:
        """Results of a function; one of the component can always fail, an import only as its world declares."""
        fails = isinstance(result, ResultOf)
        value = result.ok if isinstance(result, ResultOf) else result
        if named:
            return f" (result {self._types.go(value)}, err error)" if value else " (err error)"
        if fails:
            return f" ({self._types.go(value)}, error)" if value else " error"
        return f" {self._types.go(value)}" if value else ""

    def _note_memory(self, function: Function, *, imported: bool) -> None:
        parameters = abi.parameters_in_memory(function) or any(abi.points(kind) for _, kind in function.parameters)
        result = function.result is not None and abi.points(function.result)
        self._uses_memory |= parameters or result or abi.result_in_memory(function)
        self._uses_realloc |= result if imported else parameters


def _go_names(world: World, taken: names.Names) -> dict[tuple[str | None, bool], str]:
    """A name for each interface, by its name and whether it is imported; the world's own are Root and Component."""
    go_names: dict[tuple[str | None, bool], str] = {(None, True): "Root", (None, False): "Component"}
    for imported, interfaces in ((True, world.imports), (False, world.exports)):
        for interface in interfaces:
            if interface.name is not None:
                namespace, package, label = (names.exported(part) for part in names.interface(interface.name))
                choices = (label, f"{label}Exports") if not imported else (label,)
                go = taken.claim(*choices, f"{package}{label}", f"{namespace}{package}{label}")
                go_names[interface.name, imported] = go
                if not imported:
                    taken.claim(go)
    return go_names


def _declared(label: str, function: Function) -> str:
    """The declaration in WIT."""
    parameters = ", ".join(f"{name}: {spelled(kind)}" for name, kind in function.parameters)
    return f"{label}: func({parameters})" + (f" -> {spelled(function.result)}" if function.result else "")


def _parameters(function: Function) -> list[str]:
    taken = names.Names()
    return [taken.claim(names.local(label)) for label, _ in function.parameters]


def _cores(kinds: list[str]) -> str:
    return f"[]api.ValueType{{{', '.join(kinds)}}}" if kinds else "nil"


def _plus(pointer: str, offset: int) -> str:
    return f"{pointer}+{offset}" if offset else pointer
