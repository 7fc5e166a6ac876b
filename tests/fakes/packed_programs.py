"""A program of one target as the kinds around it see it: its compilation, and a real archive of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ferrule.core.model import Action, Compiled, Output
from ferrule.core.platforms import PLATFORMS
from ferrule.formats import tar
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member, below
from ferrule.kinds.packed_program import PackedProgram

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from ferrule.core.model import Json, Recipe

FILES: Mapping[str, bytes] = {
    "LICENSE": b"Copyright 2026 A. Demo\n",
    "README.md": b"# demo\n",
    "completions/_demo": b"#compdef demo\n",
    "completions/demo.bash": b"complete demo\n",
    "completions/demo.fish": b"complete -c demo\n",
    "etc/demo.toml": b"[demo]\n",
    "man/man1/demo.1": b".TH DEMO 1\n",
}
EPOCH = 1_700_000_000


@dataclass
class Packed:
    """Programs with what a recipe needs to have of them."""

    programs: list[PackedProgram] = field(default_factory=list)
    needed: dict[str, Mapping[str, Path]] = field(default_factory=dict)
    facts: dict[str, Mapping[str, Json]] = field(default_factory=dict)


def packed(
    bench: Bench,
    *triples: str,
    content: bytes = b"\x7fELF program",
    files: Mapping[str, bytes] = FILES,
    measured: Mapping[str, Json] | None = None,
    interpreter: str | None = None,
) -> Packed:
    """The program `demo` 1.2.3 for each target."""
    result = Packed()
    for triple in triples:
        platform = PLATFORMS[triple]
        name, stem = platform.program("demo"), f"demo-1.2.3-{triple}"
        program, product = bench.made(f"cli@{triple}", {name: content}, (Output(name, "program"),), program="demo")
        file = bench.root / f"{stem}{platform.family.archive_suffix}"
        members = [Member(name, content, executable=True), *(Member(n, c) for n, c in files.items())]
        write = zips.write_zip if file.suffix == ".zip" else tar.write_tar_gz
        write(file, below(stem, members), EPOCH)
        outputs = (Output(file.name, "archive", file.name),)
        archive, archives = bench.made(f"cli:archive@{triple}", {file.name: file.read_bytes()}, outputs, program="demo")
        result.programs.append(PackedProgram(platform, program, archive))
        result.needed |= {program.id: product, archive.id: archives}
        result.facts[program.id] = {"program": {"format": "elf", **(measured or {})}, "interpreter": interpreter}
    return result


def planned_program(*triples: str, name: str = "demo", program: str = "demo") -> list[Action]:
    """The actions of the artifact `cli`."""
    recipe: Recipe = _Nothing()
    actions = []
    for triple in triples:
        platform = PLATFORMS[triple]
        traits = (("program", program),)
        executable = Output(platform.program(program), "program")
        archive = f"{name}-1.2.3-{triple}{platform.family.archive_suffix}"
        actions += [
            Action(
                *(f"cli@{triple}", "cli", "program", recipe, (executable,), triple),
                traits=traits,
                compiles=Compiled("demo", triple),
            ),
            Action(
                f"cli:archive@{triple}", "cli", "program", recipe, (Output(archive, "archive"),), triple, traits=traits
            ),
        ]
    return actions


class _Nothing:
    def make(self, context: object) -> None: ...
