"""The checks of a collection that is about to be saved (operations.md 5)."""

from __future__ import annotations

from pbhost.database import Connection
from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FIELD_RULES, CollectionType, Field, SchemaCheck
from pbhost.validation import VALUES_MISMATCH, collect, length, match, nil, not_in, one_of, required
from pbhost.validation import check as first_error

from .codec import RULES
from .index_checks import check_indexes
from .introspection import table_names
from .rules import RuleChecker
from .schema import Schema

_RESERVED_NAMES = frozenset({"null", "true", "false", "_rowid_", "collectionId", "collectionName", "expand"})
_WORD = r"^\w+\Z"

_VIA = FieldError("validation_found_via", 'The value cannot contain "_via_".')
_ID_TAKEN = FieldError("validation_invalid_or_existing_id", "The model id is invalid or already exists.")
_SYSTEM_FLAG = FieldError("validation_collection_system_flag_change", "System collection state cannot be changed.")
_SYSTEM_NAME = FieldError("validation_collection_system_name_change", "System collection name cannot be changed.")
_SYSTEM_RULE = FieldError("validation_collection_system_rule_change", "System collection API rule cannot be changed.")
_TYPE_CHANGED = FieldError("validation_collection_type_change", "Collection type cannot be changed.")
_NAME_TAKEN = FieldError("validation_collection_name_exists", "Collection name must be unique (case insensitive).")
_NAME_IS_ID = FieldError(
    "validation_collection_name_id_duplicate", "The name must not match an existing collection id."
)
_NAME_IS_TABLE = FieldError(
    "validation_collection_name_invalid", "The name shouldn't match with an existing internal table."
)
_NO_KEY = FieldError("validation_missing_primary_key", 'Missing or invalid "id" PK field.')
_SYSTEM_FIELD = FieldError("validation_system_field_change", "System fields cannot be deleted or renamed.")
_UNKNOWN_FIELD = FieldError("validation_unknown_field", "The collection has no such field.")
_ID_IS_PUBLIC = FieldError("validation_id_is_public", "The id of a record that may be seen cannot be hidden.")
_FIELD_TYPE = FieldError("validation_field_type_change", "Field type cannot be changed.")


class Validator:
    """Checks one collection against the schema it would become part of."""

    def __init__(
        self,
        connection: Connection,
        schema: Schema,
        types: dict[str, CollectionType],
        check: SchemaCheck,
        rules: RuleChecker,
        *,
        has_table: bool = False,
    ) -> None:
        """``has_table``: the collection is stored already, so a table of its name is its own."""
        self._connection = connection
        self._schema = schema
        self._types = types
        self._check = check
        self._rules = rules
        self._collection = check.collection
        self._old = check.old
        self._has_table = has_table
        self._kind = types.get(check.collection.type)

    def errors(self) -> ErrorTree:
        """Every error by key; empty when the collection can be saved."""
        collection = self._collection
        options = dict(self._kind.check(self._check)) if self._kind is not None else {}
        of_type = options.pop("fields", None)
        errors = collect(
            {
                "id": self._id_error(),
                "system": self._system_error(),
                "type": self._type_error(),
                "name": self._name_error(),
                "fields": self._fields_error(of_type),
                **{key: self._rule_error(attribute) for attribute, key in RULES.items()},
                "indexes": check_indexes(self._connection, collection, self._old, self._kind),
            }
        )
        rule_errors = self._field_rule_errors()
        return {**errors, **options, **({FIELD_RULES: rule_errors} if rule_errors else {})}

    # -- the common keys ---------------------------------------------------------------------------------------------

    def _id_error(self) -> FieldError | None:
        if self._old is not None:
            return None if self._collection.id == self._old.id else VALUES_MISMATCH
        error = first_error(self._collection.id, required, length(1, 100), match(_WORD))
        if error is None and self._schema.by_id(self._collection.id) is not None:
            error = _ID_TAKEN
        return error

    def _system_error(self) -> FieldError | None:
        return _SYSTEM_FLAG if self._old is not None and self._old.system != self._collection.system else None

    def _type_error(self) -> FieldError | None:
        known = set(self._types) | ({self._old.type} if self._old is not None else set())
        error = first_error(self._collection.type, required, one_of(known))
        if error is None and self._old is not None and self._old.type != self._collection.type:
            error = _TYPE_CHANGED
        return error

    def _name_error(self) -> FieldError | None:
        name, old = self._collection.name, self._old
        if old is not None and old.system and old.name != name:
            return _SYSTEM_NAME
        error = first_error(name, required, length(1, 255)) or via_error(name) or first_error(name, match(_WORD))
        if error is not None or (old is not None and old.name == name):
            return error
        other = self._schema.by_name(name)
        if other is not None and other.id != self._collection.id:
            return _NAME_TAKEN
        if self._schema.by_id(name) is not None:
            return _NAME_IS_ID
        # the table that the collection has already, under another case of the name, is its own
        own = self._has_table or (old is not None and old.name.lower() == name.lower())
        return _NAME_IS_TABLE if not own and name.lower() in table_names(self._connection) else None

    def _rule_error(self, attribute: str) -> FieldError | None:
        rule: str | None = getattr(self._collection, attribute)
        if self._collection.is_view and attribute in ("create_rule", "update_rule", "delete_rule"):
            return first_error(rule, nil)
        error = self._rules.error(self._collection, rule)
        if error is None and self._old is not None and self._old.system and rule != getattr(self._old, attribute):
            error = _SYSTEM_RULE
        return error

    def _field_rule_errors(self) -> FieldError | ErrorTree | None:
        collection, old = self._collection, self._old
        stored = collection.options.get(FIELD_RULES)
        if old is not None and old.system and (stored or {}) != (old.options.get(FIELD_RULES) or {}):
            return _SYSTEM_RULE
        errors: dict[str, FieldError | ErrorTree] = {}
        for name in stored if isinstance(stored, dict) else ():
            if collection.field(name) is None:
                errors[name] = _UNKNOWN_FIELD
                continue
            read, write = collection.read_rules.get(name, ""), collection.write_rules.get(name, "")
            found = collect(
                {
                    "read": _ID_IS_PUBLIC if name == "id" and read != "" else self._rules.error(collection, read),
                    "write": self._rules.error(collection, write),
                }
            )
            if found:
                errors[name] = found
        return errors or None

    # -- fields ------------------------------------------------------------------------------------------------------

    def _fields_error(self, of_type: FieldError | ErrorTree | None) -> FieldError | ErrorTree | None:
        """The first failing group of checks; a later one would only repeat what an earlier one says."""
        return (
            (REQUIRED if not self._collection.fields else None)
            or self._duplicates_error()
            or self._key_error()
            or of_type
            or self._changed_fields_error()
            or self._settings_error()
        )

    def _duplicates_error(self) -> ErrorTree | None:
        ids: set[str] = set()
        names: set[str] = set()
        for position, field in enumerate(self._collection.fields):
            if field.id in ids:
                return {
                    str(position): {
                        "id": FieldError(
                            "validation_duplicated_field_id", f'Duplicated or invalid field id "{field.id}".'
                        )
                    }
                }
            ids.add(field.id)
            if field.name.lower() in names:
                return {
                    str(position): {
                        "name": FieldError(
                            "validation_duplicated_field_name",
                            f"Duplicated or invalid field name {field.name}.",
                            {"fieldName": field.name},
                        )
                    }
                }
            names.add(field.name.lower())
        return None

    def _key_error(self) -> FieldError | None:
        field = self._collection.field("id")
        is_key = field is not None and field.type == "text" and getattr(field, "primary_key", False)
        return None if is_key else _NO_KEY

    def _changed_fields_error(self) -> FieldError | ErrorTree | None:
        old = self._old
        if old is None or self._collection.is_view:
            return None
        for before in old.fields:
            now = self._collection.field_by_id(before.id)
            if before.system and (now is None or now.name != before.name):
                return _SYSTEM_FIELD
        changed: dict[str, FieldError | ErrorTree] = {}
        for position, field in enumerate(self._collection.fields):
            stored = old.field_by_id(field.id)
            if stored is not None and stored.type != field.type:
                changed[str(position)] = _FIELD_TYPE
        return changed or None

    def _settings_error(self) -> ErrorTree:
        return collect({str(at): field_errors(field, self._check) for at, field in enumerate(self._collection.fields)})


def field_errors(field: Field, check: SchemaCheck) -> ErrorTree:
    """The errors of one field's settings by key; those of its type count where the common ones have none."""
    common = collect(
        {
            "id": first_error(field.id, required, length(1, 100)),
            "name": first_error(field.name, required, length(1, 100), match(_WORD), not_in(_RESERVED_NAMES))
            or via_error(field.name),
            "help": first_error(field.help, length(1, 300)),
        }
    )
    return {**field.check_options(check), **common}


def via_error(name: str) -> FieldError | None:
    """``_via_`` marks back-relations in filters, so no name may contain it."""
    return _VIA if "_via_" in name.lower() else None
