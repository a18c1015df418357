"""Operations: settings, logs, cron, rate limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from pbhost.errors import JSON, ErrorTree
from pbhost.model import RequestContext

if TYPE_CHECKING:
    from pbhost.database import AsyncTransaction


class Settings(Protocol):
    """The settings, from memory; changes are validated, stored and announced to every process."""

    def section(self, name: str) -> Mapping[str, JSON]:
        """One section in full form (``smtp``, ``meta`` …), defaults filled in; {} for an unknown name."""
        ...

    def full(self) -> dict[str, JSON]:
        """Everything, secrets included."""
        ...

    def public(self) -> dict[str, JSON]:
        """Everything as the API shows it."""
        ...

    async def update(self, changes: Mapping[str, JSON], *, tx: AsyncTransaction | None = None) -> None:
        """Merges, validates, stores.

        Raises:
            ValidationError: with the errors by key.
        """
        ...

    async def reload(self) -> None: ...

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back on the event loop after each load or change."""
        ...


@dataclass(frozen=True, slots=True)
class SettingsSection:
    """A further section of the settings, registered by a plugin."""

    name: str
    defaults: Mapping[str, JSON]
    #: Errors of a complete section by key.
    check: Callable[[Mapping[str, JSON]], ErrorTree] = lambda _section: {}
    #: Keys that no answer shows.
    secrets: frozenset[str] = frozenset()


LogLevel: TypeAlias = Literal[-4, 0, 4, 8]


class Logs(Protocol):
    """Log entries, written in batches off the request path."""

    def write(self, level: LogLevel, message: str, data: Mapping[str, JSON] | None = None) -> None:
        """Queues an entry; never blocks, never raises. Levels: -4 debug, 0 info, 4 warning, 8 error."""
        ...

    def write_request(self, entry: RequestLogEntry) -> None:
        """Queues the entry of a request."""
        ...

    async def flush(self) -> None: ...


@dataclass(slots=True)
class RequestLogEntry:
    """What the HTTP kernel knows of a finished request; the logs service decides what is stored."""

    method: str
    url: str
    status: int
    seconds: float
    ip: str
    remote_ip: str
    referer: str
    user_agent: str
    auth_collection: str
    auth_id: str
    error: str = ""
    details: JSON = None
    meta: JSON = None


@dataclass(frozen=True, slots=True)
class CronJob:
    """A scheduled job. ``expression`` has five fields, UTC (docs: cron)."""

    id: str
    expression: str
    run: Callable[[], Awaitable[None]]


class Cron(Protocol):
    """The scheduler; of several workers only one runs a job."""

    def jobs(self) -> Sequence[CronJob]: ...

    def add(self, job: CronJob) -> None:
        """Adds a job, or replaces the one with the same id.

        Raises:
            ValueError: the expression is not valid.
        """
        ...

    def remove(self, id: str) -> None: ...

    async def run(self, id: str) -> None:
        """Starts a job now, in the background.

        Raises:
            NotFoundError: no such job.
        """
        ...


class RateLimiter(Protocol):
    """Who may go on and who has to wait. Called before anything else is known of a request but its identity."""

    @property
    def is_active(self) -> bool:
        """Whether any request could be refused; if not, nobody asks."""
        ...

    def allow(self, labels: Sequence[str], bucket: str, context: RequestContext) -> bool:
        """Counts a request; False if it must be answered 429.

        Args:
            labels: most specific first (``posts:list``, ``*:list``, ``GET /api/…``, ``/api/…``).
            bucket: what is counted apart for collection routes (collection id, route, tags); "" for other routes.
            context: for identity and IP.
        """
        ...

    def allows_superuser(self, ip: str) -> bool:
        """Whether the superuser IP list lets this address act as a superuser."""
        ...
