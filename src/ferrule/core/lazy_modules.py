"""Modules that are executed when something of them is first used: of two hundred, a command needs a few dozen.

`from ferrule.formats import tar` names a module and executes nothing; `tar.read(…)` does, as does
`from ferrule.formats.tar import read`. Packages are modules like any other in this.

Home-made after the recipe of importlib's documentation ("Implementing lazy imports"), because LazyLoader of the
standard library executes a module at its second `import`, and before Python 3.12.3 another thread could see half of
it. Python 3.15 has `lazy import` in the language (PEP 810).

One lock serves all modules, so that two threads that execute modules of ours cannot wait for each other. It holds
as long as no function imports a module of ours: a thread would then hold importlib's lock of that module as well.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader

_LOCK: Final = RLock()
_EXECUTING: Final[set[int]] = set()
_ASKED_BY_IMPORT: Final = frozenset({"__spec__", "__path__", "__class__"})
"""Attributes that import statements read, also those that use nothing of the module."""


def install(package: str) -> None:
    """Let the modules below a package be executed lazily, as far as they are not imported yet."""
    finder = LazyFinder(f"{package}.")
    if not any(isinstance(present, LazyFinder) and present.prefix == finder.prefix for present in sys.meta_path):
        sys.meta_path.insert(0, finder)


class LazyFinder:
    """Finds modules whose names have a prefix where Python finds them, and has them loaded lazily."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of a module; None if it is not one of these."""
        if not name.startswith(self.prefix):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _LazyLoader(spec.loader))
        return spec


class _LazyLoader:
    """Marks a module for execution at its first use."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        for holder, attribute in ((module.__spec__, "loader"), (module, "__loader__")):
            setattr(holder, attribute, self._loader)
        module.__class__ = _LazyModule


class _LazyModule(ModuleType):
    """A module that was imported and not used."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        if name not in _ASKED_BY_IMPORT:
            _execute(self)
        return ModuleType.__getattribute__(self, name)


def _execute(module: ModuleType) -> None:
    """Execute a module once; other threads wait until it is whole, and its own imports may see it half-way."""
    with _LOCK:
        if type(module) is ModuleType or id(module) in _EXECUTING:
            return
        spec: Any = module.__spec__
        _EXECUTING.add(id(module))
        try:
            spec.loader.exec_module(module)
        finally:
            _EXECUTING.remove(id(module))
        module.__class__ = ModuleType
