"""The rules of an editorial desk: slugs, reading time, review before publishing, scheduled publishing."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from pbhost import App, CronJob, FieldError, Route, ValidationError, hookimpl
from pbhost_editorial.desk import Desk

if TYPE_CHECKING:
    import click

    from pbhost.hooks.events import RecordEvent

COLLECTION = "articles"


class EditorialPlugin:
    """Everything the desk adds to a server."""

    NAME = "editorial"
    requires_pbhost = ">=0.1,<1"
    requires_services = ("records", "collections")
    CONFIG_SCHEMA = {  # noqa: RUF012  # read once, never changed
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "words_per_minute": {"type": "integer", "minimum": 50, "default": 200},
            "slug_length": {"type": "integer", "minimum": 10, "maximum": 200, "default": 80},
        },
    }

    @hookimpl(collections=[COLLECTION])
    def on_record_create(self, event: RecordEvent) -> None:
        """A new article gets its slug and its reading time, and cannot start live."""
        self._complete(event)

    @hookimpl(collections=[COLLECTION])
    def on_record_update(self, event: RecordEvent) -> None:
        """A changed article keeps both up to date."""
        self._complete(event)

    def _complete(self, event: RecordEvent) -> None:
        article, options = event.record, event.app.options(self.NAME)
        if not article.text("slug"):
            article["slug"] = slugify(article.text("title"), int(str(options["slug_length"])))
        words = len(re.sub(r"<[^>]*>", " ", article.text("body")).split())
        article["minutes"] = max(1, round(words / int(str(options["words_per_minute"]))))
        if article["status"] == "live" and article.original.get("status") not in ("reviewed", "live"):
            raise ValidationError({"status": FieldError("editorial_not_reviewed", "Review the article first.")})

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """``GET /api/editorial/summary``."""
        return [Route("GET", "/api/editorial/summary", Desk(app).summary, guard="auth", summary="Articles by status")]

    @hookimpl
    def register_cron_jobs(self, app: App) -> list[CronJob]:
        """Every minute."""
        return [CronJob("editorial_publish", "* * * * *", Desk(app).publish_due)]

    @hookimpl
    def register_commands(self, app: App) -> list[click.Command]:
        """``pbhost editorial publish-due``."""
        from pbhost_editorial.command import editorial_command

        return [editorial_command(app)]


def slugify(title: str, length: int) -> str:
    """A title as ASCII words joined by hyphens, at most ``length`` characters."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")[:length].strip("-")


plugin = EditorialPlugin()
