"""A real server of the kernel alone, on a free port, with plugins made of hooks in the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from pbhost.app import App
from pbhost.config import Config, load_config
from pbhost.hooks.events import ServeEvent
from pbhost.http.server import Server, bind
from pbhost.model import Collection, Record, RequestContext
from pbhost.plugins import LoadedPlugin, PluginRegistry
from pbhost.services import RequestLogEntry

Serve = Callable[..., Awaitable["Client"]]


class Client:
    """A client of the server under test."""

    def __init__(self, session: aiohttp.ClientSession, server: Server) -> None:
        self._session = session
        self.server = server

    async def __call__(
        self, method: str, path: str, **options: object
    ) -> tuple[int, bytes, aiohttp.typedefs.LooseHeaders]:
        from yarl import URL

        url = URL(self.server.url + path, encoded=True)
        async with self._session.request(method, url, allow_redirects=False, **options) as response:  # type: ignore[arg-type]
            return response.status, await response.read(), response.headers

    async def json(self, method: str, path: str, **options: object) -> object:
        import json

        return json.loads((await self(method, path, **options))[1])


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Starts a server with the given plugin objects; stopped at the end of the test."""
    async with AsyncExitStack() as stack:

        async def start(*plugins: object, **flags: object) -> Client:
            config: Config = load_config({"dir": tmp_path / "pb_data", **flags}, {}, directory=tmp_path)
            registry = PluginRegistry(config.plugins)
            for plugin in plugins:
                name = type(plugin).__name__.lower()
                registry.add(LoadedPlugin(name=name, source="flag", where="test", target=plugin))
            server = Server(App(config, registry), bind("127.0.0.1", 0))
            await server.start()
            stack.push_async_callback(server.stop)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Client(session, server)

        yield start


class FakeAuth:
    """Tokens are ``collection/id``."""

    def cached_identity(self, token: str) -> Record | None:
        return None

    async def identify(self, token: str) -> Record | None:
        collection, slash, identity = token.partition("/")
        if not slash:
            return None
        record = Record(Collection(id=f"id_{collection}", name=collection, type="auth"))
        record._values["id"] = identity
        return record


class FakeLogs:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.requests: list[RequestLogEntry] = []

    def write(self, level: int, message: str, data: object = None) -> None:
        """Entries that are no requests are not looked at here."""

    def write_request(self, entry: RequestLogEntry) -> None:
        self.requests.append(entry)

    async def flush(self) -> None:
        """Nothing is buffered."""


class FakeLimiter:
    """Refuses the labels of a set; superusers may come from 127.0.0.1 only if allowed."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.seen: list[tuple[list[str], str]] = []
        self.superusers_allowed = True

    is_active = True

    def allow(self, labels: list[str], bucket: str, context: RequestContext) -> bool:
        self.seen.append((list(labels), bucket))
        return self.refused.isdisjoint(labels)

    def allows_superuser(self, ip: str) -> bool:
        return self.superusers_allowed


__all__ = ["Client", "FakeAuth", "FakeLimiter", "FakeLogs", "Serve", "ServeEvent"]
