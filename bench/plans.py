"""The plans of a list, as its statements are compiled by a pbhost in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from builtin_records.records.core import Core

from pbhost.database import Connection
from pbhost.model import RequestContext
from pbhost.testing import running_app


def plans_of_list(data: Path, collection: str, caller: tuple[str, str], filter: str, *, total: bool) -> list[str]:
    """The lines of EXPLAIN QUERY PLAN of a page and, with ``total``, of its count.

    Args:
        data: the data directory; a server may run on it.
        caller: the collection and the id of the authenticated record.
    """
    return asyncio.run(_plans(data, collection, caller, filter, total=total))


async def _plans(data: Path, collection: str, caller: tuple[str, str], filter: str, *, total: bool) -> list[str]:
    async with running_app(data.parent) as running:
        app = running.app
        auth = await app.records.get(*caller)
        target = app.collections.get(collection)
        core = Core(app)

        def explain(connection: Connection) -> list[str]:
            context = RequestContext(auth=auth)
            query = core.queries.search(target, context, filter=filter, rule=target.list_rule, as_client=True)
            by_sets = core.sizes.by_sets(connection, query, counting=False)
            statements = [query.select(core.codecs.of(target).names, limit=30, by_sets=by_sets)]
            if total:
                statements.append(query.count(by_sets=core.sizes.by_sets(connection, query, counting=True)))
            return [
                str(row[3])
                for statement in statements
                for row in connection.fetch_all("EXPLAIN QUERY PLAN " + statement.text, statement.params)
            ]

        return await app.db.read(explain)
