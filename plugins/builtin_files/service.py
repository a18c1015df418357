"""The files service: where a record's files are, and how rows and files stay in agreement."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote, unquote, urlencode, urlsplit

from builtin_files.config import FilesConfig
from builtin_files.field import names_of
from builtin_files.gone import gone_since
from builtin_files.journal import Journal
from builtin_files.local import LocalStorage
from builtin_files.names import original_name
from builtin_files.thumb_geometry import is_allowed
from builtin_files.thumbnails import Thumbnails, UnsupportedThumbError
from builtin_files.workers import Workers
from pbhost.errors import JSON, DatabaseError
from pbhost.hooks.events import StorageEvent
from pbhost.model import Record, UploadedFile
from pbhost.services import Storage

if TYPE_CHECKING:
    from pbhost import App

#: Key of the client's file name in a file's metadata.
ORIGINAL_NAME = "original-filename"
_DOWNLOAD_TIMEOUT = 60.0

log = logging.getLogger("pbhost.files")


class FilesService:
    """File fields in terms of the storage in charge."""

    def __init__(self, app: App, config: FilesConfig) -> None:
        self._app = app
        #: How long a redirect to the storage is valid; 0 for no redirects.
        self.redirect_seconds = config.presigned_seconds if config.presigned else 0
        self._thumbnails = Thumbnails(config, lambda: app.storage, self._store_thumb)
        self._deletions = asyncio.Semaphore(config.delete_workers)
        self._journal: Journal | None = None
        self._workers = Workers("pbhost-storages", 2)
        self._opened: dict[Path, LocalStorage] = {}
        #: Keys of running writes of this process; counted, since two writes may drop the same name.
        self._pending: Counter[str] = Counter()
        #: Deletions of this process that are not done; and whether those of earlier ones are.
        self._deleting = 0
        self._tidied = False

    async def start(self) -> None:
        """Opens the journal and mends what a crash left, beside the first requests."""
        auxiliary = self._app.db.auxiliary
        if auxiliary is not None:
            self._journal = Journal(auxiliary)
            await self._journal.open()
            self._app.background(self._sweep(self._journal), name="files: sweep")

    async def stop(self) -> None:
        """Ends running thumbnails."""
        # Of several workers none knows what the others left undone.
        if self._journal is not None and self._tidied and not self._deleting and self._app.config.workers == 1:
            await self._journal.mark_tidied((await self._app.db.last_change())[1])
        await self._thumbnails.stop()
        self._workers.close()

    # -- where -------------------------------------------------------------------------------------------------------

    def base_path(self, record: Record) -> str:
        """``{collectionId}/{recordId}``."""
        return f"{record.collection.id}/{record.id}"

    def url(self, record: Record, filename: str, *, thumb: str = "", token: str = "", download: bool = False) -> str:
        """The path of the download endpoint."""
        query = {"thumb": thumb, "token": token, "download": "1" if download else ""}
        encoded = urlencode({key: value for key, value in query.items() if value})
        path = "/".join(quote(part, safe="") for part in (record.collection.id, record.id, filename))
        return f"/api/files/{path}{'?' if encoded else ''}{encoded}"

    async def thumbnail(self, record: Record, filename: str, size: str) -> str:
        """The key of a thumbnail, made if it is not there yet.

        Raises:
            ValueError: the record has no such file, the size is not allowed, or no thumb can be made.
            FileNotFoundError: the original is gone.
        """
        for field in record.collection.fields:
            if field.type == "file" and filename in names_of(record.get(field.name)):
                listed = getattr(field, "thumbs", None) or []
                if not is_allowed(size, listed):
                    raise UnsupportedThumbError(size)
                return await self.make_thumb(self.base_path(record), filename, size)
        raise ValueError(f"the record has no file {filename!r}")

    def open_storage(self, place: Path | Mapping[str, JSON]) -> Storage:
        """See :class:`pbhost.services.Files`."""
        if isinstance(place, Path):
            return self._open_directory(place)
        from builtin_files.remote import RemoteStorage
        from builtin_files.s3 import S3Settings, open_bucket

        settings = S3Settings.load({**place, "enabled": True})
        assert settings is not None  # it is enabled
        return RemoteStorage(open_bucket(settings), self._workers)

    def _open_directory(self, place: Path) -> LocalStorage:
        storage = self._opened.get(place)
        if storage is None:
            storage = self._opened[place] = LocalStorage(place, self._workers)
            with suppress(RuntimeError):  # no running loop: nobody waits for the space
                asyncio.get_running_loop()
                self._app.background(storage.sweep(), name=f"files: unfinished writes in {place.name}")
        return storage

    async def make_thumb(self, base: str, filename: str, size: str) -> str:
        """As :meth:`thumbnail`, for a size that is known to be allowed."""
        return await self._thumbnails.ensure(base, filename, size)

    # -- the write cycle ---------------------------------------------------------------------------------------------

    async def begin_write(self, record: Record, uploads: Sequence[UploadedFile], leaving: Sequence[str]) -> None:
        """See :class:`pbhost.services.Files`."""
        base = self.base_path(record)
        keys = [f"{base}/{name}" for name in (*(upload.name for upload in uploads), *leaving)]
        self._pending.update(keys)
        stored: list[str] = []
        try:
            if self._journal is not None and keys:
                await self._journal.begin(keys, int(time.time()))
            for upload in uploads:
                stored.append(f"{base}/{upload.name}")
                await self._store_upload(stored[-1], upload)
        except BaseException:
            await asyncio.shield(self._undo(stored, keys))
            raise

    async def _undo(self, stored: Sequence[str], keys: Sequence[str]) -> None:
        for key in stored:
            await self._try_delete(key)
        await self._settled(keys)

    async def end_write(self, record: Record, names: Sequence[str]) -> None:
        """See :class:`pbhost.services.Files`."""
        base = self.base_path(record)
        keys = [f"{base}/{name}" for name in dict.fromkeys(names)]
        try:
            obsolete = await self._unnamed(record.collection.id, record.id, names)
            failed = [name for name in obsolete if not await self._delete_file(base, name)]
            if obsolete and record.is_new:
                await self._delete_empty_directory(base)
        except Exception as error:
            # The journal still has the keys: the next start deletes what no row names.
            log.error("the files of a record could not be tidied up", exc_info=error)
            self._pending.subtract(keys)
            return
        await self._settled([key for key in keys if key.rpartition("/")[2] not in failed])
        self._pending.subtract([key for key in keys if key.rpartition("/")[2] in failed])

    async def _settled(self, keys: Sequence[str]) -> None:
        """Forgets keys whose fate is decided; a crash before that only means that it is decided again."""
        self._pending.subtract(keys)
        self._pending += Counter()  # drops the zero counts
        if self._journal is not None and keys:
            self._app.background(self._journal.end(keys), name="files: journal")

    async def _unnamed(self, collection_id: str, record_id: str, names: Iterable[str]) -> list[str]:
        """Those names that no file field of the stored row has."""
        named = await self._named(collection_id, record_id)
        return [name for name in dict.fromkeys(names) if name not in named]

    async def _named(self, collection_id: str, record_id: str) -> frozenset[str]:
        collection = self._app.collections.find(collection_id)
        record = await self._app.records.find(collection, record_id) if collection is not None else None
        if collection is None or record is None:
            return frozenset()
        return frozenset(
            name for field in collection.fields if field.type == "file" for name in names_of(record.get(field.name))
        )

    # -- deleting ----------------------------------------------------------------------------------------------------

    def delete_all(self, record: Record) -> None:
        """See :class:`pbhost.services.Files`."""
        if not record.collection.is_view:
            work = self._delete_record_files(record.collection.id, record.id)
            self._app.background(work, name=f"files: delete {self.base_path(record)}")

    def delete_collection(self, collection_id: str) -> None:
        """Deletes every file of a deleted collection, in the background."""
        self._app.background(self._delete_collection_files(collection_id), name=f"files: delete {collection_id}")

    async def _delete_record_files(self, collection_id: str, record_id: str) -> None:
        prefix = f"{collection_id}/{record_id}/"
        self._deleting += 1
        async with self._deletions:
            named = await self._named(collection_id, record_id)
            if named or any(key.startswith(prefix) for key in self._pending):
                # A record of the same id was created meanwhile: only what it does not name may go.
                await self._delete_others(prefix, named)
            else:
                await self._delete_prefix(prefix)
        self._deleting -= 1

    async def _delete_others(self, prefix: str, named: frozenset[str]) -> None:
        others: set[str] = set()
        async for key, _ in self._app.storage.list(prefix):
            name = key.removeprefix(prefix)
            if "/" not in name and name not in named and key not in self._pending:
                others.add(name)
        for name in sorted(others):
            await self._delete_file(prefix.rstrip("/"), name)

    async def _delete_collection_files(self, collection_id: str) -> None:
        self._deleting += 1
        async with self._deletions:
            if self._app.collections.find(collection_id) is None:
                await self._delete_prefix(f"{collection_id}/")
        self._deleting -= 1

    async def _delete_file(self, base: str, name: str) -> bool:
        """Deletes a file and its thumbs; False if the storage refused, which is logged."""
        if not name or "/" in name or "\\" in name:
            return True  # never stored by us under such a name
        done = await self._try_delete(f"{base}/{name}")
        await self._delete_prefix(f"{base}/thumbs_{name}/")
        return done

    async def _try_delete(self, key: str) -> bool:
        event = StorageEvent(app=self._app, key=key)
        chain = self._app.hooks.chain("on_storage_delete")
        try:
            if chain is None:
                await self._app.storage.delete(key)
            else:
                await chain.run(event, lambda: self._app.storage.delete(event.key))
        except FileNotFoundError:
            return True
        except OSError as error:
            log.error("could not delete the stored file %s: %s", key, error)
            return False
        return True

    async def _delete_prefix(self, prefix: str) -> None:
        event = StorageEvent(app=self._app, key=prefix)
        chain = self._app.hooks.chain("on_storage_delete")
        try:
            if chain is None:
                await self._app.storage.delete_prefix(prefix)
            else:
                await chain.run(event, lambda: self._app.storage.delete_prefix(event.key))
        except OSError as error:
            log.error("could not delete the stored files below %s: %s", prefix, error)

    async def _delete_empty_directory(self, base: str) -> None:
        try:
            await self._app.storage.delete(base)
        except OSError:
            return  # not there, or not empty: the id belongs to another record

    # -- storing -----------------------------------------------------------------------------------------------------

    async def _store_upload(self, key: str, upload: UploadedFile) -> None:
        metadata = {ORIGINAL_NAME: original_name(upload.original_name)}
        with upload.open() as content:
            await self._store(key, content, upload.content_type, upload.size, metadata)

    async def _store_thumb(self, key: str, content: bytes, content_type: str) -> None:
        await self._store(key, content, content_type, len(content), None)

    async def _store(
        self, key: str, content: BinaryIO | bytes, content_type: str, size: int, metadata: Mapping[str, str] | None
    ) -> None:
        event = StorageEvent(
            app=self._app, key=key, content_type=content_type, size=size, metadata=dict(metadata or {})
        )

        async def write() -> None:
            known = event.metadata or None
            await self._app.storage.write(event.key, content, content_type=event.content_type, metadata=known)

        chain = self._app.hooks.chain("on_storage_write")
        if chain is None:
            await write()
        else:
            await chain.run(event, write)

    # -- uploads made by code ----------------------------------------------------------------------------------------

    async def copy_of(self, record: Record, filename: str, *, keep_name: bool = False) -> UploadedFile:
        """See :class:`pbhost.services.Files`."""
        key = f"{self.base_path(record)}/{filename}"
        attributes = await self._app.storage.attributes(key)
        original = attributes.metadata.get(ORIGINAL_NAME) or filename
        upload = await _copied(self._app.storage, key, original, attributes.size)
        if keep_name:
            upload.name = filename
        return upload

    async def download_upload(self, url: str, *, name: str = "", max_bytes: int = 32 * 1024 * 1024) -> UploadedFile:
        """See :class:`pbhost.services.Files`."""
        from aiohttp import ClientError, ClientSession, ClientTimeout

        content = bytearray()
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=_DOWNLOAD_TIMEOUT)) as session,
                session.get(url) as answer,
            ):
                if not 200 <= answer.status < 400:
                    raise OSError(f"the URL answered with status {answer.status}")
                async for chunk in answer.content.iter_chunked(256 * 1024):
                    content += chunk
                    if len(content) > max_bytes:
                        raise OSError(f"the URL's content has more than {max_bytes} bytes")
        except (ClientError, TimeoutError, ValueError) as error:
            raise OSError(f"the URL cannot be fetched: {error}") from error
        original = name or unquote(urlsplit(url).path.rpartition("/")[2])
        return UploadedFile.from_bytes(bytes(content), original)

    # -- after a crash -----------------------------------------------------------------------------------------------

    async def _sweep(self, journal: Journal) -> None:
        """Decides the fate of what dead processes left: a file that no row names goes."""
        try:
            await self._sweep_unnamed(journal)
            await self._sweep_deleted(journal)
        except DatabaseError as error:
            # A full disk, for instance. What is left stays in the journal and in the feed for the next start.
            log.error("the files that a crash left could not be tidied up: %s", error)

    async def _sweep_unnamed(self, journal: Journal) -> None:
        for key in await journal.left_behind(int(time.time())):
            collection_id, _, rest = key.partition("/")
            record_id, _, name = rest.partition("/")
            if await self._unnamed(collection_id, record_id, [name]):
                await self._delete_prefix(f"{key}.")  # the temporary file that a remote storage has beside its target
                if not await self._delete_file(f"{collection_id}/{record_id}", name):
                    continue
                await self._delete_empty_directory(f"{collection_id}/{record_id}")
                log.warning("deleted the file of a write that was cut short: %s", key)
            await journal.forget([key])

    async def _is_anything_below(self, prefix: str) -> bool:
        directory = self._app.storage.local_path(prefix.rstrip("/"))
        if directory is not None:
            # Also what a list does not show: the side file of a file that is gone, an empty directory.
            return await asyncio.to_thread(directory.is_dir)
        async for _ in self._app.storage.list(prefix):
            return True
        return False

    async def _sweep_deleted(self, journal: Journal) -> None:
        """Files are deleted after the commit that deletes their record; what a dead process did not get to goes now."""
        _, newest = await self._app.db.last_change()
        tidied = await journal.tidied()
        after = tidied if tidied <= newest else 0
        async for collection_id, record_id in gone_since(self._app, after, newest):
            prefix = f"{collection_id}/{record_id}/" if record_id else f"{collection_id}/"
            if not await self._is_anything_below(prefix):
                continue
            log.warning("deleting the files of a record or collection that is gone: %s", prefix)
            if record_id:
                await self._delete_record_files(collection_id, record_id)
            else:
                await self._delete_collection_files(collection_id)
        await journal.mark_tidied(newest)
        self._tidied = True


async def _copied(storage: Storage, key: str, original: str, size: int) -> UploadedFile:
    """A stored file as an upload: read in place, or from a temporary copy if it is not on this machine."""
    path = storage.local_path(key)
    if path is not None:
        return UploadedFile(original_name=original, size=size, open=lambda: path.open("rb"))
    descriptor, name = tempfile.mkstemp(prefix="pbhost-copy-")
    copy = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            async for chunk in storage.read(key):
                await asyncio.to_thread(file.write, chunk)
    except BaseException:
        await asyncio.to_thread(copy.unlink, missing_ok=True)
        raise
    return UploadedFile(
        original_name=original,
        size=size,
        open=lambda: copy.open("rb"),
        close=lambda: copy.unlink(missing_ok=True),
    )
