from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import lay_out
from fakes.triples import X86
from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release.run import disk_of
from ferrule.core.errors import ConfigErrors
from ferrule.kinds import KINDS
from ferrule.kinds.base import ReleaseInfo
from ferrule.kinds.header import interface_of, metadata_of, with_macros, without_imports
from ferrule.plan import plan

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo

HEADER = """#ifndef DEMO_H
#define DEMO_H

#define DEMO_URL "https://example.org/a"
#define DEMO_ONE 1
int demo_add(int a, int b); /* adds */

#endif
"""


@pytest.mark.parametrize(
    "same",
    [
        HEADER.replace("/* adds */", '// Adds.\n// It\'s all "it" does'),
        HEADER.replace("/* adds */", "/* adds\n * over lines */"),
        HEADER.replace("int demo_add(int a, int b);", "int\n  demo_add( int a,\n\t int b ) ;"),
        HEADER.replace("\n\n", "\n\n\n"),
    ],
)
def test_comments_and_layout_are_no_interface(same: str) -> None:
    assert interface_of(same) == interface_of(HEADER)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int a", "long a"),
        ("int a, int b", "int b, int a"),
        ("demo_add", "demo_sum"),
        ("DEMO_ONE 1", "DEMO_ONE 2"),
        ("DEMO_ONE 1\nint demo", "DEMO_ONE 1 int\n demo"),
        ("example.org/a", "example.org/b"),
        ("https://example", "https:// example"),
        ("/* adds */", "int more(void);"),
        ("/* adds */", "#define QUOTE '\"' // one"),
    ],
)
def test_everything_else_is(old: str, new: str) -> None:
    assert old in HEADER
    assert interface_of(HEADER.replace(old, new)) != interface_of(HEADER)


def test_macros_go_behind_the_guard() -> None:
    text = with_macros("/* made by cbindgen */\n" + HEADER, ['#define DEMO_VERSION "1.2.3"'], guard="X_H")
    assert text.startswith('/* made by cbindgen */\n#ifndef DEMO_H\n#define DEMO_H\n\n#define DEMO_VERSION "1.2.3"\n')
    assert text.endswith(HEADER.partition("DEMO_H\n\n")[2])


def test_macros_go_behind_pragma_once() -> None:
    text = with_macros("#pragma once\nint a;\n", ["#define V 1"], guard="X_H")
    assert text == "#pragma once\n\n#define V 1\nint a;\n"


def test_a_header_without_a_guard_gets_one() -> None:
    text = with_macros("#ifndef A\n#define A 1\n#endif\n", ["#define V 1"], guard="X_H")
    assert text == "#ifndef X_H\n#define X_H\n\n#define V 1\n\n#ifndef A\n#define A 1\n#endif\n\n#endif\n"


IMPORTS = """\
/**
 * What C has.
 */
extern int32_t native_words(const char *text,
                            int32_t more);

/**
 * Counts.
 */
int32_t demo_words(const char *text);

extern const uint32_t DEMO_LIMIT;

extern void (*DEMO_HOOK)(int32_t code);
"""


def test_functions_that_a_crate_imports_are_not_in_its_header() -> None:
    text = without_imports(IMPORTS)
    assert text == IMPORTS[IMPORTS.index("/**\n * Counts.") :]
    assert without_imports(text) == text


def test_another_package_of_the_crate_s_name_is_kept_from_cbindgen(tmp_path: Path) -> None:
    own, other, third = ({"name": n, "manifest_path": str(tmp_path / f / "Cargo.toml")} for n, f in PACKAGES)
    text = json.dumps({"packages": [other, own, third], "workspace_root": "/w"})
    document = json.loads(metadata_of(text, "itoa", tmp_path / "own" / "Cargo.toml"))
    assert document == {"packages": [own, third], "workspace_root": "/w"}


PACKAGES = (("itoa", "own"), ("itoa", "registry"), ("ryu", "ryu"))


GUARDED = "#ifndef DEMO_H\n#define DEMO_H\n{}\n#endif\n"
MISMATCH = """
  - demo.h:8 declares demo_fetch, which the library does not export
  - it exports demo_copy, which demo.h does not declare
"""


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"cbindgen-says": "WARN: Can't find Status. This usually means …\nWARN: Skip x::Y - (not `pub`).\n"},
            "demo-ffi: cbindgen left something out of the header:\n  | WARN: Can't find Status. This usually means …",
        ),
        ({"cbindgen-says": "ERROR: Cannot use fn demo-ffi::demo_sum (Tuples …).\n"}, "demo-ffi::demo_sum"),
        (
            {"zig-says": "c11: unknown type name 'Status'\n"},
            "demo.h is not valid C11 for x86_64-unknown-linux-gnu\n  | c11: unk",
        ),
        ({"zig-says": "c++17: expected unqualified-id\n"}, "demo.h is not valid C++17 for x86_64-unknown-linux-gnu\n"),
        (
            {"header": GUARDED.format("int demo_add(int a, int b);\nint demo_fetch(void);")},
            MISMATCH,
        ),
        ({"header": ""}, "it exports demo_add, which demo.h does not declare"),
    ],
)
def test_a_header_that_is_not_that_of_the_library_is_refused(
    tmp_path: Path, files: dict[str, str], problem: str
) -> None:
    demo = lay_out(tmp_path)
    for name, text in files.items():
        (demo.home / name).write_text(text)
    failed = [str(outcome.error or outcome.reason) for outcome in demo.run().failed]
    assert problem in failed[0]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("", "this names no header"),
        ("crate: demo-ffi, file: LICENSE", "this names crate and file, which are different headers"),
        ("crate: demo-ffi, root: rust", "`root` says nothing of a header that `crate` names"),
        ("file: LICENSE, macros: X", "`macros` says nothing of a header that `file` names"),
        ("files: [rust/*.toml], name: x.h", "`name` says nothing of a header that `files` names"),
        ("file: LICENSE", "LICENSE does not have the name of a header: .h, .hpp"),
        ("files: ['!rust/*.toml']", "every glob here leaves something out"),
        ("files: [rust/*.toml, assets/*], root: rust", "assets is not below rust"),
    ],
)
def test_a_header_comes_from_one_origin(demo: Demo, keys: str, problem: str) -> None:
    demo.edit("header: {kind: header, crate: demo-ffi}", f"header: {{kind: header, {keys}}}")
    with pytest.raises(ConfigErrors) as caught:
        plan(config.load(demo.project, KINDS, DESTINATIONS), ReleaseInfo("demo", "1.2.3"), disk_of(demo.project))
    assert problem in str(caught.value)


def test_a_configuration_that_cannot_be_read_is_a_mistake(demo: Demo) -> None:
    (demo.project / "cbindgen.toml").write_bytes(b"\xff")
    demo.edit(
        "header: {kind: header, crate: demo-ffi}", "header: {kind: header, crate: demo-ffi, config: cbindgen.toml}"
    )
    with pytest.raises(ConfigErrors) as caught:
        plan(config.load(demo.project, KINDS, DESTINATIONS), ReleaseInfo("demo", "1.2.3"), disk_of(demo.project))
    assert [error.where for error in caught.value.errors if "not UTF-8" in error.message] == ["cbindgen.toml"]


DECLARED = "int demo_add(int a, int b);\nchar *demo_copy(const char *text);\n"


def failures(demo: Demo, header: str, **files: str | bytes) -> list[str]:
    """What fails in a run of a library with this header for one target."""
    for name, content in files.items():
        path = demo.project / "api" / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path = demo.project / "targets.yaml"
    head = path.read_text().partition("targets:\n")[0]
    native = "native: {kind: library, crate: demo-ffi, header: header, ship: true, exports: ['demo_*']}"
    path.write_text(
        f'{head}targets:\n  {X86}: {{glibc: "2.17"}}\nartifacts:\n  {native}\n  header: {{kind: header, {header}}}\n'
    )
    return [str(outcome.error) for outcome in demo.run().failed if outcome.error]


@pytest.mark.parametrize(
    ("header", "shipped"),
    [
        ("file: api/demo.h, ship: true, name: add.h", {"include/add.h"}),
        ("files: [api], ship: true", {"include/demo.h", "include/demo/text.inc"}),
        ("files: ['**/*.h'], root: ., ship: true", {"include/api/demo.h"}),
    ],
)
def test_headers_that_exist_are_taken_as_they_are(demo: Demo, header: str, shipped: set[str]) -> None:
    files: dict[str, str | bytes] = {"demo_dot_h": DECLARED, "demo__text_dot_inc": "text"}
    assert failures(demo, header, **files) == []
    assert {name for name in demo.files() if name.startswith("include/")} == shipped


def test_headers_of_which_none_is_left_are_refused(demo: Demo) -> None:
    (message,) = failures(demo, "files: ['api/*.inc']", text_dot_inc="text")
    assert "no file of the project that Git would publish is a header among `files` (api/*.inc)" in message


@pytest.mark.parametrize("header", ["file: api/demo.h", "files: [api]"])
def test_a_header_in_another_encoding_is_refused(demo: Demo, header: str) -> None:
    (message,) = failures(demo, header, demo_dot_h=b"int demo_add(void); /* \xff */")
    assert "api/demo.h: this header is not UTF-8" in message


def test_a_header_of_c_plus_plus_alone_is_compiled_as_that_alone(demo: Demo) -> None:
    content = f'extern "C" {{\n{DECLARED}}}\n'
    assert failures(demo, "file: api/demo.hpp", demo_dot_hpp=content) == []
    calls = " ".join(demo.calls)
    assert "-std=c++17" in calls
    assert "-std=c11" not in calls


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("#define A '\"' // one\n#define B '\"'\n", "#define A '\"' // two\n#define B '\"'\n"),
        ("#define A '\\'' // it's\n#define B 1\n", "#define A '\\'' // it is\n#define B 1\n"),
    ],
)
def test_a_quote_within_a_character_begins_no_text(one: str, other: str) -> None:
    assert interface_of(one) == interface_of(other)
    assert interface_of(one) != interface_of(one.replace("B", "C"))


def test_a_comment_that_a_character_seems_to_begin_hides_nothing() -> None:
    one = "#define OPEN '/*'\n#define LIMIT 1\n/* the end */\n"
    assert interface_of(one) != interface_of(one.replace("LIMIT 1", "LIMIT 2"))
    assert interface_of(one) == interface_of(one.replace("the end", "another end"))
