"""Every ``on_*`` hook fires in some scenario of a real server, at its moment and inside or outside the transaction."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from pbhost import BadRequestError, CronJob, hookimpl
from pbhost.hooks import specs
from pbhost.testing import Running, running_app

ON_HOOKS = sorted(name for name in vars(specs) if name.startswith("on_"))
#: Only the development server reloads plugins; tests/http covers that.
ELSEWHERE = {"on_plugins_reload"}


class Recorder(SimpleNamespace):
    """A plugin that implements every ``on_*`` hook and remembers what it was given, in order."""

    NAME = "recorder"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, Any, bool]] = []
        for name in ON_HOOKS:
            setattr(self, name, self._implementation(name))

    def _implementation(self, name: str) -> object:
        def implementation(event: Any) -> None:
            self.seen.append((name, event, getattr(event, "connection", None) is not None))
            if name == "on_backup_restore":
                raise BadRequestError("The test process must not be replaced.")

        implementation.__name__ = name
        return hookimpl(implementation)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.seen]

    async def wait_for(self, name: str) -> None:
        async with asyncio.timeout(10):
            while name not in self.names:
                await asyncio.sleep(0.01)


@pytest.fixture
async def provider() -> AsyncIterator[str]:
    """An OAuth2 provider that says yes to everybody."""

    async def token(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "a", "token_type": "Bearer"})

    async def user(_request: web.Request) -> web.Response:
        return web.json_response({"sub": "77", "email": "oauth@example.com", "email_verified": True, "name": "O"})

    edge = web.Application()
    edge.router.add_post("/token", token)
    edge.router.add_get("/user", user)
    runner = web.AppRunner(edge)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def smtp() -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    yield port
    controller.stop()


async def live_through_everything(running: Running, recorder: Recorder, provider: str, smtp_port: int) -> None:
    ask, root = running.request, await running.superuser()

    async def ok(method: str, path: str, body: object = None, *, token: str = root, status: int = 200) -> Any:
        answer = await ask(method, path, body, token=token)
        assert answer.status == status, (method, path, answer.body)
        return answer.body

    # settings, with a mail server
    await ok("GET", "/api/settings")
    smtp = {"enabled": True, "host": "127.0.0.1", "port": smtp_port}
    await ok("PATCH", "/api/settings", {"smtp": smtp, "batch": {"enabled": True, "maxRequests": 5}})

    # collections
    fields = [{"name": "title", "type": "text", "required": True}, {"name": "doc", "type": "file"}]
    posts = await ok("POST", "/api/collections", {"name": "posts", "fields": fields, "listRule": ""})
    await ok("PATCH", "/api/collections/posts", {"viewRule": ""})
    await ok("POST", "/api/collections", {"name": "bad name"}, status=400)
    await ok("PATCH", "/api/collections/posts", {"listRule": "nope = 1"}, status=400)
    await ok("GET", "/api/collections")
    await ok("GET", "/api/collections/posts")
    await ok("POST", "/api/collections", {"name": "short_lived"})
    await ok("DELETE", "/api/collections/short_lived", status=204)
    await ok("PUT", "/api/collections/import", {"collections": [posts]}, status=204)

    # a realtime client that sees what follows
    stream = await running.session.get(running.url + "/api/realtime")
    client_id = re.search(rb"id:(\w+)", await stream.content.readline())
    assert client_id is not None
    body = {"clientId": client_id[1].decode(), "subscriptions": ["posts/*"]}
    await ok("POST", "/api/realtime", body, status=204)

    # records
    made = await ok("POST", "/api/collections/posts/records", {"title": "one"})
    path = f"/api/collections/posts/records/{made['id']}"
    await ok("GET", path)
    await ok("PATCH", path, {"title": "two"})
    await ok("PATCH", path, {"title": ""}, status=400)
    await ok("POST", "/api/collections/posts/records", {"title": ""}, status=400)
    await ok("GET", "/api/collections/posts/records")
    upload = aiohttp.FormData()
    upload.add_field("doc", b"content", filename="a.txt")
    answer = await ask("PATCH", path, data=upload, token=root)
    await ok("GET", f"/api/files/posts/{made['id']}/{answer['doc']}")
    await ok("POST", "/api/files/token")
    batch = [{"method": "POST", "url": "/api/collections/posts/records", "body": {"title": "in a batch"}}]
    await ok("POST", "/api/batch", {"requests": batch})
    await ok("DELETE", path, status=204)
    await recorder.wait_for("on_storage_delete")

    # a delete that a required reference blocks
    target = await ok("POST", "/api/collections/posts/records", {"title": "needed"})
    relation = {"name": "post", "type": "relation", "collectionId": posts["id"], "maxSelect": 1, "required": True}
    await ok("POST", "/api/collections", {"name": "needs", "fields": [relation]})
    await ok("POST", "/api/collections/needs/records", {"post": target["id"]})
    await ok("DELETE", f"/api/collections/posts/records/{target['id']}", status=400)
    # a collection that is deleted although another refers to it
    await ok("DELETE", "/api/collections/posts", status=400)

    # sign-in
    users = "/api/collections/users"
    oidc = {
        "name": "oidc",
        "clientId": "c",
        "clientSecret": "s",
        "authURL": provider + "/auth",
        "tokenURL": provider + "/token",
        "userInfoURL": provider + "/user",
    }
    await ok("PATCH", users, {"otp": {"enabled": True}, "oauth2": {"enabled": True, "providers": [oidc]}})
    account = {"email": "ann@example.com", "password": "password-of-ann", "passwordConfirm": "password-of-ann"}
    await ok("POST", users + "/records", account, token="")
    identity = {"identity": account["email"], "password": account["password"]}
    signed_in = await ok("POST", users + "/auth-with-password", identity, token="")
    token = signed_in["token"]
    await ask("POST", users + "/auth-with-password", identity, headers={"User-Agent": "elsewhere"})
    await ok("POST", users + "/auth-refresh", token=token)
    await ok("POST", users + "/auth-with-oauth2", {"provider": "oidc", "code": "x", "redirectURL": "y"}, token="")
    ann = signed_in["record"]["id"]

    async def mailed(hook: str, key: str) -> str:
        await recorder.wait_for(hook)
        return next(event.meta[key] for name, event, _ in reversed(recorder.seen) if name == hook)

    await ok("POST", users + "/request-verification", {"email": account["email"]}, token="", status=204)
    link = await mailed("on_mailer_record_verification_send", "token")
    await ok("POST", users + "/confirm-verification", {"token": link}, token="", status=204)
    otp = await ok("POST", users + "/request-otp", {"email": account["email"]}, token="")
    code = await mailed("on_mailer_record_otp_send", "password")
    await ok("POST", users + "/auth-with-otp", {"otpId": otp["otpId"], "password": code}, token="")
    await ok("POST", users + "/request-email-change", {"newEmail": "new@example.com"}, token=token, status=204)
    link = await mailed("on_mailer_record_email_change_send", "token")
    confirm = {"token": link, "password": account["password"]}
    await ok("POST", users + "/confirm-email-change", confirm, token="", status=204)
    await ok("POST", users + "/request-password-reset", {"email": "new@example.com"}, token="", status=204)
    link = await mailed("on_mailer_record_password_reset_send", "token")
    reset = {"token": link, "password": "another-password", "passwordConfirm": "another-password"}
    await ok("POST", users + "/confirm-password-reset", reset, token="", status=204)
    await ok("POST", f"{users}/impersonate/{ann}")

    # operations
    await ok("POST", "/api/crons/nothing", status=204)
    await recorder.wait_for("on_cron_run")
    await ok("POST", "/api/backups", {"name": "one.zip"}, status=204)
    await ok("POST", "/api/backups/one.zip/restore", status=204)
    await recorder.wait_for("on_backup_restore")
    stream.close()


class NothingToDo:
    NAME = "nothing"

    @hookimpl
    def register_cron_jobs(self) -> list[CronJob]:
        async def nothing() -> None: ...

        return [CronJob("nothing", "0 0 1 1 *", nothing)]


async def test_every_hook_fires_and_writes_run_in_their_transaction(tmp_path: Path, provider: str, smtp: int) -> None:
    recorder = Recorder()
    async with running_app(tmp_path, recorder, NothingToDo()) as running:
        await live_through_everything(running, recorder, provider, smtp)
    assert [name for name in ON_HOOKS if name not in recorder.names and name not in ELSEWHERE] == []

    for name, _event, in_transaction in recorder.seen:
        is_write = re.match(r"on_(record|collection|model)_(validate|create|update|delete)(_execute)?$", name)
        assert in_transaction == bool(is_write), name


async def test_the_hooks_of_a_create_come_in_the_documented_order(tmp_path: Path) -> None:
    recorder = Recorder()
    async with running_app(tmp_path, recorder) as running:
        root = await running.superuser()
        fields = [{"name": "title", "type": "text"}]
        await running.request("POST", "/api/collections", {"name": "posts", "fields": fields}, token=root)
        recorder.seen.clear()
        await running.request("POST", "/api/collections/posts/records", {"title": "x"}, token=root)
        order = [name for name in recorder.names if name not in ("on_request",)]
    assert order == [
        "on_record_create_request",
        "on_record_create",
        "on_model_create",
        "on_record_validate",
        "on_model_validate",
        "on_record_create_execute",
        "on_model_create_execute",
        "on_record_after_create_success",
        "on_model_after_create_success",
        "on_record_enrich",
    ]
