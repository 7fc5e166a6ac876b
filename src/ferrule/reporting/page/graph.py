"""What needs what: the actions in layers from left to right, placed by the usual four steps.

Sources move next to what reads them, arrows that follow from others are left out, long arrows get a place in each layer
that they pass, and the order within layers settles by the middle of the neighbours (Sugiyama, Tagawa and Toda, 1981).
No program for graphs can be expected on every machine, and a hundred lines are enough for this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ferrule.reporting.page import words
from ferrule.reporting.page.markup import Html, number, tag
from ferrule.reporting.page.subject import short
from ferrule.reporting.page.timeline import critical_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.reporting.page.subject import PageContent

LARGEST: Final = 150
"""Number of actions up to which each is drawn; beyond, all of an artifact are one."""

_WIDTH: Final = 148
_HEIGHT: Final = 40
_THIN: Final = 10
_ACROSS: Final = 40
_DOWN: Final = 12
_ROUNDS: Final = 8
_CHARACTERS: Final = 21


@dataclass(frozen=True, slots=True)
class GraphNode:
    """What is drawn as a box: two lines of text, what it needs, and the number that marks it on the page."""

    id: str
    name: str
    below: str
    needs: tuple[str, ...]
    number: int


@dataclass(slots=True)
class GraphLayout:
    """Where everything is: the left edge by layer, the middle from above by place in it, and the ways of the arrows.

    A place in a layer is a node's id, or (need, node) where an arrow passes.
    """

    layers: list[list[str | tuple[str, str]]]
    middle: dict[str | tuple[str, str], float] = field(default_factory=dict)
    edges: tuple[tuple[str, str], ...] = ()

    @property
    def depth(self) -> dict[str | tuple[str, str], int]:
        """The layer of every node; of a way, the last that it passes."""
        return {node: at for at, layer in enumerate(self.layers) for node in layer}

    @property
    def height(self) -> float:
        """How far down it reaches."""
        return max((self.middle[p] + _tall(p) / 2 for layer in self.layers for p in layer), default=0.0)


def nodes_of(subject: PageContent) -> tuple[GraphNode, ...]:
    """The actions of the plan, or its artifacts if there are too many of them."""
    actions = subject.plan.actions
    if len(actions) <= LARGEST:
        return tuple(
            GraphNode(a.id, words.name_of(a), short(a.target) if a.target else a.kind, a.needs, subject.numbers[a.id])
            for a in actions
        )
    group = {a.id: words.name_of(a) for a in actions}
    counts: dict[str, int] = {}
    needs: dict[str, dict[str, None]] = {}
    numbers: dict[str, int] = {}
    for action in actions:
        name = group[action.id]
        counts[name] = counts.get(name, 0) + 1
        needs.setdefault(name, {}).update((group[n], None) for n in action.needs if n in group and group[n] != name)
        numbers.setdefault(name, subject.numbers[action.id])
    order = _sorted_groups(needs)
    return tuple(
        GraphNode(n, n, f"{counts[n]} actions" if counts[n] > 1 else "1 action", tuple(needs[n]), numbers[n])
        for n in order
    )


def _sorted_groups(needs: Mapping[str, Mapping[str, None]]) -> list[str]:
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError:  # actions never go in circles, but what they are called by may
        return list(needs)


def lay_out(nodes: tuple[GraphNode, ...]) -> GraphLayout:
    """Place nodes, which come after those they need. The same nodes always get the same places."""
    edges = _without_detours(nodes)
    depth = _depths(nodes, edges)
    layout = GraphLayout([[] for _ in range(max(depth.values(), default=-1) + 1)], edges=edges)
    for node in nodes:
        layout.layers[depth[node.id]].append(node.id)
    before: dict[str | tuple[str, str], list[str | tuple[str, str]]] = {}
    for need, node_id in edges:
        way: list[str | tuple[str, str]] = [need]
        for at in range(depth[need] + 1, depth[node_id]):
            waypoint = (f"{need}\0{at}", node_id)
            layout.layers[at].append(waypoint)
            way.append(waypoint)
        way.append(node_id)
        for one, next_ in pairwise(way):
            before.setdefault(next_, []).append(one)
    _settle(layout, before)
    return layout


def _without_detours(nodes: tuple[GraphNode, ...]) -> tuple[tuple[str, str], ...]:
    """The needs of each node that none of its other needs brings along."""
    brought: dict[str, set[str]] = {}
    edges: list[tuple[str, str]] = []
    for node in nodes:
        needs = [need for need in dict.fromkeys(node.needs) if need in brought]
        further = {far for need in needs for far in brought[need]}
        edges += [(need, node.id) for need in needs if need not in further]
        brought[node.id] = further | set(needs)
    return tuple(edges)


def _depths(nodes: tuple[GraphNode, ...], edges: tuple[tuple[str, str], ...]) -> dict[str, int]:
    """Layers: as far left as needs allow, but what needs nothing stands right before the first that reads it."""
    depth: dict[str, int] = dict.fromkeys((node.id for node in nodes), 0)
    needs: dict[str, list[str]] = {}
    readers: dict[str, list[str]] = {}
    for need, node_id in edges:
        needs.setdefault(node_id, []).append(need)
        readers.setdefault(need, []).append(node_id)
    for node in nodes:
        depth[node.id] = max((depth[need] + 1 for need in needs.get(node.id, ())), default=0)
    for node in nodes:
        if node.id not in needs and node.id in readers:
            depth[node.id] = min(depth[reader] for reader in readers[node.id]) - 1
    return depth


def _settle(layout: GraphLayout, before: Mapping[str | tuple[str, str], list[str | tuple[str, str]]]) -> None:
    """Order each layer by the middle of its neighbours, to and fro, and give every place its height."""
    after: dict[str | tuple[str, str], list[str | tuple[str, str]]] = {}
    for node, needs in before.items():
        for need in needs:
            after.setdefault(need, []).append(node)
    for layer in layout.layers:
        _stack(layout, layer, {})
    for turn in range(_ROUNDS):
        neighbours, layers = (before, layout.layers) if turn % 2 == 0 else (after, layout.layers[::-1])
        for layer in layers:
            targets = {
                node: sum(layout.middle[n] for n in neighbours[node]) / len(neighbours[node])
                for node in layer
                if neighbours.get(node)
            }
            layer.sort(key=lambda node: targets.get(node, layout.middle[node]))
            _stack(layout, layer, targets)
    top = min((layout.middle[p] - _tall(p) / 2 for layer in layout.layers for p in layer), default=0.0)
    layout.middle = {node: at - top for node, at in layout.middle.items()}


def _stack(
    layout: GraphLayout, layer: list[str | tuple[str, str]], targets: Mapping[str | tuple[str, str], float]
) -> None:
    """Put a layer as near to where its places want to be as they leave each other room, without bias up or down."""
    desired = [targets.get(node, layout.middle.get(node, 0.0)) for node in layer]
    placed: list[float] = []
    for at, node in enumerate(layer):
        room = (_tall(layer[at - 1]) + _tall(node)) / 2 + _DOWN if at else 0.0
        placed.append(max(desired[at], placed[-1] + room) if placed else desired[at])
    shift = sum(w - p for w, p in zip(desired, placed, strict=True)) / max(len(layer), 1)
    layout.middle.update((node, at + shift) for node, at in zip(layer, placed, strict=True))


def _tall(node: str | tuple[str, str]) -> int:
    return _HEIGHT if isinstance(node, str) else _THIN


def part(subject: PageContent) -> Html:
    """The section with the graph."""
    nodes = nodes_of(subject)
    layout = lay_out(nodes)
    path = {step.id for step in critical_path(subject.last.steps)} if subject.last else set()
    width = len(layout.layers) * (_WIDTH + _ACROSS) - _ACROSS + 4
    drawn = tag(
        "svg",
        _arrows(layout, {node.id: node.number for node in nodes}, path),
        (_box(node, layout, path) for node in nodes),
        class_="graph",
        width=width,
        height=layout.height + 4,
        viewBox=f"-2 -2 {width} {number(layout.height + 4)}",
        role="img",
        aria_label=f"Graph of {len(nodes)} steps in {len(layout.layers)} layers; the table below has the same data.",
    )
    text = "Each step reads outputs of the steps to its left. Arrows that follow from others are left out."
    if len(nodes) < len(subject.plan.actions):
        text += f" The plan has {len(subject.plan.actions):,} actions; those of one artifact are drawn as one."
    return words.section(
        "graph",
        "Dependency graph",
        words.paragraph(text),
        words.key_of([("critical", "on the critical path of the last run")]) if path else None,
        words.boxed("Dependency graph", drawn),
        tag("details", tag("summary", "As a table"), _table(nodes)),
    )


def _table(nodes: tuple[GraphNode, ...]) -> Html:
    names = {node.id: f"{node.name} · {node.below}" for node in nodes}
    rows = [(names[n.id], ", ".join(names[need] for need in n.needs if need in names) or "nothing") for n in nodes]
    return words.table("What each step needs", ("step", "needs"), list(rows))


def _box(node: GraphNode, layout: GraphLayout, path: set[str]) -> Html:
    x, y = _left(layout.depth[node.id]), layout.middle[node.id] - _HEIGHT / 2
    return tag(
        "g",
        tag("title", f"{node.name}: {node.below}"),
        tag("rect", x=x, y=y, width=_WIDTH, height=_HEIGHT, rx=5),
        tag("text", _cut(node.name), x=x + 10, y=y + 17, class_="name"),
        tag("text", _cut(node.below), x=x + 10, y=y + 32),
        class_="node critical" if node.id in path else "node",
        data_a=node.number,
    )


def _cut(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"


def _left(layer: int) -> int:
    return layer * (_WIDTH + _ACROSS)


def _arrows(layout: GraphLayout, numbers: Mapping[str, int], path: set[str]) -> Iterator[Html]:
    depth = layout.depth
    for need, node_id in layout.edges:
        x, y = _left(depth[need]) + _WIDTH, layout.middle[need]
        drawn = [f"M{number(x)} {number(y)}"]
        for at in range(depth[need] + 1, depth[node_id] + 1):
            point = node_id if at == depth[node_id] else (f"{need}\0{at}", node_id)
            to_x, to_y = _left(at), layout.middle[point]
            half = (x + to_x) / 2
            drawn.append(f"C{number(half)} {number(y)} {number(half)} {number(to_y)} {number(to_x)} {number(to_y)}")
            x, y = to_x, to_y
            if point != node_id:
                x += _WIDTH
                drawn.append(f"H{number(x)}")
        on_path = need in path and node_id in path
        yield tag(
            "path",
            d="".join(drawn),
            class_="arrow critical" if on_path else "arrow",
            data_e=f"{numbers[need]} {numbers[node_id]}",
        )
