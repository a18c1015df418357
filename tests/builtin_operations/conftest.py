"""A server with this plugin and the database only; who is signed in is decided by a stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from pbhost import Collection, Record, hookimpl
from pbhost.model import SUPERUSERS
from pbhost.testing import Running, running_app

ROOT = "token-of-a-superuser"
USER = "token-of-a-user"


class StandInAuth:
    """Two tokens, two records that are stored nowhere."""

    NAME = "stand-in-auth"

    def __init__(self) -> None:
        self.records = {
            ROOT: Record(Collection(id="c1", name=SUPERUSERS, type="auth")),
            USER: Record(Collection(id="c2", name="users", type="auth")),
        }

    @hookimpl
    def provide_auth(self, app: object) -> object:
        return self

    def cached_identity(self, token: str) -> Record | None:
        return self.records.get(token)

    async def identify(self, token: str) -> Record | None:
        return self.records.get(token)

    async def verify_token(self, token: str, type: str) -> tuple[Record, dict[str, object]] | None:
        prefix = f"{type}:"
        record = self.records.get(token.removeprefix(prefix)) if token.startswith(prefix) else None
        return None if record is None else (record, {})


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a server on the test's directory; takes further plugins, and the keywords of ``running_app``."""

    def run(*plugins: object, **keywords: Any) -> AbstractAsyncContextManager[Running]:
        keywords.setdefault("only", ["sqlite", "operations"])
        return running_app(tmp_path, StandInAuth(), *plugins, **keywords)

    return run


@pytest.fixture
async def server(start: Start) -> AsyncIterator[Running]:
    """A running server."""
    async with start() as running:
        yield running
