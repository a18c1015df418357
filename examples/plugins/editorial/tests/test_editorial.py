"""The desk's rules as a client of the API meets them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pbhost_editorial
import pytest

from pbhost.testing import Running, running_app

FIELDS = [
    {"name": "title", "type": "text", "required": True},
    {"name": "slug", "type": "text"},
    {"name": "body", "type": "editor"},
    {"name": "minutes", "type": "number"},
    {"name": "status", "type": "select", "values": ["draft", "reviewed", "live"], "maxSelect": 1},
    {"name": "publish_at", "type": "date"},
]
ARTICLES = "/api/collections/articles/records"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(
        tmp_path, pbhost_editorial.plugin, options={"editorial": {"words_per_minute": 100}}
    ) as running:
        token = await running.superuser()
        made = await running.request(
            "POST", "/api/collections", {"name": "articles", "fields": FIELDS, "listRule": ""}, token=token
        )
        assert made.status == 200, made.body
        yield running


async def test_an_article_gets_a_slug_and_its_reading_time(server: Running) -> None:
    body = {"title": "Žluťoučký kůň — 2026!", "body": "<p>" + "word " * 250 + "</p>", "status": "draft"}
    made = await server.request("POST", ARTICLES, body, token=await server.superuser())
    assert (made["slug"], made["minutes"]) == ("zlutoucky-kun-2026", 2)


async def test_even_a_superuser_publishes_only_what_was_reviewed(server: Running) -> None:
    token = await server.superuser()
    made = await server.request("POST", ARTICLES, {"title": "News", "status": "live"}, token=token)
    assert made.status == 400
    assert made.body == {
        "status": 400,
        "message": "Failed to create record.",
        "data": {"status": {"code": "editorial_not_reviewed", "message": "Review the article first."}},
    }
    draft = await server.request("POST", ARTICLES, {"title": "News", "status": "draft"}, token=token)
    for status, expected in (("live", 400), ("reviewed", 200), ("live", 200)):
        answer = await server.request("PATCH", f"{ARTICLES}/{draft['id']}", {"status": status}, token=token)
        assert answer.status == expected, answer.body


async def test_the_cron_job_publishes_what_is_due(server: Running) -> None:
    token = await server.superuser()
    for title, when in (("Past", "2020-01-01 00:00:00.000Z"), ("Future", "2090-01-01 00:00:00.000Z")):
        await server.request("POST", ARTICLES, {"title": title, "status": "reviewed", "publish_at": when}, token=token)
    assert "editorial_publish" in [job.id for job in server.app.cron.jobs()]
    await pbhost_editorial.Desk(server.app).publish_due()
    live = await server.app.records.find_many("articles", "status = 'live'")
    assert [article["title"] for article in live] == ["Past"]


async def test_the_summary_is_for_signed_in_users(server: Running) -> None:
    assert (await server.request("GET", "/api/editorial/summary")).status == 401
    _, token = await server.user()
    answer = await server.request("GET", "/api/editorial/summary", token=token)
    assert answer.body == {"draft": 0, "reviewed": 0, "live": 0}
