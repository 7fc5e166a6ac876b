"""package.json as npm and Node.js read it."""

from __future__ import annotations

import pytest

from ferrule.core.errors import ConfigError
from ferrule.formats import package_json
from ferrule.formats.package_json import entry_points


def test_files_that_entry_points_lead_to():
    manifest = {
        "exports": {".": {"types": "./a.d.ts", "default": "./a.js"}, "./b": "#inside"},
        "main": "a.js",
        "types": "./other.d.ts",
    }
    assert entry_points(manifest) == ("a.d.ts", "a.js", "other.d.ts")


@pytest.mark.parametrize("text", ['{"a": ' + "1" * 5000 + "}", "{", "[]", '{"a": NaN}'])
def test_what_is_no_object_is_refused(text: str):
    with pytest.raises(ConfigError):
        package_json.read_package_json(text, "package.json")


def test_a_key_that_is_spelled_wrongly_is_shown_as_it_is():
    assert package_json._unquoted('"a\\u0062"') == "ab"
    assert package_json._unquoted('"a\\x"') == '"a\\x"'
