"""Issuing and verifying the tokens of auth records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from builtin_auth.jwt_codec import Claims, InvalidToken, read_unverified, sign, verify
from builtin_auth.options import AuthOptions, OptionsCache
from pbhost.errors import JSON
from pbhost.model import Record, clock

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.services import TokenType


class Tokens:
    """Tokens are stateless: the key is the record's token key followed by the collection's secret for that type, so
    a change of either ends all tokens made with it."""

    def __init__(self, app: App, options: OptionsCache) -> None:
        self._app = app
        self._options = options

    def issue(
        self,
        record: Record,
        type: TokenType = "auth",
        *,
        duration: int = 0,
        refreshable: bool = True,
        claims: Mapping[str, JSON] | None = None,
    ) -> str:
        """A signed token for ``record``; ``duration`` 0 or less means the collection's."""
        options = self._current(record)
        seconds = duration if duration > 0 else options.durations[type]
        payload: Claims = {"type": type, "id": record.id, "collectionId": record.collection.id}
        if type == "auth":
            payload["refreshable"] = refreshable
        payload.update(claims or {})
        payload["exp"] = int(clock.timestamp()) + seconds
        return sign(payload, record.text("tokenKey") + options.secrets[type])

    async def verify(self, token: str, type: TokenType) -> tuple[Record, Claims] | None:
        """The record and the claims of a valid token of that type, else None."""
        try:
            claims = read_unverified(token)
        except InvalidToken:
            return None
        record_id, collection_id = claims.get("id"), claims.get("collectionId")
        if claims.get("type") != type or not isinstance(record_id, str) or not isinstance(collection_id, str):
            return None
        collection = self._app.collections.find(collection_id) if record_id and collection_id else None
        if collection is None or not collection.is_auth:
            return None
        record = await self._app.records.find(collection, record_id)
        if record is None:
            return None
        try:
            # The claims that count are those of the verified payload.
            return record, verify(token, record.text("tokenKey") + self._options.of(collection).secrets[type])
        except InvalidToken:
            return None

    def _current(self, record: Record) -> AuthOptions:
        """The options as they are now; the record may have been read before they changed."""
        return self._options.of(self._app.collections.find(record.collection.id) or record.collection)
