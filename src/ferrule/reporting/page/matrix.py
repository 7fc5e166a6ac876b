"""The matrix of artifacts by targets, each cell with state, size and digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.reporting.page import words
from ferrule.reporting.page.markup import Html, joined, tag
from ferrule.reporting.page.subject import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.manifest import ManifestFile
    from ferrule.core.model import Action, Output
    from ferrule.reporting.page.markup import Node
    from ferrule.reporting.page.subject import PageContent


def part(subject: PageContent) -> Html:
    """The section with the matrix."""
    cells: dict[tuple[str, str | None], list[Action]] = {}
    for action in subject.plan.actions:
        cells.setdefault((action.artifact, action.target), []).append(action)
    kinds = {action.artifact: action.kind for action in subject.plan.actions}
    columns: list[str | None] = [*([None] if any(t is None for _, t in cells) else []), *subject.targets]
    head = ("artifact", *(tag("span", short(t), title=t) if t else "for all targets" for t in columns))
    rows: list[tuple[Node, ...]] = [
        (
            joined(tag("b", artifact), tag("br"), tag("small", kind)),
            *(_cell(subject, artifact, target, cells.get((artifact, target), [])) for target in columns),
        )
        for artifact, kind in kinds.items()
    ]
    states = {state_of(subject, action) for action in subject.plan.actions}
    legend = words.states(states)
    return words.section("matrix", "Artifacts by target", legend, words.table("Artifacts by target", head, rows))


def _cell(subject: PageContent, artifact: str, target: str | None, actions: list[Action]) -> Html:
    if actions:
        return joined(_action(subject, action) for action in actions)
    why = subject.absent.get((artifact, target or ""))
    return tag(
        "span", tag("span", "·", aria_hidden="true"), words.unseen(why) if why else None, class_="none", title=why
    )


def _action(subject: PageContent, action: Action) -> Html:
    state = state_of(subject, action)
    named = words.name_of(action) != action.artifact
    word = words.state(state, "; this is from an earlier run" if subject.files(action) else "")
    return tag(
        "div",
        tag("div", tag("small", words.name_of(action))) if named else None,
        tag("div", word) if state in {"failed", "skipped", "absent"} else None,
        _files(subject, action, words.mark(state)),
        class_="result",
        data_a=subject.numbers[action.id],
    )


def _files(subject: PageContent, action: Action, mark: Html) -> Iterator[Html]:
    files = subject.files(action)
    outputs = [(output, inside) for output in action.outputs if (inside := [f for f in files if _is_in(f, output)])]
    if len(outputs) <= _SHOWN:
        for output, inside in outputs:
            yield tag(
                "div", mark, " ", _size(inside), " ", tag("small", output.role), tag("br"), _digest(inside, output)
            )
        return
    rows = (tag("div", inside[0].path, tag("br"), _size(inside), " ", _digest(inside, o)) for o, inside in outputs)
    yield tag("div", mark, " ", _size([file for _, inside in outputs for file in inside]))
    yield tag("details", tag("summary", f"{len(outputs)} files"), rows)


_SHOWN: Final = 3
"""Up to how many outputs of an action are shown one by one."""


def _size(files: list[ManifestFile]) -> Html:
    return words.exact(sum(file.size for file in files))


def _is_in(file: ManifestFile, output: Output) -> bool:
    path = output.name if file.packed else output.ships
    return file.path == path or (output.folder and file.path.startswith(f"{path}/"))


def _digest(files: list[ManifestFile], output: Output) -> Node:
    """The digest of a file, or of the index that stands for a folder; else how many files there are."""
    if not output.folder:
        return words.digest(files[0].digest.hex)
    index = next((file for file in files if file.path == f"{output.ships}/index.json"), None)
    counted = tag("small", f"{len(files)} files")
    return joined(words.digest(index.digest.hex), " ", counted) if index else counted


def state_of(subject: PageContent, action: Action) -> str:
    """The state of an action in the last run, if its files are those in dist/."""
    step = subject.steps.get(action.id)
    files = subject.files(action)
    if step is not None and step.state in {"failed", "skipped"}:
        return step.state
    if not files:
        return "absent"
    return step.state if step is not None and files[0].key is not None and step.key == files[0].key.hex else "earlier"
