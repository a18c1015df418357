"""What a plan is bound to when it is used: the request, the literals of the filter, ids, a virtual row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pbhost.database import SqlValue
from pbhost.model import RequestContext, clock


@dataclass(slots=True, kw_only=True)
class Binding:
    """The sources of all parameters.

    Attributes:
        context: the request that the expressions speak of.
        literals: texts and numbers of the client's filter, in order.
        values: what ``{:name}`` stands for.
        ids: the records looked at, None for all.
        row: the values of a virtual row by column.
    """

    context: RequestContext
    literals: Sequence[str | float] = ()
    values: Mapping[str, object] | None = None
    ids: Sequence[str] | None = None
    row: Mapping[str, SqlValue] | None = None
    _moment: datetime | None = None

    def moment(self) -> datetime:
        """The moment of the request, the same for every macro."""
        if self._moment is None:
            self._moment = clock.utc_now()
        return self._moment
