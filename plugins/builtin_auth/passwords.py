"""Passwords that the server sets itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.model import Record
from pbhost.model.ids import random_text

if TYPE_CHECKING:
    from pbhost.app import App

_LENGTH = 30


async def random_hash(app: App) -> str:
    """The hash of a password that nobody knows."""
    return await app.password_hasher.hash(random_text(_LENGTH))


def put_hash(record: Record, hashed: str) -> None:
    """Give ``record`` that hash as its password. As a stored hash it passes by the field's rules for plain text."""
    field = record.collection.field("password")
    if field is not None:
        record.put("password", field.from_db(hashed))


async def randomise(app: App, record: Record) -> None:
    """Give ``record`` a password that nobody knows."""
    put_hash(record, await random_hash(app))
