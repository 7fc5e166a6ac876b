"""Makes single actions: runs a recipe here or has it run elsewhere, and keeps the result under all that it read."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.build_script import build_script
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.model import Action, Digest, FileRecord, Outcome
from ferrule.core.safe_files import clear
from ferrule.engine import machine_paths
from ferrule.engine.context import ActionContext, BuildContext
from ferrule.engine.events import ActionProgress, Noticed
from ferrule.engine.executor import SAME_INPUTS, Order, OtherInputsError
from ferrule.engine.key import Document, difference, fingerprint_of, inputs, key_document, key_of, read_of
from ferrule.engine.sources import changed_since, source_digests
from ferrule.engine.state import log_file, logs_folder
from ferrule.engine.store import Result, file_name
from ferrule.formats.rust_source import code_digest
from ferrule.tools import run
from ferrule.tools.secrets import find_secret, secrets_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ferrule.core.model import Json
    from ferrule.engine.events import Event
    from ferrule.engine.jobserver import Jobserver
    from ferrule.engine.lookup import Lookup
    from ferrule.engine.resources import Resources
    from ferrule.engine.sources import StatIndex

_CHANGED: Final = "a source changed while this was built, so the result was not kept"
_AGAIN: Final = "run the same command again"
_ROUNDS: Final = 4
_CHUNK: Final = 1 << 20


class _ChangedOutsideError(BuildError):
    """A file outside of the project changed while it was read: what was built may hold either version."""


@dataclass(frozen=True, slots=True)
class _CodeDigests:
    """Digests of the code in source files: comments and layout do not count where that is known of a language.

    The actions of a run share sources, each of which is looked through once: `codes` are by what a file holds.
    """

    index: StatIndex
    codes: dict[Digest, Digest] = field(default_factory=dict)

    def digest(self, path: str | Path, stat: os.stat_result | None = None) -> Digest:
        if Path(path).suffix != ".rs":
            return self.index.digest(path, stat)
        content = Path(path).read_bytes()
        whole = Digest.of(content)
        if whole not in self.codes:
            self.codes[whole] = code_digest(content)
        return self.codes[whole]


@dataclass(slots=True)
class ActionRunner:
    """Makes the actions of one run, from many threads at once; each recipe runs under a token of `tokens`."""

    engine: Resources
    lookup: Lookup
    tokens: Jobserver
    on_event: Callable[[Event], None]
    secrets: Mapping[str, str] = field(init=False)
    machine_folders: tuple[Path, ...] = field(init=False)
    code_digests: _CodeDigests = field(init=False)
    checked: set[str] = field(default_factory=set)
    noticed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        site = self.engine.site
        self.code_digests = _CodeDigests(self.engine.index)
        self.secrets = _secrets(site)
        caches = (site.caches, site.host.cache)
        self.machine_folders = machine_paths.machine_folders(site.project, caches, site.environment)

    def run_remote_order(self, order: Order) -> Result:
        """Make the action of an order from another machine, or take it from the store; its needs are outcomes already.

        Raises the failure of the recipe, and OtherInputsError if its declared key is another here.
        """
        action = order.action
        declared = self.lookup.document(action, ())
        if key_of(declared) != order.declared:
            raise OtherInputsError(action.id, declared)
        state = self.lookup.find(action)
        if not isinstance(state, Outcome):
            return self.make(action, state[0], state[1])
        if state.error is not None:
            raise state.error
        if state.key is None:
            raise AssertionError(f"an order came before what it needs: {state.reason}")
        return self.engine.store.find(state.key) or self.make(action, state.key, declared)

    def make(self, action: Action, key: Digest, document: Document) -> Result:
        """Run a recipe and keep its result under the key of all that it read.

        Only the tools know what they read, and only afterwards. If they read more than the key was computed from, the
        result may hold the wrong key: the recipe then runs again, which is cheap for tools with an incremental state.
        """
        started = self.engine.monotonic()
        for attempt in range(_ROUNDS):
            try:
                result = self._run(action, key, document, started)
            except _ChangedOutsideError:
                if attempt:
                    raise
                # Cargo unpacks a crate when it is first needed on a machine, and then reads it in the same run.
                continue
            read = tuple(sorted(name for name in result.discovered if not name.startswith("/")))
            if read == read_of(document):
                self._check_unchanged(action, document)
                if read:
                    result = replace(result, declared=key_of(self.lookup.document(action, ())))
                self.engine.store.save(result, action.id, document)
                return result
            more = [name for name in read if name not in read_of(document)]
            if more:
                self._notice(
                    f"{action.artifact} also reads {more[0]}{f' and {len(more) - 1} more' if len(more) > 1 else ''}, "
                    "so its key changed, and it is built once more"
                )
            document = self.lookup.document(action, read)
            key = key_of(document)
            earlier = self.engine.store.find(key)
            if earlier and self.lookup.change(earlier) is None:
                self.engine.store.save(earlier, action.id, document)
                return earlier
        raise BuildError(
            "it reads different files each time it is built, so its inputs cannot be recorded",
            where=action.id,
            hint="does a build script or macro choose at random what it reads?",
        )

    def order(self, action: Action) -> Result:
        """Have an action made elsewhere, and keep the result under the key that all of its inputs have here."""
        executor = self.engine.executor
        assert executor is not None  # noqa: S101 - for the type checker: it took the action
        declared = self.lookup.document(action, ())
        self._check_needs(action)
        # What was sent may be damaged on its way or there: that is looked at where it is used.
        needed = {need: replace(self.lookup.outcomes[need], state="cached") for need in action.needs}
        order = Order(action, key_of(declared), needed)
        try:
            result = executor.make(order, self.engine.store, self._log(action), self.on_event)
        except OtherInputsError as error:
            raise _other_inputs(action, declared, error.document) from None
        document = self.lookup.document(action, tuple(sorted(result.discovered)))
        if key_of(document) != result.key:
            raise _other_inputs(action, declared, document)
        if result.discovered:
            result = replace(result, declared=order.declared)
        self.engine.store.save(result, action.id, document, flush=False)
        return result

    def _log(self, action: Action) -> Path:
        return log_file(logs_folder(self.engine.work), action.id)

    def _run(self, action: Action, key: Digest, document: Document, started: float) -> Result:
        # A name of its own in each run: programs that a killed run left behind may still write into theirs.
        self.engine.work.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{file_name(action.id)}.", dir=self.engine.work))
        log = self._log(action)
        began = folder.stat().st_ctime_ns
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        environment = {**self.engine.site.environment, **self.tokens.environment}
        site = replace(self.engine.site, environment=environment, secrets=tuple(self.secrets))
        context = ActionContext(
            action=action,
            site=site,
            folder=folder,
            log=log,
            fingerprint=fingerprint_of(document, self._code_digest),
            needed={need: self._paths(self.lookup.outcomes[need].files) for need in action.needs},
            facts_of={need: self.lookup.outcomes[need].facts for need in action.needs},
            report_progress=lambda text: self.on_event(ActionProgress(action, text)),
            digest_of=partial(site.sources.content, self.engine.index),
            acquire_job_token=self.tokens.borrowed,
        )
        self._check_needs(action)
        action.recipe.make(context)
        names = _outputs(action, folder)
        self._refuse_secrets(folder, names, context.facts)
        foreign = machine_paths.foreign_packages(context.read_files, self.machine_folders)
        machine_paths.refuse(folder, names, (*self.machine_folders, *foreign))
        files = tuple(self._take(folder, name) for name in names)
        discovered = self._discovered(context.read_files, began)
        asked = self._asked(context.read_variables)
        clear(folder)
        seconds = self.engine.monotonic() - started
        return Result(key, files, context.facts, discovered, seconds, asked)

    def _code_digest(self, name: str, digest: Digest) -> Digest:
        """The digest of what counts of a file or folder that was read.

        What changes meanwhile makes no result (`_check_unchanged`).
        """
        return self.lookup.digests([name], self.code_digests)[name] or digest

    def _check_needs(self, action: Action) -> None:
        """Read again what an earlier run made and this action packs: a bit that flipped on the disk must go no further.

        Raises DamagedError.
        """
        for need in action.needs:
            outcome = self.lookup.outcomes[need]
            if outcome.state == "cached" and need not in self.checked:
                for record in outcome.files:
                    self.engine.store.check(record)
                self.checked.add(need)

    def _paths(self, records: tuple[FileRecord, ...]) -> Mapping[str, Path]:
        return {record.name: self.engine.store.object(record.digest) for record in records}

    def _take(self, folder: Path, name: str) -> FileRecord:
        path = folder / name
        digest, size = self.engine.store.put_file(path)
        return FileRecord(name, digest, size, executable=bool(path.stat().st_mode & 0o100))

    def _refuse_secrets(self, folder: Path, names: Iterable[str], facts: Mapping[str, Json]) -> None:
        """Refuse outputs that hold a secret as it is: what is released cannot be taken back. Raises BuildError."""
        for name in names if self.secrets else ():
            with (folder / name).open("rb") as stream:
                secret = find_secret(self.secrets, iter(lambda: stream.read(_CHUNK), b""))
            if secret:
                raise _secret_in_output(name, self.secrets[secret])
        if self.secrets and (secret := find_secret(self.secrets, [json.dumps(facts, ensure_ascii=False).encode()])):
            raise _secret_in_output("what was measured", self.secrets[secret])

    def _discovered(self, paths: list[Path], began: int) -> dict[str, Digest | None]:
        """Digests of what was read beyond the declared sources, by path relative to the project, or absolute outside.

        Refuses what changed outside while it was read; in the project, `_check_unchanged` compares.
        """
        root = self.engine.site.project
        names = {p.relative_to(root).as_posix() if p.is_relative_to(root) else str(p) for p in paths}
        for name in names:
            if name.startswith("/") and changed_since(Path(name), began):
                raise _ChangedOutsideError(_CHANGED, where=name, hint=_AGAIN)
        return self.lookup.digests(sorted(names))

    def _asked(self, asks: Mapping[str, str]) -> dict[str, Digest | None]:
        """Digests of the variables that were asked for and are passed on; a notice names those that are not."""
        for name in sorted(asks):
            if name in self.engine.site.host.environment and not run.is_passed_on(name):
                self._notice(
                    f"{asks[name]} asks for {name}, which is set here but not passed on; to pass a value, write "
                    f"`env: {{{name}: …}}` in targets.yaml"
                )
        return self.lookup.values(sorted(name for name in asks if run.is_passed_on(name)))

    def _notice(self, text: str) -> None:
        """Report a sentence once in a run."""
        if text not in self.noticed:
            self.noticed.add(text)
            self.on_event(Noticed(text))

    def _check_unchanged(self, action: Action, document: Document) -> None:
        """Refuse a result whose sources changed while it was made: it may be of either version."""
        now = key_document(
            action,
            sources=source_digests(self.engine.index, self.engine.site.sources, action.sources),
            needs={},
            needed_facts={},
            tools=dict.fromkeys(action.tools, ""),
            code=self.engine.code.read(type(action.recipe).__module__),
            read=self.lookup.digests(read_of(document)),
        )
        before, after = (
            {**inputs(each, "sources"), **inputs(each, "read"), **inputs(each, "code")} for each in (document, now)
        )
        changed = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
        if changed:
            raise _changed(changed[0], build_script(self.engine.site.project, changed[0]))


def _secrets(site: BuildContext) -> dict[str, str]:
    return secrets_of(site.host.environment, site.project)


def _secret_in_output(output: str, secret: str) -> BuildError:
    return BuildError(
        f"this holds a secret, the value of {secret}, and was not kept",
        where=output,
        hint="find what writes it there, a build script or env!() for example, and let it do without",
    )


def _changed(name: str, script: str | None = None) -> BuildError:
    more = f", and if {script} writes it, commit what it writes or let it write to OUT_DIR" if script else ""
    return BuildError(_CHANGED, where=name, hint=f"{_AGAIN}{more}")


def _other_inputs(action: Action, here: Document, there: Document) -> VerificationError:
    changes = difference(here, there) or ["it reads other files there"]
    return VerificationError(
        f"a worker would build it from other inputs than this machine (here -> there): {changes[0]}",
        where=action.id,
        hint=SAME_INPUTS,
    )


def _outputs(action: Action, folder: Path) -> list[str]:
    """Names of all files that the declared outputs consist of; raises BuildError if one was not made."""
    names: list[str] = []
    for output in action.outputs:
        path = folder / output.name
        if output.folder and path.is_dir():
            names += sorted(_below(action, folder, path))
        elif not output.folder and path.is_file() and not path.is_symlink():
            names.append(output.name)
        else:
            raise BuildError(f"{action.id} ended without making {output.name}", hint="see its log")
    return names


def _below(action: Action, folder: Path, output: Path) -> Iterator[str]:
    for path in output.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BuildError(f"{action.id} made {name}, which is neither a file nor a folder")
        if path.is_file():
            yield name
