"""The fixtures that plugin authors get, used as they use them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from pbhost import hookimpl
from pbhost.hooks.events import RecordEvent
from pbhost.testing import Client, HookRecorder, MailOutbox, MovableClock, Running, Scenario, scenarios
from pbhost.testing.realtime_reader import OpenReader
from pbhost.testing.scenario import RunScenario

POSTS = "/api/collections/posts/records"


class Shouting:
    """The plugin under test."""

    NAME = "shouting"

    @hookimpl(collections=["posts"])
    def on_record_create(self, event: RecordEvent) -> None:
        event.record["title"] = event.record.text("title").upper()


@pytest.fixture
def pbhost_plugins() -> Sequence[object]:
    return [Shouting()]


async def make_posts(running: Running) -> None:
    body = {
        "name": "posts",
        "fields": [{"name": "title", "type": "text", "required": True}],
        "listRule": "@request.auth.id != ''",
        "viewRule": "@request.auth.id != ''",
        "createRule": "@request.auth.collectionName = 'users'",
    }
    answer = await running.request("POST", "/api/collections", body, token=await running.superuser())
    assert answer.status == 200, answer.body


@scenarios(
    Scenario(
        "a guest is refused",
        method="POST",
        url=POSTS,
        body={"title": "hello"},
        status=400,
        before=make_posts,
        contains=["Failed to create record."],
        hooks={"on_record_create": 0, "on_record_after_create_success": 0},
    ),
    Scenario(
        "a user writes a post",
        method="POST",
        url=POSTS,
        body={"title": "hello"},
        as_="user",
        before=make_posts,
        contains=['"title":"HELLO"'],
        not_contains=["hello"],
        hooks={"on_record_create": 1, "on_record_validate": 1, "on_record_after_create_success": 1},
        mails=0,
    ),
    Scenario("a request that fires next to nothing", url="/api/nowhere", status=404, hooks={"*": 0, "on_request": 1}),
    Scenario(
        "a mail is asked for",
        method="POST",
        url="/api/collections/users/request-password-reset",
        body={"email": "user@example.com"},
        before=lambda running: running.user(),
        status=204,
        hooks={"on_mailer_record_password_reset_send": 1},
        mails=1,
    ),
)
async def test_requests_as_a_table(case: Scenario, scenario: RunScenario) -> None:
    await scenario(case)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (Scenario("status", status=500), "healthy"),
        (Scenario("a text", contains=["no such text"]), "is missing"),
        (Scenario("no text", not_contains=["healthy"]), "is in"),
    ],
)
async def test_a_row_that_is_not_true_fails(case: Scenario, message: str, scenario: RunScenario) -> None:
    with pytest.raises(AssertionError, match=message):
        await scenario(case)


async def test_wrong_hook_counts_fail_and_unknown_hooks_are_named(
    scenario: RunScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbhost.testing.scenario._PATIENCE", 0.0)
    with pytest.raises(AssertionError, match="on_record_create': '0 times, not 1"):
        await scenario(Scenario("counts", hooks={"on_record_create": 1}))
    with pytest.raises(KeyError, match="on_record_creat'"):
        await scenario(Scenario("typo", hooks={"on_record_creat": 1}))


async def test_clients_are_who_they_say(guest: Client, user: Client, superuser: Client) -> None:
    assert [(await client.get("/api/collections")).status for client in (guest, user, superuser)] == [401, 403, 200]
    assert user.record is not None
    made = await superuser.patch(f"/api/collections/users/records/{user.record.id}", {"name": "Ann"})
    assert made["name"] == "Ann"
    assert (await user.delete(f"/api/collections/users/records/{user.record.id}")).status == 204


async def test_mails_are_kept(guest: Client, user: Client, mail_outbox: MailOutbox) -> None:
    await guest.post("/api/collections/users/request-verification", {"email": "user@example.com"})
    [mail] = await mail_outbox.wait_for(1)
    assert mail_outbox.to("user@example.com") == [mail]
    assert mail_outbox.to("other@example.com") == []
    assert "verif" in mail.subject.lower()


async def test_tokens_expire_when_the_clock_moves(user: Client, clock: MovableClock) -> None:
    refresh = "/api/collections/users/auth-refresh"
    assert (await user.post(refresh)).status == 200
    clock.move(days=30)
    assert (await user.post(refresh)).status == 401
    clock.move(days=-30)
    assert (await user.post(refresh)).status == 200


async def test_dates_are_stamped_by_the_clock(pbhost_app: Running, clock: MovableClock) -> None:
    clock.stop()
    clock.set(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC))
    record, _ = await pbhost_app.user()
    assert record["created"] == "2031-05-06 07:08:09.000Z"
    clock.move(hours=1)
    assert await pbhost_app.app.records.count("users", "created < @now") == 1
    clock.move(hours=-2)
    assert await pbhost_app.app.records.count("users", "created < @now") == 0
    clock.go_on()
    assert clock.now() >= datetime(2031, 5, 6, 6, 8, 9, tzinfo=UTC)


async def test_live_updates_are_read(
    pbhost_app: Running, superuser: Client, user: Client, realtime_reader: OpenReader
) -> None:
    await make_posts(pbhost_app)
    reader = await realtime_reader(user, "posts/*")
    await superuser.post(POSTS, {"title": "one"})
    message = await reader.next()
    assert (message.topic, message["action"]) == ("posts/*", "create")
    with pytest.raises(TimeoutError):
        await reader.next(seconds=0.01)


async def test_hooks_are_recorded_with_their_events(
    pbhost_app: Running, user: Client, hook_recorder: HookRecorder
) -> None:
    await make_posts(pbhost_app)
    hook_recorder.clear()
    await user.post(POSTS, {"title": "one"})
    [event] = await hook_recorder.wait_for("on_record_after_create_success")
    assert isinstance(event, RecordEvent)
    assert event.record["title"] == "ONE"
    assert hook_recorder.counts["on_record_create"] == 1
    assert hook_recorder.counts["on_record_delete"] == 0
    with pytest.raises(KeyError):
        hook_recorder.events("on_nothing")
