"""The schema service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from pbhost.errors import JSON
from pbhost.model import Collection, CollectionType, Field, RequestContext

if TYPE_CHECKING:
    from pbhost.database import AsyncTransaction


class Collections(Protocol):
    """The schema. Reading is from memory and synchronous; writing goes through hooks and one transaction."""

    @property
    def generation(self) -> int:
        """Rises with every change of any collection; plans are cached by it."""
        ...

    @property
    def field_types(self) -> Mapping[str, type[Field]]:
        """Registered field types by name."""
        ...

    @property
    def types(self) -> Mapping[str, CollectionType]:
        """Registered collection types by name."""
        ...

    def find(self, name_or_id: str) -> Collection | None:
        """By id (exact) or name (case-insensitive)."""
        ...

    def get(self, name_or_id: str) -> Collection:
        """As :meth:`find`.

        Raises:
            NotFoundError: no such collection.
        """
        ...

    def all(self) -> Sequence[Collection]:
        """Every collection, in row order."""
        ...

    def source_of(self, view: Collection, name: str) -> tuple[Collection, Field] | None:
        """The collection and field that a view's column is a plain copy of, one level down (it may be a view itself);
        None for an expression or an unknown column."""
        ...

    def references_to(self, collection: Collection) -> Sequence[tuple[Collection, Field]]:
        """Relation fields of other (or the same) collections that point to it, ordered by collection name."""
        ...

    def new(self, type: str = "base", **values: object) -> Collection:
        """A new collection of that type: default rules, options and system fields, changed by ``values``.

        ``fields`` may hold fields in their JSON form:
        ``new(name="posts", fields=[{"type": "text", "name": "title"}])``.

        Raises:
            pbhost.model.OptionTypeError: such a field cannot be decoded.
            TypeError: a value names no attribute of a collection.
        """
        ...

    def merge(self, collection: Collection, data: Mapping[str, JSON]) -> None:
        """Changes a collection that is being prepared (a copy) by its JSON form; absent keys stay as they are.

        Raises:
            pbhost.model.OptionTypeError: a key has the wrong JSON type.
        """
        ...

    def public_json(self, collection: Collection) -> dict[str, JSON]:
        """As the API shows it, secrets left out."""
        ...

    async def save(
        self, collection: Collection, *, context: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> Collection:
        """Creates or updates a collection and its table; returns the saved state.

        Raises:
            ValidationError: the schema is not acceptable.
        """
        ...

    async def delete(
        self, collection: Collection, *, context: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> None:
        """Deletes a collection with its table.

        Raises:
            BadRequestError: a system collection, or something refers to it.
        """
        ...

    async def truncate(self, collection: Collection, *, context: RequestContext | None = None) -> None:
        """Deletes every record, with hooks and cascades."""
        ...

    async def import_all(
        self,
        collections: Sequence[Mapping[str, JSON]],
        *,
        delete_missing: bool = False,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> None:
        """Creates, updates and (``delete_missing``) deletes collections from their JSON form, all or nothing."""
        ...

    async def reload(self) -> None:
        """Reads the schema again from the database."""
        ...
