"""Rules on a state that is gone: what held before a transaction deleted records, those they depended on among them."""

from __future__ import annotations

from collections.abc import Sequence

from pbhost.database import Connection, Sql, bind, join
from pbhost.errors import DatabaseError
from pbhost.model import Collection, Record, RequestContext, Rule

from ..filter import Access, FilterError
from .codec import Codec
from .queries import Queries, chunks, unusable

#: Deleted rows put back for one statement; bounds its parameters.
_MAX_ROWS = 400


def held_before(
    queries: Queries,
    connection: Connection,
    collection: Collection,
    ids: Sequence[str],
    rule: Rule,
    *,
    context: RequestContext,
    deleted: Sequence[Record],
    filter: str = "",
) -> set[str]:
    """Which of some deleted rows fulfilled a rule, and a client's filter, when all of them were still there.

    Each table that lost rows is hidden by one of the same name that has them again.
    """
    if rule is None and not context.is_superuser:
        return set()
    condition = "" if context.is_superuser else rule or ""
    if not condition and not filter:
        return set(ids)
    found: set[str] = set()
    try:
        for some in chunks(ids, _MAX_ROWS):
            query = queries.planner.query(
                collection, context, rule=condition, filter=filter, access=Access.CLIENT, ids=some
            )
            asked = set(some)
            lost: dict[str, list[Record]] = {}
            for record in deleted:
                name = record.collection.name
                mine = record.collection.id == collection.id
                if (record.id in asked if mine else name in query.tables) and len(lost.get(name, ())) < _MAX_ROWS:
                    lost.setdefault(name, []).append(record)
            tables = [_with_lost_rows(queries.codec(rows[0].collection), connection, rows) for rows in lost.values()]
            statement = "WITH " + join(", ", tables) + " " + query.ids()
            found.update(str(row[0]) for row in connection.fetch_all(statement))
    except (FilterError, DatabaseError) as error:
        unusable(collection, condition, error)
        return set()
    return found


def _with_lost_rows(codec: Codec, connection: Connection, rows: Sequence[Record]) -> Sql:
    dialect, name = connection.dialect, rows[0].collection.name
    values = join(", ", (join(", ", map(bind, codec.row(record))).wrapped() for record in rows))
    head = f"{dialect.quote(name)} AS (SELECT {codec.columns()} FROM {dialect.qualified(name)} UNION ALL VALUES "
    return head + values + ")"
