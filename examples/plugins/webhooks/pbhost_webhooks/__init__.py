"""Outgoing webhooks: signed, durable, retried; other plugins filter and shape them through hooks of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson

from pbhost import App, CronJob, Route, hookimpl
from pbhost.database import Migration
from pbhost.errors import JSON
from pbhost.hooks.events import RecordEvent, ServeEvent, TerminateEvent
from pbhost_webhooks import hooks, outbox
from pbhost_webhooks.hooks import Webhook, WebhookFailedEvent, WebhookPrepareEvent
from pbhost_webhooks.options import CONFIG_SCHEMA, NAME, Options, webhooks_of

if TYPE_CHECKING:
    from pbhost_webhooks.sender import Sender

__all__ = ["Webhook", "WebhookFailedEvent", "WebhookPrepareEvent", "WebhooksPlugin", "plugin"]


class WebhooksPlugin:
    """The hooks that this plugin implements; those that it defines are in ``HOOK_SPECS``."""

    NAME = NAME
    requires_pbhost = ">=0.1,<1"
    requires_services = ("collections", "records")
    CONFIG_SCHEMA = CONFIG_SCHEMA
    HOOK_SPECS = hooks

    def __init__(self) -> None:
        self._webhooks: dict[str, Webhook] | None = None
        self._sender: Sender | None = None

    def _webhooks_of(self, app: App) -> dict[str, Webhook]:
        if self._webhooks is None:
            self._webhooks = webhooks_of(app, Options.of(app))
        return self._webhooks

    # -- into the outbox, in the transaction of the change -----------------------------------------------------------

    @hookimpl
    def register_migrations(self) -> list[Migration]:
        """The outbox."""
        return outbox.MIGRATIONS

    @hookimpl(wrapper=True)
    def on_record_create_execute(self, event: RecordEvent) -> Generator[None, None, None]:
        """Once the row is written."""
        yield
        self._enqueue(event, [])

    @hookimpl(wrapper=True)
    def on_record_update_execute(self, event: RecordEvent) -> Generator[None, None, None]:
        """Once the row is written; an update that changes nothing is told of too."""
        yield
        record = event.record
        visible = [field.name for field in record.collection.fields if record.is_visible(field)]
        self._enqueue(event, [name for name in visible if record.changed(name)])

    @hookimpl(wrapper=True)
    def on_record_delete_execute(self, event: RecordEvent) -> Generator[None, None, None]:
        """Once the row is gone, with what stood in it."""
        yield
        self._enqueue(event, [])

    def _enqueue(self, event: RecordEvent, changed: list[str]) -> None:
        collection, action, tx = event.collection, event.action, event.connection
        wanted = [item.name for item in self._webhooks_of(event.app).values() if item.wants(collection, action)]
        if not wanted:
            return
        assert tx is not None, "a hook of a write has its transaction"
        record = event.record.copy()
        # The receiver is told what the owner of the record would see: hidden fields and secrets stay here.
        record.show_email = True
        data: dict[str, JSON] = {"record": orjson.loads(orjson.dumps(record.to_json()))}
        if action == "update":
            data["changed"] = [*changed]
        outbox.add(
            tx, wanted, collection.id, {"type": f"{collection.name}.{action}", "timestamp": tx.now, "data": data}
        )

    # -- out of it ---------------------------------------------------------------------------------------------------

    @hookimpl
    async def on_serve(self, event: ServeEvent) -> None:
        """The first process delivers, for all of them."""
        webhooks = self._webhooks_of(event.app)
        if event.worker == 0:
            from pbhost_webhooks.sender import Sender

            self._sender = Sender(event.app, Options.of(event.app), webhooks)
            await self._sender.start()

    @hookimpl(wrapper=True)
    async def on_terminate(self, event: TerminateEvent) -> AsyncGenerator[None, None]:
        """Before the database is closed."""
        if self._sender is not None:
            await self._sender.stop()
        yield

    @hookimpl
    def register_cron_jobs(self, app: App) -> list[CronJob]:
        """Every night: messages that are done with go after some days."""

        async def prune() -> None:
            kept = timedelta(days=Options.of(app).keep_days)
            before = outbox.now_ms() - int(kept.total_seconds() * 1000)
            await app.db.write(lambda tx: outbox.prune(tx, before))

        return [CronJob("webhooks_prune", "41 3 * * *", prune)]

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """Looking at deliveries."""
        from pbhost_webhooks.api import Deliveries

        deliveries, base = Deliveries(app, self._wake), "/api/webhooks/deliveries"
        return [
            Route("GET", base, deliveries.list, guard="superuser", summary="Deliveries of webhooks"),
            Route("POST", f"{base}/{{id}}/retry", deliveries.retry, guard="superuser", summary="Make a delivery again"),
        ]

    def _wake(self) -> None:
        if self._sender is not None:
            self._sender.wake()


#: The class: each application gets an instance of its own.
plugin = WebhooksPlugin
