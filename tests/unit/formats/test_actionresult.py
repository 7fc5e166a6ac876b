from __future__ import annotations

import pytest

from ferrule.core.model import Digest, FileRecord
from ferrule.formats.actionresult import ActionResult, decode, encode

A, B = Digest.of(b"a"), Digest.of(b"b")
RESULT = ActionResult(
    (FileRecord("lib/ä.so", A, 300, executable=True), FileRecord("empty", B, 0)),
    FileRecord("stdout", A, 1),
)
# As the protobuf library writes it, from the published definition of the messages.
KNOWN = bytes.fromhex(
    "12540a096c69622fc3a42e736f12450a40636139373831313263613162626463616661633233316233396132336463346461373836656666"
    "3831343763346537326239383037373835616665653438626210ac022001124b0a05656d70747912420a4033653233653831363030333935"
    "39346133333839346636353634653162313334386262643761303038386434326334616362373365656165643539633030396432440a4063"
    "6139373831313263613162626463616661633233316233396132336463346461373836656666383134376334653732623938303737383561"
    "666565343862621001"
)


def test_result_is_read_as_it_was_written() -> None:
    assert decode(encode(RESULT)) == RESULT


def test_result_is_written_as_by_the_library_of_the_format() -> None:
    assert encode(RESULT) == KNOWN


def test_what_servers_add_is_skipped() -> None:
    worker = b"\x4a\x0b\x0a\x09127.0.0.1"  # execution_metadata { worker }
    others = b"\x20\x00" + b"\x9d\x06\1\2\3\4" + b"\x99\x06\1\2\3\4\5\6\7\x08"  # exit_code 0, a fixed32, a fixed64
    assert decode(worker + encode(RESULT) + others) == RESULT


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no standard output"),
        (b"<html>", "unknown type"),
        (b"\x20\x01" + encode(RESULT), "a failure"),
        (b"\xff" * 20, "longer than 10 bytes"),
        (b"\x0b" + encode(RESULT), "unknown type"),
        (b"\x10\x01" + encode(RESULT), "another type"),
        (encode(ActionResult((FileRecord("a", A, 1 << 70),), RESULT.stdout)), "longer than 10 bytes"),
        (encode(ActionResult((FileRecord("a", A, 1 << 63),), RESULT.stdout)), "number of bytes"),
        (encode(RESULT).replace(A.hex.encode(), b"A" * 64), "not a SHA-256 digest"),
        (encode(RESULT).replace("ä".encode(), b"\xff\xff"), "decode"),
    ],
)
def test_what_is_no_result_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decode(data)


def test_every_cut_is_refused_or_is_a_shorter_message() -> None:
    whole = encode(RESULT)
    for length in range(len(whole)):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever the reason
            decode(whole[:length])


def test_what_is_added_within_a_file_is_skipped() -> None:
    digest = b"\x0a\x40" + A.hex.encode() + b"\x10\x01" + b"\x98\x06\x01"
    file = b"\x0a\x01a" + b"\x12" + bytes([len(digest)]) + digest + b"\x98\x06\x01"
    data = b"\x12" + bytes([len(file)]) + file
    stdout = encode(ActionResult((), RESULT.stdout))
    assert decode(data + stdout) == ActionResult((FileRecord("a", A, 1),), RESULT.stdout)
