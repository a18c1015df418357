"""Generated requests to every route that the server says it has: no 500, every answer as described.

Bounded by the clock: routes are visited in a fixed order with a few requests each, as guest and as superuser.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

from pbhost.errors import JSON
from pbhost.testing import running_app

#: Requests of each kind for each operation.
EXAMPLES = 8
TIME_LIMIT = 45.0
#: A stream without an end, the pages of the dashboard and static files, which are what they are.
LEFT_OUT = ("/api/realtime", "/api/realtime/ws", "/_", "/_/{path}", "/{path}", "/_/extensions/{name}/{path}")
FIELDS: list[JSON] = [
    {"name": "title", "type": "text", "required": True, "max": 20},
    {"name": "rank", "type": "number"},
    {"name": "done", "type": "bool"},
    {"name": "mail", "type": "email"},
    {"name": "link", "type": "url"},
    {"name": "day", "type": "date"},
    {"name": "tags", "type": "select", "values": ["a", "b"], "maxSelect": 2},
    {"name": "data", "type": "json"},
    {"name": "place", "type": "geoPoint"},
    {"name": "cover", "type": "file"},
]


@contextmanager
def server_in_a_thread(directory: Path) -> Iterator[tuple[str, str]]:
    """A server with an open collection of all field types; its URL and a superuser's token."""
    ready, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    found: list[str] = []

    async def serve() -> None:
        async with running_app(directory) as server:
            token = await server.superuser()
            rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "")
            body = {"name": "posts", "fields": FIELDS, **rules}
            assert (await server.request("POST", "/api/collections", body, token=token)).status == 200
            await server.app.records.create("posts", {"title": "first"})
            found.extend((server.url, token))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield found[0], found[1]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


def check(operation: Any, base_url: str, headers: dict[str, str], session: requests.Session) -> list[str]:
    """What is wrong with the answers to some generated requests."""
    wrong: list[str] = []

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        response = case.call(base_url=base_url, headers=headers, session=session, timeout=10, allow_redirects=False)
        status = response.status_code
        described = operation.definition.raw["responses"]
        if status >= 500 or str(status) not in described:
            wrong.append(f"{case.method} {case.formatted_path}: {status} {response.text[:200]}")
            return
        try:
            operation.validate_response(response)
        except schemathesis.errors.SchemathesisError as error:
            wrong.append(f"{case.method} {case.formatted_path}: {status} {error}")
        except AssertionError as error:
            wrong.append(f"{case.method} {case.formatted_path}: {status} {str(error)[:400]}")

    send()
    return wrong


@pytest.mark.parametrize("caller", ["guest", "superuser"])
def test_no_generated_request_gets_an_undescribed_answer(tmp_path: Path, caller: str) -> None:
    end = time.monotonic() + TIME_LIMIT / 2
    wrong: list[str] = []
    with server_in_a_thread(tmp_path) as (url, token), requests.Session() as session:
        raw = session.get(f"{url}/api/openapi.json", headers={"Authorization": token}, timeout=10).json()
        document = schemathesis.openapi.from_dict(raw)
        headers = {"Authorization": token if caller == "superuser" else ""}
        visited = 0
        for result in document.get_all_operations():
            operation: Any = cast(Any, result).ok()
            # A changed setting (limits, addresses) would lock the following requests out.
            if operation.path in LEFT_OUT or (operation.path == "/api/settings" and operation.method == "patch"):
                continue
            wrong += check(operation, url, headers, session)
            visited += 1
            if time.monotonic() > end:
                break
        settings_answer = session.get(f"{url}/api/settings", headers=headers, timeout=10)
    assert wrong == []
    # Otherwise it was not a superuser who asked.
    assert settings_answer.status_code == (200 if caller == "superuser" else 401)
    assert visited > 60
