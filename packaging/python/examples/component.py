"""Runs the WebAssembly component in wasmtime, for machines that no wheel is made for: `pip install wasmtime`.

    python component.py email-validator-0.1.0.wasm joe@example.com joe@

The component holds the same core as the native library and gives the same decisions, byte for byte. It can reach
nothing but the functions handed to it here. A call costs far more than one of the wheel's library.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wasmtime import Engine, Store
from wasmtime.component import Component, Linker, Record, Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PACKAGE = "ferrule:email-validator/{}@0.1.0"
LOOKUPS = ("is-free-email", "is-disposable-email", "has-mx-records", "has-gravatar")
LEVELS = ("debug", "log", "warn", "error")


class OptionsError(ValueError):
    """The options cannot be used; the message is the component's."""


class EmailValidator:
    """One instance of the component.

    `lookups` has a function for each of LOOKUPS, `log` takes a level and a message that holds no address. An instance
    serves one thread at a time: give each thread its own.
    """

    def __init__(
        self,
        path: str,
        lookups: Mapping[str, Callable[[str], bool]],
        log: Callable[[str, str], object] = lambda _level, _message: None,
    ) -> None:
        engine = Engine()
        self._store = Store(engine)
        linker = Linker(engine)
        with linker.root() as root:
            with root.add_instance(PACKAGE.format("overrides")) as overrides:
                for name in LOOKUPS:
                    overrides.add_func(name, _lookup(lookups[name]))
            with root.add_instance(PACKAGE.format("logger")) as logger:
                for level in LEVELS:
                    logger.add_func(level, _log(log, level))
        instance = linker.instantiate(self._store, Component.from_file(engine, path))
        function = instance.get_func(self._store, "is-valid-email")
        if function is None:
            raise ImportError(f"{path} is not the component of email-validator")
        self._function = function

    def check(
        self,
        candidate: str,
        *,
        require_top_level_domain: bool = False,
        allow_domain_literal: bool = False,
        blocked_emails: tuple[str, ...] = (),
    ) -> str:
        """The decision as JSON; raises OptionsError for an unknown type in `blocked_emails`."""
        options = Record()
        # The names of WIT have dashes, which no Python attribute is written with.
        setattr(options, "require-top-level-domain", require_top_level_domain)
        setattr(options, "allow-domain-literal", allow_domain_literal)
        setattr(options, "blocked-emails", list(blocked_emails))
        result = self._function(self._store, candidate, options)
        # Versions of wasmtime that do not free the result by themselves refuse the next call without it.
        self._function.post_return(self._store)
        assert isinstance(result, Variant)  # noqa: S101 - what the WIT says: result<string, string>
        if result.tag == "err":
            raise OptionsError(str(result.payload))
        return str(result.payload)


def _lookup(ask: Callable[[str], bool]) -> Callable[[object, str], bool]:
    return lambda _store, text: ask(text)


def _log(log: Callable[[str, str], object], level: str) -> Callable[[object, str], None]:
    def told(_store: object, message: str) -> None:
        log(level, message)

    return told


def main(path: str, *addresses: str) -> None:
    """Print the decision about each address, as a form would have it that takes no free mail."""
    free = {"gmail.com", "gmx.net"}
    lookups = {**dict.fromkeys(LOOKUPS, lambda _: True), "is-free-email": free.__contains__}
    validator = EmailValidator(path, lookups)
    for address in addresses:
        decision = validator.check(address, require_top_level_domain=True, blocked_emails=("FREE",))
        print(decision)  # noqa: T201 - an example


if __name__ == "__main__":
    main(*sys.argv[1:])
