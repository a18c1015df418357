"""What ``pbhost types`` knows of the collections, before it is spelled in a language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbhost.model import Collection, Field, ValueTypes

if TYPE_CHECKING:
    from pbhost.services import Collections

#: Fields of auth collections that no answer has and no client sets.
_AUTH_SECRETS = frozenset(("tokenKey",))


@dataclass(frozen=True, slots=True)
class TypedField:
    """One field.

    Attributes:
        is_shown: whether answers have it at all.
        is_certain: whether every answer has it, whoever asks.
        is_settable: whether clients may send it.
        is_needed: whether a create without it is refused.
    """

    field: Field
    types: ValueTypes
    is_shown: bool
    is_certain: bool
    is_settable: bool
    is_needed: bool

    @property
    def name(self) -> str:
        """Its name."""
        return self.field.name

    @property
    def modified_keys(self) -> list[str]:
        """The keys with a modifier that make sense in a body: ``tags+``, ``slug:autogenerate``."""
        modifiers = self.field.modifiers
        if self.field.can_be_multiple and not self.field.is_multiple:
            modifiers = tuple(key for key in modifiers if key == "f-")
        if not self.is_generated or self.name == "id":
            modifiers = tuple(key for key in modifiers if key != "f:autogenerate")
        return [f"{before}{self.name}{after}" for before, _, after in (key.partition("f") for key in modifiers)]

    @property
    def is_generated(self) -> bool:
        """Whether it gets a generated text when it is not set."""
        return bool(self.field.encode().get("autogeneratePattern"))


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a segment of ``expand`` leads to: the records of another collection."""

    segment: str
    target: Collection
    is_list: bool


@dataclass(frozen=True, slots=True)
class TypedCollection:
    """One collection; ``stem`` is what the names of its types begin with."""

    collection: Collection
    stem: str
    fields: Sequence[TypedField]
    expansions: Sequence[Expansion]

    @property
    def name(self) -> str:
        """Its name."""
        return self.collection.name


class Names:
    """Identifiers of generated code, each given once."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(reserved)

    def take(self, wanted: str) -> str:
        """``wanted``, or with a number behind it if it is taken."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}{number}"
        self._taken.add(name)
        return name


def typed_collections(collections: Collections) -> list[TypedCollection]:
    """Every collection, by name."""
    names = Names()
    every = sorted(collections.all(), key=lambda collection: collection.name)
    return [
        TypedCollection(
            collection=collection,
            stem=names.take(_camel_case(collection.name)),
            fields=[_typed_field(collection, field) for field in collection.fields],
            expansions=_expansions(collections, collection, every),
        )
        for collection in every
    ]


def _typed_field(collection: Collection, field: Field) -> TypedField:
    types = field.value_types()
    secret = collection.is_auth and field.name in _AUTH_SECRETS
    own = collection.is_auth and field.name == "email"
    return TypedField(
        field=field,
        types=types,
        is_shown=bool(types.typescript) and not secret,
        is_certain=not (field.hidden or own or field.name in collection.read_rules),
        is_settable=types.typescript_input != "never" and not secret and not collection.is_view,
        is_needed=field.required and not field.encode().get("autogeneratePattern"),
    )


def _expansions(collections: Collections, collection: Collection, every: Sequence[Collection]) -> list[Expansion]:
    forward = [
        Expansion(field.name, target, field.is_multiple)
        for target in every
        for owner, field in collections.references_to(target)
        if owner.id == collection.id
    ]
    back = [
        Expansion(f"{owner.name}_via_{field.name}", owner, not _is_unique(owner, field))
        for owner, field in collections.references_to(collection)
    ]
    return sorted([*forward, *back], key=lambda expansion: expansion.segment)


def _is_unique(owner: Collection, field: Field) -> bool:
    """Whether a unique index over the field alone lets it name each record once."""
    column = re.escape(field.name)
    pattern = re.compile(
        rf"\s*CREATE\s+UNIQUE\s+INDEX\b[^(]*\(\s*[`\"'\[]?{column}[`\"'\]]?(\s+COLLATE\s+\w+)?(\s+(ASC|DESC))?\s*\)",
        re.IGNORECASE,
    )
    return any(pattern.match(index) for index in owner.indexes)


def _camel_case(name: str) -> str:
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return joined if joined[:1].isalpha() else f"C{joined}"
