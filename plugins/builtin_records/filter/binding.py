"""What a plan is bound to when it is used: the request, the literals of the filter, ids, a virtual row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pbhost.database import SqlValue
from pbhost.model import RequestContext


@dataclass(slots=True, kw_only=True)
class Binding:
    """The sources of all parameters.

    Attributes:
        context: the request that the expressions speak of.
        literals: texts and numbers of the client's filter, in order.
        values: what ``{:name}`` stands for.
        ids: the records looked at, None for all.
        row: the values of a virtual row by column.
        limit: rows at most.
        offset: rows left out before.
        now: the moment of the request; the same for every macro.
    """

    context: RequestContext
    literals: Sequence[str | float] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    ids: Sequence[str] | None = None
    row: Mapping[str, SqlValue] = field(default_factory=dict)
    limit: int = 0
    offset: int = 0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
