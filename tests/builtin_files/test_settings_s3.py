"""The S3 bucket of the settings takes over without a restart, and hands back."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from builtin_files.s3 import S3Settings, open_bucket
from moto.server import ThreadedMotoServer

from pbhost.errors import JSON
from tests.builtin_files.conftest import Site, png


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def test_files_go_to_the_bucket_while_it_is_enabled(site: Site, endpoint: str) -> None:
    before = await site.create(("one", ("local.png", png())))
    bucket = f"files-{uuid.uuid4().hex}"
    target = open_bucket(S3Settings(bucket, endpoint, "eu-west-1", "key", "secret", force_path_style=True))
    await asyncio.to_thread(target.filesystem.mkdir, bucket)
    s3: dict[str, JSON] = {
        "enabled": True,
        "bucket": bucket,
        "endpoint": endpoint,
        "region": "eu-west-1",
        "accessKey": "key",
        "secret": "secret",
        "forcePathStyle": True,
    }
    changed = await site.server.request("PATCH", "/api/settings", {"s3": s3}, token=site.token)
    assert changed.status == 200, changed.body

    record = await site.create(("one", ("Remote é.png", png())))
    path = f"/api/files/docs/{record['id']}/{record['one']}"
    assert (await site.get(path))[:2] == (200, png())
    status, body, headers = await site.get(path, headers={"Range": "bytes=2-5"})
    assert (status, body, headers["Content-Type"]) == (206, png()[2:6], "image/png")
    status, _, headers = await site.get(f"{path}?thumb=70x50")
    assert (status, headers["Content-Disposition"]) == (200, f"inline; filename=70x50_{record['one']}")
    keys = [key.partition("/")[2] async for key, _ in site.server.app.storage.list()]
    assert keys == [f"{record['id']}/{record['one']}", f"{record['id']}/thumbs_{record['one']}/70x50_{record['one']}"]
    assert site.on_disk() == [f"{before['id']}/{before['one']}"]
    assert (await site.get(f"/api/files/docs/{before['id']}/{before['one']}"))[0] == 404

    await site.patch(record, {"one": ""})
    assert [key async for key, _ in site.server.app.storage.list()] == []

    changed = await site.server.request("PATCH", "/api/settings", {"s3": {"enabled": False}}, token=site.token)
    assert changed.status == 200, changed.body
    assert (await site.get(f"/api/files/docs/{before['id']}/{before['one']}"))[0] == 200
