"""The artifacts of targets.yaml: each section by the model of its kind, overrides merged, references followed."""

from __future__ import annotations

import re
from dataclasses import field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from ferrule.config.checking import check, quote_key
from ferrule.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, find
from ferrule.config.problems import Position, Problems, listed, quote
from ferrule.config.references import ReferenceScope, check_references, marked
from ferrule.config.sections import NAME
from ferrule.core.frozen import dataclass
from ferrule.kinds.base import ArtifactRef, Kind, Spec, selected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PER_TARGET = "per-target"
FIXED = ("kind", "targets", PER_TARGET)


@dataclass(frozen=True, slots=True)
class ArtifactConfig:
    """One artifact: its section as written, and by target the sections that `per-target` changes."""

    name: str
    kind: Kind
    spec: Spec
    by_target: Mapping[str, Spec] = field(default_factory=dict)


def read_artifacts(
    part: MappingNode,
    kinds: Mapping[str, Kind],
    triples: tuple[str, ...],
    scope: ReferenceScope,
    problems: Problems,
) -> tuple[ArtifactConfig, ...]:
    """Every artifact that could be read; the others have left problems."""
    artifacts: list[ArtifactConfig] = []
    edges: dict[tuple[str, str], Position] = {}
    for name, node in part.values.items():
        if not re.fullmatch(NAME, name):
            hint = "use lower-case letters, digits, dots, underscores and dashes, at most 64, none of . _ - first"
            problems.add(part.keys[name], f"{quote(name)} cannot be the name of an artifact", hint)
        entry = _Entry(name, node, part.keys[name], triples, scope, problems)
        kind = entry.kind(kinds)
        if kind is not None and (artifact := entry.read(kind)) is not None:
            artifacts.append(artifact)
        edges |= entry.edges
    _refuse_cycles(edges, problems)
    return tuple(artifacts)


def kinds_of(part: MappingNode, kinds: Mapping[str, Kind]) -> dict[str, str]:
    """The kind of each artifact by name; empty where it is missing or wrong, which is reported elsewhere."""
    kind_names: dict[str, str] = {}
    for name, node in part.values.items():
        kind = node.values.get("kind") if isinstance(node, MappingNode) else None
        kind_names[name] = kind.text if isinstance(kind, ScalarNode) and kind.text in kinds else ""
    return kind_names


@dataclass(frozen=True, slots=True)
class _Entry:
    """One artifact while it is read. `edges` are the artifacts it names, and where."""

    name: str
    node: Node
    mark: Position
    triples: tuple[str, ...]
    scope: ReferenceScope
    problems: Problems
    edges: dict[tuple[str, str], Position] = field(default_factory=dict)

    @property
    def path(self) -> tuple[str, str]:
        return ("artifacts", self.name)

    def kind(self, kinds: Mapping[str, Kind]) -> Kind | None:
        if self.node.mark in self.problems.closed:
            return None
        path, choices = f"artifacts.{quote_key(self.name)}", f"the kinds are: {listed(kinds, 24)}"
        if not isinstance(self.node, MappingNode):
            self.problems.add(self.mark, f"{path}: expected a mapping", f"write {{kind: …}}; {choices}")
            return None
        value = self.node.values.get("kind")
        if value is None:
            self.problems.add(self.mark, f"{path}: the key kind is missing", choices)
            return None
        text = value.text if isinstance(value, ScalarNode) else ""
        if text not in kinds:
            hint = self.problems.suggestion(text, kinds, choices)
            shown = f"there is no kind {quote(text)}" if text else "expected the name of a kind"
            self.problems.add(find(self.node, ("kind",))[0], f"{path}.kind: {shown}", hint)
        return kinds.get(text)

    def read(self, kind: Kind) -> ArtifactConfig | None:
        assert isinstance(self.node, MappingNode)  # noqa: S101 - `kind` has looked
        base = self.node.without(PER_TARGET)
        spec = self._checked(kind, base)
        triples = self._chosen(base.values.get("targets"))
        changes = self.node.values.get(PER_TARGET)
        by_target = self._by_target(kind, base, changes, triples) if changes is not None else {}
        return None if spec is None else ArtifactConfig(self.name, kind, spec, by_target)

    def _checked(self, kind: Kind, node: MappingNode) -> Spec | None:
        spec = check(kind.spec, node, self.path, self.problems, (PER_TARGET,), self.mark)
        check_references(kind.spec, node, self.scope, self.problems)
        for scalar, marker in marked(kind.spec, node):
            if isinstance(marker, ArtifactRef) and scalar.text in self.scope.artifacts:
                self.edges.setdefault((self.name, scalar.text), scalar.mark)
        return spec

    def _chosen(self, globs: Node | None) -> tuple[str, ...]:
        """The targets that the globs select, as far as they are usable; all of them without globs."""
        if not isinstance(globs, SequenceNode):
            return self.triples
        texts = [g for g in globs.items if isinstance(g, ScalarNode) and not self.problems.has(g.mark)]
        usable = tuple(g.text for g in texts if self._check_glob(g.text, self.triples, g.mark))
        return selected(usable or None, self.triples)

    def _check_glob(self, glob: str, triples: tuple[str, ...], mark: Position) -> bool:
        if selected((glob,), triples):
            return True
        there = f"the targets here are: {listed(triples)}"
        hint = self.problems.suggestion(glob, _globs(triples), there)
        self.problems.add(mark, f"{quote(glob)} matches no target", hint)
        return False

    def _by_target(self, kind: Kind, base: MappingNode, changes: Node, triples: tuple[str, ...]) -> dict[str, Spec]:
        if not isinstance(changes, MappingNode):
            mark = find(self.node, (PER_TARGET,))[0]
            self.problems.add(mark, f"{PER_TARGET}: expected a mapping", "write per-target: {GLOB: {key: value}}")
            return {}
        globs = [glob for glob, node in changes.values.items() if self._usable(glob, node, changes.keys[glob], triples)]
        read: dict[tuple[str, ...], Spec | None] = {(): None}
        specs: dict[str, Spec] = {}
        for triple in triples:
            matching = tuple(glob for glob in globs if selected((glob,), (triple,)))
            if matching not in read:
                read[matching] = self._merged(kind, base, [changes.values[glob] for glob in matching])
            spec = read[matching]
            if spec is not None:
                specs[triple] = spec
        return specs

    def _usable(self, glob: str, node: Node, mark: Position, triples: tuple[str, ...]) -> bool:
        if not self._check_glob(glob, triples, mark):
            return False
        if not isinstance(node, MappingNode) or not node.values:
            self.problems.add(mark, f"{PER_TARGET}: expected a mapping", f"write {glob}: {{key: value}}")
            return False
        for key in (k for k in FIXED if k in node.values):
            self.problems.close(node.keys[key], f"{key} cannot differ by target", "make it an artifact of its own")
        return True

    def _merged(self, kind: Kind, base: MappingNode, changes: list[Node]) -> Spec | None:
        merged = base
        for change in changes:
            assert isinstance(change, MappingNode)  # noqa: S101 - `_usable` has looked
            merged = merged.merged(change.without(*FIXED))
        return self._checked(kind, merged)


def _globs(triples: tuple[str, ...]) -> Iterator[str]:
    """Triples, and globs that people write for them: *-linux-gnu, aarch64-*."""
    for triple in triples:
        first, _, rest = triple.partition("-")
        yield from (triple, f"*-{rest.rpartition('unknown-')[2]}", f"*-{rest.rpartition('-')[2]}", f"{first}-*")


def _refuse_cycles(edges: dict[tuple[str, str], Position], problems: Problems) -> None:
    graph: dict[str, list[str]] = {}
    for name, other in edges:
        graph.setdefault(name, []).append(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        scope = list(reversed(error.args[1]))
        mark = edges[scope[0], scope[1]]
        problems.add(mark, f"these artifacts need each other: {' -> '.join(scope)}", "remove one of these references")
