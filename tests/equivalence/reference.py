"""A slow and obvious evaluator of the filter language, written from records.md 8 and 9 alone.

Tables are lists of rows in memory, joins are nested loops, "no value contradicts" is a loop over all values. Nothing of
the compiler is used but the parser, whose tree is data. :func:`select` answers a list, :func:`holds` a rule about one
row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .joins import Chain, Joined
from .scope import Scope
from .values import Truth, sort_rank
from .world import Forbidden, Refused, Request, Row, Table, World


def select(
    world: World,
    table: Table,
    request: Request,
    *,
    rule: str = "",
    filter: str = "",
    sort: str = "",
    client: bool,
) -> tuple[list[Row], list[list[tuple[object, ...]]]]:
    """The rows that a list shows, and for each the sort keys that it may have (several for a multi-valued sort).

    Args:
        rule: trusted, never restricted.
        filter: of a client under restrictions if ``client``, else of a superuser.
        client: whether the restrictions of 8.9 apply.

    Raises:
        Forbidden, Refused: the list is an error.
    """
    if client and any(word in text for word in ("@collection.", "@request.") for text in (filter, sort)):
        raise Forbidden
    scope = Scope(world, table, request)
    conditions = [scope.condition(rule, client=False)] if rule else []
    if filter:
        conditions.append(scope.condition(filter, client=client))
    terms = [scope.sort_term(term.strip(), client=client) for term in sort.split(",")] if sort else []
    if len(terms) > 8:
        raise Refused
    found: list[Row] = []
    keys: list[list[tuple[object, ...]]] = []
    for row in table.rows:
        matching = [joined for joined in scope.joined(row) if _all(conditions, scope.checks, joined)]
        if matching:
            found.append(row)
            keys.append([tuple(sort_rank(term(joined).value) for term in terms) for joined in matching])
    return found, keys


def holds(
    world: World, table: Table, request: Request, row: Row, rule: str, *, virtual: bool = False, filter: str = ""
) -> bool:
    """Whether one row satisfies a rule (and a client's filter).

    Args:
        virtual: the row is not stored: its values are parameters, and nothing can refer to it.

    Raises:
        Forbidden, Refused: it cannot be evaluated.
    """
    scope = Scope(world, table, request, virtual=virtual)
    conditions = [scope.condition(rule, client=False)] if rule else []
    if filter:
        conditions.append(scope.condition(filter, client=True))
    return any(_all(conditions, scope.checks, joined) for joined in scope.joined(row))


def _all(
    conditions: Sequence[Callable[[Joined], Truth]], checks: Mapping[Chain, Callable[[Joined], bool]], joined: Joined
) -> bool:
    return all(condition(joined) for condition in conditions) and all(check(joined) for check in checks.values())
