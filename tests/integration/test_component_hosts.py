"""The component and the core module in a runtime of others: wasmtime."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import wasmtime
from judges import CHECKOUT
from wasmtime import component

from fakes.triples import WASM

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "ferrule:email-validator/{}@0.1.0"
ASKED = {
    "is-free-email": "free",
    "is-disposable-email": "disposable",
    "has-mx-records": "mx",
    "has-gravatar": "gravatar",
}


class Host:
    """A store with one instance of the component, whose look-ups answer from the vector at hand."""

    def __init__(self, path: Path) -> None:
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        self.overrides: dict[str, list[str]] = {}
        self.messages: list[str] = []
        linker = component.Linker(engine)
        with linker.root() as root:
            with root.add_instance(PACKAGE.format("overrides")) as overrides:
                for function, answers in ASKED.items():
                    overrides.add_func(function, self._look_up(answers))
            with root.add_instance(PACKAGE.format("logger")) as logger:
                for level in ("debug", "log", "warn", "error"):
                    logger.add_func(level, lambda _store, message: self.messages.append(message))
        instance = linker.instantiate(self.store, component.Component.from_file(engine, str(path)))
        self.function = instance.get_func(self.store, "is-valid-email")

    def _look_up(self, answers: str):
        return lambda _store, text: text in self.overrides[answers]

    def answer(self, vector: dict) -> object:
        self.overrides = vector["overrides"]
        options = component.Record()
        for name, value in vector["options"].items():
            setattr(options, name.replace("_", "-"), value)
        result = self.function(self.store, vector["candidate"], options)
        self.function.post_return(self.store)
        return result


def told(result: object) -> dict[str, str]:
    """The result in the words of the vectors."""
    return {result.tag: result.payload}


def test_wasmtime_gives_the_same_bytes_for_every_vector(release, vectors):
    host = Host(release.made("component"))
    wrong = [(v["name"], v["expected"], got) for v in vectors if (got := told(host.answer(v))) != v["expected"]]
    assert wrong == []
    assert len(vectors) > 500


def test_the_core_module_imports_the_functions_of_the_wit_alone(release):
    wit = (CHECKOUT / "rust/email-validator-wasm/wit/email-validator.wit").read_text()
    functions = {
        (PACKAGE.format(interface), function)
        for interface, body in re.findall(r"interface (\S+) \{(.*?)\n\}", wit, flags=re.DOTALL)
        for function in re.findall(r"^    ([\w-]+): func", body, flags=re.MULTILINE)
    }
    module = wasmtime.Module.from_file(wasmtime.Engine(), str(release.made("module", WASM)))
    imports = {(i.module, i.name) for i in module.imports}
    assert imports <= functions
    assert len(imports) >= len(ASKED)
    assert {"is-valid-email", "cabi_realloc", "memory"} <= {e.name for e in module.exports}
