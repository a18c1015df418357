"""OAuth2 sign-in against a provider that runs on loopback."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from aiohttp import web
from builtin_auth.oauth2.requests import code_challenge
from builtin_auth.oauth2.sign_up import SignUp
from builtin_auth.service import AuthService
from cryptography.hazmat.primitives.asymmetric import rsa

from pbhost.errors import JSON, BadRequestError
from pbhost.services import OAuth2User
from pbhost.testing import Answer

from .conftest import PASSWORD, Site, code


class Provider:
    """An OpenID Connect provider that answers what a test tells it."""

    def __init__(self) -> None:
        self.url = ""
        self.user: dict[str, JSON] = {"sub": "77", "name": "Ann", "email": "ann@b.test", "email_verified": True}
        self.token: dict[str, JSON] = {"access_token": "at", "expires_in": 3600}
        self.only_body_credentials = False
        self.requests: list[dict[str, list[str]]] = []
        self.keys: JSON = {"keys": []}

    async def exchange(self, request: web.Request) -> web.Response:
        self.requests.append(parse_qs(await request.text()))
        if self.only_body_credentials and "client_secret" not in self.requests[-1]:
            return web.json_response({"error": "invalid_client"}, status=401)
        if "client_secret" not in self.requests[-1]:
            credentials = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
            assert credentials == "client+id:s%26cret"
        return web.json_response(self.token)

    async def info(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response(self.user)

    async def jwks(self, request: web.Request) -> web.Response:
        return web.json_response(self.keys)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.router.add_post("/token", made.exchange)
    app.router.add_get("/user", made.info)
    app.router.add_get("/keys", made.jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def enable(site: Site, provider: Provider, *, user_info: bool = True, **extra: JSON) -> None:
    item: dict[str, JSON] = {
        "name": "oidc",
        "clientId": "client id",
        "clientSecret": "s&cret",
        "authURL": "http://idp.test/authorize?x=1",
        "tokenURL": f"{provider.url}/token",
        "userInfoURL": f"{provider.url}/user" if user_info else "",
        "extra": {**extra},
    }
    await site.options(oauth2={"enabled": True, "providers": [item], "mappedFields": {"name": "name"}})


async def sign_in(site: Site, token: str = "", **body: JSON) -> Answer:
    form = {"provider": "oidc", "code": "123", "codeVerifier": "v", "redirectUrl": "http://app.test"}
    return await site.post("users/auth-with-oauth2", {**form, **body}, token)


async def test_the_offer_of_a_provider(site: Site, provider: Provider) -> None:
    await enable(site, provider)
    answer = await site.get("users/auth-methods")
    oauth2 = answer["oauth2"]
    assert isinstance(oauth2, dict)
    providers = oauth2["providers"]
    assert isinstance(providers, list)
    offer = providers[0]
    assert isinstance(offer, dict)
    assert offer["codeChallenge"] == code_challenge(str(offer["codeVerifier"]))
    assert offer["authURL"] == offer["authUrl"]
    url = str(offer["authURL"])
    assert url.startswith("http://idp.test/authorize?x=1&client_id=client+id&code_challenge=")
    assert url.endswith("&redirect_uri=")
    assert parse_qs(urlsplit(url).query)["scope"] == ["openid email profile"]
    legacy = answer["authProviders"]
    assert isinstance(legacy, list)
    assert legacy[0] == {**offer, "logo": ""}


async def test_a_stranger_is_signed_up_verified_and_linked(site: Site, provider: Provider) -> None:
    await enable(site, provider)
    answer = await sign_in(site)
    assert answer.status == 200, answer.body
    meta, record = answer["meta"], answer["record"]
    assert isinstance(meta, dict)
    assert isinstance(record, dict)
    assert (meta["isNew"], meta["id"], meta["accessToken"]) == (True, "77", "at")
    assert meta["avatarURL"] == meta["avatarUrl"] == ""
    assert meta["expiry"]
    assert (record["email"], record["verified"], record["name"]) == ("ann@b.test", True, "Ann")
    assert provider.requests[0]["code_verifier"] == ["v"]
    assert provider.requests[0]["redirect_uri"] == ["http://app.test"]
    again = await sign_in(site)
    assert again["meta"]["isNew"] is False  # type: ignore[index,call-overload]
    assert again["record"]["id"] == record["id"]  # type: ignore[index,call-overload]
    assert await site.count("_externalAuths") == 1


async def test_credentials_go_into_the_body_for_providers_that_want_them_there(site: Site, provider: Provider) -> None:
    await enable(site, provider)
    provider.only_body_credentials = True
    assert (await sign_in(site)).status == 200
    assert provider.requests[1]["client_secret"] == ["s&cret"]


async def test_an_unverified_record_loses_the_password_its_maker_set(site: Site, provider: Provider) -> None:
    record, token = await site.running.user("ann@b.test")
    await enable(site, provider)
    assert (await sign_in(site)).status == 200
    assert (await site.app.records.get("users", record.id))["verified"] is True
    assert (await site.sign_in("ann@b.test")).status == 400
    assert (await site.post("users/auth-refresh", token=token)).status == 401


async def test_a_verified_record_keeps_its_password(site: Site, provider: Provider) -> None:
    record, _ = await site.running.user("ann@b.test")
    await site.app.records.update("users", record.id, {"verified": True})
    await enable(site, provider)
    assert (await sign_in(site)).status == 200
    assert (await site.sign_in("ann@b.test")).status == 200


async def test_a_signed_in_caller_links_the_account(site: Site, provider: Provider) -> None:
    record, token = await site.running.user()
    await enable(site, provider)
    answer = await sign_in(site, token)
    assert answer["record"]["id"] == record.id  # type: ignore[index,call-overload]
    stored = await site.app.records.get("users", record.id)
    assert (stored["email"], stored["verified"]) == ("user@example.com", False)
    assert (await site.sign_in()).status == 200


async def test_sign_up_obeys_the_create_rule_and_the_validators(site: Site, provider: Provider) -> None:
    await enable(site, provider)
    bad = await sign_in(site, createData={"name": "x" * 300})
    assert (bad.status, bad["message"]) == (400, "Failed to create record.")
    assert code(bad, "name") == "validation_max_text_constraint"
    verified = await sign_in(site, createData={"verified": True})
    assert code(verified, "verified") == "validation_values_mismatch"
    unconfirmed = await sign_in(site, createData={"password": PASSWORD})
    assert code(unconfirmed, "passwordConfirm") == "validation_required"
    await site.options(createRule=None)
    refused = await sign_in(site)
    assert (refused.status, refused["message"]) == (403, "Only superusers can perform this action.")
    assert await site.count("users") == 0


async def test_strangers_that_sign_up_count_as_created_records(site: Site, provider: Provider) -> None:
    await enable(site, provider)
    body = {"rateLimits": {"enabled": True, "rules": [{"label": "*:create", "maxRequests": 1, "duration": 60}]}}
    assert (await site.running.request("PATCH", "/api/settings", body, token=site.root)).status == 200
    statuses = []
    for number in range(3):
        provider.user = {"sub": str(number), "email": f"{number}@b.test", "email_verified": True}
        statuses.append((await sign_in(site)).status)
    assert statuses == [200, 429, 429]
    provider.user["sub"] = "0"
    assert (await sign_in(site)).status == 200, "who is known is not created"


async def test_nobody_becomes_a_superuser_by_signing_up(site: Site) -> None:
    """Saves of the collection switch OAuth2 off; an existing directory may say otherwise."""
    sign_up = SignUp(site.app, AuthService(site.app))
    superusers = site.app.collections.get("_superusers")
    with pytest.raises(BadRequestError):
        await sign_up.payload(superusers, OAuth2User(id="1", email="ann@b.test"), {})


async def test_a_user_without_an_id_is_refused_and_nothing_is_left(site: Site, provider: Provider) -> None:
    await enable(site, provider)
    provider.user["sub"] = ""
    answer = await sign_in(site)
    assert (answer.status, answer["message"]) == (400, "Failed to authenticate.")
    assert code(answer, "providerId") == "validation_required"
    assert await site.count("users") == 0


async def test_upstream_failures_tell_nothing(site: Site, provider: Provider) -> None:
    await enable(site, provider)
    provider.token = {"error": "secret details"}
    failed = await sign_in(site)
    assert failed.body == {"data": {}, "message": "Failed to fetch OAuth2 token.", "status": 400}
    provider.token = {"access_token": "at"}
    provider.user = {"sub": 5}
    failed = await sign_in(site)
    assert failed.body == {"data": {}, "message": "Failed to fetch OAuth2 user.", "status": 400}


async def test_forms(site: Site, provider: Provider) -> None:
    assert (await sign_in(site)).status == 403
    await enable(site, provider)
    unknown = await sign_in(site, provider="google", code="")
    assert unknown["message"] == "An error occurred while loading the submitted data."
    assert code(unknown, "provider") == "validation_invalid_provider"
    assert code(unknown, "code") == "validation_required"
    assert (await sign_in(site, createData="x")).status == 400


async def test_claims_of_the_id_token_stand_in_for_user_info(site: Site, provider: Provider) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    provider.keys = {"keys": [{**public, "kid": "k1", "alg": "RS256"}]}
    claims = {**provider.user, "aud": "client id", "iss": "http://idp.test", "exp": int(time.time()) - 100}

    def issue(**changes: JSON) -> None:
        signed = jwt.encode({**claims, **changes}, key, algorithm="RS256", headers={"kid": "k1"})
        provider.token = {"access_token": "at", "id_token": signed}

    await enable(site, provider, user_info=False, jwksURL=f"{provider.url}/keys", issuers=["http://idp.test"])
    issue()
    assert (await sign_in(site)).status == 200
    for changes in ({"aud": "other"}, {"iss": "other"}, {"exp": int(time.time()) - 400}):
        issue(**changes)
        assert (await sign_in(site)).status == 400
    forged = jwt.encode(claims, "public" * 10, algorithm="HS256", headers={"kid": "k1"})
    provider.token = {"access_token": "at", "id_token": forged}
    assert (await sign_in(site)).status == 400
    provider.token = {"access_token": "at"}
    assert (await sign_in(site)).status == 500


async def test_the_list_of_providers_for_the_dashboard(site: Site) -> None:
    answer = await site.get("meta/oauth2-providers", site.root)
    assert isinstance(answer.body, list)
    names = [item["name"] for item in answer.body]  # type: ignore[index,call-overload]
    assert names[:3] == ["apple", "google", "microsoft"]
    assert names[-3:] == ["oidc", "oidc2", "oidc3"]
    assert (await site.get("meta/oauth2-providers")).status == 401
