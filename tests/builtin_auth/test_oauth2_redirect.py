"""The way back from a provider: a code reaches the one page that asked for it, once, or nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from builtin_auth.service import AuthService

from pbhost.model import clock
from pbhost.testing import Answer, Running, running_app

OWN, OTHER = {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "198.51.100.8"}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path) as started:
        body = {"trustedProxy": {"headers": ["X-Forwarded-For"], "useLeftmostIP": False}}
        root = await started.superuser()
        assert (await started.request("PATCH", "/api/settings", body, token=root)).status == 200
        yield started


class Page:
    """A live connection as the SDK opens it for a sign-in; its id is the state."""

    def __init__(self, running: Running, response: ClientResponse) -> None:
        self._running = running
        self._response = response
        self.state = ""

    async def event(self, seconds: float = 5) -> tuple[str, Mapping[str, object]]:
        name, data = "", ""
        async with asyncio.timeout(seconds):
            while line := (await self._response.content.readline()).decode().rstrip():
                key, _, value = line.partition(":")
                name, data = (value.strip() if key == "event" else name), (value if key == "data" else data)
        return name, json.loads(data)

    async def subscribe(self, *topics: str) -> None:
        body = {"clientId": self.state, "subscriptions": list(topics)}
        assert (await self._running.request("POST", "/api/realtime", body, headers=OWN)).status == 204

    async def hears_nothing(self) -> None:
        """A message that is sent now is the next one that arrives."""
        client = self._running.app.realtime.client(self.state)
        assert client is not None
        client.send(self._message)
        assert (await self.event())[0] == "end"

    @property
    def _message(self) -> object:
        from pbhost.services import RealtimeMessage

        return RealtimeMessage("end", b"{}")


@asynccontextmanager
async def page(running: Running, *topics: str) -> AsyncIterator[Page]:
    async with running.session.get(f"{running.url}/api/realtime", headers=OWN) as response:
        opened = Page(running, response)
        name, data = await opened.event()
        assert name == "PB_CONNECT"
        opened.state = str(data["clientId"])
        await opened.subscribe(*topics)
        yield opened


async def back(running: Running, state: str, headers: Mapping[str, str] = OWN, query: str = "code=123") -> Answer:
    return await running.request("GET", f"/api/oauth2-redirect?state={state}&{query}", headers=headers)


def ends_in(answer: Answer) -> str:
    return answer.headers["Location"].rpartition("-")[2]


async def test_the_page_that_asked_gets_the_code_once(running: Running) -> None:
    async with page(running, "@oauth2") as asking:
        assert ends_in(await back(running, asking.state)) == "success"
        assert await asking.event() == ("@oauth2", {"state": asking.state, "code": "123"})
        assert ends_in(await back(running, asking.state)) == "failure"
        await asking.hears_nothing()


@pytest.mark.parametrize("state", ["", "x" * 40, "*", "@oauth2"])
async def test_another_state_reaches_nobody(running: Running, state: str) -> None:
    async with page(running, "@oauth2") as asking:
        assert ends_in(await back(running, state)) == "failure"
        await asking.hears_nothing()
        assert ends_in(await back(running, asking.state)) == "success"


async def test_a_page_that_did_not_ask_gets_no_code(running: Running) -> None:
    """A stolen or guessed id of a live connection is no state."""
    async with page(running, "users/*") as idle:
        assert ends_in(await back(running, idle.state)) == "failure"
        await idle.hears_nothing()


async def test_a_code_from_another_address_ends_the_attempt(running: Running) -> None:
    """An attacker who lures a victim's browser to the redirect with the attacker's own state."""
    async with page(running, "@oauth2") as asking:
        assert ends_in(await back(running, asking.state, OTHER)) == "failure"
        assert ends_in(await back(running, asking.state)) == "failure", "the attempt is over"
        await asking.hears_nothing()


async def test_a_refusal_is_told_to_the_page_and_to_the_popup(running: Running) -> None:
    async with page(running, "@oauth2") as asking:
        assert ends_in(await back(running, asking.state, query="error=access_denied&code=")) == "failure"
        _, data = await asking.event()
        assert data == {"state": asking.state, "code": "", "error": "access_denied"}


async def test_a_name_from_apple_is_kept_for_the_sign_in_wherever_that_comes(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apple sends the name once, with the redirect; the sign-in may come to another worker process."""
    other = AuthService(running.app).apple_names

    async def post(state: str, code: str, user: str) -> None:
        form = {"state": state, "code": code, "user": user}
        assert (await running.request("POST", "/api/oauth2-redirect", data=form, headers=OWN)).status == 303

    ann = json.dumps({"name": {"firstName": "Ann", "lastName": "B" * 200}})
    for user, name in (
        (ann, ("Ann " + "B" * 200)[:150]),
        ("[", ""),
        ('{"name":{"firstName":5}}', ""),
        ("[" * 9999, ""),
    ):
        async with page(running, "@oauth2") as asking:
            await post(asking.state, "code", user)
            assert [await other.take("code"), await other.take("code")] == [name, ""]
    await post("nobody", "code", ann)
    assert await other.take("code") == ""
    async with page(running, "@oauth2") as asking:
        await post(asking.state, "code", ann)
    late = clock.timestamp() + 61
    monkeypatch.setattr(clock, "timestamp", lambda: late)
    assert await other.take("code") == ""


async def test_a_redirect_that_nobody_waits_for_fails_politely(running: Running) -> None:
    answer = await back(running, "nobody")
    assert answer.status == 307
    assert answer.headers["Location"] == "../_/#/auth/oauth2-redirect-failure"
    posted = await running.request("POST", "/api/oauth2-redirect", data={"state": "", "code": "1"})
    assert posted.status == 303
