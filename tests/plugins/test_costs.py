"""A plugin that is slow or fails is seen: in the log, in ``GET /api/plugins``, and in the metrics."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pbhost import BadRequestError, hookimpl
from pbhost.hooks.events import RecordEvent, RequestEvent
from pbhost.testing import Running, running_app

POSTS = "/api/collections/posts/records"
#: What counts as slow here, and what surely is.
SLOW, SLEEP = 0.02, 0.05


class Sluggish:
    """Takes its time: plain, async, and in both halves of a wrapper."""

    NAME = "sluggish"

    @hookimpl(collections=["posts"])
    def on_record_create(self, event: RecordEvent) -> None:
        time.sleep(SLEEP)

    @hookimpl(collections=["posts"])
    async def on_record_create_request(self, event: RequestEvent) -> None:
        await asyncio.sleep(SLEEP)

    @hookimpl(wrapper=True, collections=["posts"])
    async def on_record_view_request(self, event: RequestEvent) -> AsyncIterator[None]:
        yield
        await asyncio.sleep(SLEEP)


class Broken:
    """Fails, and refuses, which is no failure."""

    NAME = "broken"

    @hookimpl(collections=["posts"])
    def on_record_update(self, event: RecordEvent) -> None:
        raise RuntimeError('no "luck"')

    @hookimpl(collections=["posts"])
    def on_record_delete(self, event: RecordEvent) -> None:
        raise BadRequestError("Not today.")


async def posts(running: Running) -> str:
    token = await running.superuser()
    body = {"name": "posts", "fields": [{"name": "title", "type": "text"}]}
    assert (await running.request("POST", "/api/collections", body, token=token)).status == 200
    return token


async def listed(running: Running, name: str) -> dict[str, Any]:
    answer = await running.request("GET", "/api/plugins", token=await running.superuser())
    assert isinstance(answer.body, dict)
    plugins: Any = answer.body["plugins"]
    return next(plugin for plugin in plugins if plugin["name"] == name)


async def metrics(running: Running) -> dict[str, float]:
    answer = await running.request("GET", "/api/plugins/metrics", token=await running.superuser())
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    found = [re.fullmatch(r"(\w+\{\w+=\"[^\n]*\"\}) (\S+)", line) for line in lines]
    assert None not in found
    return {item[1]: float(item[2]) for item in found if item}


async def test_a_slow_hook_is_named_once_in_the_log_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_app(tmp_path, Sluggish(), slow_hook=SLOW) as running:
        token = await posts(running)
        for _ in range(3):
            made = await running.request("POST", POSTS, {"title": "x"}, token=token)
            await running.request("GET", f"{POSTS}/{made['id']}", token=token)
        plugin = await listed(running, "sluggish")
        measured = await metrics(running)
    warnings = [record.getMessage() for record in caplog.records if "sluggish" in record.getMessage()]
    assert len(warnings) == 3, "once for each function, although each was slow three times"
    for hook, blocks in (
        ("on_record_create", True),
        ("on_record_create_request", False),
        ("on_record_view_request", False),
    ):
        [line] = [line for line in warnings if f"in {hook} " in line or f"in {hook}," in line]
        assert re.match(r"plugin 'sluggish' took 0\.\d+ s in ", line)
        assert ("blocked its thread" in line) == blocks
        assert "pbhost plugin disable sluggish" in line
    hooks = {hook["hook"]: hook for hook in plugin["hooks"]}
    assert hooks["on_record_create"]["calls"] == hooks["on_record_create"]["slow"] == 3
    assert hooks["on_record_view_request"]["calls"] == 3, "both halves of a wrapper are one call"
    assert hooks["on_record_create"]["seconds"] >= 3 * SLEEP > hooks["on_record_create"]["longest"] >= SLEEP
    assert (plugin["calls"], plugin["slow"], plugin["failures"], plugin["lastFailure"]) == (9, 9, 0, None)
    labels = '{plugin="sluggish",hook="on_record_create",kind="plain",worker="0"}'
    assert measured[f"pbhost_hook_slow_total{labels}"] == measured[f"pbhost_hook_calls_total{labels}"] == 3
    assert measured[f"pbhost_hook_seconds_total{labels}"] >= 3 * SLEEP


async def test_after_a_while_the_log_says_how_often_it_was_slow(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_app(tmp_path, Sluggish(), slow_hook=SLOW) as running:
        token = await posts(running)
        for _ in range(3):
            await running.request("POST", POSTS, {"title": "x"}, token=token)
        monkeypatch.setattr("pbhost.hooks.implementation._REPORT_EVERY", 0.0)
        await running.request("POST", POSTS, {"title": "x"}, token=token)
    assert "on_record_create, and blocked its thread meanwhile (slow_hook = 0.02 s); 2 more since" in caplog.text


async def test_a_failing_plugin_is_named_with_its_last_error(tmp_path: Path) -> None:
    async with running_app(tmp_path, Broken(), Sluggish()) as running:
        token = await posts(running)
        made = await running.request("POST", POSTS, {"title": "x"}, token=token)
        for _ in range(2):
            assert (await running.request("PATCH", f"{POSTS}/{made['id']}", {"title": "y"}, token=token)).status == 500
        assert (await running.request("DELETE", f"{POSTS}/{made['id']}", token=token)).status == 400
        broken, other = await listed(running, "broken"), await listed(running, "sluggish")
        measured = await metrics(running)
    assert (broken["calls"], broken["failures"], other["failures"]) == (3, 2, 0)
    assert broken["lastFailure"]["hook"] == "on_record_update"
    assert broken["lastFailure"]["error"] == 'RuntimeError: no "luck"'
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", broken["lastFailure"]["date"])
    failures = {key: value for key, value in measured.items() if key.startswith("pbhost_hook_failures_total")}
    assert {key for key, value in failures.items() if value} == {
        'pbhost_hook_failures_total{plugin="broken",hook="on_record_update",kind="plain",worker="0"}'
    }


async def test_only_superusers_see_them(tmp_path: Path) -> None:
    async with running_app(tmp_path) as running:
        _, token = await running.user()
        for path in ("/api/plugins", "/api/plugins/metrics"):
            assert (await running.request("GET", path)).status == 401
            assert (await running.request("GET", path, token=token)).status == 403
