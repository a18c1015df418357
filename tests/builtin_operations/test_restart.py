"""A restore in a real server: the process goes on under the same id, with the content of the backup."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest

EMAIL, PASSWORD = "root@example.com", "password-of-root"


async def pbhost(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pbhost", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def banner(process: asyncio.subprocess.Process) -> str:
    """The address that the server prints once it listens."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while line := (await process.stdout.readline()).decode():
            if "Server started at " in line:
                return line.split("Server started at ")[1].strip()
    raise AssertionError("the server ended")


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_the_server_restarts_in_place_with_the_restored_data(tmp_path: Path, workers: str) -> None:
    data = str(tmp_path / "pb_data")
    assert await (await pbhost("superuser", "upsert", EMAIL, PASSWORD, "--dir", data)).wait() == 0
    # A change that was written down as a migration would be applied again to the restored data, as it should.
    server = await pbhost("serve", "--dir", data, "--http", "127.0.0.1:0", "--workers", workers, "--automigrate=false")
    try:
        url = await banner(server)
        async with aiohttp.ClientSession() as http:
            credentials = {"identity": EMAIL, "password": PASSWORD}
            async with http.post(f"{url}/api/collections/_superusers/auth-with-password", json=credentials) as answer:
                headers = {"Authorization": (await answer.json())["token"]}

            async def call(method: str, path: str, body: object = None) -> int:
                async with http.request(method, f"{url}{path}", json=body, headers=headers) as response:
                    return response.status

            assert await call("POST", "/api/backups", {"name": "then.zip"}) == 204
            assert await call("POST", "/api/collections", {"name": "later", "type": "base"}) == 200
            assert await call("POST", "/api/backups/then.zip/restore") == 204
        # The port was chosen by the system, so the restarted server may have another one.
        url = await banner(server)
        async with aiohttp.ClientSession(headers=headers) as http:
            async with http.get(f"{url}/api/collections/later") as response:
                assert response.status == 404
            async with http.get(f"{url}/api/backups") as response:
                assert [item["key"] for item in await response.json()] == ["then.zip"]
        assert server.returncode is None
    finally:
        server.terminate()
        await server.communicate()
    assert server.returncode == 0
