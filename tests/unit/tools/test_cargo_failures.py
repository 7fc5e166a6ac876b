"""What a failure of Cargo's says: the first error, its place, what belongs to the system, and what to do."""

from __future__ import annotations

import pytest

from ferrule.tools import cargo_failures
from ferrule.tools.run import Captured, ToolFailed

COMPILE_ERRORS = """\
   Compiling x v0.1.0 (/w/x)
warning: unused variable: `n`
 --> x/src/other.rs:1:1
error[E0308]: mismatched types
  --> x/src/lib.rs:12:5
   |
12 |     "no"
   |     ^^^^ expected `i32`, found `&str`
error: cannot find macro `nope` in this scope
 --> x/src/lib.rs:20:1
error: could not compile `x` (lib) due to 2 previous errors; 1 warning emitted
"""


def failed(stderr):
    return ToolFailed("cargo ended with exit code 101", command="cargo", code=101, captured=Captured("", stderr))


def test_a_compile_error_names_its_place():
    error = cargo_failures.explain(failed(COMPILE_ERRORS))
    assert error.where == "x/src/lib.rs:12:5"
    assert error.message == "mismatched types [E0308] (and 1 more)"
    assert error.output.startswith("error[E0308]: mismatched types\n")


@pytest.mark.parametrize(
    ("stderr", "first", "hint"),
    [
        (
            "error: cannot update the lock file /w/Cargo.lock because --locked was passed to prevent this\n",
            "cannot update the lock file /w/Cargo.lock",
            "cargo update --workspace",
        ),
        ("error: no matching package named `x` found\nperhaps --offline\n", "no matching package", "cargo fetch"),
        ("ld.lld: error: undefined symbol\n", "cargo ended with exit code 101", "add -v"),
    ],
)
def test_other_errors_of_cargo(stderr, first, hint):
    error = cargo_failures.explain(failed(stderr))
    assert error.message.startswith(first)
    assert hint in error.hint


def test_the_message_of_a_compiler_is_shown_from_its_first_line_on_and_cut_with_a_note():
    lines = [f"\x1b[1m{n}\x1b[0m" for n in range(60)]
    error = cargo_failures.explain(
        failed("   Compiling x v1\n\n\x1b[91merror\x1b[0m: no\n --> x.rs:1:2\n" + "\n".join(lines))
    )
    shown = error.output.splitlines()
    assert shown[:3] == ["\x1b[91merror\x1b[0m: no", " --> x.rs:1:2", "\x1b[1m0\x1b[0m"]
    assert shown[-1] == "... 22 more lines"
    assert len(shown) == cargo_failures.EXCERPT_LINES + 1


def test_what_a_macro_says_of_its_own_file_is_the_place():
    stderr = """error: failed to resolve directory while parsing WIT for path [/a b/wit]
       
       Caused by:
         failed to parse package: /a b/wit
       
       Caused by:
         expected `import`, found an identifier
            --> /a b/wit/x.wit:36:5
             |
          36 |     rekord config {
             |     ^-----
  --> x/src/lib.rs:15:5
   |

error: could not compile `x` (lib) due to 3 previous errors; 1 warning emitted
"""  # noqa: W293 - as the compiler writes it
    error = cargo_failures.explain(failed(stderr))
    assert error.where == "/a b/wit/x.wit:36:5"
    assert error.message == "expected `import`, found an identifier (and 2 more)"


@pytest.mark.parametrize(
    ("says", "message", "hint"),
    [
        (
            'error: unable to find system framework "CoreFoundation". searched paths: none',
            "the framework CoreFoundation of macOS was not found",
            "SDKROOT",
        ),
        (
            "error: undefined symbol: zip_it\n          >>> referenced by demo.1-cgu.0\n",
            "nothing that is linked defines zip_it (demo.1-cgu.0)",
            "link with the library that has it",
        ),
        (
            "error: unable to find dynamic system library 'z' using strategy 'paths_first'. searched paths: none",
            "the library z was not found for the target",
            "vendored",
        ),
    ],
)
def test_what_belongs_to_the_system_of_the_target(says, message, hint):
    error = cargo_failures.explain(
        failed(f"error: linking with `/z/zigcc.sh` failed: exit status: 1\n  |\n  = note: {says}\n")
    )
    assert message in error.message
    assert hint in error.hint
