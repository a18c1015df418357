"""A collection: the schema of one table or view, its rules and its options. Read from the database at run time."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, TypeAlias

from pbhost.errors import JSON, ErrorTree
from pbhost.model.context import SUPERUSERS
from pbhost.model.field import Field, SchemaCheck

#: ``None`` = superusers only, ``""`` = everyone, else a filter expression.
Rule: TypeAlias = str | None
RuleKind: TypeAlias = Literal["list", "view", "create", "update", "delete"]
#: The option that holds the rules of fields: ``{field: {"read": rule, "write": rule}}``.
FIELD_RULES = "fieldRules"
RULE_KINDS: tuple[RuleKind, ...] = ("list", "view", "create", "update", "delete")


@dataclass(kw_only=True, eq=False)
class Collection:
    """One collection. Treat instances that come from ``app.collections`` as read-only: they are shared; use
    :meth:`copy` to prepare a changed one and save that.

    Attributes:
        type: the name of its collection type (``base``, ``auth``, ``view``, or one that a plugin registered).
        fields: in the order of the schema, which is not the order of the columns.
        options: what the collection type adds (``viewQuery``, ``authRule``, ``authToken`` …), as JSON, with secrets.
        version: differs between any two saved states of any collection; plans are cached by it.
    """

    id: str = ""
    name: str = ""
    type: str = "base"
    system: bool = False
    fields: list[Field] = field(default_factory=list)
    list_rule: Rule = None
    view_rule: Rule = None
    create_rule: Rule = None
    update_rule: Rule = None
    delete_rule: Rule = None
    indexes: list[str] = field(default_factory=list)
    options: dict[str, JSON] = field(default_factory=dict)
    created: str = ""
    updated: str = ""
    version: int = 0

    def __post_init__(self) -> None:
        self._by_name: dict[str, Field] | None = None

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if name == "fields":
            # another list of the same length would otherwise be looked up in the index of the old one
            self._by_name = None

    def field(self, name: str) -> Field | None:
        """The field of that exact name, or None."""
        index = self._by_name
        if index is None or len(index) != len(self.fields):
            index = self._by_name = {item.name: item for item in self.fields}
        return index.get(name)

    def field_of(self, key: str) -> Field | None:
        """The field that a body key addresses, modifiers included (``tags+``, ``+tags``, ``slug:autogenerate``)."""
        field = self.field(key)
        if field is not None:
            return field
        for stripped, marker in ((key[:-1], "f" + key[-1:]), (key[1:], key[:1] + "f")):
            field = self.field(stripped)
            if field is not None and marker in field.modifiers:
                return field
        base, _, modifier = key.partition(":")
        field = self.field(base) if modifier else None
        return field if field is not None and f"f:{modifier}" in field.modifiers else None

    def field_by_id(self, id_: str) -> Field | None:
        """The field of that id, or None."""
        return next((item for item in self.fields if item.id == id_), None)

    def rule(self, kind: RuleKind) -> Rule:
        """The API rule of an action."""
        match kind:
            case "list":
                return self.list_rule
            case "view":
                return self.view_rule
            case "create":
                return self.create_rule
            case "update":
                return self.update_rule
            case "delete":
                return self.delete_rule

    @property
    def read_rules(self) -> Mapping[str, Rule]:
        """The read rules of fields by name; those that everyone may read (unless hidden) are missing."""
        return self._field_rules("read")

    @property
    def write_rules(self) -> Mapping[str, Rule]:
        """The write rules of fields by name; fields that everyone may write are missing."""
        return self._field_rules("write")

    def _field_rules(self, kind: str) -> dict[str, Rule]:
        stored = self.options.get(FIELD_RULES)
        if not stored:
            return {}
        rules: dict[str, Rule] = {}
        for name, item in (stored if isinstance(stored, dict) else {}).items():
            if isinstance(item, dict) and kind in item:
                rule = item[kind]
                # What is no text must lock the field: an empty text would open it to everyone.
                rules[name] = rule if isinstance(rule, str) else None
        return {name: rule for name, rule in rules.items() if rule != ""}

    @property
    def is_auth(self) -> bool:
        """Whether its records can sign in."""
        return self.type == "auth"

    @property
    def is_view(self) -> bool:
        """Whether it is a read-only view."""
        return self.type == "view"

    @property
    def is_superusers(self) -> bool:
        """Whether it is the superusers collection."""
        return self.name == SUPERUSERS

    @property
    def tags(self) -> tuple[str, str, str]:
        """What ``@hookimpl(collections=[...])`` is matched against: id, name, and ``@type`` for all of a type."""
        return (self.id, self.name, f"@{self.type}")

    def copy(self) -> Collection:
        """A copy whose lists and options can be changed without touching this one; fields are copied too."""
        return replace(
            self,
            fields=[replace(item) for item in self.fields],
            indexes=list(self.indexes),
            options=_deep_copy(self.options),
        )


class CollectionType(ABC):
    """What a kind of collection adds to the common model. Plugins register them with ``register_collection_types``.

    On a save the collections service calls, in this order: :meth:`merge_options` (PATCH and import), :meth:`prepare`,
    :meth:`system_fields` (ensured), :meth:`check`, and in the transaction the table synchronisation.
    """

    #: The value of ``Collection.type``.
    name: ClassVar[str]
    #: Whether records are stored in a table of their own that pbhost creates (False: a view).
    has_table: ClassVar[bool] = True

    def defaults(self, collection: Collection) -> dict[str, JSON]:
        """The options of a new collection, in output order; secrets freshly generated."""
        return {}

    def merge_options(self, stored: Mapping[str, JSON], submitted: Mapping[str, JSON]) -> dict[str, JSON]:
        """``stored`` (complete) changed by the keys of ``submitted`` that are options of this type; others ignored.

        Raises:
            pbhost.model.OptionTypeError: a submitted key has the wrong JSON type.
        """
        return dict(stored)

    def system_fields(self, collection: Collection) -> list[Field]:
        """Fields that every collection of this type has besides ``id``; missing ones are appended on each save."""
        return []

    def enforce_field(self, field: Field) -> None:
        """Sets the flags that a present system field must have (``system``, ``required``, ``hidden`` …)."""

    def required_indexes(self, collection: Collection) -> list[tuple[str, str]]:
        """``(field name, CREATE INDEX text)`` of the single-column unique indexes that must exist."""
        return []

    def prepare(self, collection: Collection, old: Collection | None) -> None:
        """Automatic changes on every save, before validation, in place (a rule change that rotates a secret …)."""

    def check(self, check: SchemaCheck) -> ErrorTree:
        """Errors of the options and of type-specific field rules, by JSON key."""
        return {}

    def public_options(self, collection: Collection) -> dict[str, JSON]:
        """The options as the API shows them: output order, secrets left out."""
        return dict(collection.options)


def _deep_copy(options: Mapping[str, JSON]) -> dict[str, JSON]:
    def copy(value: JSON) -> JSON:
        if isinstance(value, dict):
            return {key: copy(item) for key, item in value.items()}
        if isinstance(value, list):
            return [copy(item) for item in value]
        return value

    return {key: copy(item) for key, item in options.items()}


def names(fields: Iterable[Field]) -> list[str]:
    """The names of fields, in order."""
    return [item.name for item in fields]
