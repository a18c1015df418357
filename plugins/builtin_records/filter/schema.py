"""What the compiler needs to know of the collections, and of the row that an expression is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from pbhost.model import Collection, Field, RequestContext

from ..indexes import unique_column_index


class Schema(Protocol):
    """Look-up of collections; ``app.collections`` is one."""

    @property
    def generation(self) -> int:
        """Rises with every change of any collection."""
        ...

    def find(self, name_or_id: str) -> Collection | None:
        """By id (exact) or name (case-insensitive)."""
        ...


class Access(Enum):
    """Whose words an expression is."""

    #: A rule, or code of a plugin: everything may be used, and values may be bound by name.
    CODE = auto()
    #: A superuser's request: everything may be used, within the bounds of a request.
    SUPERUSER = auto()
    #: Any other request: no hidden fields, e-mails only where they are visible, joined collections under their list
    #: rules.
    CLIENT = auto()

    @classmethod
    def of(cls, context: RequestContext) -> Access:
        """What the list API grants the caller."""
        return cls.SUPERUSER if context.is_superuser else cls.CLIENT


@dataclass(frozen=True, slots=True)
class Row:
    """The row that an expression is about.

    Attributes:
        collection: its schema.
        alias: its alias in the query.
        source: the table expression it comes from, for sub-selects.
        access: whose expression it is.
        is_virtual: it exists only as values, so nothing can refer to it.
        space: expressions of different spaces share no joins.
    """

    collection: Collection
    alias: str
    source: str
    access: Access = Access.CODE
    is_virtual: bool = False
    space: str = ""

    @property
    def is_stored(self) -> bool:
        """Whether it is certainly a row of a table, whose columns keep their constraints."""
        return not (self.space or self.is_virtual or self.collection.is_view)


def relation_target(field: Field, schema: Schema) -> Collection | None:
    """The collection that a relation field points to; None if the field is no relation or the target is gone."""
    target = getattr(field, "collection_id", None) if field.type == "relation" else None
    return schema.find(target) if isinstance(target, str) and target else None


def has_unique_index(collection: Collection, field: Field) -> bool:
    """Whether a unique index covers exactly that column."""
    return unique_column_index(collection.indexes, field.name) is not None
