"""The filter language: text to SQL for lists, rules, look-ups and sorts (records.md 8, 9).

Everything goes through one :class:`QueryPlanner`, made once from ``app.collections``, ``app.db.dialect`` and the
functions that plugins registered. ``planner.query(...)`` gives a :class:`BoundQuery` whose methods are statements
(:class:`pbhost.database.Sql`) for a ``Connection``; nothing touches the database here. Compiling happens once per
(schema generation, collection, rule, shape of the filter, sort, access): the SQL text never depends on a value.

    planner = QueryPlanner(services.collections, services.db.dialect, functions)

    # list: rule, client filter and sort; Access.of() tells superusers from others
    query = planner.query(posts, context, rule=posts.list_rule, filter=text, sort=sort, access=Access.of(context))
    rows, total = query.select(columns, limit=30, offset=60), query.count()

    # view, update, delete: one row under a rule            # expand, enrich: which of these ids satisfy a rule
    planner.query(posts, context, rule=rule, ids=[id]).select(columns, limit=1)
    planner.query(posts, context, rule=rule, ids=ids).ids()

    # realtime: a record id, a rule and the subscriber's filter; always as a client, even for superusers
    planner.query(posts, context, rule=rule, filter=text, access=Access.CLIENT, ids=[id]).exists()

    # create: a row that is not stored yet                   # code: values are bound by name
    planner.query(posts, context, rule=rule, row=virtual_row(record)).exists()
    planner.query(posts, context, filter="title ~ {:text}", values={"text": "go"}).select(columns)

    # saving a collection: can this rule be evaluated?
    planner.check_rule(collection, rule)                     # FilterError says why not

``rule=""`` is no condition; a locked rule (None) and the superuser's pass are the caller's decision. ``context.body``
must hold the normalised values (records.md 3.4). Errors: :class:`ForbiddenFilter` is the 403 of a client that writes
``@collection.`` or ``@request.`` (``reason`` is its message); any other :class:`FilterError` is a 400 whose text is for
the log only. Nesting that the database refuses comes back as a ``DatabaseError`` when the statement runs.
"""

from .compiled import MAX_IDS, BoundQuery
from .errors import FilterError, ForbiddenFilter
from .keyset import Keyset, NoKeyset, Position
from .parser import parse
from .planner import QueryPlanner, virtual_row
from .schema import Access, Schema

__all__ = [
    "MAX_IDS",
    "Access",
    "BoundQuery",
    "FilterError",
    "ForbiddenFilter",
    "Keyset",
    "NoKeyset",
    "Position",
    "QueryPlanner",
    "Schema",
    "parse",
    "virtual_row",
]
