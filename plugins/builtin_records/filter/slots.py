"""The values behind ``?`` marks, each found in a :class:`Binding` when a plan is used.

All are frozen, so that equal ones compare equal: a plan asks each question about a request once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from pbhost.database import SqlValue
from pbhost.model import Field, UploadedFile

from ..jsontext import BrokenJson, JsonText, json_of
from .binding import Binding
from .errors import FilterError
from .like import like_pattern
from .macros import MACROS
from .printer import plain_number
from .template import Slot

_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE)
_UPPER_TO_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Constant:
    """A value of the rule's own text."""

    value: SqlValue

    def __call__(self, binding: Binding) -> SqlValue:
        return self.value


@dataclass(frozen=True, slots=True)
class Literal:
    """A text or number of the client's filter, by its place."""

    index: int

    def __call__(self, binding: Binding) -> SqlValue:
        return binding.literals[self.index]


@dataclass(frozen=True, slots=True)
class Macro:
    """``@now`` and its like."""

    name: str

    def __call__(self, binding: Binding) -> SqlValue:
        return MACROS[self.name](binding.moment())


@dataclass(frozen=True, slots=True)
class Pattern:
    """The LIKE pattern of another value."""

    of: Slot

    def __call__(self, binding: Binding) -> SqlValue:
        return like_pattern(self.of(binding))


@dataclass(frozen=True, slots=True)
class BoundValue:
    """``{:name}``: what code gave for it."""

    name: str

    def __call__(self, binding: Binding) -> SqlValue:
        if binding.values is None or self.name not in binding.values:
            raise FilterError(f"no value is given for {{:{self.name}}}")
        return to_sql(binding.values[self.name])


@dataclass(frozen=True, slots=True)
class VirtualColumn:
    """A column of the virtual row."""

    name: str

    def __call__(self, binding: Binding) -> SqlValue:
        return binding.row.get(self.name) if binding.row else None


@dataclass(frozen=True, slots=True)
class RecordId:
    """One of the ids looked at; the last one again when there are fewer."""

    index: int

    def __call__(self, binding: Binding) -> SqlValue:
        ids = binding.ids or ("",)
        return ids[min(self.index, len(ids) - 1)]


@dataclass(frozen=True, slots=True)
class AuthId:
    """The id of the authenticated record."""

    def __call__(self, binding: Binding) -> SqlValue:
        auth = binding.context.auth
        return None if auth is None else auth.id


@dataclass(frozen=True, slots=True)
class AuthValue:
    """A value of the authenticated record that needs no join."""

    name: str
    lower: bool = False

    def __call__(self, binding: Binding) -> SqlValue:
        auth = binding.context.auth
        if auth is None:
            return None
        match self.name:
            case "collectionId":
                value: object = auth.collection.id
            case "collectionName":
                value = auth.collection.name
            case _:
                value = auth.get(self.name)
        return lowered(value) if self.lower else to_sql(value)


@dataclass(frozen=True, slots=True)
class RequestValue:
    """A static value of the request.

    Attributes:
        path: ``("query", "page")``, ``("body", "meta", "a")``, ``("method",)`` …
        numeric: text that reads as a number becomes one.
        lower: ASCII lower case.
        field: the field of the queried collection whose submitted value this is, stored as it stores it.
    """

    path: tuple[str, ...]
    numeric: bool = False
    lower: bool = False
    field: Field | None = None

    def __call__(self, binding: Binding) -> SqlValue:
        value = look_up(binding, self.path)
        if self.lower:
            return "" if value is None and self.field is not None else lowered(value)
        match value:
            case str():
                return float(value) if self.numeric and _FLOAT.fullmatch(value) else to_sql(value)
            case None | bool():
                return value
            case int() | float():
                return float(value)
            case _:
                return to_sql(value) if self.field is None else _stored(self.field, value)

    def __hash__(self) -> int:
        # Fields are not hashable; the path tells which one it is.
        return hash((self.path, self.numeric, self.lower))


@dataclass(frozen=True, slots=True)
class IsSet:
    """Whether the request has the key, whatever its value."""

    path: tuple[str, ...]

    def __call__(self, binding: Binding) -> SqlValue:
        return is_set(binding, self.path)


@dataclass(frozen=True, slots=True)
class SubmittedItems:
    """The submitted items of a list field, as a JSON array."""

    name: str

    def __call__(self, binding: Binding) -> SqlValue:
        return _json_text(submitted_items(binding, self.name))


@dataclass(frozen=True, slots=True)
class SubmittedCount:
    """How many items were submitted for a list field; a single empty text is one."""

    name: str

    def __call__(self, binding: Binding) -> SqlValue:
        return len(submitted_items(binding, self.name))


# -- questions whose answer shapes the SQL -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Emptiness:
    """``"null"``, ``"empty"`` or ``"known"``: how a value takes part in equality."""

    of: Slot

    def __call__(self, binding: Binding) -> str:
        value = self.of(binding)
        return "null" if value is None else "empty" if value == "" else "known"


@dataclass(frozen=True, slots=True)
class Sameness:
    """``"same"`` or ``"different"``: what equality says of two values that need no row, ``"unlike"`` if their types
    leave that to the database."""

    left: Slot
    right: Slot

    def __call__(self, binding: Binding) -> str:
        left, right = self.left(binding), self.right(binding)
        left_empty, right_empty = left is None or left == "", right is None or right == ""
        if left_empty or right_empty:
            return "same" if left_empty and right_empty else "different"
        if isinstance(left, str) is not isinstance(right, str):
            return "unlike"
        return "same" if left == right else "different"


@dataclass(frozen=True, slots=True)
class AuthCollection:
    """The id of the caller's collection, "" for a guest."""

    def __call__(self, binding: Binding) -> str:
        auth = binding.context.auth
        return "" if auth is None else auth.collection.id


@dataclass(frozen=True, slots=True)
class HasSubmittedIds:
    """Whether ids of related records were submitted."""

    name: str

    def __call__(self, binding: Binding) -> bool:
        return any(item != "" for item in submitted_items(binding, self.name))


# -- values of a request -----------------------------------------------------------------------------------------------


def look_up(binding: Binding, path: tuple[str, ...]) -> object:
    """A static value of the request, None if it is missing or the path leads into a scalar."""
    value: object = _source(binding, path[0])
    for segment in path[1:]:
        value = _member(value, segment)
        if value is None:
            return None
    return value


def is_set(binding: Binding, path: tuple[str, ...]) -> bool:
    """Whether the last key of a path is present."""
    parent = look_up(binding, path[:-1])
    if isinstance(parent, JsonText):
        parent = parent.value
    if isinstance(parent, Mapping):
        return path[-1] in parent
    return _member(parent, path[-1]) is not None


def submitted_items(binding: Binding, name: str) -> list[object]:
    """What was submitted for a list field, one by one."""
    value: object = binding.context.body.get(name)
    if value is None:
        return []
    if isinstance(value, JsonText):
        value = value.value
    items = value if isinstance(value, list) else [value]
    return [item.name if isinstance(item, UploadedFile) else item for item in items]


def to_sql(value: object) -> SqlValue:
    """A value of a request as it is bound: texts and numbers as they are, lists and maps as JSON text."""
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else float(value)
        case str():
            return _encodable(value)
        case JsonText():
            return None if value.text == "null" else value.text
        case _:
            return _json_text(value)


def _stored(field: Field, value: object) -> SqlValue:
    """A submitted value as its field stores it. Outside of a record's write nobody has normalised it before."""
    if field.kind == "json" and isinstance(json_of(value), BrokenJson):
        raise FilterError(f"the value submitted for {field.name!r} has no JSON text")
    try:
        stored = field.to_db(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise FilterError(f"the value submitted for {field.name!r} cannot be stored") from error
    return _encodable(stored) if isinstance(stored, str) else stored


def lowered(value: object) -> SqlValue:
    """The ASCII lower case of a value's text; lists and maps have none."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return value.lower() if value.isascii() else _encodable(value).translate(_UPPER_TO_LOWER)
        case int() | float():
            return plain_number(float(value))
        case JsonText():
            return _encodable(value.text).translate(_UPPER_TO_LOWER)
        case _:
            return ""


def _source(binding: Binding, name: str) -> object:
    context = binding.context
    match name:
        case "body":
            return context.body
        case "query":
            return context.query
        case "headers":
            return context.headers
        case "method":
            return context.method
        case _:
            return context.context


def _member(value: object, segment: str) -> object:
    if isinstance(value, JsonText):
        value = value.value
    if isinstance(value, UploadedFile):
        members: dict[str, object] = {
            "name": value.name,
            "originalName": value.original_name,
            "size": value.size,
        }
        return members.get(segment)
    if isinstance(value, Mapping):
        return value.get(segment)
    if isinstance(value, Sequence) and not isinstance(value, str) and segment.isdecimal() and segment.isascii():
        index = int(segment[:9])
        return value[index] if index < len(value) else None
    return None


def _encodable(text: str) -> str:
    """Text that can be bound: a lone surrogate becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _json_text(value: object) -> str:
    try:
        return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS, default=str).decode()
    except (TypeError, RecursionError) as error:
        raise FilterError("a value of the request is nested too deep") from error


def _plain(value: object) -> object:
    """A value with integral doubles as integers and uploads as maps, as JSON spells them."""
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case int() if abs(value) >= 2**63:
            return float(value)
        case str():
            return _encodable(value)
        case JsonText():
            return value.value
        case UploadedFile():
            return {"name": value.name, "originalName": value.original_name, "size": value.size}
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case Sequence():
            return [_plain(item) for item in value]
        case _:
            return value
