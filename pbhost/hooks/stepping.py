"""Running a coroutine as far as it goes without waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Protocol


class Steps(Protocol):
    """A coroutine, or one step of an asynchronous generator."""

    def send(self, value: object, /) -> object: ...

    def throw(self, error: BaseException, /) -> object: ...


def waiting_for(steps: Steps) -> Awaitable[object] | None:
    """Runs a coroutine until it ends (None) or waits for something; what is left of it can be awaited then.

    Raises:
        StopAsyncIteration: an asynchronous generator came to its end; and whatever the coroutine raises.
    """
    try:
        pending = steps.send(None)
    except StopIteration:
        return None
    return _Rest(steps, pending)


class _Rest:
    """A coroutine that has begun and waits for ``pending``, which the task has to be told first."""

    __slots__ = ("_pending", "_steps")

    def __init__(self, steps: Steps, pending: object) -> None:
        self._steps = steps
        self._pending = pending

    def __await__(self) -> Generator[object, object, object]:
        pending = self._pending
        try:
            while True:
                try:
                    answer = yield pending
                except BaseException as error:
                    pending = self._steps.throw(error)
                else:
                    pending = self._steps.send(answer)
        except StopIteration as end:
            return end.value
