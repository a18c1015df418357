"""The index in the memory of each process: nothing on disk, built at every start. For small sites and for tests."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from pbhost_search_index.provider import Document, Hit, IndexState, Key


class MemoryIndex:
    """Documents as counted words; every search looks at all of them."""

    is_shared = False

    def __init__(self) -> None:
        self._documents: dict[Key, Counter[str]] = {}
        self._state: IndexState | None = None

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def state(self) -> IndexState | None:
        """None at each start."""
        return self._state

    async def apply(self, documents: Sequence[Document], gone: Sequence[Key], position: int) -> None:
        """Without awaiting, so at once."""
        for key in gone:
            self._documents.pop(key, None)
        for document in documents:
            self._documents[document.key] = _counted(document)
        layout = self._state.layout if self._state is not None else ""
        self._state = IndexState(position, layout)

    async def replace(self, batches: AsyncIterator[Sequence[Document]], state: IndexState) -> None:
        """The new documents take the place of the old ones when all are there."""
        fresh = {document.key: _counted(document) async for batch in batches for document in batch}
        self._documents, self._state = fresh, state

    async def search(self, words: Sequence[str], collections: Sequence[str], *, limit: int, offset: int) -> list[Hit]:
        """The score is how often the words occur."""
        *whole, prefix = [_folded(word) for word in words]
        wanted, hits = set(collections), []
        for key, counted in self._documents.items():
            found = [counted[word] for word in whole]
            found.append(sum(count for word, count in counted.items() if word.startswith(prefix)))
            if key[0] in wanted and all(found):
                hits.append(Hit(key, float(sum(found))))
        hits.sort(key=lambda hit: (-hit.score, hit.key))
        return hits[offset : offset + limit]


def _counted(document: Document) -> Counter[str]:
    letters = "".join(character if character.isalnum() else " " for character in _folded(document.text))
    return Counter(letters.split())


def _folded(text: str) -> str:
    """Without case and accents."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in split if not unicodedata.combining(character))
