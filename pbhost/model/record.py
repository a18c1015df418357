"""A record: one row of a collection as code sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING

from pbhost.model.field import Field, FieldValue

if TYPE_CHECKING:
    from pbhost.database import SqlValue
    from pbhost.model.collection import Collection


class Record:
    """One row of a collection; values are normalised by their fields on assignment.

    ``record["title"] = 5`` stores ``"5"``; ``record["tags+"] = "new"`` applies a modifier; an unknown name raises
    ``KeyError`` on reading and is refused on writing.

    Attributes:
        collection: the schema the values follow.
        is_new: True until the record is stored.
        expand: expanded relations by segment (records or lists of records), None if no expand was asked for.
        custom: further keys for the answer, set by enrich hooks; never stored.
    """

    __slots__ = (
        "_hidden",
        "_notes",
        "_original",
        "_read",
        "_shown",
        "_values",
        "collection",
        "custom",
        "expand",
        "is_new",
        "show_email",
    )

    def __init__(self, collection: Collection, values: Mapping[str, object] | None = None) -> None:
        """A new record with zero values, changed by ``values`` (field names with modifiers allowed)."""
        self.collection = collection
        self._values: dict[str, FieldValue] = {field.name: field.zero() for field in collection.fields}
        self._original: dict[str, FieldValue] | None = None
        self._read: Mapping[str, FieldValue] | None = None
        self._hidden: set[str] | None = None
        self._shown: set[str] | None = None
        self._notes: dict[str, object] | None = None
        self.is_new = True
        self.expand: dict[str, Record | list[Record]] | None = None
        self.custom: dict[str, object] = {}
        #: Whether the caller may see ``email`` although ``emailVisibility`` is false.
        self.show_email = False
        for key, value in (values or {}).items():
            self[key] = value

    @classmethod
    def from_row(cls, collection: Collection, names: tuple[str, ...], row: tuple[SqlValue, ...]) -> Record:
        """A stored record from a row whose columns are named by ``names``; columns without a field are ignored."""
        values: dict[str, FieldValue] = {}
        for name, value in zip(names, row, strict=True):
            field = collection.field(name)
            if field is not None:
                values[name] = field.from_db(value)
        for field in collection.fields:
            if field.name not in values:
                values[field.name] = field.zero()
        return cls.stored(collection, values)

    @classmethod
    def stored(cls, collection: Collection, values: dict[str, FieldValue]) -> Record:
        """A stored record of already normalised values, one per field; the dict becomes the record's own."""
        record = cls.__new__(cls)
        record.collection = collection
        record._values = values
        record._original = record._read = None
        record._hidden = record._shown = record._notes = None
        record.is_new = False
        record.expand = None
        record.custom = {}
        record.show_email = False
        return record

    # -- values ------------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The primary key, "" before it is assigned."""
        return str(self._values.get("id") or "")

    def __getitem__(self, name: str) -> FieldValue:
        return self._values[name]

    def __setitem__(self, key: str, value: object) -> None:
        field = self.field_of(key)
        if field is None:
            raise KeyError(f"collection {self.collection.name!r} has no field for {key!r}")
        self._keep_original()
        self._values[field.name] = field.set(self, key, value)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str, default: FieldValue = None) -> FieldValue:
        """The value of a field, or ``default`` if there is no such field."""
        return self._values.get(name, default)

    def text(self, name: str) -> str:
        """The value of a field as text; "" for a missing field or one whose value is not text."""
        value = self._values.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float:
        """The value of a field as a number; 0 for a missing field or one whose value is no number."""
        value = self._values.get(name)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0

    def put(self, name: str, value: FieldValue) -> None:
        """Stores an already normalised value without casting; for field types and services."""
        self._keep_original()
        self._values[name] = value

    def field_of(self, key: str) -> Field | None:
        """The field that a body key addresses: see :meth:`Collection.field_of`."""
        return self.collection.field_of(key)

    @property
    def notes(self) -> dict[str, object]:
        """What field types keep between the steps of one write, by their own keys; never stored, shared by copies."""
        if self._notes is None:
            self._notes = {}
        return self._notes

    # -- changes -----------------------------------------------------------------------------------------------------

    @property
    def original(self) -> Mapping[str, FieldValue]:
        """The values as stored (zero values for a new record)."""
        return self._values if self._original is None else self._original

    @property
    def as_read(self) -> Mapping[str, FieldValue]:
        """What the holder of this object has seen: ``original`` before any newer read was taken over."""
        return self.original if self._read is None else self._read

    def changed(self, name: str) -> bool:
        """Whether a field's value differs from the stored one."""
        return self._original is not None and self._original.get(name) != self._values.get(name)

    def rebase(self, stored: Record, *, relative: Set[str] = frozenset()) -> None:
        """Takes over a newer read of the same row: fields that were changed here keep their values.

        Args:
            stored: the newer read.
            relative: fields that were changed by modifiers (``votes+``): what was added and taken away here is added to
                and taken from the newer value.
        """
        self._read = self.as_read
        changes = {name: value for name, value in self._values.items() if self.changed(name)}
        for name in changes.keys() & relative:
            changes[name] = _merged(self.original[name], changes[name], stored._values[name])
        self._values = {**stored._values, **changes}
        self._original = dict(stored._values)
        self.is_new = False

    def _keep_original(self) -> None:
        if self._original is None:
            self._original = dict(self._values)

    def mark_stored(self) -> None:
        """The current values are the stored ones from now on."""
        self._original = self._read = None
        self.is_new = False

    def copy(self) -> Record:
        """A copy with the same values and state, without expand and custom keys."""
        twin = Record.__new__(type(self))
        twin.collection = self.collection
        twin._values = dict(self._values)
        twin._original = None if self._original is None else dict(self._original)
        twin._read = self._read
        twin._hidden = None if self._hidden is None else set(self._hidden)
        twin._shown = None if self._shown is None else set(self._shown)
        twin._notes = self._notes
        twin.is_new = self.is_new
        twin.expand = None
        twin.custom = {}
        twin.show_email = self.show_email
        return twin

    def __repr__(self) -> str:
        return f"<Record {self.collection.name}/{self.id or '(new)'}>"

    # -- visibility --------------------------------------------------------------------------------------------------

    def hide(self, *names: str) -> None:
        """Leaves fields out of the answer."""
        self._hidden = (self._hidden or set()) | set(names)
        if self._shown:
            self._shown -= set(names)

    def show(self, *names: str) -> None:
        """Puts hidden fields into the answer (``password`` and ``tokenKey`` of auth collections stay out)."""
        self._shown = (self._shown or set()) | set(names)
        if self._hidden:
            self._hidden -= set(names)

    def is_visible(self, field: Field) -> bool:
        """Whether a field is part of the answer."""
        if self._hidden is not None and field.name in self._hidden:
            return False
        if self.collection.is_auth:
            if field.name in ("password", "tokenKey"):
                return False
            if field.name == "email" and not (self.show_email or self._values.get("emailVisibility")):
                return False
        return not field.hidden or (self._shown is not None and field.name in self._shown)

    def to_json(self) -> dict[str, object]:
        """The public form, for ``orjson.dumps``: visible fields, ``collectionId``, ``collectionName``, ``expand``."""
        out: dict[str, object] = {
            field.name: field.to_json(self._values[field.name])
            for field in self.collection.fields
            if self.is_visible(field)
        }
        out.update(self.custom)
        out["collectionId"] = self.collection.id
        out["collectionName"] = self.collection.name
        if self.expand is not None:
            out["expand"] = {
                key: [item.to_json() for item in value] if isinstance(value, list) else value.to_json()
                for key, value in self.expand.items()
            }
        return out


# Functions rather than methods: the generated classes of ``pbhost types`` have an attribute for each field.


def values_of(record: Record) -> Mapping[str, FieldValue]:
    """The present values by field, not to be changed: for code that looks at all of them."""
    return record._values


def changing(record: Record) -> dict[str, FieldValue]:
    """The present values by field, for code that puts many normalised ones: as :meth:`Record.put` would, each."""
    record._keep_original()
    return record._values


def _merged(before: FieldValue, changed: FieldValue, now: FieldValue) -> FieldValue:
    """A value that was changed from ``before`` to ``changed``, as the same change of ``now``."""
    if now == before:
        return changed
    if isinstance(before, list) and isinstance(changed, list) and isinstance(now, list):
        kept = [index for index, item in enumerate(changed) if item in before]
        first = kept[0] if kept else 0
        front, back = (
            [item for item in part if item not in before and item not in now]
            for part in (changed[:first], changed[first:])
        )
        return [*front, *(item for item in now if item in changed or item not in before), *back]
    numbers = (before, changed, now)
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers):
        return now + (changed - before)  # type: ignore[operator]  # three numbers
    return changed
