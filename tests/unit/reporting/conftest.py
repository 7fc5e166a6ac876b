"""Events and outcomes to report."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ferrule.core.errors import BuildError
from ferrule.core.model import Action, Digest, FileRecord, Outcome, Output, Placed, Report


@dataclass(frozen=True)
class Nothing:
    def make(self, context: object) -> None: ...


@dataclass(frozen=True)
class Story:
    """Four actions: a library that was built, an image from the cache, a wheel that failed, sums that were skipped."""

    library: Outcome
    image: Outcome
    wheel: Outcome
    sums: Outcome

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return (self.library, self.image, self.wheel, self.sums)

    @property
    def report(self) -> Report:
        placed = tuple(
            Placed(
                record.name,
                outcome,
                outcome.action.outputs[0],
                record.digest,
                record.size,
                executable=False,
            )
            for outcome in (self.library, self.image)
            for record in outcome.files
        )
        return Report(self.outcomes, placed)


def action(
    name: str, target: str | None = None, *, output: Output | None = None, needs: tuple[str, ...] = ()
) -> Action:
    action_id = f"{name}@{target}" if target else name
    return Action(action_id, name, "kind", Nothing(), (output or Output(name, "x", name),), target, needs)


@pytest.fixture
def story() -> Story:
    a, b = Digest.of(b"a"), Digest.of(b"b")
    error = BuildError("it does not compile: 100%\nsecond line", where="src/lib.rs:7:5", hint="correct it")
    return Story(
        library=Outcome(
            action("native", "x86_64-unknown-linux-gnu", output=Output("lib.so", "cdylib", "lib.so")),
            "built",
            a,
            (FileRecord("lib.so", a, 20480),),
            seconds=12.34,
            reason="never built here",
        ),
        image=Outcome(
            action("image", output=Output("image", "layout", "image", folder=True)),
            "cached",
            b,
            (FileRecord("image/blobs/sha256/aa", a, 1000), FileRecord("image/index.json", b, 24)),
        ),
        wheel=Outcome(action("wheel"), "failed", seconds=125.0, reason="it does not compile: 100%", error=error),
        sums=Outcome(action("sums", needs=("wheel",)), "skipped", reason="wheel failed"),
    )
