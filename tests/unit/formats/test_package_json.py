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


NOTHING, NO_MAIN = "Node.js finds nothing to import", "Node.js has nothing to import by this package's name"


@pytest.mark.parametrize(
    ("exports", "said"),
    [
        ("3", "3 in `exports` is no file"),
        ("false", "false in `exports` is no file"),
        ("null", NOTHING),
        ("{}", NO_MAIN),
        ("[]", NO_MAIN),
        ('{".": null}', NOTHING),
        ('{".": {}}', NO_MAIN),
        ('{".": {"types": "./index.d.ts"}}', NO_MAIN),
        ('{"require": "./index.cjs"}', NO_MAIN),
        ('{".": {"import": null, "default": "./index.js"}}', NO_MAIN),
        ('{".": [null, {"browser": "./index.js"}]}', NO_MAIN),
        ('{"./package.json": "./package.json"}', NOTHING),
        ('{".": "./index.js", "import": "./index.js"}', "`exports` has conditions beside paths"),
        ('{".": {"./x": "./index.js"}}', "'./x' stands where a condition is expected"),
        ('{"0": "./index.js"}', "'0' stands where a condition is expected"),
        ('{".": {"import": 1}}', "1 in `exports` is no file"),
        ('["index.js"]', "Node.js refuses 'index.js' in `exports`"),
        ('"./a/../../index.js"', "Node.js refuses './a/../../index.js' in `exports`"),
        ('"./node_modules/x.js"', "Node.js refuses './node_modules/x.js' in `exports`"),
    ],
)
def test_exports_by_which_nothing_is_imported_are_refused(exports: str, said: str):
    package = package_json.read_package_json(f'{{"name": "demo",\n "exports": {exports}}}', "js/package.json")
    (problem,) = package_json.package_problems(package, "1.2.3", None)
    assert problem.message.startswith(said)
    assert problem.where.startswith("js/package.json:2:")
    assert problem.hint


@pytest.mark.parametrize(
    "exports",
    [
        '"./index.js"',
        '["./index.js"]',
        '{"types": "./index.d.ts", "node": {"import": "./index.js"}}',
        '{".": {"require": "./index.cjs", "default": "./index.js"}, "./internal/*": null}',
        '{".": [{"import": "./index.js"}, "./index.cjs"]}',
        '{"./parts/*": "./lib/*.js"}',
        '{".": null, "./a": "./a.js"}',
    ],
)
def test_exports_that_nodejs_takes(exports: str):
    package = package_json.read_package_json(f'{{"name": "demo", "exports": {exports}}}', "package.json")
    assert list(package_json.package_problems(package, "1.2.3", None)) == []


def test_a_key_that_is_spelled_wrongly_is_shown_as_it_is():
    assert package_json._unquoted('"a\\u0062"') == "ab"
    assert package_json._unquoted('"a\\x"') == '"a\\x"'
