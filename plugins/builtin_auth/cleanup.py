"""Cron jobs that delete expired one-time passwords and half-done sign-ins."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from builtin_auth.references import MFAS, OTPS
from pbhost.model import clock
from pbhost.model.dates import format_date
from pbhost.services import CronJob

if TYPE_CHECKING:
    from builtin_auth.service import AuthService
    from pbhost.app import App

_HOURLY = "0 * * * *"
_EXPIRED = "collectionRef = {:collection} && created < {:before}"


def jobs(app: App, auth: AuthService) -> list[CronJob]:
    """Both jobs; they clean up after disabled features too."""

    async def mfas() -> None:
        for collection in app.collections.all():
            if collection.is_auth:
                await _delete_older(app, MFAS, collection.id, auth.options(collection).mfa_duration)

    async def otps() -> None:
        for collection in app.collections.all():
            if collection.is_auth:
                await _delete_older(app, OTPS, collection.id, auth.options(collection).otp_duration)

    return [CronJob("__pbMFACleanup__", _HOURLY, mfas), CronJob("__pbOTPCleanup__", _HOURLY, otps)]


async def _delete_older(app: App, name: str, collection_id: str, seconds: int) -> None:
    before = format_date(clock.utc_now() - timedelta(seconds=seconds))
    params = {"collection": collection_id, "before": before}
    for record in await app.records.find_many(name, _EXPIRED, params):
        await app.records.delete(record)
