"""What each field type makes of a value: cast, stored form, JSON form, and the errors of its checks."""

from __future__ import annotations

from typing import cast

import orjson
import pytest
from builtin_records.fieldtypes import FIELD_TYPES
from builtin_records.fieldtypes.password import Password

from pbhost.errors import JSON, FieldError
from pbhost.model import Collection, Field, Record, ValueCheck

TYPES = {kind.type: kind for kind in FIELD_TYPES}
CHECK = cast(ValueCheck, None)


def make(type_: str, **options: JSON) -> Field:
    return TYPES[type_].decode({"id": "f1", "name": "f", **options})


def record_of(field: Field, stored: object = None) -> Record:
    collection = Collection(name="things", fields=[field])
    if stored is None:
        return Record(collection)
    return Record.from_row(collection, ("f",), (cast("str", stored),))


def error_code(field: Field, value: object) -> str:
    record = record_of(field)
    record["f"] = value
    error = field.validate(record["f"], record, CHECK)
    if error is None:
        return ""
    assert isinstance(error, FieldError)
    return error.code


@pytest.mark.parametrize(
    ("type_", "value", "stored", "shown"),
    [
        ("text", 1.50, "1.5", "1.5"),
        ("text", {"a": 1}, "", ""),
        ("editor", "<p>x</p>", "<p>x</p>", "<p>x</p>"),
        ("number", "12.0", 12.0, 12),
        ("number", "0x10", 0.0, 0),
        ("bool", "t", 1, True),
        ("bool", "yes", 0, False),
        ("email", " A@b.co", " A@b.co", " A@b.co"),
        ("date", "2024-05-01", "2024-05-01 00:00:00.000Z", "2024-05-01 00:00:00.000Z"),
        ("date", 1714550400, "", ""),
        ("select", ["a", "b"], "b", "b"),
        ("relation", '["x","y"]', "y", "y"),
        ("geoPoint", {"lon": 23.30, "lat": "4", "x": 1}, '{"lon":23.3,"lat":0}', {"lon": 23.3, "lat": 0}),
        ("geoPoint", '{"lon":1,"lat":2}', '{"lon":1,"lat":2}', {"lon": 1, "lat": 2}),
        ("geoPoint", "junk", '{"lon":0,"lat":0}', {"lon": 0, "lat": 0}),
        ("json", None, None, None),
        ("json", "123", "123", 123),
        ("json", '"123"', '"123"', "123"),
        ("json", "", '""', ""),
        ("json", " {}", '" {}"', " {}"),
        ("json", "null", "null", None),
        ("json", "{broken", '"{broken"', "{broken"),
        ("json", '{"b": 1, "a": 1.50}', '{"b": 1, "a": 1.50}', {"b": 1, "a": 1.5}),
        ("json", {"b": 5.0, "a": "<x>"}, '{"a":"\\u003cx\\u003e","b":5}', {"a": "<x>", "b": 5}),
        ("json", 1e21, "1e+21", 1e21),
        ("json", [1e-7, True, None], "[1e-7,true,null]", [1e-7, True, None]),
        ("json", "\x01", '"\\u0001"', "\x01"),
    ],
)
def test_cast_stored_and_shown(type_: str, value: object, stored: object, shown: object) -> None:
    field = make(type_)
    record = record_of(field)
    record["f"] = value
    assert field.to_db(record["f"]) == stored
    assert orjson.loads(orjson.dumps(field.to_json(record["f"]))) == shown
    again = field.from_db(field.to_db(record["f"]))
    assert field.to_db(again) == stored


@pytest.mark.parametrize(
    ("type_", "column", "shown"),
    [
        ("text", None, ""),
        ("text", 5, "5"),
        ("number", None, 0),
        ("number", 5, 5),
        ("number", "abc", 0),
        ("bool", None, False),
        ("bool", 1, True),
        ("date", "nonsense", ""),
        ("date", None, ""),
        ("select", None, ""),
        ("select", '["a","b"]', "b"),
        ("geoPoint", None, {"lon": 0, "lat": 0}),
        ("json", 5, 5),
        ("json", 1.5, 1.5),
        ("json", "plain", "plain"),
        ("json", '{"a":[1, 2]}', {"a": [1, 2]}),
        ("json", '"\\ud800"', None),
        ("password", "$2a$10$x", ""),
    ],
)
def test_columns_of_any_origin_can_be_read(type_: str, column: object, shown: object) -> None:
    field = make(type_)
    out = field.json_from_db(cast("str", column))
    if column == '"\\ud800"':
        # valid JSON that only Python cannot encode: passed through as it is
        assert orjson.dumps(out) == b'"\\ud800"'
        return
    assert orjson.loads(orjson.dumps(out)) == shown


def test_a_multiple_select_reads_single_values_and_lists() -> None:
    field = make("select", maxSelect=3, values=["a", "b"])
    assert [field.json_from_db(value) for value in ("", None, "a", '["a","b"]', "[]", '["a",')] == [
        [],
        [],
        ["a"],
        ["a", "b"],
        [],
        ['["a",'],
    ]


@pytest.mark.parametrize(
    ("type_", "options", "stored", "key", "value", "result"),
    [
        ("number", {}, 10, "f+", 5, 15.0),
        ("number", {}, 10, "f-", "2", 8.0),
        ("select", {"maxSelect": 5}, '["a"]', "f+", ["b", "a"], ["a", "b"]),
        ("select", {"maxSelect": 5}, '["a"]', "+f", "b", ["b", "a"]),
        ("select", {"maxSelect": 5}, '["a","b"]', "f-", "a", ["b"]),
        ("select", {}, "a", "f+", "b", "b"),
        ("select", {}, "a", "+f", "b", "a"),
        ("select", {}, "a", "f-", "a", ""),
        ("text", {}, "x", "f:autogenerate", "p-", "p-"),
    ],
)
def test_modifiers(
    type_: str, options: dict[str, JSON], stored: object, key: str, value: object, result: object
) -> None:
    record = record_of(make(type_, **options), stored)
    record[key] = value
    assert record["f"] == result


def test_generated_text_is_prefixed_and_fills_new_records_only() -> None:
    field = make("text", autogeneratePattern="[0-9]{4}")
    record = record_of(field)
    record["f:autogenerate"] = "n-"
    assert record.text("f").startswith("n-")
    assert len(record.text("f")) == 6
    fresh = record_of(field)
    field.fill(fresh, is_new=True, now="")
    assert len(fresh.text("f")) == 4
    stored = record_of(field, "")
    field.fill(stored, is_new=False, now="")
    assert stored.text("f") == ""


def test_autodates_are_set_by_the_server_alone() -> None:
    field = make("autodate", onUpdate=True)
    record = record_of(field)
    record["f"] = "2024-05-01"
    field.stamp(record, is_new=True, now="2030-01-01 00:00:00.000Z")
    assert record["f"] == ""
    field.stamp(record, is_new=False, now="2030-01-01 00:00:00.000Z")
    assert record["f"] == "2030-01-01 00:00:00.000Z"


@pytest.mark.parametrize(
    ("type_", "options", "value", "code"),
    [
        ("text", {"required": True}, "", "validation_required"),
        ("text", {"min": 3}, "", ""),
        ("text", {"min": 3}, "ab", "validation_min_text_constraint"),
        ("text", {"min": 3}, "äöü", ""),
        ("text", {"max": 3}, "abcd", "validation_max_text_constraint"),
        ("text", {}, "x" * 5001, "validation_max_text_constraint"),
        ("text", {"pattern": "^[a-z]+$"}, "abc\n", "validation_invalid_format"),
        ("editor", {"maxSize": 3}, "äö", "validation_content_size_limit"),
        ("number", {"required": True}, 0, "validation_required"),
        ("number", {"min": 5}, 0, ""),
        ("number", {"min": 5}, 4, "validation_min_number_constraint"),
        ("number", {"max": 5}, 6, "validation_max_number_constraint"),
        ("number", {"onlyInt": True}, 1.5, "validation_only_int_constraint"),
        ("number", {}, "inf", "validation_not_a_number"),
        ("bool", {"required": True}, False, "validation_required"),
        ("email", {}, "a@localhost", "validation_is_email"),
        ("email", {"onlyDomains": ["b.co"]}, "a@c.co", "validation_email_domain_not_allowed"),
        ("email", {"exceptDomains": ["b.co"]}, "a@B.co", ""),
        ("url", {}, "plain", "validation_invalid_url"),
        ("url", {"onlyDomains": ["b.co:80"]}, "http://x@b.co:80/p?q", ""),
        ("url", {"onlyDomains": ["b.co"]}, "b.co/path", "validation_url_domain_not_allowed"),
        ("date", {"required": True}, "2024", "validation_required"),
        ("date", {"min": "2024-05-01"}, "2024-04-30", "validation_min_greater_equal_than_required"),
        ("date", {"max": "2024-05-01"}, "2024-05-01", ""),
        ("date", {"max": "2024-05-01"}, "2024-05-02", "validation_max_less_equal_than_required"),
        ("select", {"values": ["a"]}, "b", "validation_invalid_value"),
        ("select", {"values": ["a", "b", "c"], "maxSelect": 2}, ["a", "b", "c"], "validation_too_many_values"),
        ("select", {"values": ["a"], "required": True}, [], "validation_required"),
        ("json", {"required": True}, "{}", "validation_required"),
        ("json", {"required": True}, "false", ""),
        ("json", {"maxSize": 4}, "12345", "validation_json_size_limit"),
        ("geoPoint", {"required": True}, {}, "validation_required"),
        ("geoPoint", {}, {"lat": 91}, "validation_invalid_latitude"),
        ("geoPoint", {}, {"lon": -181}, "validation_invalid_longitude"),
        ("password", {"required": True}, "", "validation_required"),
        ("password", {"min": 8}, "short", "validation_min_text_constraint"),
        ("password", {"max": 9}, "0123456789", "validation_max_text_constraint"),
        ("password", {}, "ä" * 37, "validation_invalid_value"),
        ("password", {"pattern": "^[0-9]+$"}, "abc", "validation_invalid_format"),
    ],
)
def test_checks(type_: str, options: dict[str, JSON], value: object, code: str) -> None:
    assert error_code(make(type_, **options), value) == code


def test_error_messages_and_parameters() -> None:
    field = make("date", min="2024-05-01 10:00:00.120Z")
    record = record_of(field)
    record["f"] = "2020-01-01"
    error = field.validate(record["f"], record, CHECK)
    assert isinstance(error, FieldError)
    assert error.to_json() == {
        "code": "validation_min_greater_equal_than_required",
        "message": "Must be no less than 2024-05-01 10:00:00.12 +0000 UTC.",
        "params": {"threshold": "2024-05-01T10:00:00.12Z"},
    }


def test_a_password_never_shows() -> None:
    field = make("password")
    record = record_of(field)
    record["f"] = "secret-word"
    assert "secret-word" not in repr(record["f"]) + str(record["f"]) + repr(record)
    assert field.to_json(record["f"]) == ""
    assert field.to_db(Password("hash", "secret-word")) == "hash"


def test_json_values_read_like_what_they_stand_for() -> None:
    field = make("json")
    record = record_of(field, '{"list": [1, 2], "on": true}')
    value = record["f"]
    assert value == {"list": [1, 2], "on": True}
    assert value["list"][0] == 1  # type: ignore[index]  # a JsonText is indexed like its value
    assert sorted(value) == ["list", "on"]  # type: ignore[call-overload]  # a JsonText iterates like its value
    record["f"] = value
    assert field.to_db(record["f"]) == '{"list": [1, 2], "on": true}'


@pytest.mark.parametrize("depth", [10, 120, 400, 600, 5000])
def test_deep_json_is_stored_or_refused(depth: int) -> None:
    value: object = 1
    for _ in range(depth):
        value = {"a": [value]}
    field = make("json")
    code = error_code(field, value)
    if depth <= 400:
        assert code == ""
        assert field.to_db(field.normalize(value)) == '{"a":[' * depth + "1" + "]}" * depth
    else:
        assert code in ("", "validation_invalid_json")


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_options_survive_their_json_form(type_: str) -> None:
    data = make(type_).encode()
    assert list(data) == sorted(data)
    assert TYPES[type_].decode(data).encode() == data
    assert TYPES[type_].decode({**data, "unknown": 1, "help": None}).encode() == data
