"""How events reach plugins: order, wrappers, filters by collection, refusal, faults."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pluggy
import pytest

from pbhost import BadRequestError, Skip, hookimpl
from pbhost.errors import HookError
from pbhost.hooks import HookRegistry, specs
from pbhost.hooks.events import BootstrapEvent, RecordEvent
from pbhost.hooks.markers import PROJECT

HOOK = "on_record_create"


class Recorder:
    """A plugin whose hook writes its name into a list."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name, self.seen = name, seen

    @hookimpl
    def on_record_create(self, event: RecordEvent) -> None:
        self.seen.append(self.name)


def registry(*plugins: object) -> HookRegistry:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    for index, plugin in enumerate(plugins):
        manager.register(plugin, getattr(plugin, "name", f"plugin{index}"))
    hooks = HookRegistry(manager)
    hooks.refresh()
    return hooks


def an_event() -> Any:
    return BootstrapEvent(app=None)  # type: ignore[arg-type]  # dispatch passes it on unread


async def run(hooks: HookRegistry, seen: list[str], tags: tuple[str, ...] = ()) -> str:
    chain = hooks.chain(HOOK, tags)
    assert chain is not None

    async def operation() -> str:
        seen.append("operation")
        return "result"

    return await chain.run(an_event(), operation)


async def test_a_later_plugin_runs_before_an_earlier_one_and_all_before_the_operation() -> None:
    seen: list[str] = []
    assert await run(registry(Recorder("first", seen), Recorder("second", seen)), seen) == "result"
    assert seen == ["second", "first", "operation"]


async def test_wrappers_surround_everything_and_tryfirst_and_trylast_order_the_rest() -> None:
    seen: list[str] = []

    class Wrapper:
        @hookimpl(wrapper=True)
        async def on_record_create(self, event: RecordEvent) -> AsyncGenerator[None]:
            seen.append("wrapper before")
            yield
            seen.append("wrapper after")

    class PlainWrapper:
        @hookimpl(wrapper=True, tryfirst=True)
        def on_record_create(self, event: RecordEvent) -> Generator[None]:
            seen.append("outer before")
            yield
            seen.append("outer after")

    class First:
        @hookimpl(tryfirst=True)
        async def on_record_create(self) -> None:
            seen.append("tryfirst")

    class Last:
        @hookimpl(trylast=True)
        def on_record_create(self, event: RecordEvent) -> None:
            seen.append("trylast")

    hooks = registry(PlainWrapper(), First(), Wrapper(), Recorder("middle", seen), Last())
    await run(hooks, seen)
    assert seen == [
        "outer before",
        "wrapper before",
        "tryfirst",
        "middle",
        "trylast",
        "operation",
        "wrapper after",
        "outer after",
    ]


async def test_a_hook_limited_to_collections_is_not_called_for_others() -> None:
    seen: list[str] = []

    class Limited:
        @hookimpl(collections=["posts", "pbc_7"])
        def on_record_create(self, event: RecordEvent) -> None:
            seen.append("limited")

    hooks = registry(Limited())
    assert hooks.chain(HOOK, ("pbc_1", "comments")) is None
    assert hooks.chain(HOOK, ("pbc_1", "Posts")) is None, "names match exactly"
    await run(hooks, seen, ("pbc_1", "posts"))
    await run(hooks, seen, ("pbc_7", "renamed"))
    assert seen.count("limited") == 2


def test_a_hook_that_nobody_implements_has_no_chain() -> None:
    assert registry().chain(HOOK) is None


async def test_an_api_error_refuses_the_operation_and_passes_unchanged() -> None:
    seen: list[str] = []

    class Refusing:
        @hookimpl
        async def on_record_create(self, event: RecordEvent) -> None:
            raise BadRequestError("No.")

    with pytest.raises(BadRequestError, match="No"):
        await run(registry(Recorder("behind", seen), Refusing()), seen)
    assert seen == []


async def test_any_other_exception_is_blamed_on_the_plugin(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        name = "broken"

        @hookimpl
        def on_record_create(self, event: RecordEvent) -> None:
            raise ZeroDivisionError("oops")

    hooks = registry(Broken())
    with caplog.at_level(logging.ERROR), pytest.raises(HookError) as raised:
        await run(hooks, [])
    assert (raised.value.plugin, raised.value.hook) == ("broken", HOOK)
    assert "'broken' failed in on_record_create" in caplog.text
    assert "ZeroDivisionError" in caplog.text, "the log has the traceback"
    assert hooks.implementations[HOOK][0].failures == 1


async def test_a_failing_operation_reaches_wrappers_and_its_error_goes_on_unblamed() -> None:
    seen: list[str] = []

    class Watching:
        @hookimpl(wrapper=True)
        async def on_record_create(self, event: RecordEvent) -> AsyncGenerator[None]:
            try:
                yield
            except KeyError:
                seen.append("seen")
                raise

    chain = registry(Watching()).chain(HOOK)
    assert chain is not None

    async def operation() -> None:
        raise KeyError("of the operation")

    with pytest.raises(KeyError):
        await chain.run(an_event(), operation)
    assert seen == ["seen"]


@pytest.mark.parametrize("where", ["plain", "before", "after"])
async def test_a_hook_that_hangs_is_ended_and_named(where: str, caplog: pytest.LogCaptureFixture) -> None:
    class Hanging:
        name = "hanging"

        @hookimpl(wrapper=True)
        async def on_record_create(self, event: RecordEvent) -> AsyncGenerator[None]:
            if where == "before":
                await asyncio.Event().wait()
            yield
            if where == "after":
                await asyncio.Event().wait()

    class HangingPlain:
        name = "hanging"

        @hookimpl
        async def on_record_create(self, event: RecordEvent) -> None:
            await asyncio.Event().wait()

    hooks = registry(HangingPlain() if where == "plain" else Hanging())
    hooks.limit = 0.01
    with pytest.raises(HookError, match="'hanging' failed in on_record_create: it did not end within"):
        await run(hooks, [])
    assert "'hanging'" in caplog.text


async def test_the_operation_itself_may_take_longer_than_a_hook() -> None:
    class Around:
        @hookimpl(wrapper=True)
        async def on_record_create(self, event: RecordEvent) -> AsyncGenerator[None]:
            yield

    hooks = registry(Around())
    hooks.limit = 0.01
    chain = hooks.chain(HOOK)
    assert chain is not None

    async def operation() -> str:
        await asyncio.sleep(0.05)
        return "done"

    assert await chain.run(an_event(), operation) == "done"


async def test_skip_leaves_out_the_operation_and_stands_in_for_its_result() -> None:
    seen: list[str] = []

    class Skipping:
        @hookimpl
        def on_record_create(self, event: RecordEvent) -> None:
            raise Skip("instead")

    assert await run(registry(Recorder("behind", seen), Skipping()), seen) == "instead"
    assert seen == []


@pytest.mark.parametrize("yields", [0, 2])
async def test_a_wrapper_must_yield_once(yields: int) -> None:
    class Wrong:
        @hookimpl(wrapper=True)
        async def on_record_create(self, event: RecordEvent) -> AsyncGenerator[None]:
            for _ in range(yields):
                yield

    with pytest.raises(HookError, match="yield"):
        await run(registry(Wrong()), [])


def test_a_function_that_is_no_generator_cannot_be_a_wrapper() -> None:
    class Wrong:
        @hookimpl(wrapper=True)
        def on_record_create(self, event: RecordEvent) -> None: ...

    with pytest.raises(HookError, match="generator"):
        registry(Wrong())


async def test_after_hooks_all_run_and_their_failures_are_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    class Broken:
        name = "broken"

        @hookimpl
        async def on_record_create(self, event: RecordEvent) -> None:
            raise ValueError("too late")

    chain = registry(Recorder("survivor", seen), Broken()).chain(HOOK)
    assert chain is not None
    await chain.notify(an_event())
    assert seen == ["survivor"]
    assert "'broken' failed" in caplog.text


class ThreadConnection:
    """A connection in a thread that serves the event loop's calls while it waits, like the engine's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = ThreadPoolExecutor(1)
        self.now = ""

    async def run(self, function: Callable[[object], object]) -> object:
        return await self.loop.run_in_executor(self.thread, function, self)

    def run_async(self, make: Callable[[object], Awaitable[object]]) -> object:
        async def start() -> object:
            return await make(self)

        return asyncio.run_coroutine_threadsafe(start(), self.loop).result(5)


async def test_inside_a_transaction_plain_hooks_run_in_its_thread_and_async_ones_on_the_loop() -> None:
    import threading

    places: dict[str, int] = {}

    class Mixed:
        @hookimpl
        def on_record_create(self, event: RecordEvent) -> None:
            assert event.connection is not None
            places["plain"] = threading.get_ident()

    class Loop:
        @hookimpl
        async def on_record_create(self, event: RecordEvent) -> None:
            assert event.tx is not None
            places["async"] = threading.get_ident()

    chain = registry(Mixed(), Loop()).chain(HOOK)
    assert chain is not None
    assert chain.is_async
    connection: Any = ThreadConnection(asyncio.get_running_loop())

    def operation() -> str:
        places["operation"] = threading.get_ident()
        return "done"

    event: Any = RecordEvent(app=None, action="create", collection=None, record=None)  # type: ignore[arg-type]
    starter = ThreadPoolExecutor(1)
    result = await asyncio.get_running_loop().run_in_executor(
        starter, lambda: chain.run_in(connection, event, operation)
    )
    assert result == "done"
    assert places["async"] == threading.get_ident()
    assert places["plain"] == places["operation"] != threading.get_ident()
    starter.shutdown()
    connection.thread.shutdown()


async def test_time_and_calls_are_counted_per_implementation() -> None:
    traced: list[tuple[str, str]] = []
    seen: list[str] = []
    hooks = registry(Recorder("counted", seen))
    hooks.trace = lambda plugin, hook, _seconds, _error: traced.append((plugin, hook))
    hooks.refresh()
    await run(hooks, seen)
    await run(hooks, seen)
    item = hooks.implementations[HOOK][0]
    assert (item.calls, traced) == (2, [("counted", HOOK)] * 2)
    assert item.seconds > 0


def test_every_specification_has_a_documented_moment_and_version() -> None:
    for name, spec in vars(specs).items():
        if not name.startswith(("on_", "provide_", "register_")):
            continue
        assert spec.__doc__, name
        assert "versionadded: " in spec.__doc__, name
