"""What a collection's fields have to do at each step of a write, and the statements that write its rows.

Most field types do nothing at most steps; which ones do is found once per collection, so that a write only calls those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pbhost.database import Dialect
from pbhost.model import Collection, Field, Record

from ..fieldtypes.text import TextField
from .body import Bodies
from .compiled import compile_errors, compile_zeros

#: Key of ``Record.notes``: the values that ``before_write`` has seen, by field.
_PREPARED = "records.prepared"


class Lifecycle:
    """The steps of one collection.

    Attributes:
        fill, stamp: fields with work in the transaction, before and after the checks.
        errors: the checks, of all fields at once.
        body: what submitted bodies do to a record.
        slow: fields whose values are prepared on the event loop before it.
        settle: fields that want to know how a write ended.
        forget: fields that want to know of deletes.
        write_rules: those of fields, as of the collection.
        insert, update: statements for the values of all columns in the order of the codec; ``update`` ends with the id.
    """

    __slots__ = (
        *("_zeros", "body", "collection", "errors", "fill", "forget"),
        *("insert", "settle", "slow", "stamp", "update", "write_rules"),
    )

    def __init__(self, collection: Collection, dialect: Dialect) -> None:
        fields = collection.fields
        self.collection = collection
        self.body = Bodies(collection)
        self.write_rules = collection.write_rules
        self.errors = compile_errors(_overriding(fields, "validate"))
        self.fill = [field for field in _overriding(fields, "fill") if not _fills_nothing(field)]
        self.stamp = _overriding(fields, "stamp")
        self.slow = _overriding(fields, "before_write")
        self.settle = _overriding(fields, "committed", "rolled_back")
        self.forget = _overriding(fields, "deleted")
        self._zeros = compile_zeros(fields)
        table = dialect.quote(collection.name)
        columns = [dialect.quote(field.name) for field in fields]
        self.insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        self.update = (
            f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in columns)} WHERE {dialect.quote('id')} = ?"
        )

    def blank(self) -> Record:
        """A new record of zero values: ``Record(collection)``."""
        record = Record.stored(self.collection, self._zeros())
        record.is_new = True
        return record

    def is_slow(self, key_field: Field) -> bool:
        """Whether values of a field are prepared on the event loop."""
        return key_field in self.slow

    def unprepared(self, record: Record) -> list[Field]:
        """The fields whose changed values ``before_write`` has not seen yet."""
        if not self.slow:
            return []
        known = prepared(record)
        return [
            field
            for field in self.slow
            if (record.is_new or record.changed(field.name))
            and not field.is_empty(record[field.name])
            and known.get(field.name) is not record[field.name]
        ]


class Lifecycles:
    """The steps of every collection, found on first use."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._made: dict[str, Lifecycle] = {}

    def of(self, collection: Collection) -> Lifecycle:
        """The steps of that very state of a collection."""
        found = self._made.get(collection.id)
        if found is None or found.collection is not collection:
            found = self._made[collection.id] = Lifecycle(collection, self._dialect)
        return found


def prepared(record: Record) -> Mapping[str, object]:
    """The values that ``before_write`` has seen, by field."""
    seen = record.notes.get(_PREPARED)
    return seen if isinstance(seen, dict) else {}


def remember_prepared(record: Record, fields: Iterable[Field]) -> None:
    """Notes that ``before_write`` has seen the present values of these fields."""
    seen = record.notes.setdefault(_PREPARED, {})
    assert isinstance(seen, dict)
    for field in fields:
        seen[field.name] = record[field.name]


def _fills_nothing(field: Field) -> bool:
    """A text without a pattern, which most fields of most collections are."""
    return isinstance(field, TextField) and type(field).fill is TextField.fill and not field.autogenerate_pattern


def _overriding(fields: Iterable[Field], *methods: str) -> list[Field]:
    return [
        field for field in fields if any(getattr(type(field), name) is not getattr(Field, name) for name in methods)
    ]
