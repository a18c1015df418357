"""``request-password-reset`` and ``request-verification``: a mail with a link, to an address that anybody may name."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from builtin_auth.api.requests import load
from builtin_auth.attempts import SharedAttempts
from builtin_auth.forms import Form, validate
from pbhost.errors import PbhostError
from pbhost.hooks.events import RecordEmailRequestEvent
from pbhost.model import Collection, Record
from pbhost.validation import check, is_email, length, required

if TYPE_CHECKING:
    from builtin_auth.service import AuthService
    from pbhost.app import App

log = logging.getLogger("pbhost.auth")


class LinkMail:
    """One kind of such mail, at most one per pause and record, however many requests come at once.

    The answer does not tell whether there is a record, nor does its time: what is done before it is the same for an
    address that nobody has, all else happens in the background.

    Args:
        name: of the mail, for the log.
        hook: runs for an existing record before the mail is sent.
        pause: one attempt per record.
        send: sends it.
        is_due: whether a record gets one at all; the pause holds back none for those that do not.
        pauses_after_failure: whether a mail that could not be sent counts.
    """

    def __init__(
        self,
        app: App,
        auth: AuthService,
        *,
        name: str,
        hook: str,
        pause: SharedAttempts,
        send: Callable[[Record], Awaitable[object]],
        is_due: Callable[[Record], bool],
        pauses_after_failure: bool,
    ) -> None:
        self._app = app
        self._auth = auth
        self._name = name
        self._hook = hook
        self._pause = pause
        self._send = send
        self._is_due = is_due
        self._pauses_after_failure = pauses_after_failure

    async def request(self, request: web.Request, collection: Collection) -> None:
        """Mail the link to the record of the body's ``email``, if there is one.

        Raises:
            ValidationError: it is no address.
        """
        context = await load(request)
        email = Form(context).text("email")
        validate({"email": check(email, required, length(1, 255), is_email)})
        record = await self._auth.lookup.by_email(collection, email)
        is_paused = await self._pause.is_used_up(collection.id, record.id if record is not None else "")
        if record is None or (is_paused and self._is_due(record)):
            return
        chain = self._app.hooks.chain(self._hook, collection.tags)
        if chain is None:
            await self._begin(record)
            return
        event = RecordEmailRequestEvent(
            app=self._app, context=context, request=request, collection=collection, record=record
        )
        await chain.run(event, lambda: self._begin(event.record))

    async def lift_pause(self, record: Record) -> None:
        """The next one may be sent at once."""
        await self._pause.forget(record.collection.id, record.id)

    async def _begin(self, record: Record) -> None:
        if self._is_due(record):
            self._app.background(self._mail(record), name=f"auth: {self._name} mail")

    async def _mail(self, record: Record) -> None:
        if not await self._pause.allow(record.collection.id, record.id):
            return
        try:
            await self._send(record)
        except (OSError, PbhostError) as error:
            log.error("the %s mail was not sent: %s", self._name, error)
            if not self._pauses_after_failure:
                await self.lift_pause(record)
