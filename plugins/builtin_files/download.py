"""``GET /api/files/{collection}/{recordId}/{filename}``: who may have which file, and as which picture."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from builtin_files.field import names_of
from builtin_files.headers import is_forced
from builtin_files.rendering import ThumbError
from builtin_files.sending import send
from builtin_files.thumb_geometry import is_allowed, thumb_name
from builtin_files.thumbnails import UnsupportedThumbError
from builtin_files.views import owner_of, source_of
from pbhost.errors import InternalError, NotFoundError
from pbhost.hooks.events import FileDownloadRequestEvent
from pbhost.http import context_of
from pbhost.model import Collection, Field, Record, RequestContext

if TYPE_CHECKING:
    from builtin_files.service import FilesService
    from pbhost import App

log = logging.getLogger("pbhost.files")

_NO_COLLECTION = "Missing or invalid collection context."
_NO_STORAGE = "Filesystem initialization failure."


@dataclass(slots=True)
class _Served:
    """What is about to be sent."""

    path: str
    name: str
    thumb_error: str = ""


class Download:
    """The handler of downloads."""

    def __init__(self, app: App, files: FilesService) -> None:
        self._app = app
        self._files = files

    async def __call__(self, request: web.Request) -> object:
        """Sends a file.

        Raises:
            NotFoundError: no such file, or the caller may not see it: the two are not told apart.
            InternalError: the storage cannot be reached.
        """
        context = context_of(request)
        collection = self._app.collections.find(request.match_info["collection"])
        if collection is None:
            raise NotFoundError(_NO_COLLECTION)
        record = await self._app.records.find(collection, request.match_info["recordId"])
        if record is None:
            raise NotFoundError
        filename = request.match_info["filename"]
        field = _field_with(record, filename)
        if field is None:
            raise NotFoundError
        if getattr(field, "protected", False) and not await self._may_see(record, field, context):
            raise NotFoundError
        base = await self._base_path(record, field, filename)
        if base is None:
            raise NotFoundError
        try:
            served = await self._select(base, filename, field, context.query.get("thumb", ""))
            return await self._serve(request, context, record, field, served)
        except FileNotFoundError as error:
            raise NotFoundError(cause=f"no stored file {error}") from error
        except ConnectionError:
            raise  # the client went away while the file was sent
        except OSError as error:
            raise InternalError(_NO_STORAGE, cause=str(error)) from error

    async def _may_see(self, record: Record, field: Field, context: RequestContext) -> bool:
        """Whether the file token of the query passes the collection's view rule and the field's read rule.

        The ``Authorization`` header does not count: links are opened by browsers, which send none.
        """
        auth: Record | None = None
        token = context.query.get("token", "")
        if token:
            verified = await self._app.auth.verify_token(token, "file")
            auth = verified[0] if verified else None
        if auth is not None and auth.collection.is_superusers and not self._superuser_from(context.ip):
            auth = None
        viewer = context.derive(context="protectedFile", auth=auth)
        records, collection = self._app.records, record.collection
        read_rule = collection.read_rules.get(field.name, "")
        if read_rule != "" and not await records.satisfies(record, read_rule, viewer):
            return False
        return await records.satisfies(record, collection.view_rule, viewer)

    def _superuser_from(self, ip: str) -> bool:
        return not self._app.has("rate_limiter") or self._app.rate_limiter.allows_superuser(ip)

    async def _base_path(self, record: Record, field: Field, filename: str) -> str | None:
        if not record.collection.is_view:
            return self._files.base_path(record)
        source = source_of(self._app, record.collection, field)
        return None if source is None else await owner_of(self._app, source, filename)

    async def _select(self, base: str, filename: str, field: Field, size: str) -> _Served:
        """The thumb that was asked for, or the original with the reason why not."""
        original = _Served(f"{base}/{filename}", filename)
        if not size:
            return original
        if not is_allowed(size, getattr(field, "thumbs", None) or ()):
            original.thumb_error = str(UnsupportedThumbError(size))
            return original
        try:
            key = await self._files.make_thumb(base, filename, size)
        except UnsupportedThumbError as error:
            original.thumb_error = str(error)
            return original
        except ThumbError as error:
            log.warning("no thumb %s of %s: %s", size, original.path, error)
            original.thumb_error = str(error)
            return original
        return _Served(key, thumb_name(filename, size))

    async def _serve(
        self, request: web.Request, context: RequestContext, record: Record, field: Field, served: _Served
    ) -> object:
        force = is_forced(context.query.get("download"))
        seconds = self._files.redirect_seconds
        chain = self._app.hooks.chain("on_file_download_request", record.collection.tags)
        if chain is None:
            return await send(
                request, self._app.storage, served.path, served.name, force_attachment=force, redirect_seconds=seconds
            )
        event = FileDownloadRequestEvent(
            app=self._app,
            context=context,
            request=request,
            collection=record.collection,
            record=record,
            file_field=field,
            served_path=served.path,
            served_name=served.name,
            thumb_error=served.thumb_error,
        )

        async def stream() -> web.StreamResponse:
            return await send(
                request,
                self._app.storage,
                event.served_path,
                event.served_name,
                force_attachment=force,
                redirect_seconds=seconds,
            )

        answer: object = await chain.run(event, stream)
        if answer is None:
            # A hook that skipped the sending without an answer of its own has said all there is.
            return event.response if event.response is not None else web.Response()
        return answer


def _field_with(record: Record, filename: str) -> Field | None:
    """The first file field whose value has the name."""
    if not filename:
        return None
    collection: Collection = record.collection
    return next(
        (item for item in collection.fields if item.type == "file" and filename in names_of(record.get(item.name))),
        None,
    )
