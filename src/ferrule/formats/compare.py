"""Where two files begin to differ: the member of an archive, the section of a binary, the line of a text, the offset.

Files of both sides are taken apart in the same way, from the outside in, until something is left that is only bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ferrule.formats.unpack import (
    DAMAGE,
    DEEPEST,
    OUTSIDE,
    Piece,
    UnpackStep,
    parts_of,
    parts_of_layout,
    reader_of,
    sections_of_elf,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHOWN: Final = 16
_LINE: Final = 160


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference of two contents.

    `path` leads to it from the outside in. `offset` counts bytes in the innermost part, `at` in the innermost file that
    is not compressed (both None where not a byte but a trait differs); `reason` says in words what it is, `first`
    and `second` what stands there on either side. `also` names further parts beside the last step that differ.
    """

    path: tuple[UnpackStep, ...]
    reason: str
    offset: int | None = None
    at: int | None = None
    first: str = ""
    second: str = ""
    also: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """Where it is, in words: `member lib/libx.so, section .rodata, offset 0x1f0`."""
        steps = [f"{step.kind} {step.name}" for step in self.path]
        if self.offset is not None:
            steps.append(f"offset {self.offset:#x}")
        return ", ".join(steps) or "the whole"


def first_difference(one: bytes, two: bytes) -> Difference | None:
    """The first difference of two contents, as far inside as their formats can be read; None if they are equal."""
    return None if one == two else _inside(one, two, 0)


def first_difference_of_layouts(one: Mapping[str, bytes], two: Mapping[str, bytes]) -> Difference | None:
    """The same for two OCI image layouts (image-spec, "Image Layout"), each given as its files by name.

    Blobs are named by their digests, so that they are followed from the index: for each platform the layers, from the
    lowest up, then what describes them.
    """
    if one == two:
        return None
    difference = _of_parts(parts_of_layout(one), parts_of_layout(two), 0)
    if difference is not None:
        return difference
    name = min(n for n in {*one, *two} if one.get(n) != two.get(n))
    if name not in one or name not in two:
        return Difference((UnpackStep("image", name),), _only_in(name in one))
    return _outwards(UnpackStep("image", name), _inside(one[name], two[name], 1))


def _inside(one: bytes, two: bytes, depth: int) -> Difference:
    """Take both apart if they are of one format; `one` and `two` differ."""
    plain = _of_bytes(one, two)
    reader = reader_of(one)
    if reader is None or reader is not reader_of(two) or depth >= DEEPEST:
        return plain
    ours, theirs = parts_of(reader, one), parts_of(reader, two)
    if ours is None or theirs is None:
        return plain
    if reader is sections_of_elf:
        return _of_sections(ours, theirs, depth) or plain
    return _of_parts(ours, theirs, depth) or replace(plain, reason=OUTSIDE.get(reader, plain.reason))


def _of_parts(one: list[Piece], two: list[Piece], depth: int) -> Difference | None:
    """Compare part by part: which there are, what they hold, what is said about them, in which order they stand."""
    ours, theirs = _by_step(one), _by_step(two)
    lost = next((step for step in (*ours, *theirs) if step not in ours or step not in theirs), None)
    if lost is not None:
        also = tuple(s.name for s in (*ours, *theirs) if (s not in ours or s not in theirs) and s != lost)
        return Difference((lost,), _only_in(lost in ours), also=also)
    differing = [step for step in ours if ours[step].content != theirs[step].content]
    if differing:
        first = differing[0]
        difference = _in_part(first, ours[first], theirs[first], depth)
        return replace(difference, also=difference.also or tuple(step.name for step in differing[1:]))
    for step in ours:
        for trait in sorted({*ours[step].traits, *theirs[step].traits}):
            values = [side[step].traits.get(trait, "none") for side in (ours, theirs)]
            if values[0] != values[1]:
                return Difference((step,), f"its {trait} differs", first=values[0], second=values[1])
    if list(ours) != list(theirs):
        moved, other = next((a, b) for a, b in zip(ours, theirs, strict=True) if a != b)
        return Difference((moved,), "the order differs", first=moved.name, second=other.name)
    return None


def _in_part(step: UnpackStep, one: Piece, two: Piece, depth: int) -> Difference:
    damage = [side.traits.get(DAMAGE, "none") for side in (one, two)]
    if damage[0] != damage[1]:
        return Difference((step,), "it is damaged", first=damage[0], second=damage[1])
    difference = _inside(one.content, two.content, depth + 1)
    if difference.at is not None and one.at is not None:
        difference = replace(difference, at=one.at + difference.at)
    return _outwards(step, difference)


def _outwards(step: UnpackStep, difference: Difference) -> Difference:
    return replace(difference, path=(step, *difference.path))


def _only_in(first: bool) -> str:
    return f"it is only in the {'first' if first else 'second'}"


def _by_step(parts: Sequence[Piece]) -> dict[UnpackStep, Piece]:
    """Parts by what they are called; a name that is there again gets a number."""
    pieces: dict[UnpackStep, Piece] = {}
    for part in parts:
        step, count = part.step, 1
        while step in pieces:
            count += 1
            step = replace(part.step, name=f"{part.step.name} #{count}")
        pieces[step] = part
    return pieces


def _of_bytes(one: bytes, two: bytes) -> Difference:
    """The first byte that differs, and in a text its line."""
    at = _first_byte(one, two)
    texts = [_line(data, at) for data in (one, two)]
    if texts[0] is not None and texts[1] is not None:
        number = one.count(b"\n", 0, at) + 1
        return Difference((), f"line {number} differs", at, at, texts[0], texts[1])
    if at == min(len(one), len(two)):
        shorter, longer = sorted((len(one), len(two)))
        which = "first" if len(one) < len(two) else "second"
        reason = f"the {which} ends here, after {shorter} bytes; the other has {longer}"
        return Difference((), reason, at, at, _hex(one, at), _hex(two, at))
    return Difference((), "the bytes differ", at, at, _hex(one, at), _hex(two, at))


def _first_byte(one: bytes, two: bytes) -> int:
    """Where two contents begin to differ, which they do: by halves, as comparing slices is fast and counting is not."""
    low, high = 0, min(len(one), len(two))
    if one[:high] == two[:high]:
        return high
    left, right = memoryview(one), memoryview(two)
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _hex(data: bytes, at: int) -> str:
    return data[at : at + _SHOWN].hex(" ") or "nothing"


def _line(data: bytes, at: int) -> str | None:
    """The line around a place, shortened to what is near it; None if this is no text."""
    if b"\0" in data[max(0, at - 4096) : at + 4096]:
        return None
    start = max(data.rfind(b"\n", 0, at) + 1, at - _LINE // 2)
    end = data.find(b"\n", at)
    piece = data[start : min(end if end >= 0 else len(data), start + _LINE)]
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


_BOOKKEEPING: Final = ("(", ".symtab", ".strtab", ".shstrtab", ".rela", ".dynamic", ".eh_frame", ".gnu.hash", ".note")


def _of_sections(one: list[Piece], two: list[Piece], depth: int) -> Difference | None:
    """As `_of_parts`, but what only tells where other things are comes after those."""
    both = {part.step for part in one} & {part.step for part in two}
    gaps = {part.step for part in (*one, *two) if part.step.name.startswith("(")} - both
    sides = [
        sorted(
            (part for part in side if part.step not in gaps), key=lambda part: part.step.name.startswith(_BOOKKEEPING)
        )
        for side in (one, two)
    ]
    return _of_parts(sides[0], sides[1], depth)
