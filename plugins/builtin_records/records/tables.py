"""The filter language over plain tables that are no collections, such as the log."""

from __future__ import annotations

from collections.abc import Mapping

from pbhost.errors import BadRequestError
from pbhost.model import Collection, Field, RequestContext
from pbhost.model.field import StorageKind

from ..fieldtypes.bool import BoolField
from ..fieldtypes.json import JsonField
from ..fieldtypes.number import NumberField
from ..fieldtypes.text import TextField
from ..filter import Access, BoundQuery, FilterError, QueryPlanner

_FIELDS: Mapping[StorageKind, type[Field]] = {
    "text": TextField,
    "number": NumberField,
    "bool": BoolField,
    "json": JsonField,
    "list": JsonField,
    "geo": JsonField,
}


class PlainTables:
    """Queries over tables that are described by their columns; each description is kept, so plans can be."""

    def __init__(self, planner: QueryPlanner) -> None:
        self._planner = planner
        self._known: dict[tuple[str, tuple[tuple[str, StorageKind], ...]], Collection] = {}

    def query(self, table: str, columns: Mapping[str, StorageKind], filter: str, sort: str) -> BoundQuery:
        """See :meth:`pbhost.services.Records.table_query`."""
        key = (table, tuple(columns.items()))
        collection = self._known.get(key)
        if collection is None:
            fields = [_FIELDS[kind](name=name) for name, kind in columns.items()]
            # Plans are kept by the id of what they are about; no collection's id has a blank.
            collection = self._known[key] = Collection(id=f"table {len(self._known)}", name=table, fields=fields)
        try:
            return self._planner.query(collection, RequestContext(), filter=filter, sort=sort, access=Access.SUPERUSER)
        except FilterError as error:
            raise BadRequestError(cause=str(error)) from error
