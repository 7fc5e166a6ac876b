"""Documents of servers: what is documented is read, and any other shape is a failure in words."""

from __future__ import annotations

import pytest

from ferrule.app.publish import answers
from ferrule.app.publish.items import UploadFailed


@pytest.mark.parametrize(
    "read",
    [
        lambda: answers.mapping([]),
        lambda: answers.rows({}),
        lambda: answers.rows([1]),
        lambda: answers.part({"a": 1}, "a"),
        lambda: answers.part([], "a"),
        lambda: answers.text({"a": 1}, "a"),
        lambda: answers.text({"a": "\ud800"}, "a"),
        lambda: answers.text(None, "a"),
        lambda: answers.number({"a": True}, "a"),
        lambda: answers.number({"a": "1"}, "a"),
        lambda: answers.number({}, "a"),
    ],
)
def test_another_shape(read) -> None:
    with pytest.raises(UploadFailed, match="its answer is not of the documented form") as caught:
        read()
    assert caught.value.wait == 1


def test_what_is_documented() -> None:
    document = {"rows": [{"id": 7, "name": "é", "none": None}]}
    (row,) = answers.rows(document["rows"])
    assert (answers.number(row, "id"), answers.text(row, "name"), answers.text(row, "none")) == (7, "é", "")
    assert answers.part(row, "none") == {}
