"""The list of fields of a collection: identity by id, generated ids, and the fields that must be there (3, 4.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pbhost.model import Collection, CollectionType, Field
from pbhost.model.ids import field_id

from ..fieldtypes.text import DEFAULT_ID_AUTOGENERATE, DEFAULT_ID_PATTERN, TextField


def build_fields(submitted: Iterable[Field]) -> list[Field]:
    """The list that results from adding fields one by one."""
    fields: list[Field] = []
    for field in submitted:
        add_field(fields, field)
    return fields


def add_field(fields: list[Field], field: Field) -> None:
    """Adds a field, or replaces the one it stands for: that of its id, or without an id that of its name."""
    if field.id:
        position = _position(fields, lambda other: other.id == field.id)
    else:
        position = _position(fields, lambda other: other.name == field.name)
        field.id = fields[position].id if position >= 0 else _free_id(fields, field)
    if position >= 0:
        fields[position] = field
    else:
        fields.append(field)


def ensure_system_fields(collection: Collection, kind: CollectionType | None) -> None:
    """Adds the fields that every collection of its type has and sets the flags that they must have."""
    if kind is None or not kind.has_table:
        return
    id_field = collection.field("id")
    if isinstance(id_field, TextField):
        _enforce_id(id_field)
    else:
        missing = id_field_default()
        missing.id = _free_id(collection.fields, missing)
        collection.fields.insert(0, missing)
    for wanted in kind.system_fields(collection):
        present = next((item for item in collection.fields if item.name == wanted.name), None)
        if present is not None and present.type == wanted.type:
            kind.enforce_field(present)
        else:
            # beside one of another type it is a duplicate name, which the checks report
            wanted.id = _free_id(collection.fields, wanted)
            collection.fields.append(wanted)


def id_field_default() -> TextField:
    """The primary key field of a new collection."""
    return TextField(
        name="id",
        system=True,
        required=True,
        primary_key=True,
        min=15,
        max=15,
        pattern=DEFAULT_ID_PATTERN,
        autogenerate_pattern=DEFAULT_ID_AUTOGENERATE,
    )


def _enforce_id(field: TextField) -> None:
    field.system = True
    field.required = True
    field.primary_key = True
    field.hidden = False
    field.pattern = field.pattern or DEFAULT_ID_PATTERN


def _free_id(fields: list[Field], field: Field) -> str:
    wanted = field_id(field.type, field.name)
    taken = {other.id for other in fields}
    number = 2
    free = wanted
    while free in taken:
        free = f"{wanted}{number}"
        number += 1
    return free


def _position(fields: list[Field], wanted: Callable[[Field], bool]) -> int:
    return next((at for at, field in enumerate(fields) if wanted(field)), -1)
