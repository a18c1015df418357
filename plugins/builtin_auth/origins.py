"""Places that a record was used from, and the alert when it is used from a new one."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING

from builtin_auth.record_mails import RecordMails
from builtin_auth.references import AUTH_ORIGINS, OWNED, owner
from pbhost.errors import PbhostError
from pbhost.model import Record, RequestContext
from pbhost.model.dates import now

if TYPE_CHECKING:
    from pbhost.app import App

MAX_ORIGINS = 5
_MAX_USER_AGENT = 200
_MAIL_SECONDS = 15.0

log = logging.getLogger("pbhost.auth")


def fingerprint(ip: str, user_agent: str) -> str:
    """What makes two sign-ins the same place. MD5 names it, it protects nothing."""
    return hashlib.md5((ip + user_agent).encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def shortened(user_agent: str) -> str:
    """The user agent as fingerprints and mails have it: at most 200 bytes, marked when cut."""
    data = user_agent.encode("utf-8", "surrogateescape")
    if len(data) <= _MAX_USER_AGENT:
        return user_agent
    return data[:_MAX_USER_AGENT].decode("utf-8", "replace") + "..."


def _readable(text: str) -> str:
    """Text without the stand-ins for bytes that were no UTF-8: no mail can carry those."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Origins:
    """The ``_authOrigins`` of records."""

    def __init__(self, app: App, mails: RecordMails) -> None:
        self._app = app
        self._mails = mails

    async def remember(self, record: Record, context: RequestContext) -> None:
        """Store the place of a sign-in; mail the owner if it is a new one. Failures are logged, never raised."""
        try:
            await self._remember(record, context)
        except Exception:
            # The sign-in itself is complete; a failed alert must not take it back.
            log.warning("the place of a sign-in was not stored", exc_info=True)

    async def _remember(self, record: Record, context: RequestContext) -> None:
        records = self._app.records
        user_agent = shortened(context.headers.get("user_agent", ""))
        mark = fingerprint(context.ip, user_agent)
        known = await records.find_many(AUTH_ORIGINS, OWNED, owner(record), sort="-created")
        for origin in known:
            if origin.text("fingerprint") == mark:
                await records.save(origin)
                return
        if known and record.text("email"):
            alert = self._mails.auth_alert(record, f"{now()} - {context.ip} {_readable(user_agent)}")
            try:
                await asyncio.wait_for(alert, _MAIL_SECONDS)
            except (OSError, TimeoutError, PbhostError) as error:
                log.warning("the alert of a sign-in from a new place was not sent: %s", error)
                return
        for oldest in known[MAX_ORIGINS - 1 :]:
            await records.delete(oldest)
        values = {"collectionRef": record.collection.id, "recordRef": record.id, "fingerprint": mark}
        await records.create(AUTH_ORIGINS, values)
