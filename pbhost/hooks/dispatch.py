"""How events reach the plugins: asynchronous dispatch with wrappers, collection filters and fault isolation.

pluggy keeps the registry and the order; calling is ours, because an operation may be async, may run in a database
thread, and must cost next to nothing when nobody listens. Per hook and collection the implementations are resolved
once into a :class:`Chain`; a hook nobody implements resolves to None, so that not even its event is built::

    chain = app.hooks.chain("on_record_view_request", collection.tags)
    if chain is not None:
        await chain.run(RecordRequestEvent(...), operation)

Order: wrappers outermost, then plain implementations, each in pluggy's order (``tryfirst``, later plugins, earlier
plugins, ``trylast``), then the operation.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pbhost.errors import PbhostError
from pbhost.hooks.events import Event, WriteEvent
from pbhost.hooks.implementation import Implementation, implementation_of
from pbhost.hooks.stepping import Steps, waiting_for

if TYPE_CHECKING:
    import pluggy

    from pbhost.database import AsyncTransaction, Connection

T = TypeVar("T")
#: Runs a function in the database thread that holds the transaction.
InThread: TypeAlias = "Callable[[Callable[[], object]], Awaitable[object]]"
#: ``trace(plugin, hook, seconds, error)`` after each call.
Trace: TypeAlias = "Callable[[str, str, float, BaseException | None], None]"

log = logging.getLogger("pbhost.hooks")


class Skip(Exception):
    """Raised by a hook to skip the rest of the chain and the operation without an error.

    Args:
        result: what the operation would have returned, for instance a ``web.Response`` of a request hook.
    """

    def __init__(self, result: object = None) -> None:
        self.result = result
        super().__init__("operation skipped by a hook")


class Chain:
    """The implementations of one hook for one collection, in order. Immutable; replaced when plugins change."""

    __slots__ = ("_limit", "_plain", "_trace", "_wrappers", "hook", "is_async")

    def __init__(
        self,
        hook: str,
        implementations: Iterable[Implementation],
        trace: Trace | None = None,
        limit: float | None = None,
    ) -> None:
        items = list(implementations)
        self.hook = hook
        self._wrappers = [item for item in items if item.kind.endswith("wrapper")]
        self._plain = [item for item in items if not item.kind.endswith("wrapper")]
        self._trace = trace
        #: Seconds that one implementation may await; a wrapper's two halves count apart, the operation not at all.
        self._limit = limit
        #: Whether any implementation needs the event loop.
        self.is_async = any(item.kind.startswith("async") for item in items)

    # -- on the event loop -------------------------------------------------------------------------------------------

    async def run(
        self,
        event: Event,
        operation: Callable[[], Awaitable[T]],
        *,
        in_thread: InThread | None = None,
    ) -> T:
        """Runs the chain around an operation and returns the operation's result.

        Args:
            event: passed to each implementation.
            operation: what the chain wraps.
            in_thread: given inside a transaction: where plain implementations run, since they use its connection.

        Raises:
            pbhost.errors.HookError: an implementation failed with something other than an error of pbhost's tree.
        """
        started: list[tuple[Implementation, object]] = []
        failure: BaseException | None = None
        result: object = None
        try:
            for item in self._wrappers:
                started.append((item, await self._start(item, event, in_thread)))
            for item in self._plain:
                await self._call(item, event, in_thread)
            result = await operation()
        except Skip as skip:
            result = skip.result
        except BaseException as error:
            failure = error
        for item, generator in reversed(started):
            failure = await self._finish(item, generator, failure, in_thread)
        if failure is not None:
            raise failure
        return result  # type: ignore[return-value]  # a Skip may stand in for the operation's result

    async def notify(self, event: Event) -> None:
        """Runs the chain of an after-hook: each implementation runs, exceptions are logged and change nothing."""
        for item in (*self._wrappers, *self._plain):
            try:
                if item.kind.endswith("wrapper"):
                    generator = await self._start(item, event, None)
                    await self._finish(item, generator, None, None)
                else:
                    await self._call(item, event, None)
            except Exception as error:
                log.error("plugin %r failed in %s; the operation stands", item.plugin, self.hook, exc_info=error)

    async def _call(self, item: Implementation, event: Event, in_thread: InThread | None) -> None:
        begin = perf_counter()
        error: BaseException | None = None
        try:
            if item.kind == "async":
                await self._limited(item, item.call(event))  # type: ignore[arg-type]  # checked when registered
            elif in_thread is not None:
                await in_thread(lambda: item.call(event))
            else:
                item.call(event)
        except BaseException as raised:
            error = raised
            raise self._blame(item, raised) from _cause(raised)
        finally:
            self._account(item, begin, error)

    async def _start(self, item: Implementation, event: Event, in_thread: InThread | None) -> object:
        begin = perf_counter()
        error: BaseException | None = None
        generator = item.call(event)
        try:
            if isinstance(generator, AsyncGenerator):
                await self._limited(item, anext(generator))
            elif in_thread is not None:
                if await in_thread(lambda: _ends(_advance, generator)):
                    raise StopAsyncIteration
            else:
                _advance(generator)
        except (StopIteration, StopAsyncIteration):
            raise item.failed("the wrapper did not yield") from None
        except BaseException as raised:
            error = raised
            raise self._blame(item, raised) from _cause(raised)
        finally:
            self._account(item, begin, error)
        return generator

    async def _finish(
        self, item: Implementation, generator: object, failure: BaseException | None, in_thread: InThread | None
    ) -> BaseException | None:
        """Resumes a wrapper; returns the failure that goes on outwards."""
        begin = perf_counter()
        try:
            if isinstance(generator, AsyncGenerator):
                step = anext(generator) if failure is None else generator.athrow(failure)
                await self._limited(item, step)
                await generator.aclose()
            elif in_thread is not None:
                if await in_thread(lambda: _ends(_resume, generator, failure)):
                    return None
            else:
                _resume(generator, failure)
        except (StopIteration, StopAsyncIteration):
            return None
        except BaseException as raised:
            return failure if raised is failure else self._blame(item, raised)
        finally:
            item.spent(perf_counter() - begin)
        return item.failed("the wrapper yielded more than once")

    async def _limited(self, item: Implementation, steps: Steps) -> None:
        """Runs an implementation and ends it if it hangs; what it was doing is cancelled at its ``await``."""
        # Most never wait for anything, and a timer would cost more than they do.
        rest = waiting_for(steps)
        if rest is None:
            return
        try:
            async with asyncio.timeout(self._limit) as limit:
                await rest
        except TimeoutError:
            if not limit.expired():
                raise
            failure = item.failed(f"it did not end within {self._limit:g} s (hook_limit)")
            log.error("%s", failure)
            raise failure from None

    # -- in a database thread ----------------------------------------------------------------------------------------

    def run_sync(self, event: Event, operation: Callable[[], T]) -> T:
        """Runs the chain where nothing may await; only for chains whose ``is_async`` is False.

        Raises:
            pbhost.errors.HookError: as :meth:`run`.
        """
        started: list[tuple[Implementation, object]] = []
        failure: BaseException | None = None
        result: object = None
        try:
            for item in self._wrappers:
                generator = item.call(event)
                self._guard(item, lambda generator=generator: _advance(generator))  # type: ignore[misc]
                started.append((item, generator))
            for item in self._plain:
                self._guard(item, lambda item=item: item.call(event))  # type: ignore[misc]
            result = operation()
        except Skip as skip:
            result = skip.result
        except StopIteration:
            failure = self._wrappers[len(started)].failed("the wrapper did not yield")
        except BaseException as error:
            failure = error
        for item, generator in reversed(started):
            begin = perf_counter()
            try:
                _resume(generator, failure)
            except StopIteration:
                failure = None
            except BaseException as raised:
                failure = failure if raised is failure else self._blame(item, raised)
            else:
                failure = item.failed("the wrapper yielded more than once")
            item.spent(perf_counter() - begin)
        if failure is not None:
            raise failure
        return result  # type: ignore[return-value]  # a Skip may stand in for the operation's result

    def run_in(self, connection: Connection, event: WriteEvent, operation: Callable[[], T]) -> T:
        """Runs the chain inside a transaction, from its thread; async implementations run on the event loop meanwhile.

        ``connection`` must have been opened for that (``exclusive=True`` or the ``hooked`` lane) if ``is_async``.
        """
        event.connection = connection  # type: ignore[assignment]  # write events always run on a Transaction
        if not self.is_async:
            return self.run_sync(event, operation)

        def start(tx: AsyncTransaction) -> Awaitable[T]:
            async def inside() -> T:
                return await tx.run(lambda _connection: operation())

            async def in_thread(function: Callable[[], object]) -> object:
                return await tx.run(lambda _connection: function())

            event.tx = tx
            return self.run(event, inside, in_thread=in_thread)

        return connection.run_async(start)

    def _guard(self, item: Implementation, call: Callable[[], object]) -> None:
        begin = perf_counter()
        error: BaseException | None = None
        try:
            call()
        except StopIteration:
            raise
        except BaseException as raised:
            error = raised
            raise self._blame(item, raised) from _cause(raised)
        finally:
            self._account(item, begin, error)

    # -- both --------------------------------------------------------------------------------------------------------

    def _blame(self, item: Implementation, error: BaseException) -> BaseException:
        """Errors of our tree, Skip and cancellation pass; anything else is a fault of the plugin."""
        if isinstance(error, (PbhostError, Skip)) or not isinstance(error, Exception):
            return error
        failure = item.failed(f"{type(error).__name__}: {error}")
        failure.__cause__ = error
        log.error("plugin %r failed in %s", item.plugin, self.hook, exc_info=error)
        return failure

    def _account(self, item: Implementation, begin: float, error: BaseException | None) -> None:
        spent = perf_counter() - begin
        item.calls += 1
        item.spent(spent)
        if self._trace is not None:
            self._trace(item.plugin, self.hook, spent, error)


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ if isinstance(error, (PbhostError, Skip)) or not isinstance(error, Exception) else error


def _advance(generator: object) -> None:
    assert isinstance(generator, Generator)
    next(generator)


def _resume(generator: object, failure: BaseException | None) -> None:
    """Lets a started wrapper go on; raises StopIteration when it ended as it should."""
    assert isinstance(generator, Generator)
    if failure is None:
        next(generator)
    else:
        generator.throw(failure)


def _ends(step: Callable[..., None], *arguments: object) -> bool:
    """Whether a step of a wrapper was its last: StopIteration cannot come back from another thread as itself."""
    try:
        step(*arguments)
    except StopIteration:
        return True
    return False


@dataclass(slots=True)
class HookRegistry:
    """All implementations of the ``on_*`` hooks, resolved per hook and collection when plugins are loaded.

    Attributes:
        trace: told of each call.
        limit: seconds that one async implementation may take, None for no limit.
        slow: seconds after which a call is named in the log.
        generation: rises whenever plugins change; callers that keep chains compare it.
    """

    manager: pluggy.PluginManager
    trace: Trace | None = None
    limit: float | None = None
    slow: float = inf
    generation: int = 0
    implementations: dict[str, list[Implementation]] = field(default_factory=dict)
    _chains: dict[tuple[str, tuple[str, ...]], Chain | None] = field(default_factory=dict)

    def refresh(self) -> None:
        """Reads the registered plugins again; statistics of functions that stay are kept."""
        before = {
            (item.plugin, item.hook, item.function): item for items in self.implementations.values() for item in items
        }
        fresh: dict[str, list[Implementation]] = {}
        for name, caller in self.manager.hook.__dict__.items():
            if not name.startswith("on_") or not getattr(caller, "has_spec", lambda: False)():
                continue
            found = []
            for impl in reversed(caller.get_hookimpls()):
                item = implementation_of(impl, name, self.slow)
                found.append(before.get((item.plugin, item.hook, item.function), item))
            if found:
                fresh[name] = found
        self.implementations = fresh
        self._chains = {}
        self.generation += 1

    def chain(self, hook: str, tags: tuple[str, ...] = ()) -> Chain | None:
        """The chain of a hook, for a collection's ``tags`` (id, name) where it has one; None if nobody listens."""
        key = (hook, tags)
        try:
            return self._chains[key]
        except KeyError:
            wanted = set(tags)
            items = [
                item
                for item in self.implementations.get(hook, ())
                if not item.collections or not wanted.isdisjoint(item.collections)
            ]
            chain = self._chains[key] = Chain(hook, items, self.trace, self.limit) if items else None
            return chain

    def is_implemented(self, hook: str) -> bool:
        """Whether any implementation of the hook exists at all, whatever its collections."""
        return hook in self.implementations
