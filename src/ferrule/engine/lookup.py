"""What the store knows of an action before it runs: its result, or its key and why it has to run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import FerruleError, StorageError
from ferrule.core.model import Action, Digest, Outcome
from ferrule.engine.key import ABSENT, Document, difference, key_document, key_of, read_of
from ferrule.engine.sources import source_digests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ferrule.engine.context import BuildContext
    from ferrule.engine.recipe_code import RecipeCode
    from ferrule.engine.sources import Digests, StatIndex
    from ferrule.engine.store import Result, Store


_OWN: Final = ("recipe", "fields", "outputs", "sources", "tools", "code")
"""Parts of a key document that say nothing of what an action needs."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks actions up, for one run; `outcomes` are those of the run so far. Declared sources are read once."""

    site: BuildContext
    store: Store
    index: StatIndex
    code: RecipeCode
    outcomes: Mapping[str, Outcome]
    sources: dict[tuple[str, ...], dict[str, Digest]] = field(default_factory=dict)

    def find(self, action: Action) -> Outcome | tuple[Digest, Document, str]:
        """Skip an action whose needs failed, take its result from the store, or say why it must run."""
        lost = [n for n in action.needs if self.outcomes[n].state in {"failed", "skipped"}]
        if lost:
            root = next((n for n in lost if self.outcomes[n].state == "failed"), lost[0])
            return Outcome(action, "skipped", reason=f"{root} {self.outcomes[root].state}")
        candidates: list[tuple[Digest, Document, str]] = []
        try:
            declared = self.document(action, ())
            declared_key = key_of(declared)
            for read in self.store.reads(declared_key, action.id):
                document = self.document(action, read) if read else declared
                key = key_of(document) if read else declared_key
                result = self.store.find(key)
                stale = self.change(result) if result else None
                if result and stale is None:
                    return Outcome(action, "cached", key, result.files, result.facts, reason="nothing changed")
                candidates.append((key, document, stale or ""))
        except FerruleError as error:
            return Outcome(action, "failed", reason=error.message, error=error)
        # What was read where the declared is the same is the best guess, what was read last the second best.
        key, document, stale = candidates[0] if read_of(candidates[0][1]) else candidates[-1]
        return key, document, stale or self._why(action, document)

    def document(self, action: Action, read: tuple[str, ...]) -> Document:
        """The key document of an action that reads these files besides its declared sources. Raises StorageError."""
        toolchain = self.site.toolchain
        identities = {name: toolchain.identity(name) for name in action.tools} if toolchain else {}
        if action.sources not in self.sources:
            self.sources[action.sources] = source_digests(self.index, self.site.sources, action.sources)
        return key_document(
            action,
            sources=self.sources[action.sources],
            needs={need: self.outcomes[need].files for need in action.needs},
            needed_facts={need: self.outcomes[need].facts for need in action.needs},
            tools=identities,
            code=self.code.of(type(action.recipe)),
            read=self.digests(read),
        )

    def digests(self, names: Iterable[str], by: Digests | None = None) -> dict[str, Digest | None]:
        """Digest of each file or folder, of files by `by`; None where there is neither. Raises StorageError."""
        try:
            return {name: self.site.sources.content(by or self.index, self.site.project / name) for name in names}
        except OSError as error:
            raise StorageError(f"a source cannot be read: {error.strerror}", where=str(error.filename)) from error

    def values(self, names: Iterable[str]) -> dict[str, Digest | None]:
        """Digests of the values that children get of variables of the environment."""
        environment = self.site.environment
        return {name: Digest.of(environment[name].encode()) if name in environment else None for name in names}

    def change(self, result: Result) -> str | None:
        """The first file or variable that a result was made from and that has changed since; None if none has."""
        now = {**self.digests(result.discovered), **self.values(result.asked)}
        for name, before in {**result.discovered, **result.asked}.items():
            if now[name] != before:
                return f"{name}: {_brief(before)} -> {_brief(now[name])}"
        return None

    def _why(self, action: Action, document: Document) -> str:
        latest = self.store.latest(action.id)
        if latest is None:
            return "never built here"
        return _sentence(difference(latest["document"], document)) or "its result is no longer in the cache"

    def own_change(self, action: Action) -> str | None:
        """What changed of an action itself since it was made last here, whatever its needs do; None if nothing did.

        Nor where it never was, or a source or tool of it cannot be known. What it read besides its declared sources
        is left out: the tools say so only when it is made.
        """
        latest = self.store.latest(action.id)
        if latest is None:
            return None
        try:
            document = self.document(replace(action, needs=()), ())
        except FerruleError:
            return None
        return _sentence(
            difference(*({part: d[part] for part in _OWN if part in d} for d in (latest["document"], document)))
        )

    def seconds(self, action: Action) -> float | None:
        """How long an action took when it was made last here; None if it never was."""
        latest = self.store.latest(action.id)
        seconds = latest.get("seconds") if latest else None
        return float(seconds) if isinstance(seconds, (int, float)) else None


def _sentence(changes: list[str]) -> str | None:
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"{changes[0]}{more}" if changes else None


def _brief(digest: Digest | None) -> str:
    return digest.short if digest else ABSENT
