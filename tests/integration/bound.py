"""Libraries of strangers, compiled, with the bindings that Ferrule generates for them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from judges import run

from ferrule import bindings
from ferrule.core.platforms import PLATFORMS
from ferrule.formats.interfaces import header

HEADERS = Path(__file__).parents[1] / "golden" / "bindings"
SOURCES = Path(__file__).parent / "strangers"


def compiler() -> str:
    return shutil.which("clang") or "clang"


def preprocessed(path: Path, folder: Path) -> str:
    """A header as Ferrule has it preprocessed, by this machine's compiler."""
    for file, text in header.stand_ins().items():
        standard = folder / "standard" / file
        standard.parent.mkdir(parents=True, exist_ok=True)
        standard.write_text(text, encoding="utf-8")
    shutil.copy(path, folder)
    options = header.preprocessor_options(PLATFORMS["x86_64-unknown-linux-gnu"])
    return run(compiler(), *options, "-Istandard", path.name, cwd=folder).stdout


def generated(path: Path, folder: Path, language: str, package: str) -> bindings.Bindings:
    folder.mkdir(parents=True, exist_ok=True)
    source = path.read_text(encoding="utf-8")
    return bindings.generate(preprocessed(path, folder), path.name, source=source, language=language, package=package)


def shared_library(name: str, folder: Path, headers: Path = HEADERS) -> Path:
    """The library of a header, compiled."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / f"lib{name}.so"
    options = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{headers}")
    run(compiler(), *options, SOURCES / f"{name}.c", "-o", library)
    return library


def python_package(
    name: str, folder: Path, package_name: str | None = None, headers: Path = HEADERS, **known: str
) -> Path:
    """A folder for the path of modules, with a package of the library and its bindings as a wheel has them."""
    package = folder / (package_name or f"bound_{name}")
    native = package / "_native"
    library = shared_library(name, native, headers)
    text = generated(headers / f"{name}.h", folder / "work", "python", name).text
    (package / "_bindings.py").write_text(text, encoding="utf-8")
    (package / "__init__.py").write_text("from ._bindings import *\n", encoding="utf-8")
    constants = {"LIBRARY": library.name, "VERSION": "1.0", **known}
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in constants.items()]
    (native / "__init__.py").write_text("".join(lines), encoding="utf-8")
    return folder


def node_package(name: str, folder: Path, headers: Path = HEADERS, interface: str = "unreleased") -> Path:
    """A folder with a library and its bindings as an npm package has them; koffi lies in a folder above."""
    library = shared_library(name, folder / "native", headers)
    node_bindings(headers / f"{name}.h", library, folder, interface)
    return folder


def node_bindings(header_file: Path, library: Path, folder: Path, interface: str) -> None:
    """The folder `native` of an npm package, with bindings of a library that lies anywhere."""
    native = folder / "native"
    native.mkdir(parents=True, exist_ok=True)
    made = generated(header_file, folder / "work", "node", header_file.stem)
    (native / "bindings.js").write_text(made.text, encoding="utf-8")
    (native / "bindings.d.ts").write_text(made.types, encoding="utf-8")
    lines = (
        f"export const INTERFACE = {json.dumps(interface)};\nexport const locate = () => {json.dumps(str(library))};\n"
    )
    (native / "index.js").write_text(lines, encoding="utf-8")


def python(program: str, folder: Path, interpreter: str = sys.executable) -> str:
    """What a program prints that finds the packages of a folder."""
    return run(interpreter, "-X", "faulthandler", "-W", "error", "-c", program, PYTHONPATH=str(folder)).stdout
