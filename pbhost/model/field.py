"""What a field type is: options, column, values. The types themselves come from plugins (``register_field_types``).

The life of a value in a write: ``set`` (a body key with its modifier) → ``normalize`` → ``before_write`` (on the event
loop, may be slow: hashing, storing files) → in the transaction ``fill`` (autogenerate, autodate) and ``validate`` →
``to_db`` → after commit ``committed``, or ``rolled_back`` when anything failed. In a read: ``from_db`` → ``to_json``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self, TypeAlias

from pbhost.errors import JSON, ErrorTree, FieldError
from pbhost.model.value_types import ValueTypes

if TYPE_CHECKING:
    from pbhost.database import Connection, SqlValue
    from pbhost.model.collection import Collection
    from pbhost.model.record import Record
    from pbhost.services import Services

#: What the filter compiler and the table synchronisation need to know of a type's stored form.
StorageKind: TypeAlias = Literal["text", "number", "bool", "list", "json", "geo"]

#: A normalised field value (str, int, float, bool, None, list of str, dict, an UploadedFile list, parsed or raw JSON).
FieldValue: TypeAlias = object


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """What the check of a field's options may look at.

    Attributes:
        collection: the collection as it would be saved.
        old: its stored state, None on create.
        services: for look-ups (``services.collections``); never writes.
    """

    collection: Collection
    old: Collection | None
    services: Services


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """What the check of a value may look at.

    Attributes:
        connection: the write transaction the record is saved in; synchronous.
        services: for look-ups.
        is_new: whether the record is being created.
    """

    connection: Connection
    services: Services
    is_new: bool


class OptionTypeError(ValueError):
    """A submitted option has the wrong JSON type, so the field cannot be decoded at all."""


@dataclass(kw_only=True)
class Field(ABC):
    """One field of a collection. Subclasses are dataclasses whose own attributes are the type's options.

    Attribute names are the JSON keys in snake_case (``max_select`` ↔ ``maxSelect``), mapped by :meth:`decode`
    and :meth:`encode`. Two fields are equal when all their options are.
    """

    type: ClassVar[str]
    kind: ClassVar[StorageKind] = "text"
    #: Body keys may carry these: "+" after (append, add), "+" before (prepend), "-" after (remove, subtract),
    #: ":autogenerate" after. As written around the name: ("f+", "+f", "f-", "f:autogenerate").
    modifiers: ClassVar[tuple[str, ...]] = ()
    #: Keys that :meth:`encode` leaves out while they are not set: options that PocketBase does not know.
    optional_keys: ClassVar[tuple[str, ...]] = ()
    #: Whether `required` and `help` are options of this type (autodate has neither).
    has_required: ClassVar[bool] = True

    id: str = ""
    name: str = ""
    system: bool = False
    hidden: bool = False
    presentable: bool = False
    required: bool = False
    help: str = ""

    # -- options -----------------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def decode(cls, data: Mapping[str, JSON]) -> Self:
        """A field from its JSON form; missing keys take defaults, unknown keys are ignored.

        Raises:
            OptionTypeError: a key has the wrong JSON type.
        """

    @abstractmethod
    def encode(self) -> dict[str, JSON]:
        """The JSON form: all keys, in alphabetical order, ``type`` included."""

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        """Errors of the type's own options by JSON key; the common ones (id, name, help) are checked elsewhere."""
        return {}

    # -- column ------------------------------------------------------------------------------------------------------

    @property
    def is_multiple(self) -> bool:
        """Whether the value is a list (``maxSelect > 1``)."""
        return False

    @property
    def can_be_multiple(self) -> bool:
        """Whether the type has a multiple form at all (select, file, relation): decides ``:each`` and ``:length``."""
        return self.kind == "list"

    # -- values ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def zero(self) -> FieldValue:
        """The value of a field that was never set; a new object each time."""

    @abstractmethod
    def normalize(self, value: object) -> FieldValue:
        """Any assigned value cast to the type's form. Never fails: what cannot be cast becomes the zero value."""

    def set(self, record: Record, key: str, value: object) -> FieldValue:
        """The new value for a body key of this field, modifiers included (``key`` as submitted: ``f``, ``f+`` …)."""
        return self.normalize(value)

    def is_empty(self, value: FieldValue) -> bool:
        """Whether ``required`` would refuse the value."""
        return value == self.zero()

    @abstractmethod
    def from_db(self, value: SqlValue) -> FieldValue:
        """A stored value; NULL and rows edited by hand give the zero value rather than an error."""

    @abstractmethod
    def to_db(self, value: FieldValue) -> SqlValue:
        """What is bound for the column."""

    def to_json(self, value: FieldValue) -> object:
        """What goes to ``orjson.dumps``: JSON values, or an ``orjson.Fragment`` for stored JSON text."""
        return value

    def json_from_db(self, value: SqlValue) -> object:
        """Shortcut of the read path: ``to_json(from_db(value))``; override where it can be cheaper."""
        return self.to_json(self.from_db(value))

    # -- in generated code -------------------------------------------------------------------------------------------

    def value_types(self) -> ValueTypes:
        """The types of this field's values in the code of ``pbhost types``; override what the column does not tell."""
        return ValueTypes.of_kind(self.kind, is_multiple=self.is_multiple)

    def json_schema(self, *, is_input: bool = False) -> Mapping[str, JSON] | None:
        """The JSON Schema of a value (of one item where values are lists) for ``/api/openapi.json``; None: any value.

        Args:
            is_input: in the body of a create or an update, rather than in an answer.
        """
        return None

    def to_python(self, value: FieldValue) -> object:
        """What reading an attribute of a typed record gives, of the type that :meth:`value_types` names."""
        return value

    # -- write -------------------------------------------------------------------------------------------------------

    async def before_write(self, record: Record, services: Services) -> None:
        """On the event loop, before the transaction: slow preparation such as hashing or storing files."""

    def fill(self, record: Record, *, is_new: bool, now: str) -> None:
        """In the transaction, before validation: autogenerated text. ``now`` is the stored form of the write's time."""

    def stamp(self, record: Record, *, is_new: bool, now: str) -> None:
        """In the transaction, after validation, just before the row is written: autodates."""

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        """The first error of the value, or None. Runs synchronously in the write transaction."""
        return None

    async def committed(self, record: Record, services: Services) -> None:
        """After the outermost commit: for instance deletes files that the value no longer names."""

    async def rolled_back(self, record: Record, services: Services) -> None:
        """After a failed write: undoes what ``before_write`` did."""

    async def deleted(self, record: Record, services: Services) -> None:
        """After the commit that deleted the record."""


def decode_common(data: Mapping[str, JSON]) -> dict[str, object]:
    """The common options of a field's JSON as keyword arguments.

    Raises:
        OptionTypeError: a key has the wrong JSON type.
    """
    out: dict[str, object] = {}
    for key, kind in (
        ("id", str),
        ("name", str),
        ("system", bool),
        ("hidden", bool),
        ("presentable", bool),
        ("required", bool),
        ("help", str),
    ):
        value = data.get(key)
        if value is None:
            continue
        if not isinstance(value, kind):
            raise OptionTypeError(f"{key} must be a {kind.__name__}")
        out[key] = value
    return out


def strings(value: JSON | Sequence[object]) -> list[str]:
    """The strings of a JSON list option; None gives an empty list.

    Raises:
        OptionTypeError: not a list of strings.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise OptionTypeError("must be a list of strings")
    return [item for item in value if isinstance(item, str)]
