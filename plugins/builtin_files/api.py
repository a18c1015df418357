"""The routes: downloads and file tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from builtin_files.download import Download
from pbhost.errors import UnauthorizedError
from pbhost.hooks.events import FileTokenRequestEvent
from pbhost.http import Route, context_of

if TYPE_CHECKING:
    from builtin_files.service import FilesService
    from pbhost import App


def routes(app: App, files: FilesService) -> list[Route]:
    """All routes of the plugin."""
    return [
        Route(
            "GET",
            "/api/files/{collection}/{recordId}/{filename}",
            Download(app, files),
            tags=("file",),
            summary="Sends a record's file or a thumbnail of it.",
        ),
        Route(
            "POST",
            "/api/files/token",
            FileToken(app),
            guard="auth",
            summary="Issues a short-lived token for protected files.",
        ),
    ]


class FileToken:
    """The handler of ``POST /api/files/token``."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, request: web.Request) -> object:
        """Issues a token for the caller; the body is ignored."""
        context = context_of(request)
        record = context.auth
        if record is None:
            raise UnauthorizedError("The request requires valid record authorization token.")
        token = await self._app.auth.issue_token(record, "file")
        chain = self._app.hooks.chain("on_file_token_request", record.collection.tags)
        if chain is None:
            return {"token": token}
        event = FileTokenRequestEvent(
            app=self._app, context=context, request=request, collection=record.collection, record=record, token=token
        )

        async def answer() -> object:
            return {"token": event.token}

        result = await chain.run(event, answer)
        if result is None:
            return event.response if event.response is not None else web.Response()
        return result
