"""Functions that are written once per collection: they say what the methods of its fields say, whatever the values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import pytest
from builtin_files.field import FileField
from builtin_records.fieldtypes import FIELD_TYPES
from builtin_records.fieldtypes.bool import BoolField
from builtin_records.fieldtypes.choices import ChoicesField
from builtin_records.fieldtypes.date import DateField
from builtin_records.fieldtypes.editor import EditorField
from builtin_records.fieldtypes.json import JsonField
from builtin_records.fieldtypes.number import NumberField
from builtin_records.fieldtypes.password import Password
from builtin_records.fieldtypes.select import SelectField
from builtin_records.fieldtypes.text import DEFAULT_ID_PATTERN, TextField
from builtin_records.jsontext import BrokenJson, JsonText
from builtin_records.records.body import Bodies
from builtin_records.records.compiled import compile_bind, compile_errors, compile_read, compile_zeros
from builtin_sqlite.dialect import SqliteDialect
from hypothesis import given, settings
from hypothesis import strategies as st

from pbhost.database import Connection, SqlValue
from pbhost.errors import JSON, ErrorTree, FieldError
from pbhost.model import BodyValue, Collection, Field, FieldValue, Record, UploadedFile, ValueCheck
from pbhost.model.record import values_of
from pbhost.services import Services

# -- field types of somebody else --------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Shouted(TextField):
    def set(self, record: Record, key: str, value: object) -> FieldValue:
        return f"{super().set(record, key, value)}!"

    def to_db(self, value: FieldValue) -> SqlValue:
        return str(value).upper()

    def from_db(self, value: SqlValue) -> FieldValue:
        return str(value).lower()


@dataclass(kw_only=True)
class _Polite(TextField):
    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        return None if "please" in str(value) else FieldError("rude", "Say please.")


@dataclass(kw_only=True)
class _Percent(NumberField):
    def zero(self) -> FieldValue:
        return 100.0

    def set(self, record: Record, key: str, value: object) -> FieldValue:
        record.put("title", f"{key} was set")  # what a field does to another one counts from there on
        return super().set(record, key, value)


@dataclass(kw_only=True)
class _Meddling(JsonField):
    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        record.put("title", "x" * 6000)
        return None


@dataclass(kw_only=True)
class _LastFirst(ChoicesField):
    type = "lastFirst"

    def _shape(self, items: list[str]) -> FieldValue:
        return items[0] if items else ""


# -- what is drawn -----------------------------------------------------------------------------------------------------

_TYPES = {field.type: field for field in FIELD_TYPES}
_sizes = st.sampled_from((0, 0, 1, 2, 3, 4, 8, 40, -1))
_words = st.sampled_from(("a", "b", "c", "a[", '["b"]', "", "é", "\ud800"))
_dates = st.sampled_from(
    ("2024-05-01 12:30:45.123Z", "2024-05-01 12:30:45.124Z", "1999-01-01 00:00:00.000Z", "0000-02-28 00:00:00.000Z")
)
_OPTIONS: Mapping[str, Mapping[str, st.SearchStrategy[JSON]]] = {
    "text": {
        "min": _sizes,
        "max": _sizes,
        "pattern": st.sampled_from(("", "", DEFAULT_ID_PATTERN, "^a+$", "(")),
        "autogeneratePattern": st.sampled_from(("", "[x]{4}")),
    },
    "editor": {"maxSize": _sizes},
    "number": {
        "min": st.sampled_from((None, None, -1, 0, 1.5, 3)),
        "max": st.sampled_from((None, None, -1, 0, 1.5, 5)),
        "onlyInt": st.booleans(),
    },
    "email": {"onlyDomains": st.sampled_from((None, ["example.com"]))},
    "url": {"exceptDomains": st.sampled_from((None, ["example.com"]))},
    "date": {"min": st.one_of(st.just(""), _dates), "max": st.one_of(st.just(""), _dates)},
    "autodate": {"onCreate": st.booleans()},
    "select": {
        "values": st.lists(_words, max_size=4).map(lambda found: cast("JSON", found)),
        "maxSelect": st.sampled_from((0, 1, 2, 3)),
    },
    "relation": {"collectionId": st.just("gone"), "maxSelect": st.sampled_from((0, 1, 3)), "minSelect": _sizes},
    "json": {"maxSize": _sizes, "schema": st.sampled_from((None, None, {"type": "object"}, True))},
    "password": {"min": _sizes, "max": _sizes},
}


@st.composite
def _fields(draw: st.DrawFn, kind: str) -> list[Field]:
    """Some fields of one type with various options, the primary key, and now and then fields of somebody else."""
    fields: list[Field] = []
    for index in range(draw(st.integers(1, 4))):
        options: dict[str, JSON] = {key: draw(values) for key, values in _OPTIONS.get(kind, {}).items()}
        options |= {"name": f"f{index}", "hidden": draw(st.integers(0, 5)) == 0, "required": draw(st.booleans())}
        fields.append(_TYPES[kind].decode(options))
    pattern = draw(st.sampled_from((DEFAULT_ID_PATTERN, DEFAULT_ID_PATTERN, "b")))
    key = TextField(name="id", required=True, primary_key=True, pattern=pattern, max=15)
    fields.insert(draw(st.integers(0, len(fields))), key)
    if draw(st.integers(0, 3)) == 0:
        foreign = (_Shouted(name="shouted"), _Polite(name='it\'s "odd"\n'), _Percent(name="percent"))
        fields[1:1] = [*foreign, _Meddling(name="meddling"), _LastFirst(name="choice")]
    fields.append(TextField(name="title"))
    return fields


class _Text(str):
    """A text of another class, as a library might hand one over."""

    __slots__ = ()


_texts = st.one_of(
    st.text(st.characters(codec=None, categories=("L", "N", "P", "Cs", "Zs")), max_size=9),
    st.sampled_from(("", "a", "aa", "aaa", "abcdefgh" * 5, "é" * 9, "é" * 2, "\ud800", "b", "true", "12", "nan", "A")),
    st.sampled_from(("[", '["a","b"]', "[]", "{}", "null", '""', '{"a": 1}', "a" * 5001)),
)
_moments = st.one_of(
    _dates,
    st.sampled_from(("2024-05-01", "2024-02-30 00:00:00.000Z", "0001-01-01 00:00:00.000Z", "2024-05-01T12:30:45Z", "")),
)
_numbers = st.one_of(
    st.sampled_from((0, 1, 5, -1, 2**53 + 1, 10**400, True, False)),
    st.sampled_from((0.0, -0.0, 1.0, 1.5, 2.0, 3.0, 5.0, 5.5, -1.0, -1.5, 1e300, 5e-324)),
    st.sampled_from((float("inf"), float("-inf"), float("nan"))),
)
_plain = st.one_of(_texts, _moments, _numbers, st.none())
_lists: st.SearchStrategy[object] = st.one_of(
    st.lists(_words, max_size=4),
    st.lists(st.one_of(_plain, st.just([])), max_size=3),
    st.sampled_from((["a"], ["a", "a"], ["a", "b"])),
)
_dicts = st.one_of(
    st.dictionaries(st.sampled_from(("lon", "lat", "a", "<&>")), st.one_of(_plain, st.lists(_plain)), max_size=3),
    st.sampled_from(({"lon": 0.0, "lat": 0.0}, {"lon": 0.0, "lat": 91.0}, {"lon": 181, "lat": 1.5}, {"lon": True}, {})),
)
_uploads = st.builds(UploadedFile.from_bytes, st.just(b"x"), st.just("a.txt"))
#: What clients mean to send to a field of a type; others get texts.
_MEANT: Mapping[str, st.SearchStrategy[object]] = {
    "number": _numbers,
    "bool": st.booleans(),
    "email": st.sampled_from(("", "x@example.com", "x@b.c", "x")),
    "url": st.sampled_from(("", "http://example.com/", "https://b.c", "x y")),
    "date": _moments,
    "autodate": _moments,
    "select": st.one_of(_words, st.lists(_words, max_size=4)),
    "relation": st.one_of(_words, st.lists(_words, max_size=4)),
    "json": st.one_of(_dicts, _lists, _texts, st.none()),
    "geoPoint": _dicts,
}
_submitted = st.one_of(_plain, _lists, _dicts, _uploads, st.lists(st.one_of(_uploads, _words), max_size=3))
_odd = st.one_of(
    *(_plain, _lists, _dicts),
    st.sampled_from((JsonText("null"), JsonText('""'), JsonText("[]"), JsonText("[1]"), JsonText('{"a":"é"}'))),
    st.sampled_from((JsonText('"\ud800"'), BrokenJson(), Password(), Password(hash="h"), Password(plain="abc"))),
    st.sampled_from((Password(hash="h", plain="a" * 73), _Text("a"), _Text(""), _Text("2024-05-01 12:30:45.123Z"))),
    st.sampled_from((b"a", (), ("a",), datetime(2024, 5, 1, tzinfo=UTC), frozenset(("a",)))),
)
_stored = st.one_of(_plain.filter(lambda value: value.__class__ is not bool), st.binary(max_size=3))
#: What stands before and after a field's name in a body: modifiers of some types, nonsense for others.
_MODIFIERS = (("", ""), ("", ""), ("", "+"), ("+", ""), ("", "-"), ("", ":autogenerate"), ("no", ""))


def _meant(kind: str) -> st.SearchStrategy[object]:
    return _MEANT.get(kind, _texts)


def _values(field: Field) -> st.SearchStrategy[object]:
    """Mostly values of the form that the field makes of what it is meant for."""
    usual = _meant(field.type).map(field.normalize)
    return st.one_of(usual, usual, usual, usual, _odd)


# -- what is compared --------------------------------------------------------------------------------------------------


def _exact(value: object) -> object:
    """Equal for values that are the same in every respect, NaN and the classes of items included."""
    if isinstance(value, Mapping):
        return value.__class__, [(key, _exact(item)) for key, item in value.items()]
    if isinstance(value, list):
        return list, [_exact(item) for item in value]
    if isinstance(value, Password):
        return Password, value.hash, value.plain
    return value.__class__, id(value) if isinstance(value, UploadedFile) else repr(value)


def _outcome(call: Callable[[], object]) -> object:
    try:
        return _exact(call())
    except Exception as error:
        return type(error), str(error)


class _Nothing:
    """A database without rows, and an application without collections."""

    dialect = SqliteDialect()

    @property
    def collections(self) -> _Nothing:
        return self

    def find(self, id_: str) -> None:
        return None

    def fetch_one(self, sql: object, parameters: object = ()) -> None:
        return None


def _check(*, is_new: bool) -> ValueCheck:
    nothing = _Nothing()
    return ValueCheck(connection=cast("Connection", nothing), services=cast("Services", nothing), is_new=is_new)


def _record(collection: Collection, values: Mapping[str, FieldValue]) -> Record:
    return Record.stored(collection, dict(values))


def _applied_one_by_one(record: Record, body: Mapping[str, BodyValue], *, reveal: bool) -> dict[str, BodyValue]:
    out: dict[str, BodyValue] = {}
    for key in sorted(body, key=len):
        field, value = record.field_of(key), body[key]
        is_sign_in = record.collection.is_auth and field is not None and field.name == "password"
        if field is not None and field.hidden and not reveal and not is_sign_in:
            continue
        if field is None or field.type != "file":
            if isinstance(value, UploadedFile):
                continue
            if isinstance(value, list) and any(isinstance(item, UploadedFile) for item in value):
                kept = [item for item in value if not isinstance(item, UploadedFile)]
                if not kept:
                    continue
                value = kept[0] if len(kept) == 1 else cast("BodyValue", kept)
        if field is None:
            out[key] = value
        else:
            record.put(field.name, field.set(record, key, value))
            out[field.name] = cast("BodyValue", record[field.name])
    return out


def _errors_one_by_one(record: Record, fields: Iterable[Field], *, is_new: bool) -> dict[str, FieldError | ErrorTree]:
    check = _check(is_new=is_new)
    found = {field.name: field.validate(record[field.name], record, check) for field in fields}
    return {name: error for name, error in found.items() if error}


# -- the tests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", _TYPES)
@settings(max_examples=60)
@given(data=st.data())
def test_values_are_checked_and_bound_alike_both_ways(kind: str, data: st.DataObject) -> None:
    fields = data.draw(_fields(kind))
    collection = Collection(id="c", name="things", fields=fields)
    values = {field.name: data.draw(_values(field), label=field.name) for field in fields}
    assert _exact(compile_zeros(fields)()) == _exact({field.name: field.zero() for field in fields})
    bind = compile_bind(fields)
    assert _outcome(lambda: bind(values)) == _outcome(lambda: [field.to_db(values[field.name]) for field in fields])
    is_new = data.draw(st.booleans(), label="is new")
    one, other = _record(collection, values), _record(collection, values)
    if data.draw(st.booleans(), label="another id"):
        one["id"] = other["id"] = "b0"
    errors = compile_errors(fields)
    assert _outcome(lambda: errors(one, values_of(one), is_new, lambda: _check(is_new=is_new))) == _outcome(
        lambda: _errors_one_by_one(other, fields, is_new=is_new)
    )
    assert _exact(values_of(one)) == _exact(values_of(other))


@pytest.mark.parametrize("kind", _TYPES)
@settings(max_examples=20)
@given(data=st.data())
def test_rows_are_read_alike_both_ways(kind: str, data: st.DataObject) -> None:
    fields = data.draw(_fields(kind))
    row: list[SqlValue] = [data.draw(_stored, label=field.name) for field in fields]
    values = {field.name: field.from_db(value) for field, value in zip(fields, row, strict=True)}
    assert _exact(compile_read(fields)(row)) == _exact(values)


@pytest.mark.parametrize("kind", _TYPES)
@settings(max_examples=40)
@given(data=st.data())
def test_bodies_are_applied_alike_both_ways(kind: str, data: st.DataObject) -> None:
    fields = data.draw(_fields(kind))
    fields += [FileField(name="doc", max_select=2), TextField(name="password", hidden=True)]
    type_ = data.draw(st.sampled_from(("base", "auth")), label="type")
    collection = Collection(id="c", name="things", type=type_, fields=fields)
    submitted = st.one_of(_meant(kind), _meant(kind), _submitted)
    names = [f"{before}{field.name}{after}" for field in fields for before, after in _MODIFIERS]
    bodies = Bodies(collection)
    # The same keys come with other values, too.
    keys = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=8), label="keys")
    for _ in range(2):
        body = {key: cast("BodyValue", data.draw(submitted, label=key)) for key in keys}
        for reveal in (False, True):
            one, other = Record(collection), Record(collection)
            got = _outcome(lambda: bodies.apply(one, body, reveal=reveal))  # noqa: B023 - called at once
            assert got == _outcome(lambda: _applied_one_by_one(other, body, reveal=reveal))  # noqa: B023 - called at once
            assert _exact(values_of(one)) == _exact(values_of(other))
            assert _exact(one.original) == _exact(other.original)


_EDGES: tuple[tuple[Field, object], ...] = (
    (SelectField(name="f", values=['["b"]'], max_select=1), '["b"]'),
    (SelectField(name="f", values=["a", "b"], max_select=2), ["a", "a", "b"]),
    (JsonField(name="f", max_size=8), JsonText('"éééé"')),
    (EditorField(name="f", max_size=8), "éééé\N{EURO SIGN}"),
    (NumberField(name="f"), 10**400),
    (NumberField(name="f", required=True), -0.0),
    (NumberField(name="f", min=1, required=False), 0.0),
    (BoolField(name="f"), 2),
    (BoolField(name="f", required=True), 1),
    (DateField(name="f", max="2024-05-01 12:30:45.123Z"), "2024-05-01 12:30:45.124Z"),
    (DateField(name="f", min="2024-05-01 12:30:45.123Z"), "2024-05-01 12:30:45.123Z"),
    (TextField(name="f", pattern=DEFAULT_ID_PATTERN), "a\n"),
    (TextField(name="f", min=3), "é" * 2),
)


@pytest.mark.parametrize(("field", "value"), _EDGES)
def test_values_at_the_edge_of_what_is_usual(field: Field, value: object) -> None:
    collection = Collection(id="c", name="things", fields=[field])
    assert _outcome(lambda: compile_bind([field])({"f": value})) == _outcome(lambda: [field.to_db(value)])
    record = _record(collection, {"f": value})
    assert _outcome(
        lambda: compile_errors([field])(record, values_of(record), True, lambda: _check(is_new=True))
    ) == _outcome(lambda: _errors_one_by_one(record, [field], is_new=True))
    one, other = Record(collection), Record(collection)
    body = {"f": cast("BodyValue", value)}
    assert _outcome(lambda: Bodies(collection).apply(one, body, reveal=False)) == _outcome(
        lambda: _applied_one_by_one(other, body, reveal=False)
    )


def test_what_clients_make_a_collection_remember_is_bounded() -> None:
    collection = Collection(id="c", name="things", fields=[TextField(name="id"), TextField(name="title")])
    bodies = Bodies(collection)
    more: tuple[dict[str, BodyValue], ...] = ({}, {"long" * 1000: 1}, {str(number): number for number in range(100)})
    for number in range(600):
        body = {"title": str(number), f"extra{number}": number, **more[number % 3]}
        record = Record(collection)
        assert bodies.apply(record, body, reveal=False) == body
        assert record["title"] == str(number)
    assert 0 < len(bodies._plans) <= 64
    assert max(sum(len(str(key)) for key in keys) for keys in bodies._plans) < 100
