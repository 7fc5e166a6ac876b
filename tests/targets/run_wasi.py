"""Runs a program for WASI by wasmtime: `run_wasi.py PROGRAM ARGUMENT…`; a module of 0.1, a component of 0.2."""

from __future__ import annotations

import sys
from pathlib import Path

from wasmtime import Engine, ExitTrap, Linker, Module, Store, WasiConfig, component

COMPONENT = b"\0asm\x0d\0\1\0"


def run(program: Path, arguments: list[str]) -> int:
    """Run it with the output of this process, and nothing else of the machine; its exit code."""
    engine = Engine()
    store, config = Store(engine), WasiConfig()
    config.argv = [program.name, *arguments]
    config.inherit_stdout()
    config.inherit_stderr()
    store.set_wasi(config)
    try:
        if program.read_bytes().startswith(COMPONENT):
            run_component(engine, store, program)
        else:
            linker = Linker(engine)
            linker.define_wasi()
            instance = linker.instantiate(store, Module.from_file(engine, str(program)))
            instance.exports(store)["_start"](store)
    except ExitTrap as ended:
        return int(ended.code)
    return 0


def run_component(engine: Engine, store: Store, program: Path) -> None:
    """Call `run` of the interface wasi:cli/run that a command exports, in whatever version."""
    loaded = component.Component.from_file(engine, str(program))
    (interface,) = (name for name in loaded.type.exports(engine) if name.startswith("wasi:cli/run@"))
    linker = component.Linker(engine)
    linker.add_wasip2()
    instance = linker.instantiate(store, loaded)
    function = instance.get_func(store, loaded.get_export_index("run", loaded.get_export_index(interface)))
    assert function is not None
    function(store)
    function.post_return(store)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
