"""The fixtures of the pytest plugin.

A test names what it needs::

    async def test_posts_get_a_slug(superuser, guest):
        await superuser.post("/api/collections", {"name": "posts", "fields": [...], "listRule": ""})
        made = await superuser.post("/api/collections/posts/records", {"title": "Hello"})
        assert made["slug"] == "hello"

Each test has an application and a data directory of its own. Installed plugins are loaded as in ``pbhost serve``;
override ``pbhost_plugins``, ``pbhost_options`` and ``pbhost_block`` in a module or ``conftest.py`` for what differs::

    @pytest.fixture
    def pbhost_options():
        return {"slugs": {"length": 20}}
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from pbhost.errors import JSON
    from pbhost.testing.clients import Client
    from pbhost.testing.movable_clock import MovableClock
    from pbhost.testing.outbox import MailOutbox
    from pbhost.testing.realtime_reader import OpenReader
    from pbhost.testing.recorder import HookRecorder
    from pbhost.testing.running import Running
    from pbhost.testing.scenario import RunScenario


@pytest.fixture
def pbhost_plugins() -> Sequence[object]:
    """Plugin objects or modules to load besides the installed ones; none unless overridden."""
    return ()


@pytest.fixture
def pbhost_options() -> Mapping[str, Mapping[str, JSON]]:
    """The options of plugins by name, as the tables of ``pbhost.toml``; none unless overridden."""
    return {}


@pytest.fixture
def pbhost_block() -> Sequence[str]:
    """Plugins that are not loaded; none unless overridden."""
    return ()


@pytest.fixture
def clock() -> Iterator[MovableClock]:
    """The time of the application: tokens expire and dates are stamped by it. See :class:`MovableClock`."""
    from pbhost.model.clock import replaced
    from pbhost.testing.movable_clock import MovableClock

    movable = MovableClock()
    with replaced(movable.timestamp):
        yield movable


@pytest.fixture
def mail_outbox() -> MailOutbox:
    """The mails that would have been sent; none leaves a test. See :class:`MailOutbox`."""
    from pbhost.testing.outbox import MailOutbox

    return MailOutbox()


@pytest.fixture
def hook_recorder() -> HookRecorder:
    """Every ``on_*`` hook that fired, with its event. See :class:`HookRecorder`."""
    from pbhost.testing.recorder import HookRecorder

    return HookRecorder()


@pytest_asyncio.fixture
async def pbhost_app(  # noqa: PLR0917  # pytest passes them by name
    request: pytest.FixtureRequest,
    tmp_path: Path,
    clock: MovableClock,
    mail_outbox: MailOutbox,
    pbhost_plugins: Sequence[object],
    pbhost_options: Mapping[str, Mapping[str, JSON]],
    pbhost_block: Sequence[str],
) -> AsyncIterator[Running]:
    """A running server on a fresh data directory: ``pbhost_app.app`` is the application, ``.url`` its address."""
    from pbhost.testing.running import running_app

    plugins = [*pbhost_plugins, mail_outbox]
    # A recorder listens to every hook, so it is there only for a test that asks for it.
    if "hook_recorder" in request.fixturenames:
        plugins.append(request.getfixturevalue("hook_recorder"))
    async with running_app(tmp_path, *plugins, block=pbhost_block, options=pbhost_options) as running:
        yield running


@pytest.fixture
def guest(pbhost_app: Running) -> Client:
    """A client that is not signed in."""
    from pbhost.testing.clients import Client

    return Client(pbhost_app)


@pytest_asyncio.fixture
async def user(pbhost_app: Running) -> Client:
    """A client signed in as a record of ``users``; ``user.record`` is that record."""
    from pbhost.testing.clients import Client

    record, token = await pbhost_app.user()
    return Client(pbhost_app, token, record)


@pytest_asyncio.fixture
async def superuser(pbhost_app: Running) -> Client:
    """A client signed in as a superuser."""
    from pbhost.testing.clients import Client

    return Client(pbhost_app, await pbhost_app.superuser())


@pytest_asyncio.fixture
async def realtime_reader() -> AsyncIterator[OpenReader]:
    """Opens streams of live updates: ``reader = await realtime_reader(user, "posts/*")``. See ``RealtimeReader``."""
    from pbhost.testing.realtime_reader import RealtimeReader

    async with AsyncExitStack() as stack:

        async def open_reader(client: Client, *subscriptions: str) -> RealtimeReader:
            return await stack.enter_async_context(RealtimeReader.opened(client, subscriptions))

        yield open_reader


@pytest.fixture
def scenario(pbhost_app: Running, hook_recorder: HookRecorder, mail_outbox: MailOutbox) -> RunScenario:
    """Runs a row of a table of requests: ``await scenario(case)``. See :class:`pbhost.testing.Scenario`."""
    from pbhost.testing.scenario import Scenario, run_scenario

    async def run(case: Scenario) -> None:
        await run_scenario(case, pbhost_app, hook_recorder, mail_outbox)

    return run
