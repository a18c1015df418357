"""A submitted body onto a record: modifiers, hidden fields, uploads (records.md 3.3 to 3.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from pbhost.errors import JSON
from pbhost.model import BodyValue, Collection, Field, FieldValue, Record, UploadedFile
from pbhost.model.record import changing

from .usual import NO_ASSIGNMENT, Cast, assignment

#: A key of a body, ready to be used: the key, its field, the field's name ("" for none), and its ``Assignment``.
_Step: TypeAlias = "tuple[str, Field | None, str, type | None, type | None, Cast]"

#: Bounds what clients can make a collection remember: so many sets of keys, each with so many keys that are no fields,
#: and none longer than this in characters.
_MOST_PLANS = 64
_MOST_OTHER_KEYS = 20
_LONGEST_PLAN = 2048


class Bodies:
    """What submitted bodies do to records of one collection.

    Clients send the same few sets of keys again and again, so what the keys mean is found once for each set.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._plans: dict[tuple[object, ...], tuple[_Step, ...]] = {}

    def apply(self, record: Record, body: Mapping[str, BodyValue], *, reveal: bool) -> dict[str, BodyValue]:
        """Sets the fields that a body names; returns the body as rules see it.

        Args:
            record: the stored record, or an empty one on create.
            body: as submitted.
            reveal: whether hidden fields may be set (superusers).

        Returns:
            each key of a field replaced by its bare name with the normalised final value; hidden fields left out; keys
            that are no fields untouched.
        """
        keys = (reveal, *body)
        plan = self._plans.get(keys)
        if plan is None:
            plan = self._plan(body, reveal=reveal)
            self._remember(keys, plan, sum(map(len, body)))
        out: dict[str, BodyValue] = {}
        values: dict[str, FieldValue] | None = None
        for key, field, name, kept, usual, cast in plan:
            value = body[key]
            kind = value.__class__
            if kind is usual:
                value = cast(value)  # type: ignore[assignment]  # normalised values stand for JSON ones
            elif kind is not kept:
                _apply_key(record, key, field, value, out)
                continue
            if values is None:
                values = changing(record)
            values[name] = out[name] = value
        return out

    def _plan(self, body: Iterable[str], *, reveal: bool) -> tuple[_Step, ...]:
        collection = self._collection
        steps: list[_Step] = []
        # The bare key comes before its modifiers, so that they work on the submitted value.
        for key in sorted(body, key=len):
            field = collection.field_of(key)
            if field is None:
                steps.append((key, None, "", *NO_ASSIGNMENT))
            elif reveal or not field.hidden or (collection.is_auth and field.name == "password"):
                steps.append((key, field, field.name, *assignment(field, key)))
        return tuple(steps)

    def _remember(self, keys: tuple[object, ...], plan: tuple[_Step, ...], characters: int) -> None:
        if characters <= _LONGEST_PLAN and len(keys) <= len(self._collection.fields) + _MOST_OTHER_KEYS:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[keys] = plan


def _apply_key(record: Record, key: str, field: Field | None, value: BodyValue, out: dict[str, BodyValue]) -> None:
    """Any value of a key, by the field's own methods."""
    if field is None or field.type != "file":
        value = _without_uploads(value)
        if value is _NOTHING:
            return
    if field is None:
        out[key] = value
        return
    record.put(field.name, field.set(record, key, value))
    out[field.name] = record[field.name]  # type: ignore[assignment]  # normalised values stand for JSON ones


def addressed(collection: Collection, body: Mapping[str, BodyValue]) -> set[str]:
    """The names of the fields that a body addresses."""
    return {field.name for key in body if (field := collection.field_of(key)) is not None}


def modified(collection: Collection, body: Iterable[str]) -> set[str]:
    """The names of the fields that a body addresses by modifiers only: its values are changes of the stored ones."""
    fields = [(key, field.name) for key in body if (field := collection.field_of(key)) is not None]
    return {name for _, name in fields} - {name for key, name in fields if key == name}


_NOTHING: JSON = {"": "nothing is left of the value"}


def _without_uploads(value: BodyValue) -> BodyValue:
    """File parts whose name is not that of a file field are ignored."""
    if isinstance(value, UploadedFile):
        return _NOTHING
    if isinstance(value, list) and any(isinstance(item, UploadedFile) for item in value):
        kept: list[JSON | UploadedFile] = [item for item in value if not isinstance(item, UploadedFile)]
        if not kept:
            return _NOTHING
        return kept[0] if len(kept) == 1 else kept
    return value
