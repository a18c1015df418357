"""The settings service: kept in memory, stored in the database, watched for changes by other processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from builtin_operations.settings.checks import check_settings
from builtin_operations.settings.merge import SettingsTypeError, merge
from builtin_operations.settings.row import SettingsRow, StoredSettings
from builtin_operations.settings.schema import Values, copied, defaults, secret_paths, stored_form, without
from pbhost.database import AsyncTransaction, Transaction
from pbhost.errors import JSON, BadRequestError, ConfigError, ValidationError
from pbhost.hooks.events import SettingsReloadEvent
from pbhost.services import SettingsSection

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.settings")

#: How long a burst of commits is waited out before the row is looked at again.
_WATCH_PAUSE = 0.5


class SettingsService:
    """See :class:`pbhost.services.Settings`. Values handed out are copies or read-only by agreement.

    Args:
        key_variable: name of the environment variable with the encryption key; "" stores plain JSON.
    """

    def __init__(self, app: App, key_variable: str = "") -> None:
        self._app = app
        self._row = SettingsRow(key_variable)
        self._sections: list[SettingsSection] = []
        self._values: Values = defaults()
        self._updated = ""
        self._callbacks: list[Callable[[], None]] = []
        self._lock = asyncio.Lock()
        self._watcher: asyncio.Task[object] | None = None

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Loads the settings, or stores the defaults of a new application.

        Raises:
            pbhost.errors.ConfigError: the stored row cannot be read.
        """
        self._sections = [cast(SettingsSection, item) for item in self._app.collect("register_settings_sections")]
        self._values = self._blank()
        stored = await self._read()
        if stored is None:
            await self._write(self._values)
            await self._announce()
        else:
            await self._take(stored)
        self._watcher = self._app.background(self._watch(), name="settings watcher")

    async def inspect(self) -> None:
        """Loads the settings as they are stored, telling nobody; for a look at an application that is not started.

        Raises:
            pbhost.errors.ConfigError: the stored row cannot be read.
        """
        self._sections = [cast(SettingsSection, item) for item in self._app.collect("register_settings_sections")]
        stored = await self._read()
        self._values = self._blank() if stored is None else _usable(self._blank(), stored.values)

    async def stop(self) -> None:
        """Ends the watching."""
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher

    # -- reading -----------------------------------------------------------------------------------------------------

    def section(self, name: str) -> Mapping[str, JSON]:
        """One section in full form, shared and read-only; empty for an unknown name."""
        section = self._values.get(name)
        return section if isinstance(section, dict) else {}

    def full(self) -> Values:
        """A copy of everything, secrets included."""
        return {key: copied(value) for key, value in self._values.items()}

    def public(self) -> Values:
        """A copy of everything as the API shows it."""
        return self.masked(self._values)

    def masked(self, values: Mapping[str, JSON]) -> Values:
        """A copy of other settings as the API shows them."""
        return without(values, secret_paths(self._sections))

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back on the event loop after each load or change."""
        self._callbacks.append(callback)

    # -- changing ----------------------------------------------------------------------------------------------------

    def merged(self, changes: Mapping[str, JSON]) -> Values:
        """The settings as the changes would make them; nothing is checked or stored.

        Raises:
            BadRequestError: a value has the wrong JSON type.
        """
        try:
            return merge(self._values, changes)
        except SettingsTypeError as error:
            raise BadRequestError("An error occurred while loading the submitted data.", cause=str(error)) from error

    async def update(self, changes: Mapping[str, JSON], *, tx: AsyncTransaction | None = None) -> None:
        """Merges, validates, stores.

        Raises:
            ValidationError: with the errors by key.
            BadRequestError: a value has the wrong JSON type.
        """
        async with self._lock:
            await self._save(self.merged(changes), tx)

    async def save(self, values: Mapping[str, JSON]) -> None:
        """Validates and stores complete settings.

        Raises:
            ValidationError: with the errors by key.
        """
        async with self._lock:
            await self._save(dict(values), None)

    async def reload(self) -> None:
        """Reads the settings again from the database."""
        stored = await self._read()
        if stored is not None:
            await self._take(stored)

    async def _save(self, values: Values, tx: AsyncTransaction | None) -> None:
        if errors := check_settings(values, self._sections):
            raise ValidationError(errors)
        if tx is None:
            await self._write(values)
            await self._announce()
            return
        encoded = self._row.encode(stored_form(values))

        def write(transaction: Transaction) -> None:
            updated = self._row.write(transaction, encoded)
            transaction.on_commit(lambda: self._committed(values, updated))

        await tx.run(write)

    async def _write(self, values: Values) -> None:
        encoded = self._row.encode(stored_form(values))
        updated = await self._app.db.write(lambda transaction: self._row.write(transaction, encoded))
        self._values, self._updated = values, updated

    def _committed(self, values: Values, updated: str) -> None:
        self._values, self._updated = values, updated
        self._app.background(self._announce(), name="settings reload")

    # -- loading -----------------------------------------------------------------------------------------------------

    def _blank(self) -> Values:
        return {**defaults(), **{section.name: copied(dict(section.defaults)) for section in self._sections}}

    async def _read(self) -> StoredSettings | None:
        row = await self._app.db.read(self._row.fetch)
        return None if row is None else self._row.decode(row)

    async def _take(self, stored: StoredSettings) -> None:
        try:
            self._values = merge(self._blank(), stored.values)
        except SettingsTypeError as error:
            # Somebody edited the row by hand. What is in force stays in force, rather than falling back to defaults.
            log.error("the stored settings are not usable and were ignored: %s", error)
            return
        self._updated = stored.updated
        await self._announce()

    async def _announce(self) -> None:
        for callback in self._callbacks:
            try:
                callback()
            except Exception:
                log.exception("a listener of the settings failed")
        chain = self._app.hooks.chain("on_settings_reload")
        if chain is not None:
            await chain.run(SettingsReloadEvent(app=self._app), _nothing)

    async def _watch(self) -> None:
        """Notices settings saved by other processes: another worker, or a command beside the server."""
        async for _sequence in self._app.db.watch_changes():
            try:
                row = await self._app.db.read(self._row.fetch)
                if row is not None and str(row[1] or "") != self._updated:
                    async with self._lock:
                        await self.reload()
            except Exception:
                log.exception("the settings could not be looked at again")
            await asyncio.sleep(_WATCH_PAUSE)


def _usable(blank: Values, stored: Mapping[str, JSON]) -> Values:
    """Stored values over the defaults.

    Raises:
        pbhost.errors.ConfigError: somebody edited the row by hand, and it has values of the wrong type.
    """
    try:
        return merge(blank, stored)
    except SettingsTypeError as error:
        raise ConfigError(f"the stored settings are not usable: {error}") from error


async def _nothing() -> None:
    return None
