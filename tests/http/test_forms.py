"""How JSON and form bodies are read and how JSON is written."""

from __future__ import annotations

import contextlib
import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbhost.errors import JSON, BadRequestError
from pbhost.http.forms import form_body, infer, json_object, parse_pairs
from pbhost.http.json_text import dumps, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("10", 10),
        ("-3.5", -3.5),
        ("0", 0),
        ("100000000000000000000000", 100000000000000000000000.0),
        ("True", "True"),
        ("", ""),
        ("007", "007"),
        ("1.0", "1.0"),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
        ("12345678901234567890", "12345678901234567890"),
        ("null", "null"),
        (" 5", " 5"),
        ("-", "-"),
        ("1-2", "1-2"),
        (".5", ".5"),
        ("+5", "+5"),
        ("1_000", "1_000"),
        ("٣", "٣"),
    ],
)
def test_form_text_is_inferred(text: str, value: JSON) -> None:
    assert infer(text) == value
    assert type(infer(text)) in (type(value), int, float)


def test_a_repeated_key_is_a_list_and_the_json_payload_wins() -> None:
    pairs = [("a", "1"), ("@jsonPayload", '{"b":"5","c":[1]}'), ("a", "x"), ("b", "7"), ("@jsonPayload", '{"c":2}')]
    assert form_body(pairs) == {"a": [1, "x"], "b": "5", "c": 2}


def test_keys_are_flat() -> None:
    assert form_body(parse_pairs(b"a.b=1&c[]=x&d=%C3%A9+e&f")) == {"a.b": 1, "c[]": "x", "d": "é e", "f": ""}


@pytest.mark.parametrize("data", [b"a=%", b"a=%zz", b"a=1;b=2"])
def test_malformed_urlencoded_data(data: bytes) -> None:
    with pytest.raises(BadRequestError):
        parse_pairs(data)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":1} trailing', {"a": 1}),
        (b' \n{"a":1}{"b":2}', {"a": 1}),
        (b"null", {}),
        (b'{"a":"\xff"}', {"a": "\ufffd"}),
        (b'{"a":"\\ud800x"}', {"a": "\ufffdx"}),
        (b'{"a":12345678901234567}', {"a": 12345678901234568}),
        (b'{"a":[123456789012345678901234567890]}', {"a": [123456789012345678901234567890.0]}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":1.0}', {"a": 1}),
    ],
)
def test_json_bodies(body: bytes, value: JSON) -> None:
    assert json_object(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"5",
        b"{",
        b'{"a":}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\n"}',
        b"{a:1}",
        b'{"a":' + b"9" * 400 + b"}",
    ],
)
def test_malformed_json_bodies(body: bytes) -> None:
    with pytest.raises(BadRequestError) as caught:
        json_object(body)
    assert caught.value.to_json() == {
        "data": {},
        "message": "Something went wrong while processing your request.",
        "status": 400,
    }


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_not_crashed_on(opening: bytes) -> None:
    with pytest.raises(BadRequestError):
        loads(opening * 100_000)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 5.0, "b": 5.5, "c": [1.0, {"d": -0.0}]}, b'{"a":5,"b":5.5,"c":[1,{"d":0}]}\n'),
        ({"a": "v1.0", "b": 2.5}, b'{"a":"v1.0","b":2.5}\n'),
        ({"a": orjson.Fragment(b"[1.0,  2]"), "b": 3.0}, b'{"a":[1.0,  2],"b":3}\n'),
        ({"a": "\ud800"}, b'{"a":"\xef\xbf\xbd"}\n'),
        (None, b"null\n"),
        (True, b"true\n"),
    ],
)
def test_writing(value: object, text: bytes) -> None:
    assert dumps(value) == text


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**70), 2**70)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_what_is_written_reads_back_as_the_same_value(value: JSON) -> None:
    def doubles(item: JSON) -> JSON:
        if isinstance(item, str):
            return item.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if isinstance(item, bool) or item is None:
            return item
        if isinstance(item, (int, float)):
            return float(item)
        if isinstance(item, list):
            return [doubles(x) for x in item]
        return {k: doubles(v) for k, v in item.items()}

    assert doubles(json.loads(dumps(value))) == doubles(value)


@given(st.binary(max_size=80))
def test_no_bytes_crash_the_readers(data: bytes) -> None:
    for reader in (json_object, parse_pairs):
        with contextlib.suppress(BadRequestError):
            reader(data)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_shortest_spelling_of_any_double_is_a_number(number: float) -> None:
    from decimal import Decimal

    text = format(Decimal(repr(number)), "f").removesuffix(".0")
    value = infer(text)
    assert isinstance(value, (int, float))
    assert math.isclose(float(value), number, rel_tol=0, abs_tol=0)
