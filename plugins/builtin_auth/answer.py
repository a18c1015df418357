"""The answer to every successful sign-in: rule, hook, second factor, record, alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.errors import ForbiddenError
from pbhost.hooks.events import RecordAuthRequestEvent
from pbhost.model import Record, RequestContext

if TYPE_CHECKING:
    from builtin_auth.service import AuthService
    from pbhost.app import App


class AuthAnswer:
    """Makes the body of an auth response. Source: auth contract, section 4.1."""

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

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
        token = token or await app.auth.issue_token(record)
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
        # A hook may change the record for this answer only, so what is remembered of the caller does not serve.
        return await chain.run(
            event,
            lambda: self._finish(event.record.copy(), context, event.auth_method, event.token, event.meta),
        )

    async def may_authenticate(self, record: Record, context: RequestContext) -> bool:
        """Whether the collection's auth rule lets this record sign in; a superuser caller passes any rule."""
        rule = self._auth.options(record.collection).auth_rule
        if rule == "" or context.is_superuser:
            return True
        return rule is not None and await self._app.records.satisfies(record, rule, context)

    async def _finish(
        self, record: Record, context: RequestContext, method: str, token: str, meta: object
    ) -> dict[str, object]:
        if method:
            await self._auth.second_factor.check(record, method, context)
        answer: dict[str, object] = {"record": await self._shown(record, context), "token": token}
        if meta is not None:
            answer["meta"] = meta
        if method and self._auth.options(record.collection).alert_enabled:
            await self._auth.origins.remember(record, context)
        return answer

    async def _shown(self, record: Record, context: RequestContext) -> dict[str, object]:
        """The record as its owner sees it."""
        expand = context.query.get("expand", "")
        if expand or record.collection.read_rules or self._app.hooks.is_implemented("on_record_enrich"):
            shown = record.copy()
            await self._app.records.enrich([shown], context.derive(auth=record), expand=expand)
            shown.show_email = True
            return shown.to_json()
        # Without expand and hooks an owner always sees the same; a refresh then needs no database at all.
        is_caller = record is context.auth
        known = self._auth.identities.shown(context.token) if is_caller else None
        if known is None:
            known = _as_owner(record)
            if is_caller:
                self._auth.identities.keep_shown(context.token, known)
        return known


def _as_owner(record: Record) -> dict[str, object]:
    shown = record.copy()
    shown.show_email = True
    if record.collection.is_superusers:
        shown.show(*(field.name for field in record.collection.fields if field.hidden))
    return shown.to_json()
