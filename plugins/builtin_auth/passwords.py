"""Passwords that the server sets itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.model import Record
from pbhost.model.ids import random_text

if TYPE_CHECKING:
    from pbhost.app import App

_LENGTH = 30


async def randomise(app: App, record: Record) -> None:
    """Give ``record`` a password that nobody knows. As a stored hash, it passes by the field's rules for plain text."""
    field = record.collection.field("password")
    if field is not None:
        hashed = await app.password_hasher.hash(random_text(_LENGTH))
        record.put("password", field.from_db(hashed))
