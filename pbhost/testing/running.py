"""A real application with its HTTP server on a free port of loopback, inside the test's own event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import orjson

from pbhost.app import App
from pbhost.config import Config, PluginsConfig
from pbhost.errors import JSON
from pbhost.http.server import Server, bind
from pbhost.plugins import load_plugins
from pbhost.plugins.loading import LoadedPlugin

if TYPE_CHECKING:
    from pbhost.model import Record

SUPERUSER = ("root@example.com", "password-of-root")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the server: status, headers, and the body as JSON where it is JSON, as text else.

    Attributes:
        text: the body as it was sent.
    """

    status: int
    headers: Mapping[str, str]
    body: JSON
    text: str = ""

    def __getitem__(self, key: str) -> JSON:
        assert isinstance(self.body, dict), self.body
        return self.body[key]

    def at(self, *path: str | int) -> JSON:
        """What stands deeper in the body: ``answer.at("data", "title", "code")``, ``answer.at("items", 0, "id")``.

        Raises:
            AssertionError: the body has nothing there; shows the body.
        """
        value = self.body
        for key in path:
            try:
                value = value[key]  # type: ignore[index]  # what does not fit raises
            except (TypeError, KeyError, IndexError):
                raise AssertionError(f"nothing at {path!r} in {self.text}") from None
        return value


class Running:
    """A running server and a client for it.

    Attributes:
        app: the application, for a look inside.
        url: where it listens.
    """

    def __init__(self, app: App, url: str, session: aiohttp.ClientSession) -> None:
        self.app = app
        self.url = url
        self.session = session

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        data: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends a request.

        Args:
            method: the HTTP method.
            path: path and query.
            body: sent as JSON if not None.
            token: an auth token, "" for a guest.
            data: form data instead of a JSON body.
            headers: further headers.
        """
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = token
        if body is not None:
            data = orjson.dumps(body)
            sent["Content-Type"] = "application/json"
        async with self.session.request(
            method, self.url + path, data=data, headers=sent, allow_redirects=False
        ) as response:
            raw = await response.read()
            text = raw.decode(errors="replace")
            try:
                parsed: JSON = orjson.loads(raw) if raw else None
            except orjson.JSONDecodeError:
                parsed = text
            return Answer(response.status, dict(response.headers), parsed, text)

    async def superuser(self) -> str:
        """The token of a superuser, created on first use."""
        found = await self.app.records.find_first("_superusers", "email = {:email}", {"email": SUPERUSER[0]})
        if found is None:
            email, password = SUPERUSER
            found = await self.app.records.create("_superusers", {"email": email, "password": password})
        return await self.app.auth.issue_token(found)

    async def user(self, email: str = "user@example.com", collection: str = "users") -> tuple[Record, str]:
        """An auth record of that email, created on first use, and its token."""
        found = await self.app.records.find_first(collection, "email = {:email}", {"email": email})
        if found is None:
            found = await self.app.records.create(collection, {"email": email, "password": "password-of-user"})
        return found, await self.app.auth.issue_token(found)


@asynccontextmanager
async def running_app(
    directory: Path,
    *plugins: object,
    only: Sequence[str] = (),
    block: Sequence[str] = (),
    options: Mapping[str, Mapping[str, JSON]] | None = None,
    encryption_env: str = "",
    automigrate: bool = False,
    slow_hook: float = 0.5,
) -> AsyncIterator[Running]:
    """A running application; stopped at the end of the block.

    Args:
        directory: an empty or existing directory; ``pb_data`` is made inside.
        plugins: plugin objects or modules, loaded after the built-ins and installed ones.
        only: if not empty, load nothing else.
        block: plugins that are not loaded.
        options: each plugin's options by its name.
        encryption_env: name of the variable with the key of the stored settings.
        automigrate: write changes of collections through the API to ``pb_migrations``.
        slow_hook: seconds after which a hook is named in the log.

    Raises:
        PbhostError: it cannot start.
    """
    config = Config(
        dir=directory / "pb_data",
        http="127.0.0.1:0",
        public_dir=directory / "pb_public",
        encryption_env=encryption_env,
        migrations_dir=directory / "pb_migrations",
        automigrate=automigrate,
        slow_hook=slow_hook,
        plugins=PluginsConfig(
            dir=directory / "pb_plugins", only=tuple(only), block=tuple(block), tables=dict(options or {})
        ),
    )
    async with running_config(config, *plugins) as running:
        yield running


@asynccontextmanager
async def running_config(config: Config, *plugins: object) -> AsyncIterator[Running]:
    """As :func:`running_app`, with a configuration that is complete but for the address.

    Raises:
        PbhostError: it cannot start.
    """
    extra = [
        LoadedPlugin(
            name=str(getattr(target, "NAME", "") or f"test{index}"),
            source="flag",
            where="test",
            target=target,
            schema=getattr(target, "CONFIG_SCHEMA", None),
        )
        for index, target in enumerate(plugins)
    ]
    registry = load_plugins(config.plugins, extra)
    bound = bind("127.0.0.1", 0)
    server = Server(App(config, registry), bound)
    try:
        await server.start()
        async with aiohttp.ClientSession() as session:
            yield Running(server.app, server.url, session)
    finally:
        await server.stop()
        bound.close()
