"""What plugins may provide and everyone else calls: one Protocol per service.

Each is reached as ``app.<name>`` and resolved once, at start, from the ``provide_<name>`` hooks (the latest plugin
wins). A provider that also has ``async start()`` and ``async stop()`` (:class:`Startable`) is started in the order of
:data:`SERVICES` and stopped in reverse.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol, TypeAlias, runtime_checkable

from pbhost.errors import JSON, ErrorTree
from pbhost.model import BodyValue, Collection, CollectionType, Field, Record, RequestContext, Rule

if TYPE_CHECKING:
    from pbhost.database import AsyncTransaction, Engine, Transaction
    from pbhost.hooks import HookRegistry

#: Name of a service → the built-in plugin that provides it. The order is the order of start.
SERVICES: Mapping[str, str] = {
    "database": "sqlite",
    "collections": "records",
    "settings": "operations",
    "password_hasher": "auth",
    "records": "records",
    "auth": "auth",
    "storage": "files",
    "files": "files",
    "mailer": "mail",
    "logs": "operations",
    "rate_limiter": "operations",
    "realtime": "realtime",
    "cron": "operations",
}


@runtime_checkable
class Startable(Protocol):
    """A service with a life cycle."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Services(Protocol):
    """All services; :class:`pbhost.App` is one. A service nobody provides raises ``ServiceMissingError`` on access."""

    @property
    def db(self) -> Engine: ...
    @property
    def collections(self) -> Collections: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def password_hasher(self) -> PasswordHasher: ...
    @property
    def records(self) -> Records: ...
    @property
    def auth(self) -> Auth: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def files(self) -> Files: ...
    @property
    def mailer(self) -> Mailer: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def rate_limiter(self) -> RateLimiter: ...
    @property
    def realtime(self) -> Realtime: ...
    @property
    def cron(self) -> Cron: ...
    @property
    def hooks(self) -> HookRegistry: ...
    def has(self, service: str) -> bool:
        """Whether somebody provides the service."""
        ...


# -- schema --------------------------------------------------------------------------------------------------------------


class Collections(Protocol):
    """The schema. Reading is from memory and synchronous; writing goes through hooks and one transaction."""

    @property
    def generation(self) -> int:
        """Rises with every change of any collection; plans are cached by it."""
        ...

    @property
    def field_types(self) -> Mapping[str, type[Field]]:
        """Registered field types by name."""
        ...

    @property
    def types(self) -> Mapping[str, CollectionType]:
        """Registered collection types by name."""
        ...

    def find(self, name_or_id: str) -> Collection | None:
        """By id (exact) or name (case-insensitive)."""
        ...

    def get(self, name_or_id: str) -> Collection:
        """As :meth:`find`.

        Raises:
            NotFoundError: no such collection.
        """
        ...

    def all(self) -> Sequence[Collection]:
        """Every collection, in row order."""
        ...

    def references_to(self, collection: Collection) -> Sequence[tuple[Collection, Field]]:
        """Relation fields of other (or the same) collections that point to it, ordered by collection name."""
        ...

    def new(self, type: str = "base", **values: object) -> Collection:
        """A scaffold of that type: default rules, options and system fields."""
        ...

    def public_json(self, collection: Collection) -> dict[str, JSON]:
        """As the API shows it, secrets left out."""
        ...

    async def save(
        self, collection: Collection, *, context: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> Collection:
        """Creates or updates a collection and its table; returns the saved state.

        Raises:
            ValidationError: the schema is not acceptable.
        """
        ...

    async def delete(
        self, collection: Collection, *, context: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> None:
        """Deletes a collection with its table.

        Raises:
            BadRequestError: a system collection, or something refers to it.
        """
        ...

    async def truncate(self, collection: Collection, *, context: RequestContext | None = None) -> None:
        """Deletes every record, with hooks and cascades."""
        ...

    async def import_all(
        self, collections: Sequence[Mapping[str, JSON]], *, delete_missing: bool = False,
        context: RequestContext | None = None,
    ) -> None:
        """Creates, updates and (``delete_missing``) deletes collections from their JSON form, all or nothing."""
        ...

    async def reload(self) -> None:
        """Reads the schema again from the database."""
        ...


# -- records -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Page:
    """One page of records; totals are -1 when they were not counted."""

    items: list[Record]
    page: int
    per_page: int
    total_items: int = -1
    total_pages: int = -1


class SyncRecords(Protocol):
    """Records inside a transaction, from its thread: what in-transaction plain hooks use.

    The same rules as :class:`Records`, without awaiting. Hooks of the records written here run too.
    """

    def find(self, collection: Collection | str, id: str) -> Record | None: ...

    def find_first(
        self, collection: Collection | str, filter: str, params: Mapping[str, object] | None = None, *, sort: str = ""
    ) -> Record | None: ...

    def find_many(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        limit: int = 0,
        offset: int = 0,
    ) -> list[Record]: ...

    def count(
        self, collection: Collection | str, filter: str = "", params: Mapping[str, object] | None = None
    ) -> int: ...

    def save(self, record: Record, *, context: RequestContext | None = None, validate: bool = True) -> Record: ...

    def delete(self, record: Record, *, context: RequestContext | None = None) -> None: ...

    def satisfies(self, record: Record, rule: Rule, context: RequestContext, *, filter: str = "") -> bool: ...


class Records(Protocol):
    """Reading and writing records. API rules are skipped unless ``as_`` gives the request whose rules apply.

    Filters are texts of the filter language; values are never put into the text but bound: ``"title ~ {:text}"`` with
    ``{"text": "go"}``. A collection may be given by name, id or object.

    With ``tx`` everything happens inside that transaction; otherwise each write is one of its own (grouped with
    others) and each read one snapshot.
    """

    async def find(
        self,
        collection: Collection | str,
        id: str,
        *,
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record | None:
        """The record, or None if it does not exist (or the view rule hides it)."""
        ...

    async def get(
        self,
        collection: Collection | str,
        id: str,
        *,
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        """As :meth:`find`.

        Raises:
            NotFoundError: no such record.
        """
        ...

    async def find_first(
        self,
        collection: Collection | str,
        filter: str,
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record | None:
        """The first match, or None.

        Raises:
            BadRequestError: the filter or sort is not valid.
        """
        ...

    async def find_many(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        limit: int = 0,
        offset: int = 0,
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> list[Record]:
        """All matches, or ``limit`` of them after ``offset``."""
        ...

    def iterate(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        batch: int = 500,
        as_: RequestContext | None = None,
    ) -> AsyncIterator[Record]:
        """All matches without holding them in memory; each batch is one snapshot."""
        ...

    async def count(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> int:
        """How many match."""
        ...

    async def create(
        self,
        collection: Collection | str,
        values: Mapping[str, object],
        *,
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        """Creates a record from field values (modifiers allowed).

        Raises:
            ValidationError: with one error per failing field.
            ForbiddenError, BadRequestError: ``as_`` is not allowed to.
        """
        ...

    async def update(
        self,
        collection: Collection | str,
        id: str,
        values: Mapping[str, object],
        *,
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        """Changes a record; raises as :meth:`create`, and NotFoundError."""
        ...

    async def save(
        self,
        record: Record,
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
        validate: bool = True,
    ) -> Record:
        """Creates or updates from a record object."""
        ...

    async def delete(
        self,
        record: Record,
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> None:
        """Deletes a record with what cascades from it.

        Raises:
            BadRequestError: a required reference points to it.
        """
        ...

    def within(self, connection: Transaction) -> SyncRecords:
        """The synchronous face, for code that runs in a transaction's thread."""
        ...

    async def satisfies(
        self,
        record: Record,
        rule: Rule,
        context: RequestContext,
        *,
        filter: str = "",
        tx: AsyncTransaction | None = None,
    ) -> bool:
        """Whether the stored record fulfils a rule (``None``: superusers only; superusers pass every rule) and, if
        given, a client filter under the restrictions of that client. A rule that cannot be evaluated is not fulfilled.
        """
        ...

    async def satisfying(
        self, collection: Collection, ids: Sequence[str], rule: Rule, context: RequestContext, *, filter: str = ""
    ) -> set[str]:
        """Which of these ids do, in one query."""
        ...

    async def enrich(
        self,
        records: Sequence[Record],
        context: RequestContext,
        *,
        expand: str = "",
        tx: AsyncTransaction | None = None,
    ) -> None:
        """Prepares records for an answer to that caller, in place: hidden fields, e-mail visibility, ``expand``,
        enrich hooks. ``record.to_json()`` then gives the public form."""
        ...

    async def create_through_api(
        self,
        collection: Collection,
        body: Mapping[str, BodyValue],
        context: RequestContext,
        *,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        """What ``POST /records`` does, hooks of the request included; for internal requests (OAuth2 sign-up)."""
        ...


# -- sign-in -------------------------------------------------------------------------------------------------------------

TokenType: TypeAlias = Literal["auth", "file", "verification", "passwordReset", "emailChange"]


class PasswordHasher(Protocol):
    """Hashing off the event loop, with bounded concurrency."""

    async def hash(self, password: str, *, cost: int = 0) -> str:
        """The stored form of a password; ``cost`` is the field's option (0 = default)."""
        ...

    async def verify(self, password: str, stored: str) -> bool:
        """Whether it matches; takes the same time when ``stored`` is "" (unknown identity)."""
        ...

    def needs_rehash(self, stored: str) -> bool:
        """Whether a hash that just verified should be replaced."""
        ...


class Auth(Protocol):
    """Identity, tokens and sign-in."""

    def cached_identity(self, token: str) -> Record | None:
        """The record of a token verified before and still valid, from memory; None if unknown (then ask
        :meth:`identify`)."""
        ...

    async def identify(self, token: str) -> Record | None:
        """The auth record of a valid auth token; None for anything else, never an error."""
        ...

    async def issue_token(
        self,
        record: Record,
        type: TokenType = "auth",
        *,
        duration: int = 0,
        refreshable: bool = True,
        claims: Mapping[str, JSON] | None = None,
    ) -> str:
        """A signed token; ``duration`` in seconds, 0 for the collection's."""
        ...

    async def verify_token(self, token: str, type: TokenType) -> tuple[Record, dict[str, JSON]] | None:
        """The record and claims of a valid token of that type, or None."""
        ...

    async def respond(
        self, record: Record, context: RequestContext, *, method: str = "", token: str = "", meta: object = None
    ) -> dict[str, object]:
        """The auth answer (token, record, meta) after auth rule, second factor, hooks and alert.

        Raises:
            ForbiddenError: the auth rule refuses.
            ApiError: 401 with ``mfaId`` when a second factor is needed.
        """
        ...


class AuthMethod(Protocol):
    """A way to sign in, registered through ``register_auth_methods``."""

    #: Its name in ``_mfas.method``, hooks and ``auth-methods``.
    name: str

    def is_enabled(self, collection: Collection) -> bool:
        """Whether the collection allows it."""
        ...

    def public_info(self, collection: Collection) -> tuple[str, JSON] | None:
        """Key and value in the answer of ``auth-methods``; None to stay out of it."""
        ...

    async def authenticate(self, collection: Collection, context: RequestContext) -> dict[str, object]:
        """Handles ``POST /api/collections/{collection}/auth-with-{name}``; returns the auth answer."""
        ...


class OAuth2Provider(Protocol):
    """One OAuth2 provider, registered through ``register_oauth2_providers``."""

    name: str
    display_name: str
    order: int
    logo: str


# -- files ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileAttributes:
    """What is known of a stored file."""

    size: int
    modified: datetime
    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)
    md5: str = ""


class Storage(Protocol):
    """Where files are kept. Keys are ``/``-separated and relative; all methods keep the event loop free.

    Missing keys raise ``FileNotFoundError``; a storage that cannot be reached raises ``OSError``.
    """

    async def attributes(self, key: str) -> FileAttributes: ...

    async def exists(self, key: str) -> bool: ...

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes ``[start, end)`` in chunks."""
        ...

    async def write(
        self,
        key: str,
        source: BinaryIO | bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> FileAttributes:
        """Stores a file whole or not at all; an existing one is replaced."""
        ...

    async def delete(self, key: str) -> None: ...

    async def delete_prefix(self, prefix: str) -> None:
        """Deletes every key that starts with the prefix; errors of single keys are logged."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[tuple[str, FileAttributes]]:
        """Keys and attributes in lexical order."""
        ...

    def local_path(self, key: str) -> Path | None:
        """The path of a file on this machine if there is one (for sendfile), else None."""
        ...

    async def presigned_url(self, key: str, *, seconds: int) -> str | None:
        """A URL that lets the client fetch the file from the storage itself, or None."""
        ...


class Files(Protocol):
    """File fields in terms of a storage."""

    def base_path(self, record: Record) -> str:
        """``{collectionId}/{recordId}``."""
        ...

    def url(self, record: Record, filename: str, *, thumb: str = "", token: str = "", download: bool = False) -> str:
        """The path of the download endpoint."""
        ...

    async def thumbnail(self, record: Record, filename: str, size: str) -> str:
        """The key of a thumbnail, made if it is not there yet.

        Raises:
            ValueError: the image or the size is not supported.
        """
        ...


# -- live updates --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class RealtimeMessage:
    """One message: the event's name (the subscription string) and its data, verbatim."""

    name: str
    data: bytes


class RealtimeClient(Protocol):
    """One open connection."""

    id: str
    auth: Record | None
    ip: str
    is_discarded: bool
    #: Free store of plugins.
    store: dict[str, object]

    def subscriptions(self) -> Mapping[str, object]:
        """Subscription strings and their parsed options."""
        ...

    def has_subscription(self, subscription: str) -> bool: ...

    def subscribe(self, *subscriptions: str) -> None: ...

    def unsubscribe(self, *subscriptions: str) -> None:
        """Removes some; all if none is named."""
        ...

    def send(self, message: RealtimeMessage) -> None:
        """Queues a message; never blocks. A client that is too slow is discarded."""
        ...

    def discard(self) -> None:
        """Closes the connection."""
        ...


class Realtime(Protocol):
    """The broker of live updates of this process."""

    def clients(self) -> Mapping[str, RealtimeClient]: ...

    def client(self, id: str) -> RealtimeClient | None: ...

    def register(self, client: RealtimeClient) -> None: ...

    def unregister(self, id: str) -> None: ...

    async def send(self, topic: str, data: JSON) -> int:
        """Sends a custom message to every client subscribed to exactly that string, in every worker process.
        Returns how many clients of this process got it."""
        ...


# -- mail ----------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class MailAddress:
    """``name`` may be empty."""

    address: str
    name: str = ""


@dataclass(slots=True)
class MailMessage:
    """A mail before it is encoded. ``text`` is derived from ``html`` when empty."""

    to: list[MailAddress]
    subject: str
    html: str = ""
    text: str = ""
    sender: MailAddress | None = None
    cc: list[MailAddress] = field(default_factory=list)
    bcc: list[MailAddress] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)


class Mailer(Protocol):
    """How mail is sent."""

    async def send(self, message: MailMessage) -> None:
        """Sends through the configured transport, after the ``on_mailer_send`` hooks.

        Raises:
            OSError: it could not be delivered to the transport.
        """
        ...


# -- operations ----------------------------------------------------------------------------------------------------------


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


# -- extension points ----------------------------------------------------------------------------------------------------


class FilterFunction(Protocol):
    """A function of the filter language, registered through ``register_filter_functions``."""

    name: str
    min_arguments: int
    max_arguments: int

    def sql(self, arguments: Sequence[str]) -> str:
        """The SQL of a call; each argument is SQL text already."""
        ...


@dataclass(frozen=True, slots=True)
class DashboardExtension:
    """Files added to the admin interface under ``/_/extensions/{name}/``; ``main.js`` is run by it."""

    name: str
    directory: Path


