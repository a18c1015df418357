"""A submitted body onto a record: modifiers, hidden fields, uploads (records.md 3.3 to 3.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pbhost.errors import JSON
from pbhost.model import BodyValue, Collection, Field, Record, UploadedFile


def apply_body(record: Record, body: Mapping[str, BodyValue], *, reveal: bool) -> dict[str, BodyValue]:
    """Sets the fields that a body names; returns the body as rules see it.

    Args:
        record: the stored record, or an empty one on create.
        body: as submitted.
        reveal: whether hidden fields may be set (superusers).

    Returns:
        each key of a field replaced by its bare name with the normalised final value; hidden fields left out; keys that
        are no fields untouched.
    """
    out: dict[str, BodyValue] = {}
    field_of = record.collection.field_of
    # The bare key comes before its modifiers, so that they work on the submitted value.
    for key in sorted(body, key=len):
        field = field_of(key)
        if field is None:
            kept = _without_uploads(body[key])
            if kept is not _NOTHING:
                out[key] = kept
            continue
        if field.hidden and not reveal and not _is_sign_in_password(record, field):
            continue
        value = body[key]
        if field.type != "file":
            value = _without_uploads(value)
            if value is _NOTHING:
                continue
        record.put(field.name, field.set(record, key, value))
        out[field.name] = record[field.name]  # type: ignore[assignment]  # normalised values stand for JSON ones
    return out


def addressed(collection: Collection, body: Mapping[str, BodyValue]) -> set[str]:
    """The names of the fields that a body addresses."""
    return {field.name for key in body if (field := collection.field_of(key)) is not None}


def modified(collection: Collection, body: Iterable[str]) -> set[str]:
    """The names of the fields that a body addresses by modifiers only: its values are changes of the stored ones."""
    fields = [(key, field.name) for key in body if (field := collection.field_of(key)) is not None]
    return {name for _, name in fields} - {name for key, name in fields if key == name}


def _is_sign_in_password(record: Record, field: Field) -> bool:
    return record.collection.is_auth and field.name == "password"


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
