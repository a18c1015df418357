"""Clients that feel their way through a list rule: filter after filter that finds nothing (records.md 5.1).

How long an empty answer takes may tell whether the rule or the filter left a record out. So when one address asks for
the same collection again and again and finds nothing, the answers come after a random time.
"""

from __future__ import annotations

import random
from asyncio import sleep
from collections import OrderedDict, deque
from time import monotonic

from pbhost.model import Collection, RequestContext

from ..records.reading import ListRequest

#: Seconds in which so many empty answers are given without delay.
_WINDOW = 3.0
_FREE = 3
#: Addresses and collections that are remembered, the newest ones.
_MOST = 10_000


class Guesses:
    """Counts the empty answers of each address and collection.

    Args:
        longest: seconds of delay at most; 0 for never.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._seen: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._chance = random.SystemRandom()

    async def found_nothing(self, collection: Collection, parameters: ListRequest, context: RequestContext) -> None:
        """Waits a little, if it has come to that."""
        if not (self._longest and collection.list_rule and parameters.filter) or context.is_superuser:
            return
        if self._is_one_too_many((context.ip, collection.id)):
            await sleep(self._chance.uniform(0, self._longest))

    def _is_one_too_many(self, key: tuple[str, str]) -> bool:
        now = monotonic()
        moments = self._seen.setdefault(key, deque(maxlen=_FREE + 1))
        self._seen.move_to_end(key)
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)
        moments.append(now)
        return len(moments) > _FREE and now - moments[0] <= _WINDOW
