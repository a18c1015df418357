"""The records service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pbhost.model import BodyValue, Collection, Record, RequestContext, Rule

if TYPE_CHECKING:
    from pbhost.database import AsyncTransaction, Connection, Sql
    from pbhost.model.field import StorageKind


@dataclass(slots=True)
class Page:
    """One page of records; totals are -1 when they were not counted.

    ``next_cursor`` is None for pages by number; in a list by cursors it names the next page, "" after the last one.
    """

    items: list[Record]
    page: int
    per_page: int
    total_items: int = -1
    total_pages: int = -1
    next_cursor: str | None = None


class TableQuery(Protocol):
    """Statements over the matching rows of a plain table."""

    def select(self, columns: Sequence[str], *, limit: int = 0, offset: int = 0) -> Sql:
        """Columns of the rows in the order of the sort; ``limit`` 0 for all."""
        ...

    def count(self) -> Sql:
        """One row with the number of rows."""
        ...


class SyncRecords(Protocol):
    """Records inside a transaction, from its thread: what in-transaction plain hooks use.

    The same rules as :class:`Records`, without awaiting. Hooks of the records written here run too.
    """

    def find(self, collection: Collection | str, id: str) -> Record | None: ...

    def find_first(
        self, collection: Collection | str, filter: str, params: Mapping[str, object] | None = None, *, sort: str = ""
    ) -> Record | None: ...

    def find_many(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        limit: int = 0,
        offset: int = 0,
    ) -> list[Record]: ...

    def count(
        self, collection: Collection | str, filter: str = "", params: Mapping[str, object] | None = None
    ) -> int: ...

    def save(self, record: Record, *, context: RequestContext | None = None, validate: bool = True) -> Record: ...

    def delete(self, record: Record, *, context: RequestContext | None = None) -> None: ...

    def satisfies(self, record: Record, rule: Rule, context: RequestContext, *, filter: str = "") -> bool: ...

    def would_satisfy(self, record: Record, rule: Rule, context: RequestContext, *, filter: str = "") -> bool:
        """As ``satisfies``, for a record that is not (any more) stored: evaluated on a virtual row of its values."""
        ...

    def satisfied_before(
        self,
        collection: Collection,
        ids: Sequence[str],
        rule: Rule,
        context: RequestContext,
        deleted: Sequence[Record],
        *,
        filter: str = "",
    ) -> set[str]:
        """Which records of a collection fulfilled a rule before they were deleted together with others.

        Args:
            collection: of the ids.
            ids: of deleted records.
            deleted: everything that the same transaction deleted, with these records among them, as it was.
        """
        ...

    def enrich(self, records: Sequence[Record], context: RequestContext, *, expand: str = "") -> None:
        """As :meth:`Records.enrich`."""
        ...


class Records(Protocol):
    """Reading and writing records. API rules are skipped unless ``as_`` gives the request whose rules apply.

    Filters are texts of the filter language; values are never put into the text but bound: ``"title ~ {:text}"`` with
    ``{"text": "go"}``. A collection may be given by name, id or object.

    With ``tx`` everything happens inside that transaction; otherwise each write is one of its own (grouped with
    others) and each read one snapshot.
    """

    async def find(
        self,
        collection: Collection | str,
        id: str,
        *,
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record | None:
        """The record, or None if it does not exist (or the view rule hides it)."""
        ...

    async def get(
        self,
        collection: Collection | str,
        id: str,
        *,
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        """As :meth:`find`.

        Raises:
            NotFoundError: no such record.
        """
        ...

    async def find_first(
        self,
        collection: Collection | str,
        filter: str,
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record | None:
        """The first match, or None.

        Raises:
            BadRequestError: the filter or sort is not valid.
        """
        ...

    async def find_many(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        limit: int = 0,
        offset: int = 0,
        expand: str = "",
        as_: RequestContext | None = None,
        restricted: bool = False,
        tx: AsyncTransaction | None = None,
    ) -> list[Record]:
        """All matches, or ``limit`` of them after ``offset``.

        Args:
            as_: whose list rule applies.
            restricted: filter and sort are words of that caller too, so they may not use what a client may not:
                hidden fields, e-mails that are not visible, other collections. Give ``as_`` as well.

        Raises:
            BadRequestError: the filter or sort is not valid.
            ForbiddenError: the caller may not list the collection.
        """
        ...

    def iterate(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        batch: int = 500,
        as_: RequestContext | None = None,
        restricted: bool = False,
    ) -> AsyncIterator[Record]:
        """All matches without holding them in memory; each batch is one snapshot. Arguments as :meth:`find_many`.

        Records that come or go meanwhile shift nothing: whatever matches all the time comes exactly once. (Unless the
        sort is random or by several values per record: then batches are counted off.)
        """
        ...

    async def count(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        as_: RequestContext | None = None,
        restricted: bool = False,
        tx: AsyncTransaction | None = None,
    ) -> int:
        """How many match. Arguments as :meth:`find_many`."""
        ...

    async def create(
        self,
        collection: Collection | str,
        values: Mapping[str, object],
        *,
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        """Creates a record from field values (modifiers allowed).

        Raises:
            ValidationError: with one error per failing field.
            ForbiddenError, BadRequestError: ``as_`` is not allowed to.
        """
        ...

    async def update(
        self,
        collection: Collection | str,
        id: str,
        values: Mapping[str, object],
        *,
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        """Changes a record; raises as :meth:`create`, and NotFoundError."""
        ...

    async def save(
        self,
        record: Record,
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
        validate: bool = True,
    ) -> Record:
        """Creates or updates from a record object.

        An update writes what was changed on the object; of the other fields it takes over what is stored by then.
        """
        ...

    async def delete(
        self,
        record: Record,
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> None:
        """Deletes a record with what cascades from it.

        Raises:
            BadRequestError: a required reference points to it.
        """
        ...

    def within(self, connection: Connection) -> SyncRecords:
        """The synchronous face, for code that runs in a database thread; writing needs a :class:`Transaction`."""
        ...

    async def satisfies(
        self,
        record: Record,
        rule: Rule,
        context: RequestContext,
        *,
        filter: str = "",
        tx: AsyncTransaction | None = None,
    ) -> bool:
        """Whether the stored record fulfils a rule (``None``: superusers only; superusers pass every rule) and, if
        given, a client filter under the restrictions of that client. A rule that cannot be evaluated is not fulfilled.
        """
        ...

    def rule_error(self, collection: Collection, rule: str) -> str | None:
        """Why a text does not compile as a rule of a collection, which need not be saved yet; None if it does."""
        ...

    async def satisfying(
        self, collection: Collection, ids: Sequence[str], rule: Rule, context: RequestContext, *, filter: str = ""
    ) -> set[str]:
        """Which of these ids do, in one query."""
        ...

    async def enrich(
        self,
        records: Sequence[Record],
        context: RequestContext,
        *,
        expand: str = "",
        tx: AsyncTransaction | None = None,
    ) -> None:
        """Prepares records for an answer to that caller, in place: hidden fields, e-mail visibility, ``expand``,
        enrich hooks. ``record.to_json()`` then gives the public form."""
        ...

    async def create_through_api(
        self,
        collection: Collection,
        body: Mapping[str, BodyValue],
        context: RequestContext,
        *,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        """What ``POST /records`` does, hooks of the request included; for internal requests (OAuth2 sign-up)."""
        ...

    def table_query(
        self, table: str, columns: Mapping[str, StorageKind], *, filter: str = "", sort: str = ""
    ) -> TableQuery:
        """The filter language over a plain table that is no collection, for instance the log.

        Args:
            columns: what may be named, by column; a ``json`` column allows paths below it (``data.status``).
            filter: of a superuser.

        Raises:
            BadRequestError: the filter or the sort is not valid.
        """
        ...
