"""Rows of ``_otps``, ``_mfas``, ``_authOrigins`` and ``_externalAuths`` that belong to an auth record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pbhost.model import Record, clock

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.database import AsyncTransaction, Transaction

OTPS = "_otps"
MFAS = "_mfas"
AUTH_ORIGINS = "_authOrigins"
EXTERNAL_AUTHS = "_externalAuths"
#: In the order in which they are cleared.
REFERENCES = (OTPS, MFAS, AUTH_ORIGINS, EXTERNAL_AUTHS)

#: By which clocks are corrected now and then, in seconds.
_SMALL_STEP = 60.0

OWNED = "collectionRef = {:collection} && recordRef = {:record}"


def owner(record: Record) -> dict[str, object]:
    """The parameters of :data:`OWNED`."""
    return {"collection": record.collection.id, "record": record.id}


def age(record: Record) -> float:
    """Seconds since the row was created; infinite when its date is unreadable or lies ahead: after a clock was set back
    a code would otherwise live longer than it should."""
    try:
        created = datetime.strptime(record.text("created"), "%Y-%m-%d %H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return float("inf")
    seconds = (clock.utc_now() - created).total_seconds()
    return seconds if seconds > -_SMALL_STEP else float("inf")


def clear(app: App, connection: Transaction, name: str, record: Record) -> None:
    """Delete the rows of ``record`` in one reference collection, in its transaction, hooks included."""
    if app.collections.find(name) is None:
        return
    records = app.records.within(connection)
    for row in records.find_many(name, OWNED, owner(record)):
        records.delete(row)


def clear_collection(app: App, connection: Transaction, name: str, collection_id: str) -> None:
    """Delete the rows of every record of a collection that is being deleted."""
    if app.collections.find(name) is None:
        return
    records = app.records.within(connection)
    for row in records.find_many(name, "collectionRef = {:collection}", {"collection": collection_id}):
        records.delete(row)


async def external_auths(app: App, record: Record, tx: AsyncTransaction | None = None) -> list[Record]:
    """The links of a record to OAuth2 accounts."""
    return await app.records.find_many(EXTERNAL_AUTHS, OWNED, owner(record), tx=tx)
