"""Where recipes may run besides the machine that runs the plan: an action is handed over, its result comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from ferrule.core.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ferrule.core.model import Action, Digest, FileRecord, Outcome
    from ferrule.engine.events import Event
    from ferrule.engine.key import Document
    from ferrule.engine.store import Result, Store

SAME_INPUTS: Final = "give every worker a clean checkout of this commit, and the tools that ferrule doctor shows here"
"""What to do where a worker would make other bytes."""


@dataclass(frozen=True, slots=True)
class Order:
    """An action to be made elsewhere, the key of all that it declares, and what the actions it needs came to."""

    action: Action
    declared: Digest
    needed: Mapping[str, Outcome]

    @property
    def files(self) -> dict[Digest, FileRecord]:
        """Every content that is needed, once."""
        return {record.digest: record for outcome in self.needed.values() for record in outcome.files}


class OtherInputsError(VerificationError):
    """The machine that was to make an action has other sources or tools; `document` is the key document it found."""

    def __init__(self, action: str, document: Document) -> None:
        super().__init__("the inputs are others here", where=action)
        self.document = document


class Executor(Protocol):
    """Machines that make actions."""

    def takes(self, action: Action, /) -> bool:
        """Whether an action is made there, and not by the process that runs the plan."""

    @property
    def slots(self) -> int:
        """How many actions run there at once; raises NetworkError when no worker is left."""

    @property
    def room(self) -> int:
        """How many actions may be there now, with those that wait or are on their way back; raises NetworkError."""

    def make(self, order: Order, store: Store, log: Path, tell: Callable[[Event], None], /) -> Result:
        """Have an action made, its contents put into `store` and its log into `log`; may be called from many threads.

        Raises the failure of the recipe, OtherInputsError, NetworkError.
        """

    def end(self) -> None:
        """Stop the running actions at once: their results are not needed any more."""
