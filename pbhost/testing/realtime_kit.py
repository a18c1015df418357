"""What every broker of live updates must do: subclass :class:`RealtimeKit` and give it a ``running`` server.

::

    class TestMyRealtime(RealtimeKit):
        @pytest.fixture
        async def running(self, tmp_path):
            async with running_app(tmp_path, my_plugin) as running:
                yield running

The tests connect as clients do, to ``/api/realtime``. That a message does not come is shown by the next one that does.
"""

from __future__ import annotations

import asyncio

import pytest

from pbhost.errors import ValidationError
from pbhost.model import Record
from pbhost.testing.clients import Client
from pbhost.testing.realtime_reader import RealtimeReader
from pbhost.testing.running import Running


class RealtimeKit:
    """The tests that any provider of ``provide_realtime`` must pass."""

    @pytest.fixture(autouse=True)
    async def _schema(self, running: Running) -> None:
        fields = [
            {"type": "text", "name": "title", "required": True},
            {"type": "bool", "name": "open"},
            {"type": "text", "name": "secret", "hidden": True},
        ]
        collections = running.app.collections
        await collections.save(
            collections.new(name="posts", fields=fields, list_rule="open = true", view_rule="@request.auth.id != ''")
        )

    async def post(self, running: Running, title: str, **values: object) -> Record:
        """A stored post that everybody may list."""
        return await running.app.records.create("posts", {"title": title, "open": True, **values})

    async def test_every_change_comes_once_and_in_order(self, running: Running) -> None:
        async with RealtimeReader.opened(Client(running), ["posts/*"]) as reader:
            made = await self.post(running, "one", secret="sesame")  # noqa: S106  # what shall stay hidden
            await running.app.records.update("posts", made.id, {"title": "two"})
            await running.app.records.delete(made)
            seen = [await reader.next() for _ in range(3)]
        assert [message.topic for message in seen] == ["posts/*"] * 3
        assert [message["action"] for message in seen] == ["create", "update", "delete"]
        shown = [message["record"] for message in seen]
        assert [record["title"] for record in shown if isinstance(record, dict)] == ["one", "two", "two"]
        assert "sesame" not in str(shown)

    async def test_many_changes_at_once_keep_the_order_of_their_commits(self, running: Running) -> None:
        _, before = await running.app.db.last_change()
        async with RealtimeReader.opened(Client(running), ["posts/*"]) as reader:
            await asyncio.gather(*(self.post(running, f"p{number}") for number in range(40)))
            seen = [(await reader.next())["record"] for _ in range(40)]
        changes = sorted(await running.app.db.changes(before), key=lambda change: change.seq)
        committed = [change.record_id for change in changes]
        assert [record["id"] for record in seen if isinstance(record, dict)] == committed

    async def test_what_was_not_committed_is_not_told(self, running: Running) -> None:
        async def undone() -> None:
            async with running.app.transaction() as tx:
                await running.app.records.create("posts", {"title": "undone", "open": True}, tx=tx)
                raise RuntimeError("changed my mind")

        async with RealtimeReader.opened(Client(running), ["posts/*"]) as reader:
            with pytest.raises(RuntimeError, match="changed my mind"):
                await undone()
            with pytest.raises(ValidationError):
                await self.post(running, "")
            made = await self.post(running, "done")
            message = await reader.next()
        assert _id(message["record"]) == made.id

    async def test_each_client_gets_what_its_rules_allow(self, running: Running) -> None:
        _, token = await running.user()
        hidden = await self.post(running, "hidden", open=False)
        async with (
            RealtimeReader.opened(Client(running), ["posts/*", f"posts/{hidden.id}"]) as guest,
            RealtimeReader.opened(Client(running, token), ["posts/*", f"posts/{hidden.id}"]) as user,
        ):
            await running.app.records.update("posts", hidden.id, {"title": "still hidden"})
            shown = await self.post(running, "shown")
            assert _id((await guest.next())["record"]) == shown.id
            first, second = await user.next(), await user.next()
        assert (first.topic, _id(first["record"])) == (f"posts/{hidden.id}", hidden.id)
        assert (second.topic, _id(second["record"])) == ("posts/*", shown.id)

    async def test_subscriptions_are_replaced(self, running: Running) -> None:
        async with RealtimeReader.opened(Client(running), ["posts/*"]) as reader:
            await reader.subscribe("news")
            await self.post(running, "silent")
            await running.app.realtime.send("news", {"text": "hello"})
            assert (await reader.next()).topic == "news"

    async def test_a_custom_message_reaches_its_subscribers_and_nobody_else(self, running: Running) -> None:
        realtime = running.app.realtime
        async with (
            RealtimeReader.opened(Client(running), ["news"]) as one,
            RealtimeReader.opened(Client(running), ["other"]) as other,
        ):
            assert await realtime.send("news", {"text": "grüezi"}) == 1
            message = await one.next()
            assert (message.topic, message["text"]) == ("news", "grüezi")
            assert await realtime.send("new", {}) == 0, "topics match exactly"
            assert await realtime.send("other", [1, 2]) == 1
            assert (await other.next()).data == [1, 2]

    async def test_clients_are_known_while_they_are_connected(self, running: Running) -> None:
        realtime = running.app.realtime
        async with RealtimeReader.opened(Client(running), ["posts/*", "news"]) as reader:
            client = realtime.client(reader.id)
            assert client is not None
            assert client.id == reader.id
            assert set(client.subscriptions()) == {"posts/*", "news"}
            assert client.has_subscription("news")
            assert not client.has_subscription("new")
            assert client.auth is None
            assert reader.id in realtime.clients()
            client.unsubscribe("news")
            assert await realtime.send("news", {}) == 0
            client.discard()
            with pytest.raises(EOFError):
                await reader.next()
        async with asyncio.timeout(10):
            while realtime.client(reader.id) is not None:  # noqa: ASYNC110  # nothing announces it
                await asyncio.sleep(0.01)
        assert realtime.client("nowhere") is None

    async def test_a_message_is_delivered_once_to_the_right_address(self, running: Running) -> None:
        realtime = running.app.realtime
        async with RealtimeReader.opened(Client(running), ["@oauth2"]) as reader:
            client = realtime.client(reader.id)
            assert client is not None
            assert not await realtime.deliver_once("nowhere", "@oauth2", {}, ip=client.ip)
            assert not await realtime.deliver_once(reader.id, "other", {}, ip=client.ip)
            assert await realtime.deliver_once(reader.id, "@oauth2", {"code": "c"}, ip=client.ip)
            assert (await reader.next())["code"] == "c"
            assert not await realtime.deliver_once(reader.id, "@oauth2", {"code": "again"}, ip=client.ip)
            await reader.subscribe("@oauth2", "news")
            assert not await realtime.deliver_once(reader.id, "@oauth2", {"code": "stolen"}, ip="203.0.113.9")
            assert not client.has_subscription("@oauth2"), "whoever comes from elsewhere ends it"
            await realtime.send("news", "next")
            assert (await reader.next()).topic == "news"


def _id(record: object) -> object:
    return record.get("id") if isinstance(record, dict) else None
