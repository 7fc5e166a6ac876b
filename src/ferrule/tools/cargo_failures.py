"""What a failure of Cargo's says: the first error, where it is, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ferrule.core.errors import BuildError
from ferrule.core.printable import without_colours
from ferrule.tools.build_programs import explain_script

if TYPE_CHECKING:
    from ferrule.tools.run import ToolFailed

EXCERPT_LINES = 40
"""Lines of a compiler's message that a failure shows; the log has all."""


def explain(failed: ToolFailed) -> BuildError:
    """The first error that the compiler or Cargo named, with its position, and how many there were.

    A macro that reads another file (WIT, say) names a position in that file within its message, which is then used.
    """
    first = re.search(
        r"^error(?:\[(?P<code>E\d+)\])?: (?P<message>.+)\n(?:(?!error).*\n)*?\s*--> (?P<position>\S+:\d+:\d+)",
        failed.stderr,
        re.MULTILINE,
    )
    if first is None:
        return explain_cargo(failed)
    count = re.search(r"due to (\d+) previous errors", failed.stderr)
    more = f" (and {int(count[1]) - 1} more)" if count else ""
    code = f" [{first['code']}]" if first["code"] else ""
    message, position = f"{first['message']}{code}", first["position"]
    if cause := re.search(r"Caused by:\n\s+(.+)\n\s+--> (/.+:\d+:\d+)\n", first[0]):
        message, position = cause.groups()
    return BuildError(f"{message}{more}", where=position, hint=failed.hint, output=_from_first_error(failed.coloured))


_FRAMEWORK = re.compile(r"unable to find (?:system )?framework [\"'](\w+)[\"']")
_LIBRARY = re.compile(r"unable to find (?:dynamic )?system library [\"']([^\"']+)[\"']")


_UNDEFINED = re.compile(r"error: undefined symbol: (\S+)(?:\s[^\n]*>>> referenced by (\S+))?")


def _missing_from_system(failed: ToolFailed) -> BuildError | None:
    """What zig could not link with because it belongs to the system of the target, and how it gets there."""
    if undefined := _UNDEFINED.findall(failed.stderr):
        users = dict(reversed(undefined))
        named = [f"{symbol}{f' ({user})' if user else ''}" for symbol, user in users.items()]
        return BuildError(
            f"nothing that is linked defines {', '.join(sorted(named))}",
            output=failed.output,
            hint="link with the library that has it; one of the system has it only from a newer version on than the "
            "target's floor",
        )
    if framework := _FRAMEWORK.search(failed.stderr):
        return BuildError(
            f"the framework {framework[1]} of macOS was not found: it comes with Apple's SDK, which zig does not have",
            output=failed.output,
            hint="name an SDK of macOS (SDKROOT) at the target, as `sdk: path/of/MacOSX.sdk`, or build on a Mac",
        )
    if library := _LIBRARY.search(failed.stderr):
        return BuildError(
            f"the library {library[1]} was not found for the target: zig looks in no folder of this machine",
            output=failed.output,
            hint="turn on the crate's feature that builds it from source (often `vendored`, `bundled` or `static`), "
            'or name the folder with the target\'s own at the library, as `rustflags: ["-Lnative=/folder"]`',
        )
    return None


def explain_cargo(failed: ToolFailed) -> BuildError:
    """What Cargo itself says it failed for."""
    if (missing := _missing_from_system(failed) or explain_script(failed)) is not None:
        return missing
    message = re.search(r"^error: (.+)", failed.stderr, re.MULTILINE)
    hint = failed.hint
    if "--locked" in failed.stderr and "lock file" in failed.stderr:
        hint = "run cargo update --workspace, look at the change of Cargo.lock, and commit it"
    elif "--offline" in failed.stderr:
        hint = "run cargo fetch --locked once where there is a network"
    return BuildError(message[1] if message else failed.message, hint=hint, output=failed.output)


def _from_first_error(written: str) -> str:
    """What Cargo wrote from the first error on, with its colours, at most EXCERPT_LINES of it."""
    lines = [line for line in written.splitlines() if without_colours(line) and not line.startswith('{"')]
    first = next((n for n, line in enumerate(lines) if without_colours(line).startswith("error")), 0)
    excerpt = lines[first : first + EXCERPT_LINES]
    more = len(lines) - first - len(excerpt)
    return "\n".join([*excerpt, *([f"... {more} more lines"] if more > 0 else [])])
