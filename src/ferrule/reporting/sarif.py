"""Errors as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), which code hosts show beside a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ferrule import __version__
from ferrule.core.printable import printable_lines
from ferrule.reporting.source_frame import POSITION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ferrule.core.errors import FerruleError
    from ferrule.core.model import Json

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RULE = "ferrule/check"


def document(errors: Iterable[FerruleError]) -> str:
    """A log of one run with a result for each error; files are named as errors name them, from the project's root."""
    rule: Json = {"id": _RULE, "shortDescription": {"text": "What ferrule check finds in targets.yaml and its sources"}}
    driver: Json = {"name": "ferrule", "version": __version__, "rules": [rule]}
    results: Json = [_result(error) for error in errors]
    log: Json = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(log, indent=2)


def _result(error: FerruleError) -> Json:
    text = printable_lines(error.message + (f"\nhint: {error.hint}" if error.hint else ""))
    location = _location(error.where) if error.where else None
    result: dict[str, Json] = {"ruleId": _RULE, "level": "error", "message": {"text": text}}
    return result | ({"locations": [{"physicalLocation": location}]} if location else {})


def _location(where: str) -> Json:
    position = POSITION.fullmatch(where)
    if position is None:
        return {"artifactLocation": {"uri": where}}
    region: Json = {"startLine": int(position["line"]), "startColumn": int(position["column"])}
    return {"artifactLocation": {"uri": position["file"]}, "region": region}
