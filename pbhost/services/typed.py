"""The records of one collection as typed objects, over the classes that ``pbhost types python`` writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from pbhost.model import RequestContext, TypedRecord
from pbhost.services.records import Records

if TYPE_CHECKING:
    from pbhost.database import AsyncTransaction

R = TypeVar("R", bound=TypedRecord)
Create = TypeVar("Create", bound=Mapping[str, object])
Update = TypeVar("Update", bound=Mapping[str, object])


class TypedRecords(Generic[R, Create, Update]):
    """:class:`Records` for one collection: the same methods, arguments, rules and errors, without its name.

    The generated code has a function for each collection that returns one::

        post = await posts(app).create({"title": "Hello"})
        post.title = "Hello again"
        await posts(app).save(post)

    Args:
        records: the service.
        record: the generated class.
    """

    __slots__ = ("_record", "_records")

    def __init__(self, records: Records, record: type[R]) -> None:
        self._records = records
        self._record = record

    @property
    def _collection(self) -> str:
        return self._record.COLLECTION

    async def find(
        self, id: str, *, expand: str = "", as_: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> R | None:
        """The record, or None if it does not exist (or the view rule hides it)."""
        found = await self._records.find(self._collection, id, expand=expand, as_=as_, tx=tx)
        return None if found is None else self._record.of(found)

    async def get(
        self, id: str, *, expand: str = "", as_: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> R:
        """As :meth:`find`.

        Raises:
            NotFoundError: no such record.
        """
        return self._record.of(await self._records.get(self._collection, id, expand=expand, as_=as_, tx=tx))

    async def find_first(
        self,
        filter: str,
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> R | None:
        """The first match, or None.

        Raises:
            BadRequestError: the filter or sort is not valid.
        """
        found = await self._records.find_first(
            self._collection, filter, params, sort=sort, expand=expand, as_=as_, tx=tx
        )
        return None if found is None else self._record.of(found)

    async def find_many(
        self,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        limit: int = 0,
        offset: int = 0,
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> list[R]:
        """All matches, or ``limit`` of them after ``offset``."""
        found = await self._records.find_many(
            self._collection, filter, params, sort=sort, limit=limit, offset=offset, expand=expand, as_=as_, tx=tx
        )
        return [self._record.of(record) for record in found]

    async def iterate(
        self,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        batch: int = 500,
        as_: RequestContext | None = None,
    ) -> AsyncIterator[R]:
        """All matches without holding them in memory; see :meth:`Records.iterate`."""
        async for record in self._records.iterate(self._collection, filter, params, sort=sort, batch=batch, as_=as_):
            yield self._record.of(record)

    async def count(
        self,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> int:
        """How many match."""
        return await self._records.count(self._collection, filter, params, as_=as_, tx=tx)

    async def create(
        self, values: Create, *, as_: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> R:
        """Creates a record from field values (modifiers allowed).

        Raises:
            ValidationError: with one error per failing field.
            ForbiddenError, BadRequestError: ``as_`` is not allowed to.
        """
        return self._record.of(await self._records.create(self._collection, values, as_=as_, tx=tx))

    async def update(
        self, id: str, values: Update, *, as_: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> R:
        """Changes a record; raises as :meth:`create`, and NotFoundError."""
        return self._record.of(await self._records.update(self._collection, id, values, as_=as_, tx=tx))

    async def save(
        self,
        record: R,
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
        validate: bool = True,
    ) -> R:
        """Creates or updates from a record object."""
        return self._record.of(await self._records.save(record, context=context, tx=tx, validate=validate))

    async def delete(
        self, record: R, *, context: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> None:
        """Deletes a record with what cascades from it.

        Raises:
            BadRequestError: a required reference points to it.
        """
        await self._records.delete(record, context=context, tx=tx)
