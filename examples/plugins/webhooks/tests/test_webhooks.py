"""Changes reach a real receiver: signed, once committed, however often it fails at first."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp import web
from pbhost_webhooks import Webhook, WebhookFailedEvent, WebhookPrepareEvent, WebhooksPlugin

from pbhost import App, Skip, hookimpl
from pbhost.errors import JSON, ConfigError
from pbhost.testing import Client, Running, running_app

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NOTES = "/api/collections/notes/records"


class Receiver:
    """A server that takes messages; answers with ``statuses`` in turn, then with 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.arrived: asyncio.Queue[tuple[Mapping[str, str], bytes]] = asyncio.Queue()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        await self.arrived.put((dict(request.headers), await request.read()))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    async def next(self) -> tuple[Mapping[str, str], dict[str, JSON]]:
        """The next message, whose signature holds."""
        headers, body = await asyncio.wait_for(self.arrived.get(), 5)
        signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
        expected = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert hmac.compare_digest(headers["webhook-signature"], expected)
        return headers, json.loads(body)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


@asynccontextmanager
async def serving(directory: Path, *plugins: object, **options: JSON) -> AsyncIterator[Running]:
    defaults: dict[str, JSON] = {"allow_private": True, "first_delay": 0.01, "longest_delay": 0.02, "attempts": 3}
    async with running_app(
        directory, WebhooksPlugin(), *plugins, options={"webhooks": {**defaults, **options}}
    ) as running:
        superuser = Client(running, await running.superuser())
        if running.app.collections.find("notes") is None:
            rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "")
            fields = [{"name": "text", "type": "text"}, {"name": "secret", "type": "text", "hidden": True}]
            made = await superuser.post("/api/collections", {"name": "notes", "fields": fields, **rules})
            assert made.status == 200, made.body
            await superuser.patch("/api/settings", {"batch": {"enabled": True}})
        yield running


def to(url: str, *, name: str = "main", **more: JSON) -> list[JSON]:
    return [{"name": name, "url": url, "secret": SECRET, "collections": ["notes"], **more}]


async def deliveries(running: Running, state: str = "") -> list[dict[str, JSON]]:
    answer = await running.request("GET", f"/api/webhooks/deliveries?state={state}", token=await running.superuser())
    items = answer["items"]
    assert isinstance(items, list)
    return [item for item in items if isinstance(item, dict)]


async def settled(running: Running) -> list[dict[str, JSON]]:
    """The deliveries when none is pending any more."""
    for _ in range(500):
        if not await deliveries(running, "pending"):
            return await deliveries(running)
        await asyncio.sleep(0.01)
    raise TimeoutError("deliveries are still pending")


async def test_every_change_is_told_once_it_is_committed(receiver: Receiver, tmp_path: Path) -> None:
    async with serving(tmp_path, endpoints=to(receiver.url)) as running:
        anyone = Client(running)
        note = await anyone.post(NOTES, {"text": "hello", "secret": "x"})
        headers, message = await receiver.next()
        assert message == {
            "type": "notes.create",
            "timestamp": message["timestamp"],
            "data": {"record": note.body},
        }
        assert headers["Content-Type"] == "application/json"
        await anyone.patch(f"{NOTES}/{note['id']}", {"text": "changed"})
        _, message = await receiver.next()
        data = message["data"]
        assert isinstance(data, dict)
        assert (message["type"], data["changed"]) == ("notes.update", ["text"])
        await anyone.delete(f"{NOTES}/{note['id']}")
        assert (await receiver.next())[1]["type"] == "notes.delete"

        # A batch that fails tells nothing of its first item: what comes next is the record made after it.
        requests = [
            {"method": "POST", "url": NOTES, "body": {"text": "rolled back"}},
            {"method": "DELETE", "url": f"{NOTES}/nothing00000000"},
        ]
        assert (await anyone.post("/api/batch", {"requests": requests})).status == 400
        await running.user()  # no webhook asks for users
        await anyone.post(NOTES, {"text": "after"})
        assert "after" in json.dumps((await receiver.next())[1])
        assert [item["state"] for item in await settled(running)] == ["sent"] * 4


async def test_a_failing_receiver_gets_the_same_message_again_and_is_given_up_in_the_end(
    receiver: Receiver, tmp_path: Path
) -> None:
    failed: list[str] = []

    class Watcher:
        @hookimpl
        def on_webhook_failed(self, event: WebhookFailedEvent) -> None:
            failed.append(f"{event.webhook.name}: {event.error}")

    async with serving(tmp_path, Watcher(), endpoints=to(receiver.url)) as running:
        receiver.statuses = [500, 302]
        await Client(running).post(NOTES, {"text": "again"})
        attempts = [await receiver.next() for _ in range(3)]
        assert len({headers["webhook-id"] for headers, _ in attempts}) == 1
        assert attempts[0][1] == attempts[1][1] == attempts[2][1]
        [delivery] = await settled(running)
        assert (delivery["state"], delivery["attempts"]) == ("sent", 3)

        receiver.statuses = [503, 503, 503]
        await Client(running).post(NOTES, {"text": "never"})
        for _ in range(3):
            await receiver.next()
        delivery, _ = await settled(running)
        assert (delivery["state"], delivery["error"]) == ("failed", "the receiver answered 503")
        assert failed == ["main: the receiver answered 503"]

        superuser = Client(running, await running.superuser())
        retry = f"/api/webhooks/deliveries/{delivery['id']}/retry"
        assert (await Client(running).post(retry)).status == 401
        assert (await superuser.post(retry)).status == 204
        assert "never" in json.dumps((await receiver.next())[1])
        assert (await settled(running))[0]["state"] == "sent"
        assert (await superuser.post(retry)).status == 404
        receiver.statuses = [410]
        await Client(running).post(NOTES, {"text": "gone"})
        await receiver.next()
        assert (await settled(running))[0]["state"] == "failed", "410 Gone is final"


async def test_what_could_not_be_sent_is_sent_after_a_restart(receiver: Receiver, tmp_path: Path) -> None:
    async with serving(tmp_path, endpoints=to("http://127.0.0.1:1/"), first_delay=600, longest_delay=600) as running:
        await Client(running).post(NOTES, {"text": "kept"})
    async with serving(tmp_path, endpoints=to(receiver.url)) as running:
        await running.app.db.write(lambda tx: tx.execute("UPDATE _webhooks_outbox SET due = 0"))
        await Client(running).post(NOTES, {"text": "second"})
        texts = {json.dumps((await receiver.next())[1]["data"]) for _ in range(2)}
        assert sum("kept" in text for text in texts) == 1
    async with serving(tmp_path, endpoints=[]) as running:
        assert await deliveries(running, "pending") == []


async def test_another_plugin_filters_shapes_and_adds_webhooks(receiver: Receiver, tmp_path: Path) -> None:
    class Newsroom:
        """By another author: its own webhook, no drafts, and no receiver learns the text."""

        broken = False

        @hookimpl
        def register_webhooks(self, app: App) -> list[Webhook]:
            return [Webhook(name="newsroom", url=receiver.url, secret=SECRET, actions=frozenset(("create",)))]

        @hookimpl(collections=["notes"])
        async def on_webhook_prepare(self, event: WebhookPrepareEvent) -> None:
            if self.broken:
                raise RuntimeError("a bug")
            data = event.payload["data"]
            assert isinstance(data, dict)
            record = data["record"]
            assert isinstance(record, dict)
            if record["text"] == "draft" or event.webhook.name == "main":
                raise Skip
            event.payload = {**event.payload, "data": {"id": record["id"]}}
            event.headers["X-Newsroom"] = "yes"

    newsroom = Newsroom()
    async with serving(tmp_path, newsroom, endpoints=to(receiver.url)) as running:
        anyone = Client(running)
        await anyone.post(NOTES, {"text": "draft"})
        note = await anyone.post(NOTES, {"text": "story"})
        headers, message = await receiver.next()
        assert (message["data"], headers["X-Newsroom"]) == ({"id": note["id"]}, "yes")
        # A hook that fails lets nothing through that it might have left out.
        newsroom.broken = True
        await anyone.post(NOTES, {"text": "unseen"})
        states = {str(item["state"]): str(item["error"]) for item in await settled(running)}
        assert set(states) == {"sent", "failed"}
        assert "on_webhook_prepare" in states["failed"]
        assert receiver.arrived.empty()


async def test_the_sample_of_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = re.search(r"```py\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    assert sample is not None
    newsroom = ModuleType("newsroom")
    exec(sample[1], vars(newsroom))
    monkeypatch.setenv("NEWSROOM_SECRET", SECRET)
    async with serving(tmp_path, newsroom) as running:
        superuser = Client(running, await running.superuser())
        fields = [{"name": "status", "type": "text"}]
        await superuser.post("/api/collections", {"name": "stories", "fields": fields})
        made = await superuser.post("/api/collections/stories/records", {"status": "draft"})
        assert (made.status, await settled(running)) == (200, [])


async def test_no_webhook_reaches_into_the_own_network(receiver: Receiver, tmp_path: Path) -> None:
    hosts = ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]")
    urls = [receiver.url.replace("http://127.0.0.1", f"https://{host}") for host in hosts]
    endpoints = [webhook for index, url in enumerate(urls) for webhook in to(url, name=f"inwards{index}")]
    async with serving(tmp_path, endpoints=endpoints, allow_private=False, attempts=1) as running:
        await Client(running).post(NOTES, {"text": "inwards"})
        found = await settled(running)
        assert [item["error"] for item in found] == ["OSError: the address is not a public one"] * len(hosts)
        assert receiver.arrived.empty()


@pytest.mark.parametrize(
    ("endpoints", "message"),
    [
        (to("http://example.com/"), "must start with https://"),
        ([{**to("https://example.com/")[0], "secret": "short"}], "the secret of 'main' is not usable"),  # type: ignore[dict-item]
        (to("https://example.com/") * 2, "two webhooks are named 'main'"),
    ],
    ids=["no TLS", "a weak secret", "one name twice"],
)
async def test_a_configuration_that_cannot_work_stops_the_start(
    tmp_path: Path, endpoints: list[JSON], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        async with serving(tmp_path, endpoints=endpoints, allow_private=False):
            pass
