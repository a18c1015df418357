"""The hooks of sign-in: when each fires, in which order, and what it can change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_auth.service import AuthService

from pbhost import ApiError, App, ForbiddenError, hookimpl
from pbhost.hooks import Skip
from pbhost.hooks import events as ev
from pbhost.model import Record
from pbhost.testing import running_app

from .conftest import PASSWORD, Outbox, Site, text


class Recorder:
    """Notes each hook that fires; a test may add its own behaviour by name."""

    NAME = "recorder"

    def __init__(self) -> None:
        self.names: list[str] = []
        self.act: dict[str, object] = {}

    def note(self, name: str, event: object) -> None:
        self.names.append(name)
        action = self.act.get(name)
        if callable(action):
            action(event)

    @hookimpl
    def on_record_auth_with_password_request(self, event: ev.RecordAuthWithPasswordRequestEvent) -> None:
        self.note("with_password", event)

    @hookimpl
    def on_record_auth_with_otp_request(self, event: ev.RecordAuthWithOTPRequestEvent) -> None:
        self.note("with_otp", event)

    @hookimpl
    def on_record_request_otp_request(self, event: ev.RecordRequestOTPRequestEvent) -> None:
        self.note("request_otp", event)

    @hookimpl
    async def on_record_auth_request(self, event: ev.RecordAuthRequestEvent) -> None:
        self.note("auth", event)

    @hookimpl
    def on_record_auth_refresh_request(self, event: ev.RecordAuthRefreshRequestEvent) -> None:
        self.note("refresh", event)

    @hookimpl(collections=["users"])
    def on_record_enrich(self, event: ev.RecordEnrichEvent) -> None:
        self.note("enrich", event)

    @hookimpl
    def on_record_request_password_reset_request(self, event: ev.RecordEmailRequestEvent) -> None:
        self.note("request_reset", event)

    @hookimpl
    def on_record_confirm_password_reset_request(self, event: ev.RecordEmailRequestEvent) -> None:
        self.note("confirm_reset", event)

    @hookimpl
    def on_record_request_verification_request(self, event: ev.RecordEmailRequestEvent) -> None:
        self.note("request_verification", event)

    @hookimpl
    def on_record_confirm_verification_request(self, event: ev.RecordEmailRequestEvent) -> None:
        self.note("confirm_verification", event)

    @hookimpl
    def on_record_request_email_change_request(self, event: ev.RecordEmailChangeRequestEvent) -> None:
        self.note("request_change", event)

    @hookimpl
    def on_record_confirm_email_change_request(self, event: ev.RecordEmailChangeRequestEvent) -> None:
        self.note("confirm_change", event)

    @hookimpl
    def on_mailer_record_auth_alert_send(self, event: ev.MailerRecordEvent) -> None:
        self.note("mail_alert", event)

    @hookimpl
    def on_mailer_record_otp_send(self, event: ev.MailerRecordEvent) -> None:
        self.note("mail_otp", event)

    @hookimpl
    def on_mailer_record_verification_send(self, event: ev.MailerRecordEvent) -> None:
        self.note("mail_verification", event)

    @hookimpl
    def on_mailer_record_password_reset_send(self, event: ev.MailerRecordEvent) -> None:
        self.note("mail_reset", event)

    @hookimpl
    def on_mailer_record_email_change_send(self, event: ev.MailerRecordEvent) -> None:
        self.note("mail_change", event)

    @hookimpl(collections=["_authOrigins", "_mfas", "_otps"])
    def on_record_create(self, event: ev.RecordEvent) -> None:
        self.note(f"create {event.collection.name}", event)

    @hookimpl(collections=["_mfas", "_otps"])
    def on_record_delete(self, event: ev.RecordEvent) -> None:
        self.note(f"delete {event.collection.name}", event)

    @hookimpl(collections=["users"])
    def on_record_update(self, event: ev.RecordEvent) -> None:
        self.note("update user", event)


class Stage:
    def __init__(self, site: Site, recorder: Recorder) -> None:
        self.site = site
        self.recorder = recorder

    def taken(self) -> list[str]:
        names = list(self.recorder.names)
        self.recorder.names.clear()
        return names


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    outbox, recorder = Outbox(), Recorder()
    options = {"auth": {"hash_memory_kib": 8192, "hash_passes": 1}}
    async with running_app(tmp_path, outbox, recorder, block=("realtime",), options=options) as running:
        site = Site(running, outbox)
        site.root = await running.superuser()
        await running.user()
        recorder.names.clear()
        yield Stage(site, recorder)


async def test_password_sign_in(stage: Stage) -> None:
    await stage.site.sign_in()
    assert stage.taken() == ["with_password", "auth", "enrich", "create _authOrigins"]
    await stage.site.sign_in(password="wrong")
    await stage.site.sign_in(email="nobody@example.com")
    assert stage.taken() == ["with_password", "with_password"]


async def test_a_new_place_is_told_before_it_is_stored(stage: Stage) -> None:
    await stage.site.sign_in()
    stage.taken()
    body = {"identity": "user@example.com", "password": PASSWORD}
    headers = {"User-Agent": "other"}
    await stage.site.running.request("POST", "/api/collections/users/auth-with-password", body, headers=headers)
    assert stage.taken() == ["with_password", "auth", "enrich", "mail_alert", "create _authOrigins"]


async def test_a_failed_auth_rule_fires_no_auth_request(stage: Stage) -> None:
    await stage.site.options(authRule="verified = true")
    await stage.site.sign_in()
    assert stage.taken() == ["with_password"]


async def test_two_factors(stage: Stage) -> None:
    site = stage.site
    await site.options(otp={"enabled": True}, mfa={"enabled": True})
    first = await site.sign_in()
    assert stage.taken() == ["with_password", "auth", "create _mfas"]
    asked = await site.post("users/request-otp", {"email": "user@example.com"})
    html = (await site.outbox.next()).html
    assert stage.taken()[:3] == ["request_otp", "create _otps", "mail_otp"]
    code = html.split("<strong>")[1].split("</strong>")[0]
    body = {"otpId": asked["otpId"], "password": code, "mfaId": first["mfaId"]}
    answer = await site.post("users/auth-with-otp", body)
    assert answer.status == 200, answer.body
    names = stage.taken()
    assert names[:2] == ["with_otp", "delete _otps"]
    assert names[-4:] == ["auth", "delete _mfas", "enrich", "create _authOrigins"]


async def test_refresh_and_impersonation(stage: Stage) -> None:
    record, token = await stage.site.running.user()
    await stage.site.post("users/auth-refresh", token=token)
    assert stage.taken() == ["refresh", "auth", "enrich"]
    await stage.site.post(f"users/impersonate/{record.id}", token=stage.site.root)
    assert stage.taken() == ["auth", "enrich"]


async def test_mail_flows(stage: Stage) -> None:
    site = stage.site
    _, token = await site.running.user()
    await site.post("users/request-verification", {"email": "user@example.com"})
    verify = await site.outbox.token()
    await site.post("users/confirm-verification", {"token": verify})
    assert stage.taken() == ["request_verification", "mail_verification", "confirm_verification", "update user"]
    await site.post("users/request-email-change", {"newEmail": "new@example.com"}, token)
    change = await site.outbox.token()
    await site.post("users/confirm-email-change", {"token": change, "password": PASSWORD})
    assert stage.taken() == ["request_change", "mail_change", "confirm_change", "update user"]
    await site.post("users/request-password-reset", {"email": "new@example.com"})
    reset = await site.outbox.token()
    body = {"token": reset, "password": PASSWORD, "passwordConfirm": PASSWORD}
    await site.post("users/confirm-password-reset", body)
    assert stage.taken() == ["request_reset", "mail_reset", "confirm_reset", "update user"]


async def test_a_hook_may_refuse_with_its_own_answer(stage: Stage) -> None:
    def refuse(event: object) -> None:
        raise ForbiddenError("Not on Sundays")

    stage.recorder.act["auth"] = refuse
    answer = await stage.site.sign_in()
    assert (answer.status, answer["message"]) == (403, "Not on Sundays.")


async def test_a_hook_may_change_password_record_token_and_meta(stage: Stage) -> None:
    def right_password(event: object) -> None:
        assert isinstance(event, ev.RecordAuthWithPasswordRequestEvent)
        event.password = PASSWORD

    def answer_of_its_own(event: object) -> None:
        assert isinstance(event, ev.RecordAuthRequestEvent)
        event.token, event.meta = "token", {"a": 1}

    stage.recorder.act |= {"with_password": right_password, "auth": answer_of_its_own}
    answer = await stage.site.sign_in(password="wrong")
    assert (answer.status, answer["token"], answer["meta"]) == (200, "token", {"a": 1})


async def test_a_hook_may_skip_the_second_factor(stage: Stage) -> None:
    def skip(event: object) -> None:
        assert isinstance(event, ev.RecordAuthRequestEvent)
        event.auth_method = ""

    await stage.site.options(otp={"enabled": True}, mfa={"enabled": True})
    stage.recorder.act["auth"] = skip
    assert (await stage.site.sign_in()).status == 200
    assert "create _authOrigins" not in stage.taken()


async def test_a_mail_that_a_hook_keeps_back_counts_as_sent(stage: Stage) -> None:
    def keep(event: object) -> None:
        raise Skip

    stage.recorder.act["mail_otp"] = keep
    await stage.site.options(otp={"enabled": True})
    answer = await stage.site.post("users/request-otp", {"email": "user@example.com"})
    assert answer.status == 200
    otp = await stage.site.app.records.get("_otps", text(answer, "otpId"))
    assert otp.text("sentTo") == ""
    assert not stage.site.outbox.messages


async def test_what_a_hook_adds_to_the_record_is_seen_at_each_refresh(stage: Stage) -> None:
    _, token = await stage.site.running.user()
    seen: list[int] = []

    def add(event: object) -> None:
        assert isinstance(event, ev.RecordEnrichEvent)
        seen.append(len(seen))
        event.record.custom["seen"] = len(seen)

    stage.recorder.act["enrich"] = add
    for expected in (1, 2):
        answer = await stage.site.post("users/auth-refresh", token=token)
        assert answer["record"]["seen"] == expected  # type: ignore[index,call-overload]


async def test_another_process_ends_tokens_too(tmp_path: Path, site: Site) -> None:
    record, token = await site.running.user()
    assert (await site.post("users/auth-refresh", token=token)).status == 200
    async with running_app(tmp_path, block=("realtime",)) as other:
        await other.app.records.update("users", record.id, {"tokenKey": "k" * 40})
        async with asyncio.timeout(4):
            while (await site.post("users/auth-refresh", token=token)).status != 401:
                pass


class Fingerprint:
    """A way to sign in that a plugin brings."""

    NAME = "fingerprint"
    name = "fingerprint"

    @hookimpl
    def register_auth_methods(self, app: App) -> list[Fingerprint]:
        self.app = app
        return [self]

    def is_enabled(self, collection: object) -> bool:
        return True

    def public_info(self, collection: object) -> tuple[str, bool]:
        return "fingerprint", True

    async def authenticate(self, collection: object, context: object) -> dict[str, object]:
        record = await self.app.records.find_first("users", "email = 'user@example.com'")
        if record is None:
            raise ApiError("Nobody.")
        return await self.app.auth.respond(record, context, method="fingerprint")  # type: ignore[arg-type]


async def test_a_plugin_may_bring_a_way_to_sign_in(tmp_path: Path) -> None:
    async with running_app(tmp_path, Fingerprint(), block=("realtime", "mail")) as running:
        await running.user()
        answer = await running.request("POST", "/api/collections/users/auth-with-fingerprint", {})
        assert answer.status == 200
        assert answer["token"]
        offer = await running.request("GET", "/api/collections/users/auth-methods")
        assert offer["fingerprint"] is True


class PlainTokens:
    """Another auth service: tokens are record ids. Everything else is the built-in's."""

    NAME = "plain_tokens"

    def __init__(self) -> None:
        self.inner: AuthService | None = None

    @hookimpl
    def provide_auth(self, app: App) -> PlainTokens:
        self.app = app
        self.inner = AuthService(app)
        return self

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def cached_identity(self, token: str) -> None:
        return None

    async def identify(self, token: str) -> Record | None:
        return await self.app.records.find("users", token)

    async def issue_token(self, record: Record, *_: object, **__: object) -> str:
        return record.id


async def test_another_auth_service_may_stand_in_for_ours(tmp_path: Path) -> None:
    async with running_app(tmp_path, PlainTokens(), block=("realtime",)) as running:
        record, token = await running.user()
        body = {"identity": "user@example.com", "password": PASSWORD}
        answer = await running.request("POST", "/api/collections/users/auth-with-password", body)
        assert answer["token"] == token == record.id
        refreshed = await running.request("POST", "/api/collections/users/auth-refresh", {}, token=token)
        assert refreshed.status == 200
