"""What the desk does with articles, apart from the hooks."""

from __future__ import annotations

from aiohttp import web

from pbhost import App
from pbhost.model.dates import now

STATUSES = ("draft", "reviewed", "live")


class Desk:
    """Work on the articles of one application."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def summary(self, _request: web.Request) -> dict[str, int]:
        """How many articles there are of each status."""
        count = self._app.records.count
        return {status: await count("articles", "status = {:status}", {"status": status}) for status in STATUSES}

    async def publish_due(self) -> None:
        """Publishes the reviewed articles whose time has come, all of them or none."""
        if self._app.collections.find("articles") is None:
            return
        records = self._app.records
        async with self._app.transaction() as tx:
            due = await records.find_many(
                "articles", "status = 'reviewed' && publish_at != '' && publish_at <= {:now}", {"now": now()}, tx=tx
            )
            for article in due:
                article["status"] = "live"
                await records.save(article, tx=tx)
