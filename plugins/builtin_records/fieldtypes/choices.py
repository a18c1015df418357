"""The base of fields that hold one text or a list of texts, depending on ``maxSelect`` (select, relation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import orjson

from pbhost.database import SqlValue
from pbhost.model import FieldValue, Record, StorageKind

from ..casting import to_list
from .options import OptionField


@dataclass(kw_only=True)
class ChoicesField(OptionField):
    """One of several texts, or a list of them when ``max_select`` exceeds 1."""

    kind: ClassVar[StorageKind] = "list"
    modifiers: ClassVar[tuple[str, ...]] = ("f+", "+f", "f-")

    max_select: int = 0

    @property
    def is_multiple(self) -> bool:
        return self.max_select > 1

    def zero(self) -> FieldValue:
        return [] if self.is_multiple else ""

    def normalize(self, value: object) -> FieldValue:
        return self._shape(to_list(value))

    def set(self, record: Record, key: str, value: object) -> FieldValue:
        items = to_list(value)
        if key == self.name:
            return self._shape(items)
        stored = to_list(record.get(self.name))
        if key.endswith("+"):
            items = to_list([*stored, *items])
        elif key.endswith("-"):
            items = [item for item in stored if item not in set(items)]
        else:
            items = to_list([*items, *stored])
        return self._shape(items)

    def _shape(self, items: list[str]) -> FieldValue:
        if self.is_multiple:
            return items
        return items[-1] if items else ""

    def from_db(self, value: SqlValue) -> FieldValue:
        return self._shape(stored_list(value))

    def to_db(self, value: FieldValue) -> SqlValue:
        items = to_list(value)
        if self.is_multiple:
            return json_list(items)
        return items[-1].encode("utf-8", "replace").decode() if items else ""

    def json_from_db(self, value: SqlValue) -> object:
        if self.is_multiple:
            return [] if value == "[]" else stored_list(value)
        # a single text without a bracket is stored as it is shown
        return value if isinstance(value, str) and "[" not in value else self.from_db(value)


def json_list(items: list[str]) -> str:
    """A list as it is stored; text that has no UTF-8 form gets question marks."""
    try:
        return orjson.dumps(items).decode()
    except TypeError:
        return orjson.dumps([item.encode("utf-8", "replace").decode() for item in items]).decode()


def stored_list(value: SqlValue) -> list[str]:
    """The items of a stored list: JSON text, or whatever a single value left in the column."""
    if isinstance(value, str) and value.startswith('["'):
        try:
            items = orjson.loads(value)
        except orjson.JSONDecodeError:
            return to_list(value)
        if not isinstance(items, list):
            return to_list(value)
        # what was stored by us is clean already
        if len(items) == 1 and isinstance(items[0], str) and items[0]:
            return items
        return to_list(items)
    return to_list(value)
