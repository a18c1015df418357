"""Bodies of requests: every type, what is refused, and limits while reading."""

from __future__ import annotations

import io
import json

import aiohttp
import pytest

from .conftest import Serve
from .demo import DEFAULT, Demo


async def test_bodies_of_every_type(serve: Serve) -> None:
    client = await serve(Demo())
    assert await client.json("POST", "/api/echo", json={"a": 1}) == {"a": 1}
    assert await client.json("POST", "/api/echo?q=7", data={"a": "1", "b": "x"}) == {"a": 1, "b": "x", "q": 7}
    assert await client.json("POST", "/api/echo") == {}
    assert await client.json("POST", "/api/echo", headers={"Content-Type": "application/json"}) == {}
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("title", "true")
    form.add_field("@jsonPayload", '{"docs":["old.txt"],"n":"5"}')
    form.add_field("docs", b"hello world", filename="dir/new.txt")
    form.add_field("cover", b"image", filename="a/b.png")
    assert await client.json("POST", "/api/echo?q=1", data=form) == {
        "q": 1,
        "title": True,
        "n": "5",
        "docs": ["old.txt", {"file": "new.txt", "size": 11, "start": "hello"}],
        "cover": {"file": "b.png", "size": 5, "start": "image"},
    }


@pytest.mark.parametrize(
    ("content_type", "body", "status", "message"),
    [
        ("application/json", b"{", 400, DEFAULT["message"]),
        ("application/json", b"[1]", 400, DEFAULT["message"]),
        ("application/x-www-form-urlencoded", b"a=%zz", 400, DEFAULT["message"]),
        ("multipart/form-data", b"x", 400, DEFAULT["message"]),
        ("multipart/form-data; boundary=b", b"no boundary here", 400, DEFAULT["message"]),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\ncut",
            400,
            DEFAULT["message"],
        ),
        ("text/xml", b"<a/>", 400, DEFAULT["message"]),
        ("text/plain", b"a", 400, "Unsupported Content-Type."),
        ("Application/JSON", b"{}", 400, "Unsupported Content-Type."),
        ("application/json", b'{"a":"' + b"x" * 2000 + b'"}', 413, "Request entity too large."),
    ],
)
async def test_bodies_that_are_refused(serve: Serve, content_type: str, body: bytes, status: int, message: str) -> None:
    client = await serve(Demo())
    answered, text, _ = await client("POST", "/api/echo", data=body, headers={"Content-Type": content_type})
    assert (answered, json.loads(text)["message"]) == (status, message)


async def test_the_limit_counts_while_reading_when_no_length_is_declared(serve: Serve) -> None:
    client = await serve(Demo())

    async def chunks() -> object:
        for _ in range(30):
            yield b"x" * 100

    status, _, _ = await client("POST", "/api/echo", data=chunks(), headers={"Content-Type": "application/json"})
    assert status == 413
    form = aiohttp.FormData()
    form.add_field("f", b"x" * 3000, filename="a")
    assert (await client("POST", "/api/dynamic?limit=2000", data=form))[0] == 413
    assert (await client("POST", "/api/dynamic?limit=0", data=form))[0] == 200


async def test_a_large_upload_goes_through_a_temp_file_that_is_gone_afterwards(
    serve: Serve, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile
    from pathlib import Path

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    client = await serve(Demo())
    form = aiohttp.FormData()
    form.add_field("f", io.BytesIO(b"start" + b"x" * (17 * 1024 * 1024)), filename="big.bin")
    answer = await client.json("POST", "/api/dynamic?limit=0", data=form)
    assert answer["f"] == {"file": "big.bin", "size": 17 * 1024 * 1024 + 5, "start": "start"}  # type: ignore[index,call-overload]
    assert not list(Path(str(tmp_path)).glob("pbhost-upload-*"))


async def test_too_many_parts_are_refused(serve: Serve) -> None:
    client = await serve(Demo())
    form = aiohttp.FormData()
    for index in range(1001):
        form.add_field(f"f{index}", "", filename="x")
    assert (await client("POST", "/api/dynamic?limit=0", data=form))[0] == 400
