"""One server for the tests of a module, with the callers of the matrix."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from pbhost.testing import running_app

from .matrix import Matrix


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def matrix(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """The server without any collection of rules yet; superusers are not throttled, so there are no rate limits."""
    directory: Path = tmp_path_factory.mktemp("matrix")
    stack = AsyncExitStack()

    async def start() -> Matrix:
        matrix = Matrix(await stack.enter_async_context(running_app(directory, block=("dashboard",))))
        await matrix.prepare()
        return matrix

    yield runner.run(start())
    runner.run(stack.aclose())
