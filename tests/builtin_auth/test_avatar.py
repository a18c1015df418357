"""A new user's picture comes from an address that a stranger chose: it never leads into the server's own network."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from builtin_auth.oauth2 import avatar

from pbhost.http import public_address

Handler = Callable[[web.Request], object]
PICTURE = b"GIF89a"


@asynccontextmanager
async def serving(host: str, handler: Handler) -> AsyncIterator[int]:
    """A host that answers ``/picture``; its port."""
    app = web.Application()
    app.router.add_get("/picture", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def picture(request: web.Request) -> web.Response:
    return web.Response(body=PICTURE)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address of this machine that counts as one of the public internet."""
    real = public_address.is_public
    monkeypatch.setattr(public_address, "is_public", lambda address: address == "127.0.0.2" or real(address))
    return "127.0.0.2"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("127.255.0.9", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("ff0e::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2001:0:7f00:1::", False),
        ("nope", False),
        ("", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert public_address.is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/picture",
        "http://localhost:{port}/picture",
        "http://2130706433:{port}/picture",
        "http://0x7f.1:{port}/picture",
        "http://[::ffff:127.0.0.1]:{port}/picture",
        "http://user:pw@127.0.0.1:{port}/picture",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/picture",
        "nope",
    ],
)
async def test_no_address_leads_inwards(url: str) -> None:
    asked: list[str] = []

    async def seen(request: web.Request) -> web.Response:
        asked.append(request.host)
        return await picture(request)

    async with serving("127.0.0.1", seen) as port:
        with pytest.raises(avatar.AvatarError):
            await avatar.download(url.format(port=port))
    assert not asked


async def test_a_public_host_gives_its_picture(outside: str) -> None:
    async with serving(outside, picture) as port:
        file = await avatar.download(f"http://{outside}:{port}/picture")
    assert (file.size, file.original_name) == (len(PICTURE), "picture")


@pytest.mark.parametrize("inner", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_public_host_does_not_redirect_inwards(outside: str, inner: str) -> None:
    async with serving("127.0.0.1", picture) as port:

        async def redirect(request: web.Request) -> web.Response:
            raise web.HTTPFound(f"http://{inner}:{port}/picture")

        async with serving(outside, redirect) as outer:
            with pytest.raises(avatar.AvatarError):
                await avatar.download(f"http://{outside}:{outer}/picture")


async def test_a_name_that_changes_between_look_and_use_does_not_lead_inwards(
    outside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is a public host's for who asks first, this machine's afterwards. What counts is the address of the
    connection itself, whichever answer it was made from."""
    resolve = socket.getaddrinfo
    answers = iter([outside])

    def rebind(host: str, *arguments: object, **options: object) -> object:
        if host == "rebind.test":
            host = next(answers, "127.0.0.1")
        return resolve(host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    async with serving("127.0.0.1", picture) as port:
        for _ in range(3):
            with pytest.raises(avatar.AvatarError):
                await avatar.download(f"http://rebind.test:{port}/picture")
    assert next(answers, None) is None


@pytest.mark.parametrize(("status", "body"), [(404, PICTURE), (500, PICTURE), (200, b"")])
async def test_what_is_no_picture_is_refused(outside: str, status: int, body: bytes) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    async with serving(outside, answer) as port:
        with pytest.raises(avatar.AvatarError):
            await avatar.download(f"http://{outside}:{port}/picture")


async def test_a_picture_without_end_is_left(outside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avatar, "_MAX_BYTES", 100_000)
    monkeypatch.setattr(avatar, "_SECONDS", 5.0)
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 50_000_000:
            await response.write(bytes(50_000))
            sent += 50_000
        return response

    async with serving(outside, endless) as port:
        with pytest.raises(avatar.AvatarError, match="too large"):
            await avatar.download(f"http://{outside}:{port}/picture")
    assert sent < 50_000_000
