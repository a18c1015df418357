"""A running server whose mails end up in a list."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import pytest

from pbhost import App, hookimpl
from pbhost.errors import JSON
from pbhost.services import MailMessage
from pbhost.testing import Answer, Running, running_app

PASSWORD = "password-of-user"


class Outbox:
    """A mailer that keeps what it is given."""

    NAME = "outbox"

    def __init__(self) -> None:
        self.messages: list[MailMessage] = []
        self.fails = False
        self.refused = 0
        self._arrived = asyncio.Event()

    @hookimpl
    def provide_mailer(self, app: App) -> Outbox:
        return self

    async def send(self, message: MailMessage) -> None:
        if self.fails:
            self.refused += 1
            raise OSError("the mail server is down")
        self.messages.append(message)
        self._arrived.set()

    async def next(self) -> MailMessage:
        """The oldest mail that nobody took yet."""
        async with asyncio.timeout(5):
            while not self.messages:
                self._arrived.clear()
                await self._arrived.wait()
        return self.messages.pop(0)

    async def token(self) -> str:
        """The token in the next mail's link."""
        found = re.search(r"/([\w-]+\.[\w-]+\.[\w-]+)\"", (await self.next()).html)
        assert found is not None
        return found[1]


class Site:
    """The server and shorthands for its API."""

    def __init__(self, running: Running, outbox: Outbox) -> None:
        self.running = running
        self.app = running.app
        self.outbox = outbox
        self.root = ""

    async def post(self, path: str, body: object = None, token: str = "") -> Answer:
        return await self.running.request("POST", f"/api/collections/{path}", body or {}, token=token)

    async def get(self, path: str, token: str = "") -> Answer:
        return await self.running.request("GET", f"/api/collections/{path}", token=token)

    async def patch(self, path: str, body: object, token: str = "") -> Answer:
        return await self.running.request("PATCH", f"/api/collections/{path}", body, token=token)

    async def delete(self, path: str, token: str = "") -> Answer:
        return await self.running.request("DELETE", f"/api/collections/{path}", token=token)

    async def options(self, **changes: JSON) -> None:
        """Changes options of the users collection."""
        answer = await self.patch("users", changes, self.root)
        assert answer.status == 200, answer.body

    async def sign_in(self, email: str = "user@example.com", password: str = PASSWORD) -> Answer:
        return await self.post("users/auth-with-password", {"identity": email, "password": password})

    async def count(self, collection: str) -> int:
        return await self.app.records.count(collection)


class Later:
    """Background work of the site, held back until a test wants it done."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self._held: list[Coroutine[object, object, object]] = []
        monkeypatch.setattr(site.app, "background", lambda work, name: self._held.append(work))

    async def now(self) -> None:
        """Does it all at once."""
        held, self._held = self._held, []
        await asyncio.gather(*held)


def code(answer: Answer, path: str) -> object:
    """The code of a field error."""
    value: JSON = answer.body
    for key in ("data", *path.split("."), "code"):
        assert isinstance(value, dict), answer.body
        assert key in value, answer.body
        value = value[key]
    return value


def text(answer: Answer, key: str) -> str:
    """A text of the answer."""
    value = answer[key]
    assert isinstance(value, str)
    return value


async def mailed_code(site: Site, email: str = "user@example.com") -> tuple[str, str]:
    """Asks for a one-time code; its id, and the digits out of the mail."""
    asked = await site.post("users/request-otp", {"email": email})
    assert asked.status == 200, asked.body
    html = (await site.outbox.next()).html
    return text(asked, "otpId"), html.split("<strong>")[1].split("</strong>")[0]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    outbox = Outbox()
    options: dict[str, dict[str, JSON]] = {"auth": {"hash_memory_kib": 8192, "hash_passes": 1}}
    async with running_app(tmp_path, outbox, block=("realtime",), options=options) as running:
        made = Site(running, outbox)
        made.root = await running.superuser()
        yield made


@pytest.fixture
def later(site: Site, monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(site, monkeypatch)
