"""The first hour with pbhost, lived through the official JavaScript SDK against a real server."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

from PIL import Image

from .conftest import Server


def _png() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (120, 160), (20, 120, 200)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_new_project_from_collections_to_live_updates(
    start_server: Callable[..., Server], run_js: Callable[..., dict[str, object]]
) -> None:
    run_js("outcome.mjs", start_server(), png=_png(), cascade=True)


def test_the_same_with_two_worker_processes(
    start_server: Callable[..., Server], run_js: Callable[..., dict[str, object]]
) -> None:
    run_js("outcome.mjs", start_server("--workers", "2"), png=_png(), cascade=True)


def test_everything_is_still_there_after_a_restart(
    start_server: Callable[..., Server], run_js: Callable[..., dict[str, object]]
) -> None:
    server = start_server()
    result = run_js("outcome.mjs", server, png=_png())
    assert server.stop() == 0
    server.start()
    status, answer = server.get(f"/api/collections/posts/records/{result['post']}", token=str(result["token"]))
    assert status == 200, answer
    status, answer = server.request("POST", "/api/collections/users/auth-refresh", token=str(result["token"]))
    assert status == 200, answer
