"""The seams between plugins: any built-in can be left out, any service wrapped or replaced."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pbhost import App, hookimpl
from pbhost.errors import PluginError, ServiceMissingError
from pbhost.services import SERVICES
from pbhost.testing import Running, running_app

#: A built-in, and the service without which nobody starts; None if the server runs without the plugin.
BLOCKED = [
    ("dashboard", None),
    ("mail", None),
    ("realtime", None),
    ("files", None),
    ("auth", None),
    ("operations", "settings"),
    ("records", "collections"),
    ("sqlite", "database"),
]


@pytest.mark.parametrize(("name", "needed"), BLOCKED)
async def test_a_server_without_a_built_in_runs_or_says_what_is_missing(
    tmp_path: Path, name: str, needed: str | None
) -> None:
    if needed is None:
        async with running_app(tmp_path, block=[name]) as running:
            assert (await running.request("GET", "/api/health")).status == 200
            assert name not in running.app.plugins.names()
        return
    with pytest.raises(PluginError) as refused:
        async with running_app(tmp_path, block=[name]):
            pytest.fail("it started")
    message = str(refused.value)
    assert f"needs the {needed} service" in message
    assert f"load the built-in {name!r}" in message


async def test_a_missing_service_names_who_would_provide_it(tmp_path: Path) -> None:
    async with running_app(tmp_path, block=["mail"]) as running:
        assert not running.app.has("mailer")
        with pytest.raises(ServiceMissingError, match="built-in plugin 'mail'"):
            _ = running.app.mailer


class Wrapping:
    """Stands before a provider, passes everything on, and counts."""

    def __init__(self, provider: object, used: dict[str, int], name: str) -> None:
        self.provider, self.used, self.name = provider, used, name

    def __getattr__(self, attribute: str) -> Any:
        self.used[self.name] = self.used.get(self.name, 0) + 1
        return getattr(self.provider, attribute)


class StartableWrapping(Wrapping):
    """The same for a provider with a life cycle."""

    async def start(self) -> None:
        await self.provider.start()  # type: ignore[attr-defined]

    async def stop(self) -> None:
        await self.provider.stop()  # type: ignore[attr-defined]


def override(service: str, used: dict[str, int]) -> object:
    """A third party's plugin that provides one service by wrapping whoever would."""

    class Override:
        NAME = f"override-{service}"

        def provide(self, app: App) -> object:
            provider = app.inherited(service, by=self)
            kind = StartableWrapping if hasattr(provider, "start") else Wrapping
            return kind(provider, used, service)

    setattr(Override, f"provide_{service}", hookimpl(Override.provide))
    del Override.provide
    return Override()


async def use(running: Running) -> None:
    """A bit of everything."""
    token = await running.superuser()
    fields = [{"name": "title", "type": "text"}, {"name": "doc", "type": "file"}]
    made = await running.request(
        "POST", "/api/collections", {"name": "posts", "fields": fields, "listRule": ""}, token=token
    )
    assert made.status == 200, made.body
    account = {"email": "ann@example.com", "password": "password-of-ann", "passwordConfirm": "password-of-ann"}
    assert (await running.request("POST", "/api/collections/users/records", account)).status == 200
    signed_in = await running.request(
        "POST",
        "/api/collections/users/auth-with-password",
        {"identity": account["email"], "password": account["password"]},
    )
    assert signed_in.status == 200, signed_in.body
    form = aiohttp.FormData({"title": "with a file"})
    form.add_field("doc", b"content", filename="a.txt")
    post = await running.request("POST", "/api/collections/posts/records", data=form, token=token)
    assert post.status == 200, post.body
    file = await running.request("GET", f"/api/files/posts/{post['id']}/{post['doc']}")
    assert (file.status, file.body) == (200, "content")
    assert (await running.request("GET", "/api/settings", token=token)).status == 200
    assert (await running.request("GET", "/api/crons", token=token)).status == 200
    stream = await running.session.get(running.url + "/api/realtime")
    assert (await stream.content.readline()).startswith(b"id:")
    stream.close()
    await running.request("POST", "/api/collections/users/request-verification", {"email": account["email"]})


@pytest.mark.parametrize("service", SERVICES)
async def test_a_third_party_wraps_any_service_and_everything_still_works(tmp_path: Path, service: str) -> None:
    used: dict[str, int] = {}
    async with running_app(tmp_path, override(service, used)) as running:
        await use(running)
        attribute = "db" if service == "database" else service
        assert isinstance(getattr(running.app, attribute), Wrapping)
        providers = running.app.plugins.providers(service)
    assert providers == [f"override-{service}", SERVICES[service]]
    assert used.get(service, 0) > 0, "nobody asked the replacement"


async def test_a_blocked_built_in_with_a_replacement_in_its_place(tmp_path: Path) -> None:
    sent: list[str] = []

    class Postcard:
        NAME = "postcard"

        async def send(self, message: Any) -> None:
            sent.append(message.subject)

        @hookimpl
        def provide_mailer(self) -> Any:
            return self

    async with running_app(tmp_path, Postcard(), block=["mail"]) as running:
        await use(running)
        async with running.session.post(
            f"{running.url}/api/collections/users/request-password-reset", json={"email": "ann@example.com"}
        ) as answer:
            assert answer.status == 204
        # Mails go out after the answer, so that it does not tell whether there is such an account.
        async with asyncio.timeout(10):
            while not any("password" in subject.lower() for subject in sent):  # nothing announces it
                await asyncio.sleep(0.01)
