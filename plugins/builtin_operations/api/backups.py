"""``/api/backups``: list, make, upload, download, delete, restore."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from pbhost.errors import ApiError, BadRequestError, ForbiddenError, NotFoundError
from pbhost.http import Route, context_of, read_body
from pbhost.model import UploadedFile

if TYPE_CHECKING:
    from builtin_operations.service import Operations
    from pbhost.services import Storage

log = logging.getLogger("pbhost.backups")


def routes(operations: Operations) -> list[Route]:
    """The routes of the backups."""
    handlers = _Handlers(operations)
    return [
        Route("GET", "/api/backups", handlers.list, guard="superuser", summary="All backups"),
        Route("POST", "/api/backups", handlers.create, guard="superuser", summary="Make a backup"),
        Route(
            "POST", "/api/backups/upload", handlers.upload, guard="superuser", body_limit=0, summary="Upload a backup"
        ),
        # No guard: the link carries a file token, the Authorization header is ignored.
        Route("GET", "/api/backups/{key}", handlers.download, summary="Download a backup"),
        Route("DELETE", "/api/backups/{key}", handlers.delete, guard="superuser", summary="Delete a backup"),
        Route("POST", "/api/backups/{key}/restore", handlers.restore, guard="superuser", summary="Restore a backup"),
    ]


class _Handlers:
    def __init__(self, operations: Operations) -> None:
        self._app = operations.app
        self._backups = operations.backups

    async def list(self, _request: web.Request) -> object:
        return await self._backups.list()

    async def create(self, request: web.Request) -> object:
        name = (await read_body(request)).get("name")
        if name is not None and not isinstance(name, str):
            raise BadRequestError("An error occurred while loading the submitted data.")
        await self._backups.check_name(name or "")
        try:
            await self._backups.create(name or await self._backups.generate_name())
        except ApiError:
            raise
        except Exception as error:
            log.exception("the backup failed")
            raise BadRequestError("Failed to create backup.", cause=str(error)) from error
        return None

    async def upload(self, request: web.Request) -> object:
        file: object = None
        if request.content_type.startswith("multipart/"):
            file = (await read_body(request)).get("file")
        if isinstance(file, list):
            file = next((item for item in file if isinstance(item, UploadedFile)), None)
        await self._backups.upload(file if isinstance(file, UploadedFile) else None)
        return None

    async def download(self, request: web.Request) -> web.StreamResponse:
        context = context_of(request)
        verified = await self._app.auth.verify_token(context.query.get("token", ""), "file")
        if (
            verified is None
            or not verified[0].collection.is_superusers
            or not self._app.rate_limiter.allows_superuser(context.ip)
        ):
            raise ForbiddenError("Insufficient permissions to access the resource.")
        key = request.match_info["key"]
        storage = self._backups.storage()
        if not await storage.exists(key):
            raise NotFoundError
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(key)}",
            "Cache-Control": "private, no-store",
        }
        path = storage.local_path(key)
        if path is not None:
            return web.FileResponse(path, headers=headers)
        return await _streamed(request, storage, key, headers)

    async def delete(self, request: web.Request) -> object:
        await self._backups.delete(request.match_info["key"])
        return None

    async def restore(self, request: web.Request) -> object:
        await self._backups.start_restore(request.match_info["key"])
        return None


async def _streamed(request: web.Request, storage: Storage, key: str, headers: dict[str, str]) -> web.StreamResponse:
    """An archive of a remote storage, chunk by chunk."""
    attributes = await storage.attributes(key)
    response = web.StreamResponse(headers=headers)
    response.content_length = attributes.size
    await response.prepare(request)
    if request.method != "HEAD":
        async for chunk in storage.read(key):
            await response.write(chunk)
    await response.write_eof()
    return response
