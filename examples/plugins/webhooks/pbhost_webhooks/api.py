"""Looking at deliveries, and making one again."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from pbhost import App, BadRequestError, NotFoundError
from pbhost.http import context_of
from pbhost_webhooks import outbox

_STATES = ("", "pending", "sent", "failed")
_SHOWN = 200


class Deliveries:
    """The handlers of one application; for superusers."""

    def __init__(self, app: App, wake: Callable[[], None]) -> None:
        self._app = app
        self._wake = wake

    async def list(self, request: web.Request) -> dict[str, object]:
        """``GET /api/webhooks/deliveries?state=``: the newest ones, without what was sent."""
        state = context_of(request).query.get("state", "")
        if state not in _STATES:
            raise BadRequestError("The state must be pending, sent or failed.")
        found = await self._app.db.read(lambda connection: outbox.find(connection, state=state, limit=_SHOWN))
        return {
            "items": [
                {
                    "id": item.id,
                    "message": item.message,
                    "webhook": item.webhook,
                    "type": item.payload.get("type"),
                    "state": item.state,
                    "attempts": item.attempts,
                    "error": item.error,
                }
                for item in found
            ]
        }

    async def retry(self, request: web.Request) -> None:
        """``POST /api/webhooks/deliveries/{id}/retry``: one that was given up.

        Raises:
            NotFoundError: there is no such delivery, or it was not given up.
        """
        id_ = request.match_info["id"]
        if not await self._app.db.write(lambda tx: outbox.again(tx, id_)):
            raise NotFoundError
        # Where another process delivers, it looks again by itself before long.
        self._wake()
