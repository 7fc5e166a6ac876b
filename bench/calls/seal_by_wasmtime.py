"""Measures calls of the component of sealed-box by wasmtime: seal_by_wasmtime.py FILE."""

from __future__ import annotations

import secrets
import sys
from typing import Any

from measure import ASSOCIATED, LARGE, MESSAGE, tell
from wasmtime import Engine, Store, component


class Box:
    """An instance of the component, with its default options."""

    def __init__(self, path: str) -> None:
        engine = Engine()
        self._store, linker = Store(engine), component.Linker(engine)
        with linker.root() as root:
            with root.add_instance("ferrule:sealed-box/entropy@0.1.0") as entropy:
                entropy.add_func("fill", lambda _store, length: secrets.token_bytes(length))
            with root.add_instance("ferrule:sealed-box/audit@0.1.0") as audit:
                audit.add_func("used", lambda _store, _event: None)
        self._instance = linker.instantiate(self._store, component.Component.from_file(engine, path))

    def call(self, name: str, *arguments: Any) -> Any:  # noqa: ANN401 - of every function
        """What a function gives; the name of an error ends the program."""
        function = self._instance.get_func(self._store, name)
        result = function(self._store, *arguments)
        function.post_return(self._store)
        if isinstance(result, str):
            sys.exit(f"{name}: {result}")
        return result


if __name__ == "__main__":
    box = Box(sys.argv[1])
    key, hashing = (box.call("generate-key", name, 1) for name in ("xchacha20-poly1305", "hmac-sha256"))
    sealed = box.call("seal", key, ASSOCIATED, MESSAGE)
    tell(
        {
            "seal": (lambda: box.call("seal", key, ASSOCIATED, MESSAGE), 1),
            "open": (lambda: box.call("open", key, ASSOCIATED, sealed), 1),
            "hash": (lambda: box.call("hash", hashing, MESSAGE), 1),
            "large": (lambda: box.call("seal", key, ASSOCIATED, LARGE), 1),
        }
    )
