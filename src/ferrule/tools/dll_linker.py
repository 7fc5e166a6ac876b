"""The program that links for Windows: it hands on to zig which symbols a DLL exports, and what the DLL is called.

rustc writes the symbols into a module definition file and names that to the linker as `-Wl,<folder>/list.def`, which
cargo-zigbuild (0.24) leaves out: the DLL would export every symbol of Rust's. zig takes such a file as an input of its
own, and has a protection of the stack of its own, in place of the library that the older of Rust's targets asks for.
The linker writes the file name of its output into the DLL and its import library, and Cargo names the output after
the crate, so it is linked under its own name and put where rustc expects it.

That a file holds no time, and keeps its debug information, is said to lld-link, which zig calls and which takes more
options from the variable `_LINK_` (Microsoft, "LINK environment variables"). Asked for debug information by its own
options, zig would compile its own parts in another way, keep what nothing refers to, and write a `.pdb` that has no
line of Rust's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.tools.script_file import write_script

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.platforms import Platform

_NAME: Final = "-Wl,-soname,"
_OPTIONS: Final = "-BREPRO"
"""Options of lld-link: a digest of the file stands where the time of linking would."""

_DEBUG: Final = "-DEBUG:DWARF -OPT:REF"
"""Keep DWARF and the table of symbols, and leave out what nothing refers to as without it."""
_SCRIPT: Final = """\
#!/bin/sh
# $CC_{variable} is cargo-zigbuild's wrapper of zig.
set -eu
list='' name='' output='' previous=''
for argument do
    shift
    case $argument in
    -lssp_nonshared) ;;
    *) set -- "$@" "$argument" ;;
    esac
done
for argument do
    case $argument in
    @*) echo 'the options of the linker are in a file, where the list of exports is not found' >&2; exit 1 ;;
    -Wl,*/list.def) list=${{argument#-Wl,}} ;;
    {option}*) name=${{argument#{option}}} ;;
    esac
    case $previous in -o) output=$argument ;; esac
    previous=$argument
done
if [ -z "$list" ]; then exec "$CC_{variable}" "$@"; fi
folder=${{list%/*}}/linked
mkdir "$folder"
cp "$list" "$folder/exports.def"
: "${{name:=${{output##*/}}}}"
previous=''
for argument do
    shift
    case $argument in
    "-Wl,$list") set -- "$@" "$folder/exports.def" ;;
    {option}*) ;;
    "$output") case $previous in -o) set -- "$@" "$folder/$name" ;; *) set -- "$@" "$argument" ;; esac ;;
    *) set -- "$@" "$argument" ;;
    esac
    previous=$argument
done
"$CC_{variable}" "$@"
mv "$folder/$name" "$output"
"""


def environment(cache: Path, platform: Platform, *, debug_info: bool) -> dict[str, str]:
    """Variables by which Cargo links for a target with this program, for the same bytes at any time.

    With `debug_info` that is kept. There are none where zig is told all of it anyway.
    """
    if platform.family.object_format != "coff":
        return {}
    options = f"{_OPTIONS} {_DEBUG}" if debug_info else _OPTIONS
    return {f"CARGO_TARGET_{_variable(platform).upper()}_LINKER": str(_path(cache, platform)), "_LINK_": options}


def write(cache: Path, platform: Platform) -> None:
    """Write the program, where the target needs it; raises StorageError."""
    if platform.family.object_format != "coff":
        return
    text = _SCRIPT.format(variable=_variable(platform), option=_NAME)
    write_script(_path(cache, platform), text, "the linker's wrapper")


def _path(cache: Path, platform: Platform) -> Path:
    return cache / "linkers" / f"ferrule-{platform.triple}"


def _variable(platform: Platform) -> str:
    return platform.triple.replace("-", "_")
