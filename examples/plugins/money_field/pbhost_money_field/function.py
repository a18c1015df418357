"""``money(field, currency)``: the amount of what is in that currency, nothing of everything else."""

from __future__ import annotations

from collections.abc import Sequence

from pbhost.database import Dialect


class MoneyFunction:
    """See :class:`pbhost.services.FilterFunction`."""

    name = "money"
    min_arguments = 2
    max_arguments = 2

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def sql(self, arguments: Sequence[str]) -> str:
        """NULL for another currency, so that no comparison holds."""
        field, currency = arguments
        member = self._dialect.json_extract
        return f"CASE WHEN {member(field, '.currency')} = {currency} THEN {member(field, '.amount')} END"
