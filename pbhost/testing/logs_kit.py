"""What every logs service must do: subclass :class:`LogsKit`, give it a ``running`` server and a look at its entries.

::

    class TestMyLogs(LogsKit):
        @pytest.fixture
        async def running(self, tmp_path): ...      # a server with the service
        @pytest.fixture
        def messages(self, running): ...            # an async function that gives the messages stored so far
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from pbhost.errors import JSON
from pbhost.services import RequestLogEntry
from pbhost.testing.running import Running

Messages = Callable[[], Awaitable[list[str]]]


def a_request(url: str = "/api/kit", *, error: str = "") -> RequestLogEntry:
    """The entry of a request as the kernel makes it."""
    return RequestLogEntry(
        method="GET",
        url=url,
        status=400 if error else 200,
        seconds=0.001,
        ip="1.2.3.4",
        remote_ip="127.0.0.1",
        referer="",
        user_agent="kit",
        auth_collection="",
        auth_id="",
        error=error,
    )


class LogsKit:
    """The tests that any provider of ``provide_logs`` must pass."""

    async def test_what_is_written_is_there_after_a_flush(self, running: Running, messages: Messages) -> None:
        running.app.logs.write(0, "an entry", {"any": ["data"]})
        running.app.logs.write_request(a_request())
        await running.app.logs.flush()
        assert await messages() == ["an entry", "GET /api/kit"]

    async def test_entries_below_the_level_of_the_settings_are_dropped(
        self, running: Running, messages: Messages
    ) -> None:
        await running.app.settings.update({"logs": {"minLevel": 8}})
        running.app.logs.write(4, "a warning")
        running.app.logs.write_request(a_request())
        running.app.logs.write(8, "an error")
        running.app.logs.write_request(a_request("/failed", error="Nope."))
        await running.app.logs.flush()
        assert await messages() == ["an error", "GET /failed"]

    async def test_no_entry_is_kept_if_the_settings_keep_none(self, running: Running, messages: Messages) -> None:
        await running.app.settings.update({"logs": {"maxDays": 0}})
        running.app.logs.write(8, "an error")
        await running.app.logs.flush()
        assert await messages() == []

    async def test_nothing_that_is_logged_can_break_the_one_who_logs(
        self, running: Running, messages: Messages
    ) -> None:
        odd = {"object": object(), "bytes": b"\xff", "huge": "x" * 1_000_000, "\ud800": "\ud800", "nan": float("nan")}
        running.app.logs.write(8, "odd", cast("dict[str, JSON]", odd))
        running.app.logs.write(0, "odd \ud800")
        running.app.logs.write_request(a_request("/" + "%ff" * 5000))
        running.app.logs.write_request(a_request("/\udcff"))
        running.app.logs.write(0, "still here")
        await running.app.logs.flush()
        stored = await messages()
        assert len(stored) == 5
        assert stored[-1] == "still here"
