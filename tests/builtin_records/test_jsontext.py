"""The text of a JSON value is one and the same, however it is written down."""

from __future__ import annotations

import json

from builtin_records.jsontext import json_of, spell_json
from hypothesis import given, settings
from hypothesis import strategies as st

_texts = st.one_of(st.text(max_size=6), st.sampled_from(("<b>", "a&b", "\u2028", "\u2029", "\ud800", "\x7f\x00", "é")))
_leaves = st.one_of(
    *(_texts, st.none(), st.booleans(), st.integers(), st.sampled_from((2**53, 2**53 + 1, -(2**53) - 1))),
    st.one_of(st.sampled_from((0.0, 1.0, -2.0, 1e21, 1e-7)), st.floats(allow_nan=False, allow_infinity=False)),
)
_values = st.recursive(
    _leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3))
)


@settings(max_examples=300)
@given(_values.filter(lambda value: not isinstance(value, str)), st.integers(0, 12))
def test_a_value_is_spelled_alike_by_every_encoder(value: object, depth: int) -> None:
    for _ in range(depth):
        value = [value]
    found = json_of(value)
    if value is None:
        assert found is None
        return
    assert found is not None
    assert found.text == spell_json(value)
    assert not set(found.text) & set("<>&\u2028\u2029")


@given(st.dictionaries(_texts, _texts, max_size=4))
def test_the_text_says_what_was_said(value: dict[str, str]) -> None:
    found = json_of(value)
    assert found is not None
    assert json.loads(found.text) == value
    assert list(json.loads(found.text)) == sorted(value)
