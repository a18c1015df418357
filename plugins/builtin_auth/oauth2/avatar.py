"""Downloading a new user's picture from an address that a stranger may have chosen."""

from __future__ import annotations

from pbhost.http import public_socket
from pbhost.model import UploadedFile

_SECONDS = 10.0
_MAX_BYTES = 32 * 1024 * 1024


class AvatarError(Exception):
    """There is no picture to be had; the sign-up goes on without."""


async def download(url: str) -> UploadedFile:
    """The picture at ``url``.

    Raises:
        AvatarError: the address is not public, the server refuses, or the picture is empty or too large.
    """
    import aiohttp

    connector = aiohttp.TCPConnector(socket_factory=public_socket)
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.get(url) as response,
        ):
            if not 200 <= response.status < 400:
                raise AvatarError(f"status {response.status}")
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > _MAX_BYTES:
                    raise AvatarError("too large")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise AvatarError(str(error) or type(error).__name__) from error
    if not content:
        raise AvatarError("empty")
    return UploadedFile.from_bytes(bytes(content), url.rsplit("/", 1)[-1])
