"""What a destination serves as attestations of a file, judged offline: who made it, from which commit, of which bytes.

Who must have attested, `identity` of a row says; there an absent attestation is an error. Where none is named, those
that are served have to hold all the same.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Final

from ferrule.app.publish.items import UploadFailed
from ferrule.core import strict_json
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.section import Field
from ferrule.formats import attestation, keyless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ferrule.app.publish.items import Item
    from ferrule.app.publish.web import Answer

ATTESTER: Final = r"^https://(github\.com|gitlab\.com)/[^@\s]+$"
Attester = Annotated[str, Field(pattern=ATTESTER, max_length=400)]


def attester() -> Any:  # noqa: ANN401 - it stands where the default would
    """The key of a row that says who must have attested what is there."""
    return Field(
        default=None,
        description="Who must have attested what is there: a repository, or a workflow in it, for the tag of the "
        "release. `ferrule verify --published` fails where an attestation is absent; without this key it checks those "
        "that are there.",
        examples=["https://github.com/example/demo/.github/workflows/release.yml"],
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """An attestation that a destination serves: a Sigstore bundle, what it must be about, and of which types.

    `publisher` is whom an index names as the one who attested (PEP 740); empty where a destination names nobody.
    """

    bundle: bytes
    subject: attestation.Subject
    types: tuple[str, ...]
    publisher: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of a row: how to ask for attestations, who made them, and for which commit and tag.

    `offers` are those that the destination of a publisher serves of an item; None for what nobody attests.
    """

    offers: Callable[[Any, Item], Iterable[Offer] | None]
    identity: str | None
    commit: str | None
    tag: str

    def problems(self, publisher: object, item: Item, root: Callable[[], keyless.Root]) -> Iterator[str | None]:
        """For each attestation of an item what is wrong with it; one problem where there is none and should be."""
        try:
            offers = self.offers(publisher, item)
            listed = None if offers is None else tuple(offers)
        except UploadFailed as failure:
            yield f"its attestations cannot be read: {failure.message}"
            return
        except VerificationError as error:
            yield error.message
            return
        if listed is None:
            return
        if not listed and self.identity:
            yield f"there is no attestation of it, and targets.yaml expects one of {self.identity}"
        for offer in listed:
            yield self._problem(offer, item, root())

    def _problem(self, offer: Offer, item: Item, root: keyless.Root) -> str | None:
        try:
            anybody = keyless.Identity()
            signer = attestation.verify(root, offer.bundle, offer.subject, anybody, offer.types, where=item.name)
        except VerificationError as error:
            return error.message
        return self._expected(signer).problem(signer) or attestation.publisher_problem(offer.publisher, signer)

    def _expected(self, signer: keyless.Signer) -> keyless.Identity:
        if self.identity is None:
            # An address of e-mail signs for no commit.
            return keyless.Identity(commit=self.commit if signer.commit else None)
        named = keyless.identity(self.identity)
        ref = f"refs/tags/{self.tag}"
        return keyless.Identity(named.issuer, None, named.repository, named.path, ref, self.commit)


def document_of(answer: Answer) -> Any:  # noqa: ANN401 - any JSON
    """What a server says, read as it can be understood in one way. Raises UploadFailed."""
    try:
        return strict_json.loads(answer.body.decode())
    except (ValueError, RecursionError) as error:
        raise UploadFailed("its answer is not JSON that means one thing") from error
