"""Sign-in and sign-up with an account of an OAuth2 provider. Source: auth contract, section 4.8."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builtin_auth.errors import LOADING_FAILED
from builtin_auth.forms import Form, validate
from builtin_auth.oauth2.exchange import exchange
from builtin_auth.oauth2.requests import ClientConfig, authorization_url, client_config, code_challenge
from builtin_auth.oauth2.sign_up import SignUp
from builtin_auth.oauth2.userinfo import user_from_json, user_to_json
from builtin_auth.passwords import put_hash, random_hash
from builtin_auth.references import EXTERNAL_AUTHS, external_auths
from builtin_auth.service import AuthService
from pbhost.errors import JSON, FieldError, NotFoundError, ValidationError
from pbhost.hooks.events import RecordAuthWithOAuth2RequestEvent
from pbhost.model import Collection, Record, RequestContext
from pbhost.model.ids import random_text
from pbhost.services import OAuth2User
from pbhost.validation import check, length, required

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.database import AsyncTransaction

_MAX_EXCHANGES = 64
_LINK = "collectionRef = {:collection} && provider = {:provider} && providerId = {:id}"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A sign-in whose user is known; ``link`` is the row that led to ``record``, if one did."""

    collection: Collection
    context: RequestContext
    provider: str
    user: OAuth2User
    record: Record | None
    link: Record | None
    create_data: dict[str, JSON]
    is_new: bool

    def after(self, event: RecordAuthWithOAuth2RequestEvent) -> _Attempt:
        """What hooks have made of it; another record has not the link of the first."""
        is_same = event.record is not None and self.record is not None and event.record.id == self.record.id
        return replace(
            self,
            user=user_from_json(event.oauth2_user),
            record=event.record,
            link=self.link if is_same else None,
            create_data=event.create_data,
            is_new=event.is_new_record,
        )


class OAuth2Method:
    """See :class:`pbhost.services.AuthMethod`."""

    name = "oauth2"

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth
        self._sign_up = SignUp(app, auth)
        # Each may wait half a minute for the provider; invented codes must not pile up connections.
        self._exchanges = asyncio.Semaphore(_MAX_EXCHANGES)

    def is_enabled(self, collection: Collection) -> bool:
        """Whether the collection allows it."""
        return self._auth.options(collection).oauth2_enabled

    def public_info(self, collection: Collection) -> tuple[str, JSON] | None:
        """The providers, each with a fresh state and PKCE verifier; nothing of it is remembered here."""
        enabled = self.is_enabled(collection)
        providers: list[JSON] = []
        for item in self._auth.options(collection).providers if enabled else ():
            config = self._config(item)
            if config is not None:
                providers.append(_offer(config))
        return "oauth2", {"providers": providers, "enabled": enabled}

    def _config(self, item: Mapping[str, JSON]) -> ClientConfig | None:
        provider = self._auth.oauth2_providers().get(str(item.get("name")))
        return None if provider is None else client_config(provider, item)

    async def authenticate(self, collection: Collection, context: RequestContext) -> dict[str, object]:
        """The auth answer for a ``code`` of a ``provider``.

        Raises:
            ValidationError: the form is not valid.
            BadRequestError: the provider refused, or the record cannot be made or linked.
        """
        form = Form(context)
        name, code = form.text("provider"), form.text("code")
        verifier, redirect_url = form.text("codeVerifier"), form.text("redirectURL") or form.text("redirectUrl")
        create_data = form.json_object("createData")
        config = self._find_config(collection, name)
        unknown = FieldError(
            "validation_invalid_provider", f"Provider with name {name} is missing or is not enabled.", {"name": name}
        )
        validate(
            {
                "provider": check(name, required, length(0, 100)) or (unknown if config is None else None),
                "code": check(code, required),
            },
            LOADING_FAILED,
        )
        assert config is not None
        context.context = "oauth2"
        async with self._exchanges:
            user = await exchange(config, code, verifier, redirect_url)
        if config.name == "apple" and not user.name:
            user.name = await self._auth.apple_names.take(code)
        record, link = await self._find_record(collection, config.name, user, context)
        attempt = _Attempt(collection, context, config.name, user, record, link, create_data, record is None)
        chain = self._app.hooks.chain("on_record_auth_with_oauth2_request", collection.tags)
        if chain is None:
            return await self._finish(attempt)
        event = RecordAuthWithOAuth2RequestEvent(
            app=self._app,
            context=context,
            collection=collection,
            provider_name=config.name,
            provider_client=config,
            record=record,
            oauth2_user=user_to_json(user),
            create_data=create_data,
            is_new_record=record is None,
        )
        return await chain.run(event, lambda: self._finish(attempt.after(event)))

    def _find_config(self, collection: Collection, name: str) -> ClientConfig | None:
        for item in self._auth.options(collection).providers:
            if name and item.get("name") == name:
                return self._config(item)
        return None

    async def _find_record(
        self, collection: Collection, provider: str, user: OAuth2User, context: RequestContext
    ) -> tuple[Record | None, Record | None]:
        """The record to sign in and the link that led to it, if one did."""
        records = self._app.records
        if user.id:
            params = {"collection": collection.id, "provider": provider, "id": user.id}
            link = await records.find_first(EXTERNAL_AUTHS, _LINK, params, sort="-created")
            if link is not None:
                linked = await records.find(collection, link.text("recordRef"))
                if linked is None:
                    raise NotFoundError(cause="the linked record is gone")
                return linked, link
        if context.auth is not None and context.auth.collection.id == collection.id:
            return context.auth, None
        return (await self._auth.lookup.by_email(collection, user.email)), None

    async def _finish(self, attempt: _Attempt) -> dict[str, object]:
        record, link, user = attempt.record, attempt.link, attempt.user
        body = None
        if record is None:
            body = await self._sign_up.payload(attempt.collection, user, attempt.create_data)
        # Hashed here: a transaction that waits for a hash holds up every other write.
        hashed = await random_hash(self._app) if record is None or not record.get("verified") else ""
        try:
            async with self._app.transaction() as tx:
                if body is not None:
                    record = await self._sign_up.create(
                        attempt.collection, user, body, attempt.context, tx=tx, hashed=hashed
                    )
                elif record is not None:
                    record, link = await self._adopt(attempt, record, tx, hashed)
                assert record is not None
                if link is None:
                    await self._link(record, attempt.provider, user, tx)
        except ValidationError as error:
            raise error.named("Failed to authenticate.") from error
        meta = {**user_to_json(user), "isNew": attempt.is_new}
        return await self._app.auth.respond(record, attempt.context, method=self.name, meta=meta)

    async def _adopt(
        self, attempt: _Attempt, record: Record, tx: AsyncTransaction, hashed: str
    ) -> tuple[Record, Record | None]:
        """Make an existing record fit its OAuth2 user.

        Whoever created an unverified record need not own its address: the one who proves to own it gets the record
        without the other's password and links.
        """
        record, user, link, caller = record.copy(), attempt.user, attempt.link, attempt.context.auth
        is_changed = False
        verified = record.get("verified") is True
        if not verified:
            if caller is None or caller.id != record.id:
                put_hash(record, hashed)
                is_changed = True
            for row in await external_auths(self._app, record, tx):
                await self._app.records.delete(row, tx=tx)
            link = None
        email = record.text("email")
        if not email and user.email:
            record["email"] = user.email
            is_changed = True
        if not verified and email in ("", user.email):
            record["verified"] = True
            is_changed = True
        if is_changed:
            record = await self._app.records.save(record, tx=tx)
        return record, link

    async def _link(self, record: Record, provider: str, user: OAuth2User, tx: AsyncTransaction) -> None:
        values = {
            "collectionRef": record.collection.id,
            "recordRef": record.id,
            "provider": provider,
            "providerId": user.id,
        }
        await self._app.records.create(EXTERNAL_AUTHS, values, tx=tx)


def _offer(config: ClientConfig) -> dict[str, JSON]:
    state = random_text(30)
    verifier = random_text(43) if config.pkce else ""
    challenge = code_challenge(verifier) if verifier else ""
    url = authorization_url(config, state, challenge)
    return {
        "name": config.name,
        "displayName": config.display_name,
        "logo": config.provider.logo,
        "state": state,
        "authURL": url,
        "authUrl": url,
        "codeVerifier": verifier,
        "codeChallenge": challenge,
        "codeChallengeMethod": "S256" if challenge else "",
    }
