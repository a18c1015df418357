"""What a test reads of an answer."""

from __future__ import annotations

import pytest

from pbhost.model import Collection, Record
from pbhost.testing import Answer


def test_a_path_leads_into_the_body_and_a_wrong_one_shows_it() -> None:
    answer = Answer(400, {}, {"data": {"lines": [{"code": "x"}]}}, '{"data":...}')
    assert answer.at("data", "lines", 0, "code") == "x"
    assert answer.at() == answer.body
    for path in (("data", "nope"), ("data", "lines", 1), ("data", "lines", "code"), ("data", "lines", 0, "code", "y")):
        with pytest.raises(AssertionError, match=r'nothing at .* in \{"data":\.\.\.\}'):
            answer.at(*path)


def test_a_number_of_a_record_is_a_number() -> None:
    record = Record.stored(Collection(name="c"), {"a": 2, "b": 2.5, "c": True, "d": "7", "e": None})
    assert [record.number(name) for name in "abcdef"] == [2, 2.5, 0, 0, 0, 0]
