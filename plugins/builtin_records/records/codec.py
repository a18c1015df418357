"""Rows to JSON objects and records, by functions written once per collection.

A view or a list never builds Record objects unless a hook wants them: its rows go through a generated function that
names each column once and calls a field's own conversion only for values that are not in their usual stored form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import orjson

from pbhost.database import Dialect, Row, SqlValue
from pbhost.model import Collection, Field, Record
from pbhost.model.record import values_of

from ..datetext import known_date, remembered_date
from ..fieldtypes.autodate import AutodateField
from ..fieldtypes.bool import BoolField
from ..fieldtypes.choices import ChoicesField
from ..fieldtypes.date import DateField
from ..fieldtypes.json import JsonField
from ..fieldtypes.number import NumberField
from ..fieldtypes.plain import PlainTextField
from .compiled import Bind, Read, compile_bind, compile_read

#: ``encode(row, show_email)``: the public JSON object of a row.
Encode: TypeAlias = Callable[[Sequence[SqlValue], bool], dict[str, object]]

#: Fields of auth collections that no answer shows, to anyone.
SECRETS = frozenset(("password", "tokenKey"))

_EXACT = 2**53
_SURROGATES = re.compile("[\ud800-\udfff]")


class Codec:
    """The columns of a collection and how its rows are read.

    Attributes:
        names: the columns, in the order in which they are selected.
        encode: the answer for everyone.
        encode_all: the answer for superusers, hidden fields included.
        is_same_for_all: whether everyone but superusers sees the same of a row, whatever the database holds.
        by_id: the statement that reads a row by its id.
    """

    __slots__ = (
        *("_bare", "_bind", "_read", "by_id", "collection", "encode", "encode_all"),
        *("id_index", "is_same_for_all", "names"),
    )

    def __init__(self, collection: Collection, dialect: Dialect) -> None:
        self.collection = collection
        self.names = tuple(field.name for field in collection.fields)
        self.id_index = self.names.index("id")
        self.encode = _compile(collection, reveal=False)
        self.encode_all = _compile(collection, reveal=True)
        self.is_same_for_all = not (collection.is_auth or collection.read_rules)
        self._bare = [dialect.quote(name) for name in self.names]
        table = dialect.quote(collection.name)
        self.by_id = f"SELECT {self.columns()} FROM {table} WHERE {dialect.quote('id')} = ? LIMIT 1"
        # Written on first use: many collections are only listed.
        self._read: Read | None = None
        self._bind: Bind | None = None

    def columns(self, alias: str = "") -> str:
        """The select list; ``alias`` is quoted already."""
        if not alias:
            return ", ".join(self._bare)
        return ", ".join(f"{alias}.{name}" for name in self._bare)

    def record(self, row: Row) -> Record:
        """The stored record of a row."""
        read = self._read
        if read is None:
            read = self._read = compile_read(self.collection.fields)
        return Record.stored(self.collection, read(row))

    def row(self, record: Record) -> list[SqlValue]:
        """The values of a record as they are bound for its columns, in the order of ``names``."""
        bind = self._bind
        if bind is None:
            bind = self._bind = compile_bind(self.collection.fields)
        return bind(values_of(record))

    def json(self, row: Sequence[SqlValue], *, reveal: bool) -> bytes:
        """The JSON text of a row where nothing but the row decides what is shown: :attr:`is_same_for_all`, or to a
        superuser (``reveal``)."""
        out = self.encode_all(row, False) if reveal else self.encode(row, False)
        try:
            return orjson.dumps(out, default=_default)
        except (TypeError, ValueError):
            return dumps(out)

    def named(self, row: Sequence[SqlValue]) -> dict[str, SqlValue]:
        """A row by column."""
        return dict(zip(self.names, row, strict=True))


class Codecs:
    """The codecs of all collections, made on first use and dropped with the schema they were made for."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._made: dict[str, Codec] = {}

    def of(self, collection: Collection) -> Codec:
        """The codec of that very state of a collection."""
        codec = self._made.get(collection.id)
        # Identity, not version: a changed copy that nobody saved yet must not be read by the stored one's columns.
        if codec is None or codec.collection is not collection:
            codec = self._made[collection.id] = Codec(collection, self._dialect)
        return codec


def dumps(value: object) -> bytes:
    """JSON text of an answer; text that has no UTF-8 form gets replacement characters."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=_default)
    except (TypeError, ValueError):
        return orjson.dumps(_representable(value), option=orjson.OPT_NON_STR_KEYS, default=_default)


def _default(value: object) -> object:
    """What plugins may put into an answer besides JSON values."""
    if isinstance(value, Record):
        return value.to_json()
    fragment = getattr(value, "fragment", None)
    if callable(fragment):
        return fragment()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def _representable(value: object) -> object:
    if isinstance(value, str):
        return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, Mapping):
        return {_representable(key): _representable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_representable(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return float(value)
    return value


def _compile(collection: Collection, *, reveal: bool) -> Encode:
    """Writes the function. Names of fields appear in it only as string literals, by ``repr``."""
    scope: dict[str, object] = {"C": collection.id, "N": collection.name, "known_date": known_date}
    items = ["'collectionId': C", "'collectionName': N"]
    visibility = "False"
    email = ""
    for index, field in enumerate(collection.fields):
        expression, scope[f"f{index}"] = _expression(field, f"v{index}", f"f{index}")
        if collection.is_auth:
            if field.name in SECRETS:
                continue
            if field.name == "emailVisibility":
                visibility = expression
            if field.name == "email" and not reveal:
                email = "" if field.hidden else expression
                continue
        if reveal or not field.hidden:
            items.append(f"{field.name!r}: {expression}")
    columns = ", ".join(f"v{index}" for index in range(len(collection.fields)))
    source = [
        "def encode(row, show_email):",
        f"    ({columns},) = row",
        f"    out = {{{', '.join(sorted(items))}}}",
        *([f"    if show_email or {visibility}:", f"        out['email'] = {email}"] if email else []),
        "    return out",
    ]
    exec("\n".join(source), scope)  # noqa: S102 - the text is made of literals and our own names only
    encode: Encode = scope["encode"]  # type: ignore[assignment]  # defined by the line above
    return encode


def _expression(field: Field, value: str, convert: str) -> tuple[str, Callable[[SqlValue], object]]:
    """A value of the row as JSON: a check of the usual stored form, else a conversion, which is returned too."""
    call = f"{convert}({value})"
    own = type(field).json_from_db
    expression = call
    conversion: Callable[[SqlValue], object] = field.json_from_db
    if own is PlainTextField.json_from_db:
        expression = f"({value} if {value}.__class__ is str else {call})"
    elif own is NumberField.json_from_db:
        is_whole = f"{value}.__class__ is int and -{_EXACT} <= {value} <= {_EXACT}"
        is_fraction = f"{value}.__class__ is float and {value} - {value} == 0 and not {value}.is_integer()"
        expression = f"({value} if {is_whole} or {is_fraction} else {call})"
    elif own is ChoicesField.json_from_db and field.is_multiple:
        expression = f"([] if {value} == '[]' else {call})"
    elif own is ChoicesField.json_from_db:
        expression = f"({value} if {value}.__class__ is str and '[' not in {value} else {call})"
    elif own is BoolField.json_from_db:
        expression = f"({value} != 0 if {value}.__class__ is int else {call})"
    elif own in (DateField.json_from_db, AutodateField.json_from_db):
        expression, conversion = f"(known_date({value}) or {call})", remembered_date
    elif type(field) is JsonField:
        expression, conversion = f"(None if {value} is None else {call})", _json_converter(field)
    return expression, conversion


def _json_converter(field: JsonField) -> Callable[[SqlValue], object]:
    slow = field.json_from_db

    def convert(value: SqlValue) -> object:
        if not isinstance(value, str):
            return slow(value)
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError:
            return slow(value)
        return orjson.Fragment(value)

    return convert
