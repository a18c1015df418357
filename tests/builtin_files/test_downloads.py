"""What a download gives: headers, ranges, thumbs, protection."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import BinaryIO

import pytest
from builtin_files.local import CHUNK
from builtin_files.rendering import Thumb, render
from builtin_files.sending import SMALL
from builtin_files.thumb_geometry import ThumbSize
from PIL import Image

from pbhost.errors import JSON
from tests.builtin_files.conftest import Site, make_collection, png

LARGE = bytes(range(256)) * (4 * SMALL // 256)


async def path_of(site: Site, name: str, content: bytes, field: str = "one") -> str:
    record = await site.create((field, (name, content)))
    return f"/api/files/docs/{record['id']}/{record[field]}"


async def test_the_headers_of_a_picture(site: Site) -> None:
    path = await path_of(site, "a.png", png())
    status, body, headers = await site.get(path)
    assert (status, body) == (200, png())
    name = path.rpartition("/")[2]
    expected = {
        "Content-Type": "image/png",
        "Content-Disposition": f"inline; filename={name}",
        "Content-Security-Policy": "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
        "Cache-Control": "max-age=2592000, stale-while-revalidate=86400",
        "Accept-Ranges": "bytes",
        "Content-Length": str(len(png())),
        "X-Content-Type-Options": "nosniff",
        "X-XSS-Protection": "1; mode=block",
    }
    assert {key: headers.get(key) for key in expected} == expected
    assert "Last-Modified" in headers
    assert "X-Frame-Options" not in headers
    assert "ETag" not in headers
    status, body, head = await site.get(path, method="HEAD")
    assert (status, body) == (200, b"")
    assert {key: head.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "content", "query", "content_type", "disposition"),
    [
        ("a.html", b"<html><script>", "", "text/html; charset=utf-8", "attachment"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "", "image/svg+xml", "attachment"),
        ("a.css", b"a { color: red }", "", "text/css", "attachment"),
        ("a.js", b"let a = 1", "", "text/javascript", "attachment"),
        ("a.pdf", b"%PDF-1.7", "", "application/pdf", "inline"),
        ("a.pdf", b"%PDF-1.7", "?download=1", "application/pdf", "attachment"),
        ("a.pdf", b"%PDF-1.7", "?download=yes", "application/pdf", "inline"),
        ("a.png", b"<html>", "", "text/html; charset=utf-8", "attachment"),
    ],
)
async def test_type_and_disposition(
    site: Site, name: str, content: bytes, query: str, content_type: str, disposition: str
) -> None:
    _, _, headers = await site.get(await path_of(site, name, content) + query)
    assert headers["Content-Type"] == content_type
    assert headers["Content-Disposition"].startswith(f"{disposition}; filename=a")


@pytest.mark.parametrize("size", [10, SMALL, SMALL + 1, 4 * SMALL])
async def test_whole_files_and_ranges(site: Site, size: int) -> None:
    content = LARGE[:size]
    path = await path_of(site, "a.bin", content)
    status, body, _ = await site.get(path)
    assert (status, body) == (200, content)
    status, body, headers = await site.get(path, headers={"Range": "bytes=-5"})
    assert (status, body) == (206, content[-5:])
    assert headers["Content-Range"] == f"bytes {size - 5}-{size - 1}/{size}"
    status, body, headers = await site.get(path, headers={"Range": "bytes=0-1,4-5"})
    assert status == 206
    assert headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert body.count(b"Content-Range: bytes ") == 2
    status, body, headers = await site.get(path, headers={"Range": f"bytes={size}-"})
    assert (status, body) == (416, b"invalid range: failed to overlap\n")
    assert headers["Content-Range"] == f"bytes */{size}"
    assert not {"Cache-Control", "Last-Modified", "Accept-Ranges"} & set(headers)


async def test_conditions(site: Site) -> None:
    path = await path_of(site, "a.png", png())
    _, _, headers = await site.get(path)
    modified = headers["Last-Modified"]
    status, body, headers = await site.get(path, headers={"If-Modified-Since": modified})
    assert (status, body) == (304, b"")
    assert "Content-Type" not in headers
    assert "Content-Length" not in headers
    status, body, headers = await site.get(path, headers={"If-Match": '"x"'})
    assert (status, body, headers["Content-Type"]) == (412, b"", "image/png")


async def test_a_slow_client_does_not_fill_the_memory(site: Site) -> None:
    path = await path_of(site, "a.bin", LARGE)
    async with site.server.session.get(site.server.url + path) as answer:
        read = 0
        async for chunk in answer.content.iter_chunked(CHUNK):
            await asyncio.sleep(0)
            read += len(chunk)
    assert read == len(LARGE)


@pytest.mark.parametrize(
    "path",
    [
        "/api/files/docs/{id}/missing.png",
        "/api/files/docs/missing/{name}",
        "/api/files/docs/{id}/..%2f{id}%2f{name}",
        "/api/files/docs/{id}/{name}.attrs",
        "/api/files/docs/{id}/thumbs_{name}",
    ],
)
async def test_nothing_else_is_served(site: Site, path: str) -> None:
    record = await site.create(("one", ("a.png", png())))
    answer = await site.server.request("GET", path.format(id=record["id"], name=record["one"]))
    assert answer.status == 404
    assert answer.body == {"data": {}, "message": "The requested resource wasn't found.", "status": 404}


async def test_an_unknown_collection_is_said_to_be_one(site: Site) -> None:
    answer = await site.server.request("GET", "/api/files/nosuch/a/b")
    assert answer.body == {"data": {}, "message": "Missing or invalid collection context.", "status": 404}


async def test_a_lost_file_is_not_found(site: Site) -> None:
    record = await site.create(("one", ("a.png", png())))
    (file,) = site.storage.glob(f"*/{record['id']}/{record['one']}")
    path = f"/api/files/docs/{record['id']}/{record['one']}"
    assert (await site.get(f"{path}?thumb=100x100"))[0] == 200
    file.unlink()
    assert (await site.get(path))[0] == 404
    assert (await site.get(f"{path}?thumb=100x100"))[0] == 404


# -- thumbs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"),
    [("100x100", (100, 100)), ("70x50", (70, 50)), ("0x40", (60, 40)), ("70x50t", (300, 200)), ("5x5", (300, 200))],
)
async def test_thumbs_of_the_listed_sizes(site: Site, size: str, expected: tuple[int, int]) -> None:
    path = await path_of(site, "a.png", png())
    status, body, headers = await site.get(f"{path}?thumb={size}")
    assert status == 200
    assert Image.open(io.BytesIO(body)).size == expected
    name = path.rpartition("/")[2]
    served = name if expected == (300, 200) else f"{size}_{name}"
    assert headers["Content-Disposition"] == f"inline; filename={served}"


@pytest.mark.parametrize("change", ["delete", "replace"])
async def test_a_thumb_of_what_is_deleted_meanwhile_is_not_kept(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    rendering, go_on = threading.Event(), threading.Event()

    def slowly(source: BinaryIO, source_type: str, size: ThumbSize, *, max_pixels: int) -> Thumb:
        made = render(source, source_type, size, max_pixels=max_pixels)
        rendering.set()
        assert go_on.wait(30)
        return made

    monkeypatch.setattr("builtin_files.thumbnails.render", slowly)
    record = await site.create(("one", ("a.png", png())))
    original = f"{record['id']}/{record['one']}"
    asking = asyncio.create_task(site.get(f"/api/files/docs/{original}?thumb=100x100"))
    assert await asyncio.to_thread(rendering.wait, 30)
    path = f"/api/collections/docs/records/{record['id']}"
    body = {"one": ""} if change == "replace" else None
    await site.server.request("PATCH" if body else "DELETE", path, body, token=site.token)
    async with asyncio.timeout(10):
        while original in site.on_disk():
            await asyncio.sleep(0.01)
    go_on.set()
    assert (await asking)[0] in (200, 404)
    assert site.on_disk() == []


async def test_a_thumb_is_kept_beside_the_original(site: Site) -> None:
    record = await site.create(("one", ("a.png", png())))
    name = record["one"]
    path = f"/api/files/docs/{record['id']}/{name}?thumb=100x100"
    first = await asyncio.gather(*(site.get(path) for _ in range(5)))
    assert {status for status, _, _ in first} == {200}
    assert f"{record['id']}/thumbs_{name}/100x100_{name}" in site.on_disk()
    (side,) = site.storage.glob(f"*/{record['id']}/thumbs_{name}/*.attrs")
    assert b'"user.content_type":"image/png"' in side.read_bytes()
    assert b'"user.metadata":null' in side.read_bytes()


@pytest.mark.parametrize(
    "content", [b"just text", b"\x89PNG\r\n\x1a\n broken", b'<svg xmlns="http://www.w3.org/2000/svg"/>']
)
async def test_what_has_no_thumb_is_served_itself(site: Site, content: bytes) -> None:
    path = await path_of(site, "a.png", content)
    status, body, _ = await site.get(f"{path}?thumb=100x100")
    assert (status, body) == (200, content)
    assert len(site.on_disk()) == 1


# -- protection ------------------------------------------------------------------------------------------------------


async def token_of(site: Site, token: str) -> str:
    answer = await site.server.request("POST", "/api/files/token", token=token)
    assert answer.status == 200, answer.body
    return str(answer["token"])


async def test_a_file_token_needs_a_sign_in(site: Site) -> None:
    answer = await site.server.request("POST", "/api/files/token")
    assert (answer.status, answer["message"]) == (401, "The request requires valid record authorization token.")


@pytest.mark.parametrize(
    ("rule", "guest", "user", "superuser"),
    [
        (None, 404, 404, 200),
        ("", 200, 200, 200),
        ('@request.auth.id != ""', 404, 200, 200),
        ('@request.context = "protectedFile" && @request.method = "GET"', 200, 200, 200),
        ('@request.query.key = "open"', 404, 404, 200),
    ],
)
async def test_a_protected_file_follows_the_view_rule(
    site: Site, rule: JSON, guest: int, user: int, superuser: int
) -> None:
    path = await path_of(site, "a.png", png(), "secret")
    changed = await site.server.request("PATCH", "/api/collections/docs", {"viewRule": rule}, token=site.token)
    assert changed.status == 200, changed.body
    _, user_token = await site.server.user()
    assert (await site.get(path))[0] == guest
    assert (await site.get(f"{path}?token=nonsense"))[0] == guest
    assert (await site.get(f"{path}?token={user_token}"))[0] == guest  # an auth token is no file token
    assert (await site.get(path, headers={"Authorization": site.token}))[0] == guest
    assert (await site.get(f"{path}?token={await token_of(site, user_token)}"))[0] == user
    assert (await site.get(f"{path}?token={await token_of(site, site.token)}"))[0] == superuser


async def test_an_open_file_ignores_the_view_rule(site: Site) -> None:
    path = await path_of(site, "a.png", png())
    await site.server.request("PATCH", "/api/collections/docs", {"viewRule": None}, token=site.token)
    assert (await site.get(path))[0] == 200


# -- views -----------------------------------------------------------------------------------------------------------


async def test_a_view_serves_the_files_of_its_source(site: Site) -> None:
    record = await site.create(("one", ("a.png", png())), ("many", ("b.txt", b"b")), ("secret", ("c.txt", b"c")))
    for name, query in (
        ("shown", "SELECT id, one AS image, many, secret FROM docs"),
        ("shown_again", "SELECT shown.id, shown.image AS picture FROM shown"),
    ):
        await make_collection(site.server, name, [], type="view", viewQuery=query)
    one = record["one"]
    many = record["many"]
    assert isinstance(many, list)
    base = f"/api/files/shown/{record['id']}"
    assert (await site.get(f"{base}/{one}"))[1] == png()
    assert (await site.get(f"{base}/{many[0]}"))[1] == b"b"
    assert (await site.get(f"/api/files/shown_again/{record['id']}/{one}"))[1] == png()
    status, body, _ = await site.get(f"/api/files/shown_again/{record['id']}/{one}?thumb=70x50")
    assert Image.open(io.BytesIO(body)).size == (70, 50)
    assert f"{record['id']}/thumbs_{one}/70x50_{one}" in site.on_disk()
    # the view's own rule decides, and it has none
    assert (await site.get(f"{base}/{record['secret']}"))[0] == 404
    status, _, _ = await site.get(f"{base}/{record['secret']}?token={await token_of(site, site.token)}")
    assert status == 200
