"""The answer to every successful sign-in: rule, hook, second factor, record, alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_auth.options import OptionsCache
from builtin_auth.origins import Origins
from builtin_auth.second_factor import SecondFactor
from builtin_auth.tokens import Tokens
from pbhost.errors import ForbiddenError
from pbhost.hooks.events import RecordAuthRequestEvent
from pbhost.model import Record, RequestContext

if TYPE_CHECKING:
    from pbhost.app import App


class AuthAnswer:
    """Makes the body of an auth response. Source: auth contract, section 4.1."""

    def __init__(
        self, app: App, options: OptionsCache, tokens: Tokens, second_factor: SecondFactor, origins: Origins
    ) -> None:
        self._app = app
        self._options = options
        self._tokens = tokens
        self._second_factor = second_factor
        self._origins = origins

    async def make(
        self, record: Record, context: RequestContext, *, method: str, token: str, meta: object
    ) -> dict[str, object]:
        """The body; see :meth:`pbhost.services.Auth.respond` for what it raises."""
        app = self._app
        collection = record.collection
        if collection.is_superusers and app.has("rate_limiter") and not app.rate_limiter.allows_superuser(context.ip):
            raise ForbiddenError()
        if not await self.may_authenticate(record, context):
            raise ForbiddenError("The request doesn't satisfy the collection requirements to authenticate.")
        token = token or self._tokens.issue(record)
        chain = app.hooks.chain("on_record_auth_request", collection.tags)
        if chain is None:
            return await self._finish(record, context, method, token, meta)
        event = RecordAuthRequestEvent(
            app=app,
            context=context,
            collection=collection,
            record=record,
            token=token,
            meta=meta,
            auth_method=method,
        )
        return await chain.run(
            event, lambda: self._finish(event.record, context, event.auth_method, event.token, event.meta)
        )

    async def may_authenticate(self, record: Record, context: RequestContext) -> bool:
        """Whether the collection's auth rule lets this record sign in; a superuser caller passes any rule."""
        rule = self._options.of(record.collection).auth_rule
        if rule == "" or context.is_superuser:
            return True
        return rule is not None and await self._app.records.satisfies(record, rule, context)

    async def _finish(
        self, record: Record, context: RequestContext, method: str, token: str, meta: object
    ) -> dict[str, object]:
        if method:
            await self._second_factor.check(record, method, context)
        answer: dict[str, object] = {"record": await self._shown(record, context), "token": token}
        if meta is not None:
            answer["meta"] = meta
        if method and self._options.of(record.collection).alert_enabled:
            await self._origins.remember(record, context)
        return answer

    async def _shown(self, record: Record, context: RequestContext) -> dict[str, object]:
        """The record as its owner sees it."""
        shown = record.copy()
        expand = context.query.get("expand", "")
        if expand or self._app.hooks.is_implemented("on_record_enrich"):
            await self._app.records.enrich([shown], context.derive(auth=record), expand=expand)
        elif record.collection.is_superusers:
            # What enriching would do for an owner without expand and hooks; a refresh then needs no database at all.
            shown.show(*(field.name for field in record.collection.fields if field.hidden))
        shown.show_email = True
        return shown.to_json()
