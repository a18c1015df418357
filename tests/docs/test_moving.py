"""The Python halves of the side-by-side samples in docs/moving.md do what their JavaScript halves say."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pbhost.testing import Running, running_app

PAGE = Path(__file__).parents[2] / "docs" / "moving.md"
SAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    (tmp_path / "pb_plugins").mkdir()
    for index, code in enumerate(SAMPLES):
        (tmp_path / "pb_plugins" / f"sample{index}.py").write_text(code)
    async with running_app(tmp_path) as running:
        yield running


async def make(running: Running, name: str, *fields: dict[str, str]) -> str:
    token = await running.superuser()
    made = await running.request("POST", "/api/collections", {"name": name, "fields": fields}, token=token)
    assert made.status == 200, made.body
    return token


async def test_a_record_is_checked_and_gets_its_slug(running: Running) -> None:
    token = await make(running, "posts", {"name": "title", "type": "text"}, {"name": "slug", "type": "text"})
    path = "/api/collections/posts/records"
    assert (await running.request("POST", path, {"title": "ab"}, token=token))["message"] == "Say more."
    assert (await running.request("POST", path, {"title": "Hello World"}, token=token))["slug"] == "hello-world"


async def test_a_route_writes_two_records_or_none(running: Running) -> None:
    await make(running, "accounts", {"name": "balance", "type": "number"})
    accounts = [await running.app.records.create("accounts", {"balance": 100}) for _ in range(2)]
    source, target = (account.id for account in accounts)
    body = {"from": source, "to": target, "amount": 30}
    assert (await running.request("POST", "/api/transfer", body)).status == 401
    _, token = await running.user()
    assert (await running.request("POST", "/api/transfer", body, token=token)).body == {"done": True}
    lost = {**body, "to": "x" * 15}
    assert (await running.request("POST", "/api/transfer", lost, token=token)).status == 404
    balances = [(await running.app.records.get("accounts", id)).number("balance") for id in (source, target)]
    assert balances == [70, 130]
