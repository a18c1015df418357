"""What follows a write when its outermost transaction is over: after-hooks, and files that are no longer named."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from pbhost.database import Transaction

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.records")

Step: TypeAlias = Callable[[], Awaitable[None]]


class Aftermath:
    """The steps after the writes of one call, in order, on the event loop.

    A step is bound to the savepoint in which it was added: what is rolled back has no success.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._steps: deque[Step] = deque()
        self._task: asyncio.Task[object] | None = None

    def add(self, tx: Transaction, *, committed: Step | None = None, rolled_back: Step | None = None) -> None:
        """In the transaction's thread: what to do after its commit, and what if it is rolled back."""
        if committed is not None:
            tx.on_commit(lambda: self.schedule(committed))
        if rolled_back is not None:
            tx.on_rollback(lambda: self.schedule(rolled_back))

    def schedule(self, step: Step) -> None:
        """On the event loop: does a step as soon as those before it are done."""
        self._steps.append(step)
        if self._task is None or self._task.done():
            self._task = self._app.background(self._run(), name="after a write")

    async def _run(self) -> None:
        while self._steps:
            step = self._steps.popleft()
            try:
                await step()
            except Exception as error:
                log.error("what follows a write failed; the write stands", exc_info=error)

    async def wait(self) -> None:
        """Waits for the steps scheduled so far; the caller may be cancelled, the steps go on."""
        if self._task is not None and not self._task.done():
            await asyncio.shield(self._task)
