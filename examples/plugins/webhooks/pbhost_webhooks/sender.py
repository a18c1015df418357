"""Sends what is due in the outbox."""

from __future__ import annotations

import asyncio
import logging
import random
import time

import aiohttp

from pbhost import App
from pbhost.errors import PbhostError
from pbhost.http import dumps, public_socket
from pbhost_webhooks import outbox
from pbhost_webhooks.hooks import Webhook, WebhookFailedEvent, WebhookPrepareEvent
from pbhost_webhooks.options import Options
from pbhost_webhooks.outbox import Delivery
from pbhost_webhooks.signature import signed_headers

log = logging.getLogger("pbhost.webhooks")

#: Deliveries to one webhook at the same time: a slow receiver holds up its own messages, nobody else's.
CONCURRENT = 4
_BATCH = 20
#: The outbox is looked at from time to time even if nothing seems to happen.
_IDLE_SECONDS = 15.0
_RECOVERY_SECONDS = 5.0
_MAX_RETRY_AFTER = 3600.0
#: Answers that another attempt will not change: the receiver wants no more.
_FINAL = (410,)


class Sender:
    """Delivers to every webhook, from one process of the server."""

    def __init__(self, app: App, options: Options, webhooks: dict[str, Webhook]) -> None:
        self._app = app
        self._options = options
        self._webhooks = webhooks
        self._woken = {name: asyncio.Event() for name in webhooks}
        self._session: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[object]] = []

    async def start(self) -> None:
        """Begins with what an earlier run has left."""
        await self._app.db.write(lambda tx: outbox.give_up_on(tx, list(self._webhooks)))
        # Whoever may write the configuration, or a plugin that takes URLs from users, must not reach into this network.
        factory = None if self._options.allow_private else public_socket
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(socket_factory=factory),
            timeout=aiohttp.ClientTimeout(total=self._options.timeout),
            headers={"User-Agent": "pbhost-webhooks"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._tasks = [self._app.background(self._watch(), name="webhooks: watch")]
        self._tasks += [
            self._app.background(self._serve(webhook), name=f"webhooks: {name}")
            for name, webhook in self._webhooks.items()
        ]

    async def stop(self) -> None:
        """Ends the attempts that are under way; they are made again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def wake(self) -> None:
        """Something may be due."""
        for event in self._woken.values():
            event.set()

    async def _watch(self) -> None:
        # Every message stands beside a change in the feed, whichever process wrote it.
        async for _ in self._app.db.watch_changes():
            self.wake()

    # -- one webhook -------------------------------------------------------------------------------------------------

    async def _serve(self, webhook: Webhook) -> None:
        woken = self._woken[webhook.name]
        while True:
            woken.clear()
            try:
                wait = await self._send_due(webhook)
            except* PbhostError as errors:
                log.error("the outbox of %s cannot be read or written", webhook.name, exc_info=errors)
                wait = _RECOVERY_SECONDS
            if wait > 0:
                try:
                    await asyncio.wait_for(woken.wait(), wait)
                except TimeoutError:
                    continue

    async def _send_due(self, webhook: Webhook) -> float:
        """Sends a batch; returns the seconds until there may be more to do."""
        batch, later = await self._app.db.read(lambda connection: outbox.due(connection, webhook.name, _BATCH))
        slots = asyncio.Semaphore(CONCURRENT)

        async def one(delivery: Delivery) -> None:
            async with slots:
                await self._attempt(webhook, delivery)

        async with asyncio.TaskGroup() as group:
            for delivery in batch:
                group.create_task(one(delivery))
        if batch:
            return 0
        return _IDLE_SECONDS if later is None else min(_IDLE_SECONDS, max(0.01, (later - outbox.now_ms()) / 1000))

    async def _attempt(self, webhook: Webhook, delivery: Delivery) -> None:
        error, final, wait = "", False, 0.0
        try:
            if not delivery.body and not await self._prepare(webhook, delivery):
                await self._app.db.write(lambda tx: outbox.drop(tx, delivery.id))
                return
            status, wait = await self._post(webhook, delivery)
            if not 200 <= status < 300:
                error, final = f"the receiver answered {status}", status in _FINAL
        except PbhostError as raised:
            # A hook that fails keeps the message back until it works: what it would have left out must not be sent.
            error = str(raised)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as raised:
            error = _reason(raised)
        delivery.attempts += 1
        delivery.error = error[:500]
        if not error:
            delivery.state, delivery.due = "sent", outbox.now_ms()
        elif final or delivery.attempts >= self._options.attempts:
            delivery.state, delivery.due = "failed", outbox.now_ms()
        else:
            delivery.due = outbox.now_ms() + int(1000 * max(wait, self._delay(delivery.attempts)))
        await self._app.db.write(lambda tx: outbox.store(tx, delivery))
        if delivery.state == "failed":
            await self._tell_failed(webhook, delivery)

    def _delay(self, attempts: int) -> float:
        """Doubles, and is spread, so that a receiver that comes back is not run over."""
        delay = min(self._options.longest_delay, self._options.first_delay * 2.0 ** (attempts - 1))
        return delay * random.uniform(0.8, 1.2)  # noqa: S311  # nobody gains by guessing it

    async def _prepare(self, webhook: Webhook, delivery: Delivery) -> bool:
        """Runs the hooks once and keeps what they made of the message; False if they left this webhook out.

        Raises:
            PbhostError: a hook failed.
        """
        collection = self._app.collections.find(delivery.collection)
        chain = self._app.hooks.chain("on_webhook_prepare", collection.tags) if collection is not None else None
        taken = chain is None
        if chain is not None and collection is not None:
            event = WebhookPrepareEvent(
                app=self._app,
                webhook=webhook,
                message=delivery.message,
                collection=collection,
                payload=delivery.payload,
            )

            async def take() -> None:
                nonlocal taken
                taken = True
                delivery.payload, delivery.headers = event.payload, event.headers

            await chain.run(event, take)
        if taken:
            delivery.body = dumps(delivery.payload).decode()
            await self._app.db.write(lambda tx: outbox.store(tx, delivery))
        return taken

    async def _post(self, webhook: Webhook, delivery: Delivery) -> tuple[int, float]:
        """The status of an attempt, and the seconds that the receiver asks to wait."""
        assert self._session is not None, "the sender was not started"
        body = delivery.body.encode()
        signed = signed_headers(webhook.secret, delivery.message, int(time.time()), body)
        headers = {"Content-Type": "application/json", **delivery.headers, **signed}
        # A redirect could lead anywhere, and would turn the message into a GET.
        async with self._session.post(webhook.url, data=body, headers=headers, allow_redirects=False) as answer:
            after = answer.headers.get("Retry-After", "")
            return answer.status, min(_MAX_RETRY_AFTER, float(after)) if after.isascii() and after.isdigit() else 0.0

    async def _tell_failed(self, webhook: Webhook, delivery: Delivery) -> None:
        log.warning("webhook %s: %s was given up: %s", webhook.name, delivery.message, delivery.error)
        chain = self._app.hooks.chain("on_webhook_failed")
        if chain is not None:
            event = WebhookFailedEvent(app=self._app, webhook=webhook, message=delivery.message, error=delivery.error)
            await chain.notify(event)


def _reason(error: Exception) -> str:
    """What went wrong with a connection; the client's own error leaves out what was behind it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    return f"{type(error).__name__}: {error}"
