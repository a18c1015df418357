"""What should have happened by now: backups, the deletion of old logs; and whether the clock is one to go by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from builtin_operations.backups.names import AUTO_PREFIX
from pbhost.database import Connection
from pbhost.errors import JSON, DatabaseError
from pbhost.model import clock
from pbhost.model.dates import format_date
from pbhost.services import Budget, Check, Finding, Severity

if TYPE_CHECKING:
    from builtin_operations.backups.service import Backups
    from pbhost.app import App

_MIB = 1024 * 1024
_LARGE_LOGS = 1024 * _MIB
_STALE = timedelta(days=30)
_ANCIENT = timedelta(days=365)
#: A job that did not run for this long, beyond its own interval, does not run.
_LATE = timedelta(days=2)
_AHEAD = timedelta(minutes=5)
#: When this program was written; no clock that goes right shows less.
_BEFORE = datetime(2024, 1, 1, tzinfo=UTC)


def history_checks(app: App, backups: Backups) -> list[Check]:
    """Checks of backups, logs and the clock."""

    async def kept(budget: Budget) -> list[Finding]:
        archives: list[Archive] = []
        try:
            async for key, attributes in backups.storage().list():
                archives.append(Archive(key, attributes.modified.astimezone(UTC), attributes.size))
                if budget.is_spent:
                    break
        except OSError as error:
            return [_no_backup_storage(error)]
        has_records = await app.db.read(lambda connection: _has_records(app, connection), lane="list")
        return list(
            backup_findings(archives, app.settings.section("backups"), clock.utc_now(), has_records=has_records)
        )

    async def logs(_budget: Budget) -> list[Finding]:
        section = app.settings.section("logs")
        span = await _span_of_logs(app)
        size = _size(app.config.dir / "auxiliary.db")
        return list(log_findings(section, span, size, clock.utc_now()))

    async def time(_budget: Budget) -> list[Finding]:
        newest = await app.db.read(lambda connection: _newest(app, connection), lane="list")
        return list(clock_findings(newest, clock.utc_now()))

    needs = ("database", "settings", "collections")
    return [
        Check("operations.backups", "backups are made and not too old", kept, (*needs, "files")),
        Check("operations.logs", "logs are kept and deleted", logs, needs),
        Check("operations.clock", "the clock goes right", time, needs),
    ]


# -- backups -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Archive:
    """A backup."""

    key: str
    modified: datetime
    size: int


def backup_findings(
    archives: Sequence[Archive], settings: Mapping[str, JSON], now: datetime, *, has_records: bool
) -> Iterator[Finding]:
    """Whether the backups are what the settings promise."""
    scheduled = bool(settings.get("cron"))
    newest = max((archive.modified for archive in archives), default=None)
    if scheduled:
        automatic = [archive.modified for archive in archives if archive.key.startswith(AUTO_PREFIX)]
        if automatic and now - max(automatic) > 2 * _interval(str(settings.get("cron")), now) + _LATE:
            yield Finding(
                severity=Severity.WARNING,
                what=f"the newest automatic backup is from {_day(max(automatic))}, the schedule is {settings['cron']}",
                why="backups fail, or no server runs; what came since would be lost with the disk",
                remedy="look for 'the automatic backup failed' in the logs; make one now: POST /api/backups",
            )
        s3 = settings.get("s3")
        if not (isinstance(s3, dict) and s3.get("enabled") is True):
            yield Finding(
                severity=Severity.ADVICE,
                what="backups are kept on the disk of the data directory",
                why="what breaks the disk takes the backups along",
                remedy="set backups.s3, or copy the directory backups to another machine",
            )
    elif has_records and (newest is None or now - newest > _STALE):
        yield Finding(
            severity=Severity.ADVICE,
            what="there is no backup" if newest is None else f"the newest backup is from {_day(newest)}",
            why="what came since would be lost with the disk",
            remedy='set backups.cron, for instance "0 3 * * *", or make one from outside on a schedule of its own',
        )
    ancient = [
        archive for archive in archives if now - archive.modified > _ANCIENT and not archive.key.startswith(AUTO_PREFIX)
    ]
    if ancient:
        yield Finding(
            severity=Severity.ADVICE,
            what=f"{len(ancient)} backup(s) are more than a year old, "
            f"{sum(archive.size for archive in ancient) // _MIB:,} MiB",
            why="only automatic ones are deleted by themselves; they also hold what users have deleted since",
            remedy="delete those that nobody needs: DELETE /api/backups/NAME",
            details=tuple(archive.key for archive in ancient[:100]),
        )


def _interval(expression: str, now: datetime) -> timedelta:
    """The time between two runs of a schedule, roughly: between the next two."""
    from builtin_operations.cron.expression import CronExpression, CronExpressionError

    try:
        parsed = CronExpression.parse(expression)
    except CronExpressionError:
        return timedelta()
    moment = now.replace(second=0, microsecond=0)
    runs: list[datetime] = []
    for _ in range(366 * 24 * 60):
        moment += timedelta(minutes=1)
        if parsed.matches(moment):
            runs.append(moment)
            if len(runs) == 2:
                return runs[1] - runs[0]
    return timedelta(days=366)


def _no_backup_storage(error: OSError) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        what=f"the storage of the backups cannot be read: {error}",
        why="backups fail",
        remedy="mend backups.s3 in the settings; POST /api/settings/test/s3 tries it",
    )


def _has_records(app: App, connection: Connection) -> bool:
    quote = connection.dialect.quote
    return any(
        connection.fetch_one(f"SELECT 1 FROM {quote(collection.name)} LIMIT 1") is not None
        for collection in app.collections.all()
        if not collection.system and not collection.is_view
    )


# -- logs --------------------------------------------------------------------------------------------------------------


async def _span_of_logs(app: App) -> tuple[str, str] | None:
    """When the oldest and the newest entry were made; None without entries, or where they cannot be read."""
    auxiliary = app.db.auxiliary
    if auxiliary is None:
        return None
    try:
        row = await auxiliary.read(
            lambda connection: connection.fetch_one("SELECT min(created), max(created) FROM _logs")
        )
    except DatabaseError:
        return None  # whether the file is whole is a check of the database
    return (str(row[0]), str(row[1])) if row and row[0] else None


def log_findings(
    settings: Mapping[str, JSON], span: tuple[str, str] | None, size: int, now: datetime
) -> Iterator[Finding]:
    """Whether logs are kept, and deleted again."""
    days = settings.get("maxDays")
    if not isinstance(days, int) or days < 1:
        yield Finding(
            severity=Severity.ADVICE,
            what="no logs are kept (logs.maxDays is 0)",
            why="errors leave no trace, nor do sign-ins of somebody else",
            remedy="set logs.maxDays to 1 or more; logs.minLevel 8 keeps only errors",
        )
        return
    # A server that was switched off deletes nothing; only one that still writes is late.
    if (
        span
        and span[1] > format_date(now - timedelta(days=1))
        and span[0] < format_date(now - timedelta(days=days) - _LATE)
    ):
        yield Finding(
            severity=Severity.WARNING,
            what=f"logs of {span[0][:10]} are still there, although they are kept for {days} days",
            why="the job __pbLogsCleanup__ does not run; logs hold addresses and grow without end",
            remedy="look for errors of that job in the logs; start it: POST /api/crons/__pbLogsCleanup__",
        )
    if size > _LARGE_LOGS:
        yield Finding(
            severity=Severity.ADVICE,
            what=f"the logs have {size // _MIB:,} MiB",
            why="they take room on the disk and in each backup",
            remedy="lower logs.maxDays, or raise logs.minLevel to 4 (warnings) or 8 (errors)",
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


# -- the clock ---------------------------------------------------------------------------------------------------------


def _newest(app: App, connection: Connection) -> str:
    """The latest time that something stored was made or changed, as far as that is cheap to find."""
    quote = connection.dialect.quote
    rows = [
        connection.fetch_one(f"SELECT max({quote('updated')}) FROM {quote('_collections')}"),
        connection.fetch_one(f"SELECT max({quote('updated')}) FROM {quote('_params')}"),
    ]
    return max((str(row[0]) for row in rows if row and row[0]), default="")


def clock_findings(newest: str, now: datetime) -> Iterator[Finding]:
    """Whether the clock can be right.

    Args:
        newest: the latest time in the database, in the stored form; "" for none.
        now: what the clock shows.
    """
    if now < _BEFORE:
        yield Finding(
            severity=Severity.ERROR,
            what=f"the clock shows {_day(now)}, which is long ago",
            why="tokens and certificates are refused, and what is stored now sorts before what is older",
            remedy="set the clock, and let it be kept right (NTP)",
        )
    elif newest > format_date(now + _AHEAD):
        yield Finding(
            severity=Severity.WARNING,
            what=f"the database has a change of {newest}, but the clock shows {format_date(now)}",
            why="the clock went ahead then or is behind now; tokens live longer or shorter than they should, and "
            "records sort in the wrong order",
            remedy="let the clock be kept right (NTP)",
        )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
