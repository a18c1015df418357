"""What an index has to do, and the hook by which plugins bring their own.

The index is a copy: the database is the truth, its change feed says what the index has to catch up on. So an index
keeps, with its documents and in the same step, the sequence number up to which it has followed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pbhost import App, hookspec

#: Collection id and record id.
Key: TypeAlias = tuple[str, str]


class SearchError(OSError):
    """The index cannot be reached, read or written."""


@dataclass(frozen=True, slots=True)
class Document:
    """The searchable text of a record."""

    key: Key
    text: str


@dataclass(frozen=True, slots=True)
class IndexState:
    """What an index holds.

    Attributes:
        position: everything up to this sequence number of the change feed is in it.
        layout: which fields of which collections it was built from; another one needs a rebuild.
    """

    position: int
    layout: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A found document; a higher score is a better match."""

    key: Key
    score: float


class SearchIndex(Protocol):
    """An index. Every method raises :class:`SearchError` when it fails, and leaves the index as it was then."""

    #: Whether all processes of a server share it: then one of them feeds it, else each feeds its own.
    is_shared: bool

    async def open(self) -> None:
        """Called once, before anything else."""
        ...

    async def close(self) -> None: ...

    async def state(self) -> IndexState | None:
        """None for an index that was never built."""
        ...

    async def apply(self, documents: Sequence[Document], gone: Sequence[Key], position: int) -> None:
        """Adds or replaces documents, forgets others, and moves the position: all of it or nothing, also in a crash.

        Applying the same changes again must change nothing.
        """
        ...

    async def replace(self, batches: AsyncIterator[Sequence[Document]], state: IndexState) -> None:
        """Replaces everything. Searches meanwhile see the old documents."""
        ...

    async def search(self, words: Sequence[str], collections: Sequence[str], *, limit: int, offset: int) -> list[Hit]:
        """The documents of some collections (ids) with all of the words, the best first.

        Args:
            words: lower case, not empty; the last one matches as a prefix.
            collections: ids.
            limit: how many.
            offset: how many of the best to leave out.
        """
        ...


@dataclass(frozen=True, slots=True)
class SearchProvider:
    """A kind of index that ``provider`` in the configuration may name."""

    name: str
    make: Callable[[App], SearchIndex]


@hookspec
def register_search_providers(app: App) -> list[SearchProvider]:
    """Kinds of indexes; a later one of the same name replaces the earlier one."""
    return []
