"""What a hook costs by kind: per event, without a server, and per request, on a view."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import pluggy

from bench.compare import paired
from bench.environment import COLLECTION, Environment
from bench.processes import pbhost
from bench.report import Line, Report
from bench.workloads import view
from pbhost import hookimpl
from pbhost.hooks import HookRegistry, specs
from pbhost.hooks.events import BootstrapEvent
from pbhost.hooks.markers import PROJECT

_HOOK = "on_record_view_request"
_COUNTS = (1, 5)
_EVENTS = 10_000
#: Runs of a second for each round asked for.
_RUNS = 4

_BODIES = {
    "plain": "@hookimpl\ndef on_record_view_request(event):\n    pass\n",
    "async": "@hookimpl\nasync def on_record_view_request(event):\n    pass\n",
    "wrapper": "@hookimpl(wrapper=True)\ndef on_record_view_request(event):\n    yield\n",
    "async wrapper": "@hookimpl(wrapper=True)\nasync def on_record_view_request(event):\n    yield\n",
}


class _Plain:
    @hookimpl
    def on_record_view_request(self, event: object) -> None: ...


class _Async:
    @hookimpl
    async def on_record_view_request(self, event: object) -> None: ...


class _Wrapper:
    @hookimpl(wrapper=True)
    def on_record_view_request(self, event: object) -> Iterator[None]:
        yield


class _AsyncWrapper:
    @hookimpl(wrapper=True)
    async def on_record_view_request(self, event: object) -> AsyncIterator[None]:
        yield


_KINDS = {"plain": _Plain, "async": _Async, "wrapper": _Wrapper, "async wrapper": _AsyncWrapper}


def run_events(environment: Environment, report: Report) -> None:
    """Microseconds that an event takes, beside one that nobody listens to."""
    report.say("hooks, per event")
    report.add(Line("event, no hook", asyncio.run(_per_event(_registry("plain", 0))), unit=" µs"))
    for kind in _KINDS:
        for count in _COUNTS:
            cost = asyncio.run(_per_event(_registry(kind, count)))
            report.add(Line(f"event, {kind} x{count}", cost, unit=" µs", note=f"{cost / count:.2f} µs each"))


def _registry(kind: str, count: int) -> HookRegistry:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    for number in range(count):
        manager.register(_KINDS[kind](), f"{kind}{number}")
    hooks = HookRegistry(manager, limit=60.0, slow=0.5)
    hooks.refresh()
    return hooks


async def _per_event(hooks: HookRegistry) -> float:
    async def operation() -> None:
        return None

    app: Any = None
    event = BootstrapEvent(app=app)
    costs = []
    for _ in range(15):
        begin = time.thread_time()
        for _ in range(_EVENTS):
            chain = hooks.chain(_HOOK, ("id", COLLECTION, "@base"))
            if chain is None:
                await operation()
            else:
                await chain.run(event, operation)
        costs.append((time.thread_time() - begin) / _EVENTS * 1e6)
    return min(costs)


def run_requests(environment: Environment, report: Report) -> None:
    """Processor time that a hook adds to a view."""
    report.say("hooks, per request")
    target = view.target(environment)
    with ExitStack() as stack:
        base = stack.enter_context(pbhost(environment.copy("no_hooks"), environment.log))
        servers = {}
        for kind, body in _BODIES.items():
            for count in _COUNTS:
                directory = environment.copy(f"hooks_{kind}_{count}".replace(" ", "_"))
                plugins = directory.parent / "pb_plugins"
                plugins.mkdir()
                for number in range(count):
                    text = "from pbhost import hookimpl\n\n\n" + body
                    (plugins / f"hook{number}.py").write_text(text)
                servers[f"{kind} x{count}"] = stack.enter_context(pbhost(directory, environment.log))
        found = paired(environment, base, servers, target, runs=_RUNS * environment.rounds)
    for name, ratio in found.items():
        note = f"{ratio.microseconds:+.1f} µs; {ratio.noise}"
        report.add(Line(f"view, {name}", (ratio.least - 1) * 100, unit=" %", note=note))
