"""Surrounds every event of pbhost, by async and by plain wrappers, and listens to each in a plain way too."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from pbhost import Route, hookimpl
from pbhost.hooks import specs

HOOKS = [name for name in vars(specs) if name.startswith("on_")]


class Surround:
    """The plugin; ``@KIND@`` is filled in."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        for name in HOOKS:
            make: Callable[[str], Any] = getattr(self, "_@KIND@")
            setattr(self, name, hookimpl(wrapper="@KIND@" != "plain")(make(name)))

    def _plain(self, name: str) -> Callable[[Any], None]:
        def listen(event: Any) -> None:
            self.begun[name] += 1
            self.ended[name] += 1

        return listen

    def _wrapper(self, name: str) -> Callable[[Any], Iterator[None]]:
        def around(event: Any) -> Iterator[None]:
            self.begun[name] += 1
            try:
                yield
            finally:
                self.ended[name] += 1

        return around

    def _async_wrapper(self, name: str) -> Callable[[Any], AsyncIterator[None]]:
        async def around(event: Any) -> AsyncIterator[None]:
            self.begun[name] += 1
            try:
                yield
            finally:
                self.ended[name] += 1

        return around

    @hookimpl
    def register_routes(self) -> list[Route]:
        async def tell(_request: Any) -> object:
            return {"begun": self.begun, "ended": self.ended}

        return [Route("GET", "/api/@KIND@", tell)]


plugin = Surround
