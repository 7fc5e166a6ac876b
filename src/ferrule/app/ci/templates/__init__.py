"""Texts of pipelines for Jinja: `[% … %]` says which lines there are, `[[ … ]]` is a value of targets.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = Path(__file__).parent


def templates(system: str, more: Mapping[str, str] | None = None) -> jinja2.Environment:
    """The files of a system's folder, and `more` texts by their names."""
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(_FOLDER / system), jinja2.DictLoader(dict(more or {}))]),
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
    environment.filters["scalar"] = _scalar
    return environment


def _scalar(text: str) -> str:
    """A label or command as a YAML string, quoted where a plain scalar would be a number, a mapping or null."""
    try:
        plain = yaml.safe_load(text) == text
    except yaml.YAMLError:
        plain = False
    return text if plain else json.dumps(text)
