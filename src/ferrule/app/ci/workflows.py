"""Workflows for GitHub Actions, written from targets.yaml: they contain no logic but call Ferrule.

The texts are in github/, for Jinja: `[% … %]` says which lines there are, `[[ … ]]` is a value of targets.yaml.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2
import yaml

from ferrule.app.ci.pipelines import GITHUB
from ferrule.app.publish import DESTINATIONS
from ferrule.core.errors import ConfigError, StorageError, VerificationError
from ferrule.engine.store import storage_errors, write_aside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ferrule.app.publish.base import Destination
    from ferrule.config import Config, ReleaseConfig

FOLDER: Final = Path(".github", "workflows")

ACTIONS: Final = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "upload": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "download": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "attest": "actions/attest-build-provenance@a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32 # v4.1.0",
}
"""Other people's actions, each by a commit, which nobody can move, and the version that it is.

A destination names those that only it uses.
"""

_MARK: Final = "# Written by `ferrule ci github` from targets.yaml: change that, and run it again."
_SOURCES: Final = (
    "`ferrule: {wheel: URL, sha256: DIGEST}`, `ferrule: {git: URL, commit: SHA}`, or `ferrule: {command: WORDS}` "
    "of the project's own"
)
_NAMES: Final = ("ci.yml", "release.yml", "shards.yml")
_TEXTS: Final = Path(__file__).parent / "github"


def github(
    config: Config,
    shards: int | Mapping[str, int],
    destinations: Mapping[str, Destination] = DESTINATIONS,
    origin: str | None = None,
) -> dict[str, str]:
    """The workflows of a project whose release is split into so many shards: texts by name of the file.

    Of several releases, `shards` has the number of each, and each has a workflow of its own, which its tags start.
    `origin` is the line for targets.yaml by which machines get the Ferrule that runs now, where that is known. Raises
    ConfigError where nothing says how machines get one.
    """
    ci = config.ci
    if ci.source is None:
        raise ConfigError(
            "nothing says where a machine gets Ferrule: no package index has it yet",
            where=config.location(("ci",)),
            hint=f"write below `ci:` {origin or _SOURCES}",
        )
    if ci.source.wheel and not ci.source.sha256 and not (config.root / ci.source.wheel).is_file():
        where = config.location(("ci", "ferrule", "wheel"))
        raise ConfigError(f"there is no file {ci.source.wheel}", where=where, hint="add it to the project, and to Git")
    for point, folder in ci.steps:
        if not any((config.root / folder / name).is_file() for name in ("action.yml", "action.yaml")):
            where = config.location(("ci", "steps", point))
            raise ConfigError(f"there is no action in {folder}", where=where, hint=f"write {folder}/action.yml")
    templates = _templates([destinations[name] for name in ci.publish])
    values = {
        "mark": _MARK,
        "actions": ACTIONS,
        "ci": ci,
        "steps": dict(ci.steps),
        "needs": ", ".join(["verify", *(f"consumers-{number}" for number, _ in enumerate(ci.consumers, 1))]),
        "each_release": (),
        "kept": [("", "dist/")],
    }
    texts: dict[str, str] = {}
    if ci.tests:
        names = [release.name for release in config.releases]
        several = {"each_release": names, "kept": [(f"-{name}", f"dist/{name}/") for name in names]} if names else {}
        texts["ci.yml"] = templates.get_template("ci.yml").render(values | several)
    counts = {"": shards} if isinstance(shards, int) else shards
    for release in config.releases or (None,):
        part = config.only(release) if release else config
        kinds = {artifact.kind.name for artifact in part.artifacts}
        of_release = {
            "release": release.name if release else None,
            "tags": tag_patterns(release, config.releases) if release else ["v*"],
            "kinds": kinds,
            "shards": counts[release.name if release else ""],
            "nested": counts[release.name if release else ""] > GITHUB,
            "destinations": [
                destination
                for destination in (destinations[name] for name in ci.publish)
                if not destination.kinds or not kinds.isdisjoint(destination.kinds)
            ],
        }
        name = f"release-{release.name}.yml" if release else "release.yml"
        texts[name] = templates.get_template("release.yml").render(values | of_release)
    if max(counts.values()) > GITHUB:
        texts["shards.yml"] = templates.get_template("shards.yml").render(values | {"nested": True})
    return texts


def tag_patterns(release: ReleaseConfig, releases: Iterable[ReleaseConfig]) -> list[str]:
    """The filter that lets the tags of one release through, and not those of another that look like them.

    A star stands for all but a slash, and what begins with `!` takes matches out again (GitHub's "Workflow syntax",
    "Filter pattern cheat sheet").
    """
    pattern = _tag_pattern(release)
    others = (one for one in releases if one is not release)
    similar = (_tag_pattern(one) for one in others if fnmatchcase(one.tag_of("0.0.0"), pattern))
    return [pattern, *(f"!{other}" for other in similar)]


def _tag_pattern(release: ReleaseConfig) -> str:
    return release.tag_of("[0-9]*")


def write(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Write the workflows of a project, and return the names of those that changed; files of somebody else are kept.

    Raises StorageError, ConfigError where a name is taken.
    """
    changed = differences(root, texts)
    for name in changed:
        old = _read(root / FOLDER / name)
        if old is not None and not old.startswith(_MARK):
            raise ConfigError(
                "Ferrule did not write this workflow, so it is kept",
                where=str(FOLDER / name),
                hint="rename it" + (", or write `tests: {}` below `ci:`" if name == "ci.yml" else ""),
            )
    for name in changed:
        path = root / FOLDER / name
        with storage_errors(path):
            if name not in texts:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write_aside(path, texts[name].encode())
    return changed


def differences(root: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """The names of workflows that are out of date. Raises StorageError."""
    folder = root / FOLDER
    names = dict.fromkeys([*_NAMES, *texts, *sorted(path.name for path in folder.glob("release-*.yml"))])
    current = {name: _read(folder / name) for name in names}
    ours = {name: text for name, text in current.items() if name in texts or (text or "").startswith(_MARK)}
    return tuple(name for name, text in ours.items() if text != texts.get(name))


def check(root: Path, texts: Mapping[str, str]) -> None:
    """Raise VerificationError if the workflows of a project are out of date."""
    changed = differences(root, texts)
    if changed:
        raise VerificationError(
            f"out of date with targets.yaml: {', '.join(changed)}", where=str(FOLDER), hint="run: ferrule ci github"
        )


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot be read: {error}", where=str(path)) from error


def _templates(destinations: Sequence[Destination]) -> jinja2.Environment:
    """The files of github/, and the steps of destinations as `name/prepare` and `name/publish`."""
    steps = {f"{d.name}/prepare": d.prepare for d in destinations} | {
        f"{d.name}/publish": d.publish for d in destinations
    }
    templates = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(_TEXTS), jinja2.DictLoader(steps)]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - it is no HTML; what comes from targets.yaml has no sign that YAML knows
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
    )
    templates.filters["scalar"] = _scalar
    return templates


def _scalar(text: str) -> str:
    """A label or command as a YAML string, quoted where a plain scalar would be a number, a mapping or null."""
    try:
        plain = yaml.safe_load(text) == text
    except yaml.YAMLError:
        plain = False
    return text if plain else json.dumps(text)
