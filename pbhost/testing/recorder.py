"""Which hooks fired in a test."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from pbhost.hooks import hookimpl, specs
from pbhost.hooks.events import Event

HOOKS = tuple(sorted(name for name in vars(specs) if name.startswith("on_")))


class HookRecorder:
    """A plugin that listens to every ``on_*`` hook, before other plugins can refuse.

    Attributes:
        seen: hook and event of each call, in order. Events are those of the server: what later hooks changed in them
            is changed here too.
    """

    NAME = "hook_recorder"

    def __init__(self) -> None:
        self.seen: list[tuple[str, Event]] = []
        for hook in HOOKS:
            setattr(self, hook, hookimpl(tryfirst=True)(self._listener(hook)))

    def _listener(self, hook: str) -> Callable[[Event], None]:
        def listen(event: Event) -> None:
            self.seen.append((hook, event))

        return listen

    @property
    def counts(self) -> Counter[str]:
        """How often each hook fired; 0 for one that did not."""
        return Counter(hook for hook, _ in self.seen)

    def events(self, hook: str) -> list[Event]:
        """The events of one hook.

        Raises:
            KeyError: there is no such hook.
        """
        if hook not in HOOKS:
            raise KeyError(hook)
        return [event for name, event in self.seen if name == hook]

    def clear(self) -> None:
        """Forgets what was seen."""
        self.seen.clear()

    async def wait_for(self, hook: str, count: int = 1, *, seconds: float = 5) -> list[Event]:
        """The events of a hook as soon as it fired ``count`` times; some fire after the answer to the request.

        Raises:
            TimeoutError: it fired less often in that time.
        """
        async with asyncio.timeout(seconds):
            while len(self.events(hook)) < count:  # noqa: ASYNC110  # hooks may run in other threads
                await asyncio.sleep(0.005)
        return self.events(hook)
