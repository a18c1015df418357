"""A blocked event loop is reported with the place that blocks it."""

from __future__ import annotations

import asyncio
import time

import pytest

from pbhost.http.watchdog import Watchdog


def block_until_reported(caplog: pytest.LogCaptureFixture) -> None:
    began = time.monotonic()
    while "stood still" not in caplog.text and time.monotonic() - began < 20:
        time.sleep(0.01)


async def test_the_place_that_blocks_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    watchdog = Watchdog(patience=0.1)
    watchdog.start()
    block_until_reported(caplog)
    await asyncio.sleep(0)
    watchdog.stop()
    assert "block_until_reported" in caplog.text
    assert caplog.text.count("stood still") == 1


async def test_a_loop_that_turns_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    watchdog = Watchdog(patience=0.4)
    watchdog.start()
    began = time.monotonic()
    while time.monotonic() - began < 0.6:
        await asyncio.sleep(0.01)
    watchdog.stop()
    assert caplog.text == ""
