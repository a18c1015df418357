"""Backups: made, kept, sent, restored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from builtin_operations.backups import pending
from builtin_operations.backups.archive import EXCLUDED, extract_archive, freeze, write_archive
from builtin_operations.backups.names import AUTO_PREFIX, MANUAL_PREFIX, MAX_LENGTH, SUBMITTED, generate
from builtin_operations.backups.workspace import Workspace, sweep
from pbhost.database import Engine
from pbhost.errors import JSON, REQUIRED, BadRequestError, FieldError, NotFoundError, ValidationError
from pbhost.hooks.events import BackupEvent
from pbhost.model import SUPERUSERS, UploadedFile, clock
from pbhost.model.dates import format_date
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text
from pbhost.services import CronJob, MailAddress, MailMessage, Storage
from pbhost.validation import check, length, match

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.backups")

AUTO_JOB = "__pbAutoBackup__"
_ZIP = "application/zip"
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
#: How long writers wait for a backup at most.
_HOLD_SECONDS = 300.0
_RESTORE_DELAY = 1.0
_EXISTS = "validation_backup_name_exists"


class Backups:
    """The backups of one application; one is made or restored at a time."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._active = ""
        self._scheduled = ""

    @property
    def is_busy(self) -> bool:
        """Whether one is being made or restored."""
        return bool(self._active)

    def storage(self) -> Storage:
        """Where archives are kept: the directory ``backups``, or the bucket of the settings."""
        bucket = self._bucket()
        return self._app.files.open_storage(self._app.config.dir / "backups" if bucket is None else bucket)

    def _bucket(self) -> Mapping[str, JSON] | None:
        s3 = self._app.settings.section("backups").get("s3")
        return s3 if isinstance(s3, Mapping) and s3.get("enabled") is True else None

    def tidy_up(self) -> None:
        """Deletes what a killed server was writing, beside the requests; opening the archives' directory does so."""
        sweeping = asyncio.to_thread(sweep, self._app.config.dir / pending.TEMP)
        self._app.background(sweeping, name="backups: unfinished ones")
        if self._bucket() is None and self._app.has("files"):
            self.storage()

    async def list(self) -> list[dict[str, JSON]]:
        """All archives in lexical order."""
        found: list[dict[str, JSON]] = []
        async for key, attributes in self.storage().list():
            modified = format_date(attributes.modified.astimezone(UTC))
            found.append({"key": key, "modified": modified, "size": attributes.size})
        return sorted(found, key=lambda item: str(item["key"]))

    # -- making ------------------------------------------------------------------------------------------------------

    async def check_name(self, name: str) -> None:
        """A name that a client chose; "" stands for a generated one.

        Raises:
            ValidationError: it is not allowed, or taken.
        """
        error = check(name, length(1, MAX_LENGTH), match(SUBMITTED))
        if error is None and name and not SUBMITTED.fullmatch(name):
            error = FieldError("validation_match_invalid", "Must be in a valid format.")
        if error is None and name and await self.storage().exists(name):
            error = FieldError(_EXISTS, "The backup file name is invalid or already exists.")
        if error is not None:
            raise ValidationError({"name": error}, "An error occurred while validating the submitted data.")

    async def generate_name(self, prefix: str = MANUAL_PREFIX) -> str:
        """A name with the application's name and the time, or the next time whose name is free."""
        app_name = str(self._app.settings.section("meta").get("appName") or "")
        moment = clock.utc_now()
        # Another one within the second, or a clock that was set back: the backup of that time must not be replaced.
        while await self.storage().exists(name := generate(prefix, app_name, moment)):
            moment += timedelta(seconds=1)
        return name

    async def create(self, name: str) -> None:
        """Makes an archive and stores it.

        Raises:
            BadRequestError: another one is being made or restored.
            OSError: the disk or the storage refused.
            pbhost.errors.DatabaseError: the database could not be copied.
        """
        self._begin(name)
        try:
            event = BackupEvent(app=self._app, name=name, exclude=list(EXCLUDED))
            chain = self._app.hooks.chain("on_backup_create")
            if chain is None:
                await self._create(event)
            else:
                await chain.run(event, lambda: self._create(event))
        finally:
            self._active = ""

    def _begin(self, name: str) -> None:
        if self._active:
            raise BadRequestError("Try again later - another backup/restore process has already been started.")
        self._active = name

    async def _create(self, event: BackupEvent) -> None:
        directory = self._app.config.dir
        workspace = await asyncio.to_thread(Workspace, directory / pending.TEMP)
        temp = workspace.path
        archive = temp / "archive.zip"
        try:
            # Writers wait for this moment, so that the rows and the files of the archive agree.
            async with self._app.db.transaction(timeout=_HOLD_SECONDS):
                copies = await self._copy_databases(temp)
                await asyncio.to_thread(freeze, directory, event.exclude, list(copies), temp / "files")
            await asyncio.to_thread(write_archive, temp / "files", copies, archive)
            with archive.open("rb") as source:
                await self.storage().write(
                    event.name, source, content_type=_ZIP, metadata={"original-filename": event.name}
                )
        finally:
            await asyncio.to_thread(workspace.close)

    async def _copy_databases(self, temp: Path) -> dict[str, Path]:
        copies: dict[str, Path] = {}
        engines: list[tuple[str, Engine | None]] = [
            ("data.db", self._app.db),
            ("auxiliary.db", self._app.db.auxiliary),
        ]
        for name, engine in engines:
            if engine is not None:
                await engine.snapshot_to(str(temp / name))
                copies[name] = temp / name
        return copies

    async def upload(self, upload: UploadedFile | None) -> None:
        """Stores an archive of a client under its own name.

        Raises:
            ValidationError: no file, not a zip file, or the name is taken.
        """
        failure = "An error occurred while validating the submitted data."
        if upload is None:
            raise ValidationError({"file": REQUIRED}, failure)
        name = upload.original_name
        with upload.open() as source:
            start = await asyncio.to_thread(source.read, 4)
            if start not in _ZIP_STARTS:
                error = FieldError(
                    "validation_invalid_mime_type",
                    f'"{name}" mime type must be one of: {_ZIP}.',
                    {"name": name, "allowed": _ZIP},
                )
                raise ValidationError({"file": error}, failure)
            storage = self.storage()
            # The name goes to a path; what the parser of the body lets through besides plain names is refused here.
            if name in ("", ".", "..") or "/" in name or name.endswith(".attrs") or await storage.exists(name):
                error = FieldError(_EXISTS, "Backup file with the specified name already exists.")
                raise ValidationError({"file": error}, failure)
            await asyncio.to_thread(source.seek, 0)
            await storage.write(name, source, content_type=_ZIP, metadata={"original-filename": _cut(name)})

    async def delete(self, key: str) -> None:
        """Deletes an archive.

        Raises:
            BadRequestError: it is in use, or there is none.
        """
        if key == self._active:
            raise BadRequestError("The backup is currently being used and cannot be deleted.")
        try:
            await self.storage().delete(key)
        except OSError as error:
            reason = "file does not exist" if isinstance(error, FileNotFoundError) else "the storage refused"
            raise BadRequestError(f"Invalid or already deleted backup file. Raw error: \n{reason}") from error

    # -- restoring ---------------------------------------------------------------------------------------------------

    async def start_restore(self, key: str) -> None:
        """Restores an archive a second later and restarts the server.

        Raises:
            BadRequestError: no such archive, or another one is being made or restored.
        """
        if self._active:
            raise BadRequestError("Try again later - another backup/restore process has already been started.")
        if not await self.storage().exists(key):
            raise BadRequestError("Missing or invalid backup file.")

        async def later() -> None:
            await asyncio.sleep(_RESTORE_DELAY)
            try:
                await self.restore(key)
            except Exception:
                log.exception("the restore of %s failed", key)

        self._app.background(later(), name="restore")

    async def restore(self, key: str) -> None:
        """Unpacks an archive and restarts the server, which then starts with its content.

        Raises:
            ArchiveError: the archive cannot be used; nothing was changed.
        """
        self._begin(key)
        try:
            event = BackupEvent(app=self._app, name=key, exclude=list(EXCLUDED))
            chain = self._app.hooks.chain("on_backup_restore")
            if chain is None:
                await self._stage(event)
            else:
                await chain.run(event, lambda: self._stage(event))
        finally:
            self._active = ""
        self._app.restart()

    async def _stage(self, event: BackupEvent) -> None:
        directory = self._app.config.dir
        temp = directory / pending.TEMP
        suffix = random_text(8, LOWER_ALPHANUMERIC)
        staged, local = temp / f"pb_restore_{suffix}", temp / f"pb_restore_{suffix}.zip"
        await asyncio.to_thread(temp.mkdir, parents=True, exist_ok=True)
        try:
            storage = self.storage()
            source = storage.local_path(event.name)
            if source is None:
                await _fetch(storage, event.name, local)
                source = local
            await asyncio.to_thread(extract_archive, source, staged)
        except BaseException:
            await asyncio.to_thread(pending.remove, staged)
            raise
        finally:
            await asyncio.to_thread(pending.remove, local)
        await asyncio.to_thread(pending.stage, directory, staged, event.exclude)

    # -- by the clock ------------------------------------------------------------------------------------------------

    def schedule(self) -> None:
        """Follows the setting ``backups.cron``."""
        expression = str(self._app.settings.section("backups").get("cron") or "")
        if expression == self._scheduled or not self._app.has("cron"):
            return
        self._scheduled = expression
        if expression:
            self._app.cron.add(CronJob(AUTO_JOB, expression, self.run_scheduled))
        else:
            self._app.cron.remove(AUTO_JOB)

    async def run_scheduled(self) -> None:
        """Makes an automatic backup and deletes the oldest ones; tells the superusers if it fails."""
        try:
            name = await self.generate_name(AUTO_PREFIX)
            await self.create(name)
            await self._delete_old(name)
        except Exception as error:
            log.exception("the automatic backup failed")
            await self._report(str(error) or type(error).__name__)

    async def _delete_old(self, newest: str) -> None:
        keep = self._app.settings.section("backups").get("cronMaxKeep")
        if not isinstance(keep, int) or keep < 1:
            return
        storage = self.storage()
        found = [(attributes.modified, key) async for key, attributes in storage.list(AUTO_PREFIX) if key != newest]
        # The one just made stays, whatever the times say: after a clock was set back it would look like the oldest.
        for _, key in sorted(found, reverse=True)[keep - 1 :]:
            await storage.delete(key)

    async def _report(self, reason: str) -> None:
        app_name = str(self._app.settings.section("meta").get("appName") or "")
        try:
            async for superuser in self._app.records.iterate(SUPERUSERS):
                message = MailMessage(
                    to=[MailAddress(superuser.text("email"))],
                    subject=f"[{app_name} system alert] Autobackup failure",
                    html=f"<p>The automatic backup failed:</p><p>{escape(reason)}</p>",
                )
                await self._app.mailer.send(message)
        except OSError as error:
            log.error("the superusers could not be told of the failed backup: %s", error)


def _cut(name: str) -> str:
    """The first 255 bytes of a name, whole characters only."""
    return name.encode()[:255].decode(errors="ignore")


async def _fetch(storage: Storage, key: str, target: Path) -> None:
    """Copies an archive from a remote storage to a local file."""
    try:
        file = await asyncio.to_thread(target.open, "xb")
        with file:
            async for chunk in storage.read(key):
                await asyncio.to_thread(file.write, chunk)
    except FileNotFoundError as error:
        raise NotFoundError from error
