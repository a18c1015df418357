"""Rows to JSON: the generated function says what Record objects say, whatever stands in the row."""

from __future__ import annotations

import orjson
import pytest
from builtin_records.fieldtypes import FIELD_TYPES
from builtin_records.records.codec import Codec, dumps
from builtin_sqlite.dialect import SqliteDialect
from hypothesis import given
from hypothesis import strategies as st

from pbhost.database import SqlValue
from pbhost.errors import JSON
from pbhost.model import Collection, Field

_OPTIONS: dict[str, dict[str, JSON]] = {"relation": {"collectionId": "x"}, "select": {"values": ["a", "b"]}}
_TYPES = {field.type: field for field in FIELD_TYPES}


def _fields() -> list[Field]:
    fields: list[Field] = []
    for name, kind in _TYPES.items():
        options = {"id": name, "name": f"f_{name}", "type": name, **_OPTIONS.get(name, {})}
        fields.append(kind.decode(options))
        if fields[-1].can_be_multiple:
            fields.append(kind.decode({**options, "name": f"f_{name}s", "maxSelect": 5}))
    fields.append(_TYPES["text"].decode({"name": 'it\'s "odd"\n', "hidden": True}))
    for name in ("id", "password", "tokenKey", "email"):
        fields.append(_TYPES["text"].decode({"id": name, "name": name}))
    fields.append(_TYPES["bool"].decode({"id": "e", "name": "emailVisibility"}))
    return fields


_stored = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.binary(max_size=5),
    st.sampled_from(
        (
            *("[]", '["a","b"]', '["a","a",""]', "[1]", "[", "{", '{"a": [1.0]}', "null", "NaN", '"x"', "1.0", "true"),
            *("2024-05-01 08:00:00.999Z", "2024-13-01 08:00:00.999Z", "0001-01-01 00:00:00.000Z", "2024-05-01"),
            *('{"lon":1,"lat":2.5}', "0", "", float("inf"), 5.0, 2**53 + 1),
        )
    ),
)


@pytest.mark.parametrize("kind", ["base", "auth"])
@given(data=st.data())
def test_rows_read_alike_both_ways(kind: str, data: st.DataObject) -> None:
    collection = Collection(id="c", name="things", type=kind, fields=_fields())
    codec = Codec(collection, SqliteDialect())
    row: tuple[SqlValue, ...] = tuple(data.draw(_stored, label=name) for name in codec.names)
    for show_email in (False, True):
        record = codec.record(row)
        record.show_email = show_email
        assert orjson.loads(dumps(codec.encode(row, show_email))) == orjson.loads(dumps(record.to_json()))
        record.show(*(field.name for field in collection.fields if field.hidden))
        record.show_email = True
        assert orjson.loads(dumps(codec.encode_all(row, True))) == orjson.loads(dumps(record.to_json()))


def test_text_without_a_utf8_form_does_not_break_an_answer() -> None:
    assert orjson.loads(dumps({"a": ["\ud800x", 2**70]})) == {"a": ["\N{REPLACEMENT CHARACTER}x", float(2**70)]}
