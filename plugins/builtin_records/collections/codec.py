"""Collections as rows of ``_collections``, as JSON of the API, and as submitted JSON (operations.md 2, 11.5)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import orjson

from pbhost.database import Row, SqlValue
from pbhost.errors import JSON
from pbhost.model import FIELD_RULES, Collection, CollectionType, Field, OptionTypeError

from ..datetext import to_date
from ..fieldtypes.opaque import opaque_type
from .fieldlist import build_fields

log = logging.getLogger("pbhost.records")

TABLE = "_collections"
COLUMNS = (
    "id",
    "system",
    "type",
    "name",
    "fields",
    "indexes",
    "listRule",
    "viewRule",
    "createRule",
    "updateRule",
    "deleteRule",
    "options",
    "created",
    "updated",
)
#: Attribute of ``Collection`` → key of its JSON, in output order.
RULES = {
    "list_rule": "listRule",
    "view_rule": "viewRule",
    "create_rule": "createRule",
    "update_rule": "updateRule",
    "delete_rule": "deleteRule",
}

#: Databases bound the columns of a table, and each item is compared with the others.
_MAX_ITEMS = 2000

#: ``<``, ``>`` and ``&`` stand in strings only, so the whole text can be escaped at once.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class Codec:
    """Reads and writes collections with the registered field and collection types."""

    def __init__(self, field_types: Mapping[str, type[Field]], types: Mapping[str, CollectionType]) -> None:
        self._field_types = field_types
        self._types = types

    # -- rows --------------------------------------------------------------------------------------------------------

    def from_row(self, row: Row) -> Collection:
        """A collection from the columns ``COLUMNS``. What a hand-edited row has wrong is left at its default."""
        values = dict(zip(COLUMNS, row, strict=True))
        collection = Collection(
            id=_text(values["id"]),
            name=_text(values["name"]),
            type=_text(values["type"]),
            system=bool(values["system"]),
            fields=[self._stored_field(item) for item in _json_list(values["fields"]) if isinstance(item, dict)],
            indexes=[item for item in _json_list(values["indexes"]) if isinstance(item, str)],
            created=_text(values["created"]),
            updated=_text(values["updated"]),
        )
        for attribute, key in RULES.items():
            rule = values[key]
            # what is no text must lock the collection: an empty text would open it to everyone
            setattr(collection, attribute, rule if isinstance(rule, str) else None)
        collection.options = self._stored_options(collection, values["options"])
        return collection

    def to_row(self, collection: Collection) -> list[SqlValue]:
        """What is bound for the columns ``COLUMNS``."""
        rules: list[SqlValue] = [getattr(collection, attribute) for attribute in RULES]
        return [
            collection.id,
            1 if collection.system else 0,
            collection.type,
            collection.name,
            stored_json([field.encode() for field in collection.fields]),
            stored_json(collection.indexes),
            *rules,
            stored_json(collection.options),
            collection.created,
            collection.updated,
        ]

    def _stored_field(self, data: Mapping[str, JSON]) -> Field:
        name = data.get("type")
        kind = self._field_types.get(name) if isinstance(name, str) else None
        try:
            return (kind or opaque_type(str(name))).decode(data)
        except OptionTypeError as error:
            log.warning("field %r has unusable options (%s); it is kept as it is", data.get("name"), error)
            usable = {key: data[key] for key in ("id", "name") if isinstance(data.get(key), str)}
            return opaque_type(str(name)).decode(usable)

    def _stored_options(self, collection: Collection, value: SqlValue) -> dict[str, JSON]:
        options = _json_object(value)
        kind = self._types.get(collection.type)
        if kind is None:
            return options
        try:
            merged = kind.merge_options(kind.defaults(collection), options)
            return {**merged, FIELD_RULES: options[FIELD_RULES]} if options.get(FIELD_RULES) else merged
        except OptionTypeError as error:
            log.warning("collection %r has unusable options: %s", collection.name, error)
            return options

    # -- JSON --------------------------------------------------------------------------------------------------------

    def public_json(self, collection: Collection) -> dict[str, JSON]:
        """As the API shows it: secrets left out, keys in output order."""
        kind = self._types.get(collection.type)
        rules: dict[str, JSON] = {key: getattr(collection, attribute) for attribute, key in RULES.items()}
        return {
            "id": collection.id,
            **rules,
            "name": collection.name,
            "type": collection.type,
            "fields": [field.encode() for field in collection.fields],
            "indexes": list(collection.indexes),
            "created": collection.created,
            "updated": collection.updated,
            "system": collection.system,
            # what is secret among the options is known to their collection type only
            **(kind.public_options(collection) if kind is not None else {}),
            **({FIELD_RULES: collection.options[FIELD_RULES]} if collection.options.get(FIELD_RULES) else {}),
        }

    def decode_field(self, data: JSON) -> Field:
        """A submitted field.

        Raises:
            OptionTypeError: not an object, an unknown type, or an option of the wrong JSON type.
        """
        if not isinstance(data, dict):
            raise OptionTypeError("fields must be objects")
        given = {key.lower(): value for key, value in data.items()}
        kind = self._field_types.get(str(given.get("type") or ""))
        if kind is None:
            raise OptionTypeError(f"unknown field type {given.get('type')!r}")
        keys = (*kind().encode(), *kind.optional_keys)
        return kind.decode({key: given[key.lower()] for key in keys if key.lower() in given})

    def merge(self, collection: Collection, data: Mapping[str, JSON]) -> None:
        """Changes a collection by submitted JSON: absent keys stay, ``null`` clears lists and rules.

        ``created`` and ``updated`` are taken as they are; whether they count is decided on saving.

        Raises:
            OptionTypeError: a key has the wrong JSON type.
        """
        given = {key.lower(): value for key, value in data.items()}
        for attribute in ("id", "name", "type"):
            value = given.get(attribute)
            if value is not None:
                setattr(collection, attribute, _submitted_text(attribute, value))
        system = given.get("system")
        if system is not None:
            if not isinstance(system, bool):
                raise OptionTypeError("system must be a boolean")
            collection.system = system
        for attribute, key in RULES.items():
            if key.lower() in given:
                rule = given[key.lower()]
                setattr(collection, attribute, None if rule is None else _submitted_text(key, rule))
        for attribute in ("created", "updated"):
            moment = to_date(given.get(attribute))
            if moment:
                setattr(collection, attribute, moment)
        if "indexes" in given:
            collection.indexes = [_submitted_text("indexes", item) for item in _submitted_list(given["indexes"])]
        if "fields" in given:
            submitted = [self.decode_field(item) for item in _submitted_list(given["fields"])]
            collection.fields = build_fields(submitted)
        kind = self._types.get(collection.type)
        if kind is not None:
            rules = collection.options.get(FIELD_RULES)
            collection.options = kind.merge_options(collection.options, data)
            if FIELD_RULES.lower() in given:
                rules = _submitted_rules(given[FIELD_RULES.lower()])
            collection.options.pop(FIELD_RULES, None)
            if rules:
                collection.options[FIELD_RULES] = rules


def stored_json(value: object) -> str:
    """Compact JSON text in the given key order, with ``<``, ``>`` and ``&`` escaped."""
    return orjson.dumps(value).decode().translate(_ESCAPES)


def _text(value: SqlValue) -> str:
    return value if isinstance(value, str) else ""


def _json_list(value: SqlValue) -> Sequence[JSON]:
    parsed = _json(value)
    return parsed if isinstance(parsed, list) else ()


def _json_object(value: SqlValue) -> dict[str, JSON]:
    parsed = _json(value)
    return parsed if isinstance(parsed, dict) else {}


def _json(value: SqlValue) -> JSON:
    try:
        parsed: JSON = orjson.loads(_text(value))
    except orjson.JSONDecodeError:
        return None
    return parsed


def _submitted_text(key: str, value: JSON) -> str:
    if not isinstance(value, str):
        raise OptionTypeError(f"{key} must be a string")
    return value


def _submitted_rules(value: JSON) -> dict[str, JSON]:
    """``{field: {"read": rule, "write": rule}}``, each part optional; null for none at all."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MAX_ITEMS:
        raise OptionTypeError(f"{FIELD_RULES} must be an object")
    rules: dict[str, JSON] = {}
    for name, item in value.items():
        if not isinstance(item, dict) or not item.keys() <= {"read", "write"}:
            raise OptionTypeError(f"{FIELD_RULES}.{name} must be an object with read and write")
        if not all(rule is None or isinstance(rule, str) for rule in item.values()):
            raise OptionTypeError(f"the rules of {FIELD_RULES}.{name} must be texts or null")
        if item:
            rules[name] = dict(item)
    return rules


def _submitted_list(value: JSON) -> list[JSON]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise OptionTypeError("must be a list")
    if len(value) > _MAX_ITEMS:
        raise OptionTypeError(f"must hold at most {_MAX_ITEMS} items")
    return value
