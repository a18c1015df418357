"""What is special about the superusers collection's records, and the installer account of a fresh server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from builtin_auth.passwords import randomise
from pbhost.errors import BadRequestError
from pbhost.model import SUPERUSERS, Record

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.database import Transaction

INSTALLER_EMAIL = "__pbinstaller@example.com"
_INSTALLER_SECONDS = 1800
_OTHERS = "email != {:email}"


async def installer_token(app: App) -> str | None:
    """A token of the installer account, which is made if needed; None when a real superuser exists."""
    records = app.records
    if await records.find_first(SUPERUSERS, _OTHERS, {"email": INSTALLER_EMAIL}) is not None:
        return None
    installer = await records.find_first(SUPERUSERS, "email = {:email}", {"email": INSTALLER_EMAIL})
    if installer is None:
        installer = Record(app.collections.get(SUPERUSERS), {"email": INSTALLER_EMAIL})
        await randomise(app, installer)
        installer = await records.save(installer)
    return await app.auth.issue_token(installer, duration=_INSTALLER_SECONDS, refreshable=False)


async def installer_banner(app: App, base_url: str) -> list[str]:
    """The lines that tell how the first superuser is made; empty when there is one."""
    token = await installer_token(app)
    if token is None:
        return []
    hint = _hint(app)
    if app.plugins.get("dashboard") is None:
        return ["", f"(!) You can create your first superuser by running: {hint}"]
    return [
        "",
        "(!) Launch the URL below in the browser if it hasn't been open already "
        "to create your first superuser account:",
        f"{base_url}/_/#/pbinstall/{token}",
        f"(you can also create your first superuser by running: {hint})",
        "",
    ]


def _hint(app: App) -> str:
    """The command for this server's data directory."""
    command = "pbhost superuser upsert EMAIL PASS"
    directory = app.config.dir
    return command if directory.resolve() == Path("pb_data").resolve() else f"{command} --dir {directory}"


def drop_installer(app: App, connection: Transaction, record: Record) -> None:
    """The first real superuser ends the installer account, in the transaction that creates it."""
    if record.text("email") == INSTALLER_EMAIL:
        return
    records = app.records.within(connection)
    installer = records.find_first(SUPERUSERS, "email = {:email}", {"email": INSTALLER_EMAIL})
    if installer is not None and installer.id != record.id:
        records.delete(installer)


def keep_one(app: App, connection: Transaction) -> None:
    """Refuse the deletion that would lock everybody out.

    Raises:
        BadRequestError: there is only one superuser left.
    """
    if app.records.within(connection).count(SUPERUSERS) <= 1:
        raise BadRequestError("You can't delete the only existing superuser.")
