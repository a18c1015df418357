"""``GET /api/search``: hits that the caller may see."""

from __future__ import annotations

import re

from aiohttp import web

from pbhost import App, BadRequestError, InternalError, NotFoundError, Record, RequestContext
from pbhost.http import context_of
from pbhost_search_index.documents import Documents
from pbhost_search_index.provider import Hit, Key, SearchError, SearchIndex

_MAX_QUERY = 200
_MAX_WORDS = 10
_MAX_LIMIT = 100
_PAGE = 200
#: Hits looked at for one answer: a query whose best hits are all somebody else's must not read the whole index.
_MAX_HITS = 1000
_LOOK_UP = 40
_WORD = re.compile(r"\w+")


class Search:
    """The handler of one application."""

    def __init__(self, app: App, index: SearchIndex, documents: Documents) -> None:
        self._app = app
        self._index = index
        self._documents = documents

    async def __call__(self, request: web.Request) -> dict[str, object]:
        """``?q=words&collection=posts&limit=20&expand=author``; the last word matches as a prefix.

        Raises:
            BadRequestError: no words, or a limit that is none.
            NotFoundError: the collection is not searchable.
        """
        context = context_of(request)
        words = _WORD.findall(context.query.get("q", "")[:_MAX_QUERY].lower())[:_MAX_WORDS]
        if not words:
            raise BadRequestError("The query needs at least one word.")
        limit = context.query.get("limit", "20")
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= _MAX_LIMIT):
            raise BadRequestError(f"The limit must be a number from 1 to {_MAX_LIMIT}.")
        searchable = self._documents.collections()
        name = context.query.get("collection", "")
        ids = [id_ for id_, (collection, _) in searchable.items() if not name or name in (collection.name, id_)]
        if name and not ids:
            raise NotFoundError
        try:
            hits = await self._permitted(words, ids, int(limit), context)
        except SearchError as error:
            raise InternalError("The search index cannot be reached.", cause=str(error)) from error
        records = await self._records(hits, context)
        return {
            "items": [
                {"score": round(hit.score, 6), "record": records[hit.key].to_json()}
                for hit in hits
                if hit.key in records
            ]
        }

    async def _permitted(self, words: list[str], ids: list[str], limit: int, context: RequestContext) -> list[Hit]:
        """The best hits that the list rules let the caller see."""
        found: list[Hit] = []
        for offset in range(0, _MAX_HITS, _PAGE):
            page = await self._index.search(words, ids, limit=_PAGE, offset=offset)
            allowed: set[Key] = set()
            for id_ in {hit.key[0] for hit in page}:
                collection = self._app.collections.find(id_)
                if collection is not None:
                    of_it = [hit.key[1] for hit in page if hit.key[0] == id_]
                    passing = await self._app.records.satisfying(collection, of_it, collection.list_rule, context)
                    allowed.update((id_, record_id) for record_id in passing)
            found += [hit for hit in page if hit.key in allowed]
            if len(found) >= limit or len(page) < _PAGE:
                break
        return found[:limit]

    async def _records(self, hits: list[Hit], context: RequestContext) -> dict[Key, Record]:
        """The records of hits as the caller may see them."""
        found: dict[Key, Record] = {}
        for id_ in {hit.key[0] for hit in hits}:
            collection = self._app.collections.get(id_)
            wanted = [hit.key[1] for hit in hits if hit.key[0] == id_]
            records: list[Record] = []
            for start in range(0, len(wanted), _LOOK_UP):
                some = {f"id{number}": value for number, value in enumerate(wanted[start : start + _LOOK_UP])}
                ids = " || ".join(f"id = {{:{name}}}" for name in some)
                # With the rule once more: the record may have changed since the hits were checked.
                records += await self._app.records.find_many(collection, ids, some, as_=context)
            await self._app.records.enrich(records, context, expand=context.query.get("expand", ""))
            found.update(((id_, record.id), record) for record in records)
        return found
