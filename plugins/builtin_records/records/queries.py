"""Looking up rows under rules: every query of the records service is made here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pbhost.database import Connection, Row, SqlValue
from pbhost.errors import BadRequestError, DatabaseError, ForbiddenError
from pbhost.model import Collection, RequestContext, Rule

from ..filter import MAX_IDS, Access, BoundQuery, FilterError, ForbiddenFilter, QueryPlanner
from .codec import Codec, Codecs

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.records")

_NOBODY = RequestContext()


class Queries:
    """Statements over records, compiled once, run in the thread of whatever connection is given."""

    def __init__(self, app: App, codecs: Codecs, planner: QueryPlanner) -> None:
        self._app = app
        self._codecs = codecs
        self.planner = planner

    def codec(self, collection: Collection) -> Codec:
        """How the collection's rows become records and back."""
        return self._codecs.of(collection)

    def row(self, connection: Connection, collection: Collection, id_: str) -> Row | None:
        """A row by its id, whatever the rules."""
        return connection.fetch_one(self._codecs.of(collection).by_id, (id_,))

    def row_under_rule(
        self, connection: Connection, collection: Collection, id_: str, rule: Rule, context: RequestContext
    ) -> Row | None:
        """A row by its id if the caller may reach it, in one query; a rule that cannot be evaluated hides it."""
        if context.is_superuser or rule == "":
            return self.row(connection, collection, id_)
        if rule is None:
            return None
        try:
            query = self.planner.query(collection, context, rule=rule, ids=(id_,))
            return connection.fetch_one(query.select(self._codecs.of(collection).names, limit=1))
        except (FilterError, DatabaseError) as error:
            unusable(collection, rule, error)
            return None

    def holds(
        self,
        connection: Connection,
        collection: Collection,
        id_: str,
        rule: Rule,
        context: RequestContext,
        *,
        filter: str = "",
    ) -> bool:
        """Whether a stored row fulfils a rule and, with the restrictions of a client, a filter."""
        return bool(self.holding(connection, collection, (id_,), rule, context, filter=filter))

    def holding(
        self,
        connection: Connection,
        collection: Collection,
        ids: Sequence[str],
        rule: Rule,
        context: RequestContext,
        *,
        filter: str = "",
    ) -> set[str]:
        """Which of some stored rows do."""
        if rule is None and not context.is_superuser:
            return set()
        condition = "" if context.is_superuser else rule or ""
        found: set[str] = set()
        try:
            for some in chunks(ids):
                query = self.planner.query(
                    collection, context, rule=condition, filter=filter, access=Access.CLIENT, ids=some
                )
                found.update(str(row[0]) for row in connection.fetch_all(query.ids()))
        except (FilterError, DatabaseError) as error:
            unusable(collection, condition, error)
            return set()
        return found

    def virtual_holds(
        self,
        connection: Connection,
        collection: Collection,
        row: Mapping[str, SqlValue],
        rule: Rule,
        context: RequestContext,
        *,
        filter: str = "",
    ) -> bool:
        """Whether a row that is not stored fulfils a rule (and a client's filter)."""
        if rule is None and not context.is_superuser:
            return False
        condition = "" if context.is_superuser else rule or ""
        if not condition and not filter:
            return True
        try:
            query = self.planner.query(
                collection, context, rule=condition, filter=filter, access=Access.CLIENT, row=row
            )
            return connection.fetch_one(query.exists()) is not None
        except (FilterError, DatabaseError) as error:
            unusable(collection, condition, error)
            return False

    def by_ids(
        self, connection: Connection, collection: Collection, ids: Sequence[str], rule: str, context: RequestContext
    ) -> list[Row]:
        """The rows of some ids that fulfil a rule, in no order.

        Raises:
            FilterError: the rule cannot be evaluated.
        """
        names = self._codecs.of(collection).names
        rows: list[Row] = []
        for some in chunks(ids):
            rows += connection.fetch_all(self.planner.query(collection, context, rule=rule, ids=some).select(names))
        return rows

    def search(
        self,
        collection: Collection,
        context: RequestContext | None,
        *,
        filter: str = "",
        sort: str = "",
        values: Mapping[str, object] | None = None,
        rule: Rule = "",
        as_client: bool = False,
    ) -> BoundQuery:
        """A query for a filter and a sort.

        Args:
            rule: a further condition; not evaluated for superusers.
            as_client: the filter is the caller's, under the restrictions of section 8.9.

        Raises:
            ForbiddenError: the client uses what only superusers may.
            BadRequestError: the filter, sort or rule cannot be evaluated.
        """
        caller = context or _NOBODY
        access = Access.of(caller) if as_client else Access.CODE
        try:
            return self.planner.query(
                collection,
                caller,
                rule="" if caller.is_superuser else rule or "",
                filter=filter,
                sort=sort,
                access=access,
                values=values,
            )
        except ForbiddenFilter as error:
            raise ForbiddenError(error.reason) from error
        except FilterError as error:
            # Code of a plugin wants to know what is wrong; a client is told nothing of the schema.
            message = "" if as_client else f"invalid filter or sort: {error}"
            raise BadRequestError(message, cause=str(error)) from error


def chunks(ids: Sequence[str], size: int = MAX_IDS) -> Iterable[Sequence[str]]:
    """Ids in portions that one statement takes."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


def unusable(collection: Collection, rule: str, error: Exception) -> None:
    """Notes a rule that holds for nobody because it cannot be evaluated."""
    log.info("a rule of collection %r cannot be evaluated: %s (%s)", collection.name, error, rule)
