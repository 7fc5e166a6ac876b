"""What counts as the code of a recipe."""

from __future__ import annotations

import ast
import json
import random
import shutil
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ferrule
from ferrule.core.model import Digest
from ferrule.engine import recipe_code
from ferrule.engine.lock import locked
from ferrule.engine.recipe_code import RecipeCode, parse
from ferrule.engine.sources import StatIndex
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = Path(ferrule.__file__).parent
SHARED = (
    *("base", "debug_symbols", "declared_interface", "joined_files", "link_script", "linked_code", "native_build"),
    *("generated_bindings", "npm_platforms", "packed_program"),
)
RECIPES = {
    name: f"ferrule.kinds.{name}"
    for name in sorted(
        ".".join(p.relative_to(PACKAGE / "kinds").with_suffix("").parts)
        for p in (PACKAGE / "kinds").rglob("*.py")
        if p.stem != "__init__" and p.relative_to(PACKAGE / "kinds").with_suffix("").parts[0] not in SHARED
    )
}
"""The modules of kinds, in which their recipes are: of a kind that is a package, each of its modules."""


def later_ns() -> int:
    """A clock by which no file was changed lately, so that every digest is remembered."""
    return time.time_ns() + 10**12


def code(package: Path = PACKAGE, record: Path | None = None) -> RecipeCode:
    return RecipeCode(StatIndex(None, time.time_ns), record, package)


@pytest.fixture(scope="module")
def reached() -> dict[str, dict[str, Digest]]:
    """The code of every kind's recipes as it is."""
    everything = code()
    return {name: dict(everything.read(module)) for name, module in RECIPES.items()}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    package = tmp_path_factory.mktemp("elsewhere") / "ferrule"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def small(folder: Path, **files: str) -> Path:
    """A package `ferrule` of these modules; `kinds__a` is kinds/a.py."""
    package = folder / "ferrule"
    for name, text in {"__init__": "", "kinds____init__": "", "formats____init__": "", **files}.items():
        path = package.joinpath(*(name.split("__", 1) if name != "__init__" else [name])).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


def file_of(package: Path, label: str) -> Path:
    module, _, data = label.partition(":")
    base = package.joinpath(*module.split(".")[1:])
    path = base / "__init__.py" if (base / "__init__.py").is_file() else base.with_name(f"{base.name}.py")
    return path.parent / data if data else path


def test_every_kind_is_looked_at() -> None:
    assert {name.split(".")[0] for name in RECIPES} == {k.spec.__module__.split(".")[2] for k in KINDS.values()}


def test_a_reached_file_changes_the_code_of_those_that_reach_it_and_of_no_other(
    copied: Path, reached: dict[str, dict[str, Digest]]
) -> None:
    every = sorted(p for p in copied.rglob("*") if p.is_file() and p.name != "py.typed")
    labels = {file_of(copied, label): label for result in reached.values() for label in result}
    assert len(labels) > 50
    assert len(labels) < len(every)
    now = RecipeCode(StatIndex(None, later_ns), None, copied)
    data = [path for path in every if path.suffix != ".py"]
    for path in [*data, *random.Random(1).sample(every, 60)]:  # all of them take minutes, and tell nothing more
        before = path.read_bytes()
        path.write_bytes(before + b"\n# changed\n" if path.suffix == ".py" else before + b"\n")
        changed = {name for name, module in RECIPES.items() if now.read(module) != reached[name]}
        path.write_bytes(before)
        assert changed == {name for name, result in reached.items() if labels.get(path) in result}, path


@pytest.mark.parametrize("name", RECIPES)
def test_code_of_a_kind_is_its_own_and_that_of_the_rooms_below(
    name: str, reached: dict[str, dict[str, Digest]]
) -> None:
    kinds = {label for label in reached[name] if label.startswith("ferrule.kinds") and ":" not in label}
    kind = name.split(".", maxsplit=1)[0]
    own = {label for label in kinds if f"{label}.".startswith(f"ferrule.kinds.{kind}.")}
    assert f"ferrule.kinds.{name}" in own
    assert {label.split(".")[2] for label in kinds - own} <= {*SHARED}
    rooms = {label.split(".")[1] for label in reached[name] if "." in label}
    assert rooms <= {"bindings", "core", "engine", "formats", "kinds", "toolchain", "tools"}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("sdk", "ferrule.formats.tar"),
        ("wheel.pack", "ferrule.formats.zip"),  # imported by what it imports
        ("library", "ferrule.tools.zig"),  # imported in a function
        ("gomodule", "ferrule.kinds.gomodule:go/open.go.txt"),
        ("gomodule", "ferrule.formats.gobindings:runtime.go"),
        ("wheel.pack", "ferrule.bindings.python_runtime"),
        ("gomodule", "ferrule.bindings.go:runtime.go.in"),
        ("npm.package", "ferrule.bindings.node:runtime.mjs"),
        ("npm.package", "ferrule.kinds.npm.package:npm.mjs"),
        ("wheel.sdist", "ferrule.kinds.wheel.sdist:sdist_backend.py.in"),
        ("npm.package", "ferrule.tools.jco:package-lock.json"),
        ("provenance", "ferrule"),  # it writes the version
    ],
)
def test_what_certain_recipes_reach(name: str, label: str, reached: dict[str, dict[str, Digest]]) -> None:
    assert label in reached[name]


def test_all_data_beside_kinds_formats_and_tools_is_some_recipes(reached: dict[str, dict[str, Digest]]) -> None:
    files = {
        p for room in ("bindings", "kinds", "formats", "tools") for p in (PACKAGE / room).rglob("*") if p.is_file()
    }
    data = {p for p in files if p.suffix not in {".py", ".pyc"}}
    assert len(data) > 5
    assert data <= {file_of(PACKAGE, label) for result in reached.values() for label in result}


@pytest.mark.parametrize("room", ["core", "engine", "formats", "kinds", "toolchain", "tools"])
def test_nothing_that_a_recipe_may_reach_is_imported_by_a_computed_name(room: str) -> None:
    dynamic = {"import_module", "__import__", "spec_from_file_location", "exec", "eval", "run_module", "run_path"}
    used = [
        f"{path.name}:{node.lineno}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        # The one only delays imports that stand in the text, the other compiles methods that import nothing.
        if path.name not in {"lazy_modules.py", "frozen.py"}
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and (node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")) in dynamic
        and not (isinstance(node.func, ast.Attribute) and node.func.attr in {"exec", "eval"})
    ]
    assert used == []


def test_code_is_the_same_in_another_folder_and_with_other_line_endings(
    copied: Path, reached: dict[str, dict[str, Digest]], tmp_path: Path
) -> None:
    other = tmp_path / "ferrule"
    shutil.copytree(copied, other)
    for path in other.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert code(other).read(RECIPES["npm.package"]) == reached["npm.package"]


def test_imports_for_type_checking_do_not_count(tmp_path: Path) -> None:
    text = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import ferrule.formats.types
else:
    import ferrule.formats.otherwise
def make():
    from ferrule.formats import lazy
"""
    package = small(
        tmp_path,
        kinds__a=text,
        formats__types="",
        formats__lazy="import os, ferrule.formats.deep as d",
        formats__deep="",
        formats__otherwise="",
        formats__unused="",
    )
    assert list(code(package).read("ferrule.kinds.a")) == [
        "ferrule.formats.deep",
        "ferrule.formats.lazy",
        "ferrule.formats.otherwise",
        "ferrule.kinds.a",
    ]


def test_a_name_out_of_a_package_is_in_the_package(tmp_path: Path) -> None:
    package = small(tmp_path, kinds__a="from ferrule.formats import Thing, b", formats__b="")
    assert list(code(package).read("ferrule.kinds.a")) == ["ferrule.formats", "ferrule.formats.b", "ferrule.kinds.a"]


def test_data_counts_only_where_files_beside_a_module_are_looked_for(tmp_path: Path) -> None:
    package = small(
        tmp_path,
        kinds__a='X = Path(__file__).parent / "texts" / "a.txt"',
        kinds__b='X = "texts"',
        kinds__c='Y = "c.txt"',
    )
    for name in ("texts/one.txt", "texts/deep/two.txt", "c.txt", "a.txt"):
        (package / "kinds" / name).parent.mkdir(parents=True, exist_ok=True)
        (package / "kinds" / name).write_text(name)
    assert list(code(package).read("ferrule.kinds.a")) == [
        "ferrule.kinds.a",
        "ferrule.kinds.a:a.txt",
        "ferrule.kinds.a:texts/deep/two.txt",
        "ferrule.kinds.a:texts/one.txt",
    ]
    assert list(code(package).read("ferrule.kinds.b")) == ["ferrule.kinds.b"]
    assert list(code(package).read("ferrule.kinds.c")) == ["ferrule.kinds.c"]


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    package = small(tmp_path, kinds__a="import ferrule.formats.b", formats__b="import ferrule.kinds.a")
    assert list(code(package).read("ferrule.kinds.a")) == ["ferrule.formats.b", "ferrule.kinds.a"]


def test_relative_imports_are_refused() -> None:
    with pytest.raises(SyntaxError, match="line 1: imports here are absolute"):
        parse(b"from . import a", python=True)


def test_a_recipe_of_another_package_counts_with_what_it_imports_of_ferrule() -> None:
    module = import_module("fakes.actions")
    result = code().of(module.Compile)
    assert result["fakes.actions"] == Digest.of(Path(str(module.__file__)).read_bytes())
    assert "ferrule.tools.command" in result


def test_one_process_reads_the_code_of_a_recipe_once(tmp_path: Path) -> None:
    package = small(tmp_path, kinds__a="")
    source = code(package)
    recipe = type("Recipe", (), {"__module__": "ferrule.kinds.a"})
    before = source.of(recipe)
    (package / "kinds" / "a.py").write_text("changed")
    assert source.of(recipe) is before
    assert source.read("ferrule.kinds.a") != before


def write_record(record: Path, text: str) -> None:
    """A record as this version writes it, whatever it says."""
    record.parent.mkdir(exist_ok=True)
    record.write_text(f"{Digest.of(text.encode()).hex}\n{text}")


def recorded(record: Path) -> str:
    return record.read_text().partition("\n")[2]


def saved(tmp_path: Path) -> tuple[Path, Path, Mapping[str, Digest]]:
    """A package, the record that was saved of it, and what a recipe of it is made of."""
    package = small(tmp_path, kinds__a="import ferrule.formats.b", formats__b="X = 1\n")
    record = tmp_path / "code" / "parsed"
    source = code(package, record)
    before = source.read("ferrule.kinds.a")
    source.save()
    return package, record, before


def test_what_was_parsed_is_remembered_by_content(tmp_path: Path) -> None:
    package, record, before = saved(tmp_path)
    # A record that says something else shows that it is what is gone by.
    write_record(record, recorded(record).replace("ferrule.formats.b", "ferrule.formats"))
    assert list(code(package, record).read("ferrule.kinds.a")) == ["ferrule.formats", "ferrule.kinds.a"]
    record.write_text("{")
    assert code(package, record).read("ferrule.kinds.a") == before


def test_a_record_that_was_changed_or_is_of_another_version_is_not_believed(tmp_path: Path) -> None:
    package, record, before = saved(tmp_path)
    good = recorded(record)
    record.write_text(record.read_text().replace("ferrule.formats.b", "ferrule.formats"))
    assert code(package, record).read("ferrule.kinds.a") == before
    other = {**json.loads(good), "reader": "0" * 64}
    write_record(record, json.dumps(other).replace("ferrule.formats.b", "ferrule.formats"))
    assert code(package, record).read("ferrule.kinds.a") == before


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"files": {}}', '{"reader": 1, "files": {"x": []}}', "\0", "[" * 100_000]
)
def test_a_damaged_record_only_costs_time(tmp_path: Path, text: str) -> None:
    package = small(tmp_path, kinds__a="")
    record = tmp_path / "parsed"
    for write in (write_record, Path.write_text):
        write(record, text)
        assert list(code(package, record).read("ferrule.kinds.a")) == ["ferrule.kinds.a"]


def test_a_record_is_written_only_when_something_was_read(tmp_path: Path) -> None:
    package, record = small(tmp_path, kinds__a=""), tmp_path / "code.json"
    source = code(package, record)
    source.save()
    assert not record.exists()
    source.read("ferrule.kinds.a")
    source.save()
    written = record.stat().st_ino
    again = code(package, record)
    again.read("ferrule.kinds.a")
    again.save()
    assert record.stat().st_ino == written
    unwritable = code(package, tmp_path / "code.json" / "below.json")
    unwritable.read("ferrule.kinds.a")
    unwritable.save()


def test_a_record_that_grew_keeps_what_is_used(tmp_path: Path) -> None:
    package, record = small(tmp_path, kinds__a="", kinds__b="X = 1\n"), tmp_path / "code" / "parsed"
    source = code(package, record)
    source.read("ferrule.kinds.a")
    source.save()
    document = json.loads(recorded(record))
    document["files"] |= {f"{number:064x}": ["0" * 64, [], []] for number in range(recipe_code._MOST - 1)}
    write_record(record, json.dumps(document))
    source = code(package, record)
    source.read("ferrule.kinds.a")
    source.read("ferrule.kinds.b")
    source.save()
    assert len(json.loads(recorded(record))["files"]) == 2


def test_one_process_writes_a_record_at_a_time(tmp_path: Path) -> None:
    package, record = small(tmp_path, kinds__a=""), tmp_path / "code" / "parsed"
    source = code(package, record)
    source.read("ferrule.kinds.a")
    with locked(record.parent):
        source.save()
        assert not record.exists()
    source.save()
    assert record.exists()


def test_data_beside_a_module_are_files_and_folders_but_no_code(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "package").mkdir()
    for name in ("a.txt", "b.py", "texts/c.txt", "package/__init__.py"):
        (tmp_path / name).touch()
    result = recipe_code._data(tmp_path, ("a.txt", "b.py", "texts", "package", "gone.txt"))
    assert [path.relative_to(tmp_path).as_posix() for path in result] == ["a.txt", "texts/c.txt"]
