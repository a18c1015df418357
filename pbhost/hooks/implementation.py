"""One function of one plugin for one hook, with what it has cost so far."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pbhost.errors import HookError
from pbhost.hooks.events import Event
from pbhost.hooks.markers import OPTIONS_ATTRIBUTE, HookOptions

if TYPE_CHECKING:
    import pluggy

Kind: TypeAlias = Literal["plain", "async", "wrapper", "async wrapper"]

log = logging.getLogger("pbhost.hooks")

#: Hooks that nobody waits for while they run: these may take their time.
UNHURRIED: Final = frozenset(
    ("on_bootstrap", "on_serve", "on_terminate", "on_cron_run", "on_backup_create", "on_backup_restore")
)
#: Seconds between two lines of the log about the same slow function.
_REPORT_EVERY: Final = 60.0
_LONGEST_ERROR: Final = 500


@dataclass(slots=True)
class Implementation:
    """A function, how it is called, and its statistics.

    Attributes:
        slow: seconds after which a call is named in the log.
        calls: how often it ran; seconds: time spent in it, waiting included; longest: the longest stretch of it.
        slow_calls: how often it took longer than ``slow``.
        failures: how often it raised something unexpected; last_error: what it was, last_failure: when.
    """

    plugin: str
    hook: str
    function: Callable[..., object]
    arguments: tuple[str, ...]
    kind: Kind
    collections: frozenset[str]
    slow: float = inf
    calls: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    slow_calls: int = 0
    failures: int = 0
    last_error: str = ""
    last_failure: str = ""
    _reported: float = -inf
    _unreported: int = 0

    def call(self, event: Event) -> object:
        """Calls the function with the arguments it asked for."""
        arguments = self.arguments
        if arguments == ("event",):
            return self.function(event)
        known: dict[str, object] = {"event": event, "app": event.app}
        return self.function(**{name: known[name] for name in arguments})

    def spent(self, seconds: float) -> None:
        """Adds the time of a call, or of one half of a wrapper; one that is slow is named in the log."""
        self.seconds += seconds
        if seconds > self.longest:  # noqa: PLR1730  # on every call: a comparison costs less than max()
            self.longest = seconds
        if seconds > self.slow:
            self._report(seconds)

    def failed(self, message: str) -> HookError:
        """Counts a failure; returns the error to raise."""
        self.failures += 1
        self.last_error = message[:_LONGEST_ERROR]
        self.last_failure = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"
        return HookError(self.plugin, self.hook, message)

    def _report(self, seconds: float) -> None:
        self.slow_calls += 1
        now = monotonic()
        if now - self._reported < _REPORT_EVERY:
            self._unreported += 1
            return
        more = f"; {self._unreported} more since the last such line" if self._unreported else ""
        self._reported, self._unreported = now, 0
        blocks = "" if self.kind.startswith("async") else ", and blocked its thread meanwhile"
        log.warning(
            "plugin %r took %.3f s in %s%s (slow_hook = %g s)%s. 'pbhost plugin disable %s' switches it off",
            self.plugin,
            seconds,
            self.hook,
            blocks,
            self.slow,
            more,
            self.plugin,
        )


def implementation_of(impl: pluggy.HookImpl, hook: str, slow: float = inf) -> Implementation:
    """The implementation that pluggy has registered.

    Raises:
        HookError: it is a generator but no wrapper, or the other way round.
    """
    options = getattr(impl.function, OPTIONS_ATTRIBUTE, HookOptions())
    return Implementation(
        plugin=impl.plugin_name,
        hook=hook,
        function=impl.function,
        arguments=tuple(impl.argnames),
        kind=_kind(impl.plugin_name, hook, impl.function, options),
        collections=options.collections,
        slow=inf if hook in UNHURRIED else slow,
    )


def _kind(plugin: str, hook: str, function: Callable[..., object], options: HookOptions) -> Kind:
    if options.wrapper:
        if inspect.isasyncgenfunction(function):
            return "async wrapper"
        if inspect.isgeneratorfunction(function):
            return "wrapper"
        raise HookError(plugin, hook, "a wrapper must be a generator function that yields once")
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise HookError(plugin, hook, "a generator needs @hookimpl(wrapper=True)")
    return "async" if inspect.iscoroutinefunction(function) else "plain"
