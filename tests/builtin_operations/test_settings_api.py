"""The settings as clients and other processes see them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest

from pbhost import hookimpl
from pbhost.errors import BadRequestError, ConfigError
from pbhost.hooks.events import SettingsListRequestEvent, SettingsReloadEvent, SettingsUpdateRequestEvent
from pbhost.testing import Running

ROOT = "token-of-a-superuser"
USER = "token-of-a-user"
Start = Callable[..., AbstractAsyncContextManager[Running]]


def stored(directory: Path) -> tuple[object, str]:
    connection = sqlite3.connect(directory / "pb_data" / "data.db")
    try:
        row = connection.execute("SELECT value, typeof(value) FROM _params WHERE id = 'settings'").fetchone()
    finally:
        connection.close()
    return row[0], row[1]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("token", "status"), [("", 401), (USER, 403), (ROOT, 200)])
async def test_only_superusers_read_them(server: Running, token: str, status: int) -> None:
    assert (await server.request("GET", "/api/settings", token=token)).status == status


async def test_a_new_application_has_the_defaults_and_stores_them(server: Running, tmp_path: Path) -> None:
    answer = await server.request("GET", "/api/settings", token=ROOT)
    assert isinstance(answer.body, dict)
    assert answer["meta"] == {
        "accentColor": "#1055c9",
        "appName": "Acme",
        "appURL": "http://localhost:8090",
        "senderName": "Support",
        "senderAddress": "support@example.com",
        "hideControls": False,
    }
    value, kind = stored(tmp_path)
    assert kind == "blob"
    assert orjson.loads(value)["smtp"]["password"] == ""  # type: ignore[arg-type]  # a blob


async def test_a_change_is_answered_without_secrets_and_kept_with_them(server: Running, tmp_path: Path) -> None:
    changes = {"meta": {"appName": "New"}, "smtp": {"password": "secret1"}, "s3": {"secret": "secret2"}}
    answer = await server.request("PATCH", "/api/settings", changes, token=ROOT)
    assert answer.status == 200
    assert "secret" not in str(answer.body)
    await server.request("PATCH", "/api/settings", {"meta": {"senderName": "Me"}}, token=ROOT)
    value: Any = orjson.loads(stored(tmp_path)[0])  # type: ignore[arg-type]  # a blob
    assert (value["meta"]["appName"], value["meta"]["senderName"]) == ("New", "Me")
    assert (value["smtp"]["password"], value["s3"]["secret"]) == ("secret1", "secret2")


@pytest.mark.parametrize(
    ("body", "message", "data"),
    [
        ({"meta": "x"}, "An error occurred while loading the submitted data.", {}),
        (
            {"meta": {"appName": ""}},
            "An error occurred while saving the new settings.",
            {"meta": {"appName": {"code": "validation_required", "message": "Cannot be blank."}}},
        ),
    ],
)
async def test_what_is_refused_changes_nothing(server: Running, body: object, message: str, data: object) -> None:
    before = server.app.settings.full()
    answer = await server.request("PATCH", "/api/settings", body, token=ROOT)
    assert (answer.status, answer.body) == (400, {"status": 400, "message": message, "data": data})
    assert server.app.settings.full() == before


@pytest.mark.parametrize("body", [b"{", b"[]", b"5"])
async def test_a_body_that_is_no_object_is_refused(server: Running, body: bytes) -> None:
    answer = await server.request(
        "PATCH", "/api/settings", data=body, token=ROOT, headers={"Content-Type": "application/json"}
    )
    assert answer["message"] == "An error occurred while loading the submitted data."


async def test_plugins_may_change_or_refuse_what_is_shown_and_saved(start: Start) -> None:
    class Opinions:
        @hookimpl
        def on_settings_list_request(self, event: SettingsListRequestEvent) -> None:
            del event.settings["logs"]

        @hookimpl
        def on_settings_update_request(self, event: SettingsUpdateRequestEvent) -> None:
            meta: Any = event.new_settings["meta"]
            if meta["appName"] == "Forbidden":
                raise BadRequestError("Not that name.")
            meta["senderName"] = "Always me"

    async with start(Opinions()) as server:
        assert "logs" not in str((await server.request("GET", "/api/settings", token=ROOT)).body)
        answer: Any = await server.request("PATCH", "/api/settings", {"meta": {"appName": "A"}}, token=ROOT)
        assert answer["meta"]["senderName"] == "Always me"
        refused = await server.request("PATCH", "/api/settings", {"meta": {"appName": "Forbidden"}}, token=ROOT)
        assert (refused.status, refused["message"]) == (400, "Not that name.")


async def test_another_process_sees_a_change(start: Start) -> None:
    reloads: list[str] = []

    class Listener:
        @hookimpl
        def on_settings_reload(self, event: SettingsReloadEvent) -> None:
            reloads.append(str(event.app.settings.section("meta")["appName"]))

    async with (
        start() as first,
        start(Listener()),
    ):
        await first.app.settings.update({"meta": {"appName": "Elsewhere"}})
        await until(lambda: reloads[-1] == "Elsewhere")


async def test_a_key_encrypts_the_stored_settings(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("O_TEST_KEY", "k" * 32)
    async with start() as plain:
        await plain.app.settings.update({"meta": {"appName": "Secret"}})
    assert stored(tmp_path)[1] == "blob"
    async with start(encryption_env="O_TEST_KEY") as encrypted:
        # A plain row is read, and encrypted at the next save.
        assert encrypted.app.settings.section("meta")["appName"] == "Secret"
        await encrypted.app.settings.update({"meta": {"senderName": "Me"}})
    value, kind = stored(tmp_path)
    assert kind == "text"
    assert "Secret" not in str(value)
    async with start(encryption_env="O_TEST_KEY") as again:
        assert again.app.settings.section("meta")["senderName"] == "Me"
    monkeypatch.setenv("O_TEST_KEY", "o" * 32)
    for variable, error in [
        ("O_TEST_KEY", "cipher: message authentication failed"),
        ("O_MISSING", 'invalid settings db data or missing encryption key "O_MISSING"'),
        ("", 'invalid settings db data or missing encryption key ""'),
    ]:
        with pytest.raises(ConfigError, match=error):
            async with start(encryption_env=variable):
                pass


async def test_health_tells_superusers_more(server: Running) -> None:
    guest = await server.request("GET", "/api/health")
    assert guest.body == {"message": "API is healthy.", "code": 200, "data": {}}
    headers = {"CF-Connecting-IP": "1.2.3.4"}
    answer = await server.request("GET", "/api/health", token=ROOT, headers=headers)
    assert answer["data"] == {"canBackup": True, "possibleProxyHeader": "CF-Connecting-IP", "realIP": "127.0.0.1"}
    await server.app.settings.update({"trustedProxy": {"headers": ["CF-Connecting-IP"]}})
    answer = await server.request("GET", "/api/health", token=ROOT, headers=headers)
    assert answer["data"] == {"canBackup": True, "possibleProxyHeader": "CF-Connecting-IP", "realIP": "1.2.3.4"}
