"""Who can sign in through the proxy, and who cannot pretend to be one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pbhost_proxy_sign_in
import pytest
from aiohttp import web
from multidict import CIMultiDict

from pbhost import App, Route, hookimpl
from pbhost.errors import JSON, ConfigError
from pbhost.testing import Answer, Client, running_app

PATH = "/api/collections/users/auth-with-proxy"
ANN = {"X-Forwarded-User": "u-1", "X-Forwarded-Email": "ann@corp.example", "X-Forwarded-Preferred-Username": "Ann"}


class Echo:
    """A route of another plugin that shows the headers it gets."""

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        async def echo(request: web.Request) -> list[str]:
            body = await request.text()
            return [*sorted(name.lower() for name in request.headers), f"body: {body}"]

        return [Route("POST", "/api/echo", echo)]


@pytest.fixture
def pbhost_plugins() -> Sequence[object]:
    return pbhost_proxy_sign_in.plugin, Echo()


@pytest.fixture
def pbhost_options(request: pytest.FixtureRequest) -> Mapping[str, Mapping[str, JSON]]:
    return {"proxy_sign_in": {"proxies": ["127.0.0.1"], **getattr(request, "param", {})}}


def options(**given: JSON) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("pbhost_options", [given], indirect=True)


async def sign_in(client: Client, headers: Mapping[str, str], path: str = PATH) -> Answer:
    return await client.request("POST", path, headers=headers)


async def test_the_first_visit_makes_a_verified_record_and_later_ones_find_it(guest: Client, superuser: Client) -> None:
    first = await sign_in(guest, ANN)
    assert first.status == 200, first.body
    assert first.at("meta", "isNew") is True
    assert (first.at("record", "email"), first.at("record", "name"), first.at("record", "verified")) == (
        "ann@corp.example",
        "Ann",
        True,
    )
    signed_in = Client(guest.running, str(first["token"]))
    again = await signed_in.post("/api/collections/users/auth-refresh")
    assert again.at("record", "id") == first.at("record", "id")
    # Found by the user's id, whatever the address has become.
    second = await sign_in(guest, {**ANN, "X-Forwarded-Email": "ann.married@corp.example"})
    assert (second.at("record", "id"), second.at("meta", "isNew")) == (first.at("record", "id"), False)
    other = await sign_in(guest, {"X-Forwarded-User": "u-2", "X-Forwarded-Email": "bob@corp.example"})
    assert other.at("record", "id") != first.at("record", "id")
    links = await superuser.get("/api/collections/_externalAuths/records?sort=providerId")
    assert [links.at("items", index, "providerId") for index in range(2)] == ["u-1", "u-2"]
    assert (await guest.get("/api/collections/users/auth-methods")).at("proxy", "enabled") is True


async def test_the_requests_of_a_first_page_make_one_record(guest: Client) -> None:
    answers = await asyncio.gather(*(sign_in(guest, ANN) for _ in range(6)))
    assert [answer.status for answer in answers] == [200] * 6
    assert len({answer.at("record", "id") for answer in answers}) == 1
    assert [answer.at("meta", "isNew") for answer in answers].count(True) == 1


@options(proxies=["10.0.0.0/8", "::1"])
async def test_from_any_other_address_the_headers_are_gone_for_everybody(guest: Client, superuser: Client) -> None:
    refused = await sign_in(guest, ANN)
    assert (refused.status, refused["message"]) == (400, "Failed to authenticate.")
    assert await guest.running.app.records.count("users") == 0
    sent = {**ANN, "X_Forwarded_User": "u-1", "X-Kept": "1", "X-Forwarded-For": "10.1.2.3"}
    shown = await guest.request("POST", "/api/echo", headers=sent, data=b"content")
    assert isinstance(shown.body, list)
    assert "x-kept" in shown.body
    assert "body: content" in shown.body
    assert not [name for name in shown.body if "forwarded" in str(name) and "user" in str(name)]
    assert not [name for name in shown.body if "email" in str(name)]
    rule = "@request.headers.x_forwarded_user = 'u-1'"
    made = await superuser.post("/api/collections", {"name": "notes", "fields": [], "listRule": rule})
    assert made.status == 200, made.body
    await guest.running.app.records.create("notes", {})
    listed = await guest.request("GET", "/api/collections/notes/records", headers=sent)
    assert listed["totalItems"] == 0


async def test_a_client_behind_the_proxy_cannot_add_an_identity(guest: Client) -> None:
    async def send(*headers: tuple[str, str]) -> int:
        running = guest.running
        async with running.session.post(running.url + PATH, headers=CIMultiDict(headers)) as answer:
            return answer.status

    real = ("X-Forwarded-User", "u-1"), ("X-Forwarded-Email", "ann@corp.example")
    assert await send(("X_Forwarded_User", "root"), *real) == 400
    assert await send(*real, ("X.Forwarded.User", "root")) == 400
    assert await send(("X-Forwarded-User", "root"), *real) == 400
    assert await send(("X-Forwarded-User", "")) == 400
    assert await send(("X-Forwarded-User", "u" * 300)) == 400
    assert await send(("X-Forwarded-User", "u\u200b1")) == 400
    assert await guest.running.app.records.count("users") == 0
    assert await send(*real) == 200


@options(secret="correct horse", proxies=["127.0.0.0/8"])
async def test_with_a_secret_the_address_alone_is_not_enough(guest: Client) -> None:
    assert (await sign_in(guest, ANN)).status == 400
    assert (await sign_in(guest, {**ANN, "X-Proxy-Secret": "wrong"})).status == 400
    assert (await sign_in(guest, {**ANN, "X-Proxy-Secret": "correct horse"})).status == 200
    shown = await guest.request("POST", "/api/echo", headers={**ANN, "X-Proxy-Secret": "correct horse"})
    assert isinstance(shown.body, list)
    assert "x-forwarded-user" in shown.body
    assert "x-proxy-secret" not in shown.body


async def test_nobody_becomes_a_superuser_and_other_collections_are_closed(guest: Client, superuser: Client) -> None:
    made = await superuser.post("/api/collections", {"name": "staff", "type": "auth"})
    assert made.status == 200
    for name in ("_superusers", "staff"):
        answer = await sign_in(guest, ANN, f"/api/collections/{name}/auth-with-proxy")
        assert (answer.status, "not configured" in str(answer["message"])) == (403, True)


async def test_an_address_that_has_a_record_already_is_not_given_away(guest: Client) -> None:
    records = guest.running.app.records
    await records.create("users", {"email": "Ann@corp.example", "password": "password-of-ann", "verified": True})
    assert (await sign_in(guest, ANN)).status == 400
    assert await records.count("users") == 1


@options(proxies=["127.0.0.1"], link=True)
async def test_with_link_the_owner_of_an_address_gets_its_record(guest: Client, superuser: Client) -> None:
    records, auth = guest.running.app.records, guest.running.app.auth
    verified = await records.create(
        "users", {"email": "Ann@corp.example", "password": "password-of-ann", "verified": True}
    )
    squatted = await records.create("users", {"email": "bob@corp.example", "password": "password-of-eve"})
    stolen = await auth.issue_token(squatted)
    assert (await sign_in(guest, ANN)).at("record", "id") == verified.id
    bob = {"X-Forwarded-User": "u-2", "X-Forwarded-Email": "bob@corp.example"}
    answer = await sign_in(guest, bob)
    assert (answer.at("record", "id"), answer.at("record", "verified")) == (squatted.id, True)
    # What the squatter knew is worth nothing now; the verified owner keeps his password.
    for email, password, status in (
        ("bob@corp.example", "password-of-eve", 400),
        ("Ann@corp.example", "password-of-ann", 200),
    ):
        body = {"identity": email, "password": password}
        assert (await guest.post("/api/collections/users/auth-with-password", body)).status == status
    assert await auth.identify(stolen) is None


@options(proxies=["127.0.0.1"], create=False)
async def test_without_create_only_known_users_come_in(guest: Client) -> None:
    assert (await sign_in(guest, ANN)).status == 400
    record = await guest.running.app.records.create("users", {"email": "a@b.example", "password": "password-of-ann"})
    link = {"collectionRef": record.collection.id, "recordRef": record.id, "provider": "proxy", "providerId": "u-1"}
    await guest.running.app.records.create("_externalAuths", link)
    assert (await sign_in(guest, ANN)).at("record", "id") == record.id
    await guest.running.app.records.delete(record)
    assert (await sign_in(guest, ANN)).status == 400


async def test_the_rule_and_the_second_factor_of_the_collection_apply(guest: Client, superuser: Client) -> None:
    await superuser.patch("/api/collections/users", {"authRule": "name != 'Ann'"})
    assert (await sign_in(guest, ANN)).status == 403
    changed = await superuser.patch(
        "/api/collections/users",
        {"authRule": "", "mfa": {"enabled": True, "duration": 600, "rule": ""}, "otp": {"enabled": True}},
    )
    assert changed.status == 200, changed.body
    answer = await sign_in(guest, ANN)
    assert answer.status == 401
    assert isinstance(answer["mfaId"], str)


async def test_without_an_address_or_with_a_broken_one_the_schema_decides(guest: Client, superuser: Client) -> None:
    assert (await sign_in(guest, {"X-Forwarded-User": "u-3"})).status == 400
    assert (await sign_in(guest, {"X-Forwarded-User": "u-3", "X-Forwarded-Email": "no address"})).status == 400
    users = await superuser.get("/api/collections/users")
    fields = users["fields"]
    assert isinstance(fields, list)
    relaxed = [
        {**field, "required": False} if isinstance(field, dict) and field["name"] == "email" else field
        for field in fields
    ]
    changed = await superuser.patch("/api/collections/users", {"fields": relaxed})
    assert changed.status == 200, changed.body
    answer = await sign_in(guest, {"X-Forwarded-User": "u-3"})
    assert (answer.status, answer.at("record", "verified")) == (200, False)


async def test_without_proxies_nobody_signs_in_this_way(tmp_path: Path) -> None:
    async with running_app(tmp_path, pbhost_proxy_sign_in.plugin) as running:
        assert (await sign_in(Client(running), ANN)).status == 403
        assert (await Client(running).get("/api/collections/users/auth-methods")).at("proxy", "enabled") is False


@pytest.mark.parametrize(
    ("proxies", "message"),
    [
        (["0.0.0.0/0"], "everybody"),
        (["::/0"], "everybody"),
        (["10.0.0.1/8"], "host bits"),
        (["proxy.example"], "does not appear to be"),
    ],
)
async def test_addresses_that_make_no_sense_stop_the_start(tmp_path: Path, proxies: list[JSON], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        async with running_app(tmp_path, pbhost_proxy_sign_in.plugin, options={"proxy_sign_in": {"proxies": proxies}}):
            pass
