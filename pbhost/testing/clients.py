"""A client with an identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbhost.model import Record
    from pbhost.testing.running import Answer, Running


class Client:
    """Sends requests to a running server.

    Attributes:
        token: the auth token it sends, "" for a guest.
        record: the auth record it is signed in as, None for a guest and for the superuser.
    """

    def __init__(self, running: Running, token: str = "", record: Record | None = None) -> None:
        self.running = running
        self.token = token
        self.record = record

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends a request: ``body`` as JSON, or ``data`` as a form."""
        return await self.running.request(method, path, body, token=self.token, data=data, headers=headers)

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """GET."""
        return await self.request("GET", path, headers=headers)

    async def post(self, path: str, body: object = None, *, data: object = None) -> Answer:
        """POST."""
        return await self.request("POST", path, body, data=data)

    async def patch(self, path: str, body: object = None, *, data: object = None) -> Answer:
        """PATCH."""
        return await self.request("PATCH", path, body, data=data)

    async def put(self, path: str, body: object = None, *, data: object = None) -> Answer:
        """PUT."""
        return await self.request("PUT", path, body, data=data)

    async def delete(self, path: str) -> Answer:
        """DELETE."""
        return await self.request("DELETE", path)
