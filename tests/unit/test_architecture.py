"""The shape of the program: no modules in a circle, and a page that shows the rooms and layers as they are."""

from __future__ import annotations

import importlib.util
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import grimp
import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def circle(package: str) -> list[str]:
    """Modules of a package that import each other in a circle; imports in functions and for type checking count."""
    graph = grimp.build_graph(package, cache_dir=None)
    order = TopologicalSorter({m: sorted(graph.find_modules_directly_imported_by(m)) for m in sorted(graph.modules)})
    try:
        order.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def docs_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle("ferrule") == []


@pytest.mark.parametrize(
    "text",
    [
        "import ring.a",
        "def f():\n    from ring import a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ring.a import x",
    ],
    ids=["top", "function", "types"],
)
def test_a_circle_is_seen(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "ring"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "a.py").write_text("import ring.b\nx = 1\n")
    (folder / "b.py").write_text(text)
    sys.path.insert(0, str(tmp_path))
    try:
        assert sorted(set(circle("ring"))) == ["ring.a", "ring.b"]
    finally:
        sys.path.remove(str(tmp_path))
        importlib.invalidate_caches()


def test_layers_are_drawn_from_their_contract() -> None:
    script = docs_script("architecture")
    assert "reporting | app\nplan\n" in script.drawing(ROOT / "pyproject.toml")
    assert script.page(PAGE, ROOT / "pyproject.toml") == PAGE, "run: python docs/architecture.py"


def test_a_changed_contract_changes_the_drawing(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[[tool.importlinter.contracts]]\nid = "layers"\nlayers = ["roof", "wall | door"]\n')
    assert "```text\nroof\nwall | door\n```" in docs_script("architecture").page(PAGE, project)


def test_every_room_is_in_the_table_and_no_other() -> None:
    source = ROOT / "src" / "ferrule"
    rooms = {f"{p.name}/" for p in source.iterdir() if (p / "__init__.py").is_file()}
    rooms |= {f"app/{p.name}/" for p in (source / "app").iterdir() if (p / "__init__.py").is_file()}
    rooms |= {p.name for p in source.glob("*.py") if not p.name.startswith("__")}
    cells = re.findall(r"^\| ([^|]+) \|", PAGE, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`([a-z/.]+)`", cell)} == rooms


def test_the_layers_are_drawn_once() -> None:
    arrows = re.compile(r"`?cli`? > ")
    pages = [p for p in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if arrows.search(p.read_text("utf-8"))]
    assert pages == []
