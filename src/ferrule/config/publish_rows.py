"""The part `publish` of targets.yaml: where `ferrule publish` brings a release, a row each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ferrule.config.checking import check, quote_key
from ferrule.config.nodes import MappingNode, ScalarNode, find
from ferrule.config.problems import listed, quote
from ferrule.config.sections import NAME
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.config.ci import PublishDestination
    from ferrule.config.problems import Problems
    from ferrule.core.model import Json


@dataclass(frozen=True, slots=True)
class PublishRow:
    """A row: its name, the destination that `to` names, and the section that has its settings."""

    name: str
    to: str
    section: Any

    def document(self) -> Json:
        """The row, as targets.yaml has it."""
        return {name: value for name, value in self.section.document().items() if value is not None}


def read_publish(
    part: MappingNode,
    destinations: Mapping[str, PublishDestination],
    project: Path,
    problems: Problems,
) -> tuple[PublishRow, ...]:
    """The rows that could be read; the others, and rows that a project cannot have, have left problems."""
    rows: list[PublishRow] = []
    offered = {name: one for name, one in destinations.items() if one.section is not None}
    for name, node in part.values.items():
        mark, path = part.keys[name], f"publish.{quote_key(name)}"
        if not re.fullmatch(NAME, name):
            hint = "use lower-case letters, digits, dots, underscores and dashes"
            problems.add(mark, f"{quote(name)} cannot be the name of a row", hint)
        value = node.values.get("to") if isinstance(node, MappingNode) else None
        if value is None:
            problems.add(mark, f"{path}: the key to is missing", f"the destinations are {listed(offered)}")
            continue
        text = value.text if isinstance(value, ScalarNode) else ""
        destination = offered.get(text)
        if destination is None or destination.section is None:
            hint = problems.suggestion(text, offered, f"the destinations are {listed(offered)}")
            problems.add(find(node, ("to",))[0], f"{path}.to: there is no destination {quote(text)}", hint)
            continue
        section = check(destination.section, node, ("publish", name), problems, key=mark)
        if section is not None:
            before = {row.name: row.section for row in rows if row.to == text}
            wrong = tuple(destination.row_problems(section, project, before))
            for key, message, hint in wrong:
                problems.add(find(node, (key,))[0], f"{path}.{key}: {message}", hint)
            same = next((other for other, row in before.items() if _settings(row) == _settings(section)), None)
            if same is not None and not wrong:
                problems.add(mark, f"{path}: the row {same} says the same", "leave one of the two out")
            rows.append(PublishRow(name, text, section))
    return tuple(rows)


def _settings(section: Any) -> dict[str, Json]:  # noqa: ANN401 - any section
    """What a row says, addresses and folders without a slash at their end."""
    return {k: v.rstrip("/") if isinstance(v, str) else v for k, v in section.document().items()}
