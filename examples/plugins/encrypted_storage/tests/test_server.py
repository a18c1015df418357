"""A server that keeps its files encrypted, and the commands."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
import pbhost_encrypted_storage
import pytest
from click.testing import CliRunner
from pbhost_encrypted_storage.commands import storage_commands
from pbhost_encrypted_storage.keyring import Keyring, new_key
from PIL import Image

from pbhost.app import App
from pbhost.config import Config, PluginsConfig
from pbhost.errors import JSON, ConfigError
from pbhost.plugins import load_plugins
from pbhost.plugins.loading import LoadedPlugin
from pbhost.testing import Client, Running, running_app

FIRST, SECOND = new_key(), new_key()


@pytest.fixture
def pbhost_plugins() -> Sequence[object]:
    return (pbhost_encrypted_storage.plugin,)


@pytest.fixture
def pbhost_options() -> Mapping[str, Mapping[str, JSON]]:
    return {"encrypted_storage": {"current": "first", "keys": {"first": FIRST}}}


def picture() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((600, 400), 80).save(out, "PNG")
    return out.getvalue()


async def upload(client: Client, content: bytes) -> str:
    """The path of the download of a new file."""
    if (await client.get("/api/collections/photos")).status == 404:
        fields = [{"name": "image", "type": "file", "maxSize": 10_000_000}]
        made = await client.post("/api/collections", {"name": "photos", "fields": fields, "viewRule": ""})
        assert made.status == 200, made.body
    form = aiohttp.FormData()
    form.add_field("image", content, filename="Photo.png", content_type="image/png")
    made = await client.post("/api/collections/photos/records", data=form)
    assert made.status == 200, made.body
    return f"/api/files/photos/{made['id']}/{made['image']}"


async def download(running: Running, path: str, **headers: str) -> tuple[int, bytes]:
    async with running.session.get(running.url + path, headers=headers) as answer:
        return answer.status, await answer.read()


async def test_uploads_downloads_ranges_and_thumbs(superuser: Client, tmp_path: Path) -> None:
    running, content = superuser.running, picture()
    path = await upload(superuser, content)
    assert await download(running, path) == (200, content)
    assert await download(running, path, Range="bytes=70000-70009") == (206, content[70000:70010])
    status, thumb = await download(running, f"{path}?thumb=100x100")
    assert (status, Image.open(io.BytesIO(thumb)).size) == (200, (100, 100))
    stored = [file for file in (tmp_path / "pb_data" / "storage").rglob("*") if file.is_file()]
    assert len(stored) >= 2
    assert all(b"PNG" not in file.read_bytes() for file in stored)
    record = "/api/collections/photos/records/" + path.split("/")[4]
    assert (await superuser.patch(record, {"image": None})).status == 200
    assert [key async for key, _ in running.app.storage.list()] == []


async def test_a_file_that_does_not_open_is_an_error_of_the_server_and_says_why_in_the_log(
    superuser: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = await upload(superuser, picture())
    (file,) = (tmp_path / "pb_data" / "storage").rglob("*.png")
    stored = file.read_bytes()
    file.write_bytes(stored[:100] + b"tampered" + stored[108:])
    with caplog.at_level(logging.ERROR):
        status, body = await download(superuser.running, path)
    assert status == 500
    assert b"pbc_" not in body
    assert "was damaged or tampered with" in caplog.text
    caplog.clear()
    file.write_bytes(stored[:-1000])
    with caplog.at_level(logging.ERROR), pytest.raises(aiohttp.ClientPayloadError):
        await download(superuser.running, path)
    assert "was damaged or tampered with" in caplog.text


async def test_a_directory_of_plain_files_is_taken_over_and_keys_are_rotated(tmp_path: Path) -> None:
    content = picture()
    async with running_app(tmp_path, only=("sqlite", "records", "operations", "auth", "files")) as running:
        path = await upload(Client(running, await running.superuser()), content)

    first: dict[str, JSON] = {"current": "first", "keys": {"first": FIRST}, "accept_plain": True}
    assert await command(tmp_path, first, "status") == (0, "(not encrypted): 1\n")
    assert await command(tmp_path, first, "rotate") == (0, "1 written anew, 0 failed\n")
    both: dict[str, JSON] = {"current": "second", "keys": {"first": FIRST, "second": SECOND}}
    assert await command(tmp_path, both, "rotate") == (0, "1 written anew, 0 failed\n")
    assert await command(tmp_path, both, "rotate") == (0, "0 written anew, 0 failed\n")
    second: dict[str, JSON] = {"current": "second", "keys": {"second": SECOND}}
    assert await command(tmp_path, second, "status") == (0, "second: 1\n")

    options = {"encrypted_storage": second}
    async with running_app(tmp_path, pbhost_encrypted_storage.plugin, options=options) as running:
        assert await download(running, path) == (200, content)


async def command(directory: Path, options: Mapping[str, JSON], name: str) -> tuple[int, str]:
    """Exit code and output of a command, which has an application and an event loop of its own."""

    def run() -> tuple[int, str]:
        plugins = PluginsConfig(dir=directory / "pb_plugins", tables={"encrypted_storage": dict(options)})
        config = Config(dir=directory / "pb_data", public_dir=directory / "pb_public", plugins=plugins)
        plugin = pbhost_encrypted_storage.plugin
        extra = LoadedPlugin(plugin.NAME, "flag", "test", plugin, schema=plugin.CONFIG_SCHEMA)
        app = App(config, load_plugins(config.plugins, [extra]))
        result = CliRunner().invoke(storage_commands(app), [name], catch_exceptions=False)
        return result.exit_code, result.output

    return await asyncio.to_thread(run)


async def test_keys_are_never_shown(superuser: Client) -> None:
    answer = await superuser.get("/api/plugins")
    assert answer.status == 200
    assert "encrypted_storage" in answer.text
    assert FIRST not in answer.text


async def test_without_a_usable_key_the_server_does_not_start(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, JSON], str]] = [
        ({}, "has no keys: make one with"),
        ({"keys": {"first": FIRST}}, "current must be one of keys"),
        ({"keys": {"first": "short"}, "current": "first"}, "keys.first: must be 32 random bytes in base64"),
        ({"keys": {"first": base64.b64encode(os.urandom(16)).decode()}, "current": "first"}, "must be 32 random bytes"),
    ]
    for given, message in cases:
        with pytest.raises(ConfigError, match=message) as caught:
            async with running_app(tmp_path, pbhost_encrypted_storage.plugin, options={"encrypted_storage": given}):
                pass
        assert FIRST not in str(caught.value)


def test_a_new_key_is_a_usable_key() -> None:
    key = new_key()
    assert Keyring.load({"current": "a", "keys": {"a": key}}).current == "a"
