"""Listing collections with the filter language over ``_collections`` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pbhost.database import Connection
from pbhost.errors import BadRequestError, DatabaseError
from pbhost.model import Collection, RequestContext

from ..fieldtypes.bool import BoolField
from ..fieldtypes.date import DateField
from ..fieldtypes.text import TextField
from ..filter import Access, FilterError, QueryPlanner
from .codec import TABLE

if TYPE_CHECKING:
    from pbhost.app import App

    from .service import CollectionsService


class Page(Protocol):
    """Which part of the list is asked for."""

    @property
    def offset(self) -> int: ...
    @property
    def per_page(self) -> int: ...
    @property
    def skip_total(self) -> bool: ...


class CollectionsList:
    """Pages of collections, filtered and sorted by their common attributes."""

    def __init__(self, app: App, service: CollectionsService) -> None:
        self._app = app
        self._service = service
        self._planner = QueryPlanner(service, app.db.dialect)
        self._table = Collection(
            id=TABLE,
            name=TABLE,
            fields=[
                TextField(name="id", primary_key=True),
                TextField(name="name"),
                TextField(name="type"),
                BoolField(name="system"),
                DateField(name="created"),
                DateField(name="updated"),
            ],
        )

    async def page(self, page: Page, context: RequestContext) -> tuple[list[Collection], int]:
        """The collections of a page, and how many there are in all (-1 if not counted).

        Raises:
            BadRequestError: the filter or the sort is not valid.
        """
        try:
            query = self._planner.query(
                self._table,
                context,
                filter=context.query.get("filter", ""),
                # an index over the ids alone would give another order than that of the rows
                sort=context.query.get("sort", "") or "@rowid",
                access=Access.SUPERUSER,
            )
        except FilterError as error:
            raise BadRequestError(cause=str(error)) from error

        def read(connection: Connection) -> tuple[list[str], int]:
            rows = connection.fetch_all(query.select(["id"], limit=page.per_page, offset=page.offset))
            counted = None if page.skip_total else connection.fetch_one(query.count())
            return [str(row[0]) for row in rows], int(counted[0] or 0) if counted else -1

        try:
            ids, total = await self._app.db.read(read, lane="list")
        except DatabaseError as error:
            raise BadRequestError(cause=str(error)) from error
        found = [self._service.schema.by_id(id_) for id_ in ids]
        return [item for item in found if item is not None], total
