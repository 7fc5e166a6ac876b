"""Where a run looks for what others have finished: other checkouts on this machine, and other machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.engine import events, machine_cache, remote_server
from ferrule.engine import remote as remote_cache
from ferrule.tools import cargo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.model import Digest
    from ferrule.engine.remote_server import Address
    from ferrule.engine.scheduler import Engine

_SYSTEM: Final = Path("/usr")


def shared_by(engine: Engine, largest: int, address: Address | None) -> Engine:
    """The engine with the finished actions of this machine, of so many bytes at most, and with the remote cache.

    Neither is used where there is none, nor where Cargo's settings cannot be read, as they are part of their keys.
    """
    if not largest and address is None:
        return engine
    try:
        settings = _outer_settings(engine)
    except OSError as error:
        engine.listen(events.Noticed(f"finished actions are not shared: {error.filename}: {error.strerror}"))
        return engine
    return replace(engine, machine=_of_machine(engine, largest, settings), remote=_of_remote(engine, address, settings))


def _outer_settings(engine: Engine) -> Mapping[str, Digest | None]:
    """Cargo's settings outside of the project, by path, whether there are any or not. Raises OSError."""
    project = engine.site.project
    paths = (p for p in cargo.settings(project, engine.site.environment) if not p.is_relative_to(project))
    return {str(path): engine.site.sources.content(engine.index, path) for path in paths}


def _of_remote(
    engine: Engine, address: Address | None, settings: Mapping[str, Digest | None]
) -> remote_cache.Remote | None:
    """The remote cache, if there is one and a network may be used."""
    if address is None or engine.site.host.offline:
        return None
    return remote_cache.Remote(remote_server.Server(address, engine.monotonic), engine.store, settings)


def _of_machine(
    engine: Engine, largest: int, settings: Mapping[str, Digest | None]
) -> machine_cache.MachineCache | None:
    """The finished actions of all checkouts, with their most bytes, or 0 for none; none either if others could write.

    That is noted.
    """
    host = engine.site.host
    if not largest:
        return None
    reason = machine_cache.distrusted(machine_cache.folder_of(host.cache), host.user)
    if reason:
        engine.listen(events.Noticed(f"finished actions are not shared with other checkouts: {reason}"))
        return None
    sysroot = engine.site.toolchain.sysroot if engine.site.toolchain else None
    folders = (host.cache, host.cargo_home, host.rustup_home, sysroot, _SYSTEM)
    project = (engine.site.project, engine.site.project.resolve())
    # What holds the checkout also holds what is beside it, which is another thing beside another checkout.
    common = tuple(folder for folder in folders if folder and not any(p.is_relative_to(folder) for p in project))
    store = machine_cache.open_store(host.cache, engine.store.notice)
    return machine_cache.MachineCache(store, engine.store, settings, common, largest=largest)
