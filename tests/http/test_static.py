"""The files of ``pb_public``."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Serve


@pytest.fixture
def public(tmp_path: Path) -> Path:
    root = tmp_path / "pb_public"
    (root / "sub").mkdir(parents=True)
    (root / "index.html").write_text("<h1>home</h1>", "utf-8")
    (root / "a.js").write_text("1", "utf-8")
    (root / "noext").write_text("plain words", "utf-8")
    (root / "binary").write_bytes(b"\x00\x01")
    (root / "sub" / "index.html").write_text("<h1>sub</h1>", "utf-8")
    (root / "empty").mkdir()
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    return root


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [
        ("/", 200, "<h1>home</h1>"),
        ("/a.js", 200, "1"),
        ("/sub/", 200, "<h1>sub</h1>"),
        ("/sub", 301, "/sub/"),
        ("/sub?x=1", 301, "/sub/?x=1"),
        ("/a.js/", 301, "/a.js"),
        ("/index.html", 301, "/"),
        ("/sub/index.html", 301, "/sub/"),
        ("/nope", 200, "<h1>home</h1>"),
        ("/api/nope", 200, "<h1>home</h1>"),
        ("/empty/", 200, "<h1>home</h1>"),
        ("/link.txt", 200, "<h1>home</h1>"),
        ("/%2e%2e/secret.txt", 200, "<h1>home</h1>"),
        ("/..%2fsecret.txt", 200, "<h1>home</h1>"),
        ("/..%5csecret.txt", 200, "<h1>home</h1>"),
        ("/a%00.js", 200, "<h1>home</h1>"),
    ],
)
async def test_what_a_path_gives(serve: Serve, public: Path, path: str, status: int, found: str) -> None:
    client = await serve()
    answered, body, headers = await client("GET", path)
    assert answered == status
    assert (headers["Location"] if status == 301 else body.decode()) == found
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_without_the_fallback_an_unknown_path_is_404(serve: Serve, public: Path) -> None:
    client = await serve(index_fallback=False)
    status, body, _ = await client("GET", "/nope")
    assert (status, body) == (404, b'{"data":{},"message":"File not found.","status":404}\n')
    assert (await client("GET", "/"))[0] == 200


async def test_without_the_directory_everything_is_404(serve: Serve) -> None:
    client = await serve()
    assert (await client("GET", "/"))[0] == 404


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/a.js", "text/javascript; charset=utf-8"),
        ("/noext", "text/plain; charset=utf-8"),
        ("/binary", "application/octet-stream"),
    ],
)
async def test_types(serve: Serve, public: Path, path: str, content_type: str) -> None:
    client = await serve()
    assert (await client("HEAD", path))[2]["Content-Type"] == content_type


async def test_ranges_and_conditional_requests(serve: Serve, public: Path) -> None:
    client = await serve()
    _, _, headers = await client("GET", "/")
    answered = await client("GET", "/", headers={"If-Modified-Since": headers["Last-Modified"]})
    assert answered[:2] == (304, b"")
    status, body, headers = await client("GET", "/", headers={"Range": "bytes=4-7"})
    assert (status, body, headers["Content-Range"]) == (206, b"home", "bytes 4-7/13")


async def test_large_text_is_compressed_for_those_who_take_it(serve: Serve, public: Path) -> None:
    (public / "big.css").write_text("a { color: red }\n" * 1000, "utf-8")
    client = await serve()
    _, body, headers = await client("GET", "/big.css", headers={"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    assert int(headers["Content-Length"]) < 2000
    assert body == b"a { color: red }\n" * 1000
    assert "Accept-Encoding" in headers["Vary"]
    _, _, headers = await client("GET", "/big.css", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in headers
