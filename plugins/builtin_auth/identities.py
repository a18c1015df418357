"""Who a token belongs to, remembered: verified tokens in a bounded cache that every reason of invalidity empties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbhost.model import Record, clock

LIMIT = 10_000
# Bounds how long a row changed behind pbhost's back (another tool on the same file) keeps its old identity.
SECONDS = 5.0
_DROPPED_AT_ONCE = 4


@dataclass(slots=True)
class _Entry:
    record: Record
    key: tuple[str, str]
    generation: int
    until: float
    refreshable: bool
    shown: dict[str, object] | None = None


class IdentityCache:
    """Records by auth token.

    An entry ends with its token's ``exp``, with any change of the schema (a new secret, a deleted collection), with a
    change or the deletion of its record (:meth:`forget`), and after :data:`SECONDS` in any case. Each look-up gives a
    copy, so that what a hook does to the identity of one request never leaks into another.
    """

    def __init__(self, clock: Callable[[], float] = clock.timestamp) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._tokens: dict[tuple[str, str], set[str]] = {}
        self._forgotten = 0
        # When each record was last forgotten; what fell out of it counts as forgotten at the floor.
        self._forgotten_at: dict[tuple[str, str], int] = {}
        self._floor = 0

    @property
    def epoch(self) -> int:
        """Rises whenever a record is forgotten. Note it before reading a record from the database and give it to
        :meth:`put`: a record that changed in between must not be remembered in its old state."""
        return self._forgotten

    def get(self, token: str, generation: int) -> Record | None:
        """The remembered record; ``generation`` is the schema's."""
        entry = self._entries.get(token)
        if entry is None:
            return None
        # A rest of more than the whole time: the clock was set back.
        if entry.generation != generation or not 0 < entry.until - self._clock() <= SECONDS:
            self._drop(token, entry)
            return None
        return entry.record.copy()

    def is_refreshable(self, token: str) -> bool | None:
        """Whether the token may be exchanged for a new one; None if it is not remembered."""
        entry = self._entries.get(token)
        return None if entry is None else entry.refreshable

    def shown(self, token: str) -> dict[str, object] | None:
        """The record as its owner sees it, if :meth:`keep_shown` was told; not to be changed."""
        entry = self._entries.get(token)
        return None if entry is None else entry.shown

    def keep_shown(self, token: str, shown: dict[str, object]) -> None:
        """Remember that form for as long as the token."""
        entry = self._entries.get(token)
        if entry is not None:
            entry.shown = shown

    def put(
        self,
        token: str,
        record: Record,
        generation: int,
        expires: float | None,
        epoch: int,
        *,
        refreshable: bool = True,
    ) -> None:
        """Remember a verified token; nothing happens if the record was forgotten since ``epoch``."""
        key = (record.collection.id, record.id)
        if self._forgotten_at.get(key, self._floor) > epoch:
            return
        now = self._clock()
        self._drop_expired(now)
        until = now + SECONDS
        self._entries[token] = _Entry(
            record.copy(), key, generation, until if expires is None else min(until, expires), refreshable
        )
        self._tokens.setdefault(key, set()).add(token)

    def _drop_expired(self, now: float) -> None:
        """The oldest entries stand first; a few are dropped with each new one, so that memory follows use."""
        for _ in range(_DROPPED_AT_ONCE):
            token = next(iter(self._entries), None)
            if token is None:
                return
            entry = self._entries[token]
            if now < entry.until and len(self._entries) < LIMIT:
                return
            self._drop(token, entry)

    def forget(self, collection_id: str, record_id: str) -> None:
        """The record changed or is gone."""
        self._forgotten += 1
        key = (collection_id, record_id)
        self._forgotten_at.pop(key, None)
        if len(self._forgotten_at) >= LIMIT:
            self._floor = self._forgotten_at.pop(next(iter(self._forgotten_at)))
        self._forgotten_at[key] = self._forgotten
        for token in self._tokens.pop(key, ()):
            self._entries.pop(token, None)

    def clear(self) -> None:
        """Forget everything."""
        self._forgotten += 1
        self._floor = self._forgotten
        self._forgotten_at.clear()
        self._entries.clear()
        self._tokens.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def _drop(self, token: str, entry: _Entry) -> None:
        self._entries.pop(token, None)
        tokens = self._tokens.get(entry.key)
        if tokens is not None:
            tokens.discard(token)
            if not tokens:
                del self._tokens[entry.key]
