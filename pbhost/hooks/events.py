"""What each event hook carries. Hooks may change fields unless said otherwise; the operation uses the new values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aiohttp import web

    from pbhost.app import App
    from pbhost.database import AsyncTransaction, Transaction
    from pbhost.errors import JSON
    from pbhost.model import BodyValue, Collection, Field, Record, RequestContext
    from pbhost.services import Mailer, MailMessage, RealtimeClient, RealtimeMessage


@dataclass(slots=True, kw_only=True)
class Event:
    """The root of all events."""

    app: App


# -- application -----------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class BootstrapEvent(Event):
    """The services are being started: databases opened, collections and settings loaded."""


@dataclass(slots=True, kw_only=True)
class ServeEvent(Event):
    """The server is about to accept requests.

    Attributes:
        base_url: where it will be reached, for instance ``http://127.0.0.1:8090``.
        worker: index of this worker process, 0 for the first or only one.
        banner: lines printed once the listener is bound; hooks append theirs.
    """

    base_url: str
    worker: int = 0
    banner: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class TerminateEvent(Event):
    """The server is shutting down, or restarting in place."""

    is_restart: bool = False


@dataclass(slots=True, kw_only=True)
class BackupEvent(Event):
    """A backup is made or restored.

    Attributes:
        name: the archive's name.
        exclude: root entries of the data directory that are left out.
    """

    name: str
    exclude: list[str]


@dataclass(slots=True, kw_only=True)
class SettingsReloadEvent(Event):
    """The settings were loaded from the database."""


# -- models ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class WriteEvent(Event):
    """A part of a write.

    Attributes:
        action: which write.
        context: the request behind it, None when code writes on its own.
        connection: the transaction for *plain* hooks: synchronous, used directly.
        tx: the same transaction for *async* hooks: ``await event.tx.fetch_all(...)``.
        error: only in after-error hooks: what went wrong.

    ``connection`` and ``tx`` are None in after-hooks: the transaction is over.
    """

    action: Literal["create", "update", "delete"]
    context: RequestContext | None = None
    connection: Transaction | None = None
    tx: AsyncTransaction | None = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiWrite:
    """What is known of a create or update that a client asked for through the records API.

    Attributes:
        manages: whether the caller has manage access to the record (auth collections: superuser, or ``manageRule``).
        body: the body as submitted, keys that are no fields included (``passwordConfirm``, ``oldPassword`` …);
            ``context.body`` holds the normalised values instead.
    """

    manages: bool
    body: Mapping[str, BodyValue]


@dataclass(slots=True, kw_only=True)
class RecordEvent(WriteEvent):
    """A part of the write of one record; ``api`` is None when code writes it."""

    collection: Collection
    record: Record
    api: ApiWrite | None = None


@dataclass(slots=True, kw_only=True)
class CollectionEvent(WriteEvent):
    """A part of the write of one collection; ``old`` is its stored state, None on create."""

    collection: Collection
    old: Collection | None = None


@dataclass(slots=True, kw_only=True)
class ModelEvent(WriteEvent):
    """A part of the write of a record or a collection; exactly one of the two is what is written.

    ``record`` is None when a collection is written; ``collection`` is the record's collection otherwise.
    """

    collection: Collection
    record: Record | None = None


@dataclass(slots=True, kw_only=True)
class RecordEnrichEvent(Event):
    """A record is about to be serialised for an answer, a realtime message or an expand: hide, show, add to it."""

    collection: Collection
    record: Record
    context: RequestContext


# -- mail ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class MailerEvent(Event):
    """A mail is about to be sent."""

    mailer: Mailer
    message: MailMessage


@dataclass(slots=True, kw_only=True)
class MailerRecordEvent(MailerEvent):
    """A mail to an auth record; ``meta`` holds what the mail is about (token, newEmail, otpId, password, info)."""

    collection: Collection
    record: Record
    meta: dict[str, str] = field(default_factory=dict)


# -- requests --------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class RequestEvent(Event):
    """A request of a client.

    Attributes:
        context: identity, query, headers, body.
        request: the HTTP request; None for a batch item or an internal request.
        response: an answer that a hook made itself; the operation is then skipped (see ``pbhost.Skip``).
    """

    context: RequestContext
    request: web.Request | None = None
    response: web.StreamResponse | None = None


@dataclass(slots=True, kw_only=True)
class SettingsListRequestEvent(RequestEvent):
    """``settings``: the public form that will be sent."""

    settings: dict[str, JSON]


@dataclass(slots=True, kw_only=True)
class SettingsUpdateRequestEvent(RequestEvent):
    """``old_settings`` and ``new_settings`` in full form, secrets included; the new ones may be changed."""

    old_settings: dict[str, JSON]
    new_settings: dict[str, JSON]


@dataclass(slots=True, kw_only=True)
class RecordsListRequestEvent(RequestEvent):
    """The page of records that will be sent, and the totals (-1 when not counted).

    ``next_cursor`` is None for pages by number; in a list by cursors it names the next page, "" after the last one.
    """

    collection: Collection
    records: list[Record]
    page: int
    per_page: int
    total_items: int
    total_pages: int
    next_cursor: str | None = None


@dataclass(slots=True, kw_only=True)
class RecordRequestEvent(RequestEvent):
    """View, create, update or delete of one record through the API; ``api`` is None for view and delete."""

    collection: Collection
    record: Record
    api: ApiWrite | None = None


@dataclass(slots=True, kw_only=True)
class CollectionsListRequestEvent(RequestEvent):
    """The page of collections that will be sent."""

    collections: list[Collection]
    page: int
    per_page: int
    total_items: int
    total_pages: int


@dataclass(slots=True, kw_only=True)
class CollectionRequestEvent(RequestEvent):
    """View, create, update or delete of one collection through the API."""

    collection: Collection


@dataclass(slots=True, kw_only=True)
class CollectionsImportRequestEvent(RequestEvent):
    """An import of collections."""

    collections_data: list[dict[str, JSON]]
    delete_missing: bool


@dataclass(slots=True, kw_only=True)
class BatchItem:
    """One request of a batch."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, BodyValue] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class BatchRequestEvent(RequestEvent):
    """A batch is about to run."""

    batch: list[BatchItem]


@dataclass(slots=True, kw_only=True)
class FileDownloadRequestEvent(RequestEvent):
    """A file is about to be sent.

    Attributes:
        served_path: the key in the storage; served_name: the name for the client.
        thumb_error: why a thumbnail that was asked for is not served, "" if it is or none was.
    """

    collection: Collection
    record: Record
    file_field: Field
    served_path: str
    served_name: str
    thumb_error: str = ""


@dataclass(slots=True, kw_only=True)
class FileTokenRequestEvent(RequestEvent):
    """A file token was made and is about to be sent."""

    collection: Collection
    record: Record
    token: str


@dataclass(slots=True, kw_only=True)
class RealtimeConnectRequestEvent(RequestEvent):
    """A realtime client is about to be registered. Timeouts in seconds."""

    client: RealtimeClient
    idle_timeout: float
    max_timeout: float


@dataclass(slots=True, kw_only=True)
class RealtimeMessageSendEvent(RequestEvent):
    """A message is about to be written to one client."""

    client: RealtimeClient
    message: RealtimeMessage


@dataclass(slots=True, kw_only=True)
class RealtimeSubscribeRequestEvent(RequestEvent):
    """A client's set of subscriptions is about to be replaced."""

    client: RealtimeClient
    subscriptions: list[str]


# -- sign-in ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class RecordAuthRequestEvent(RequestEvent):
    """An auth answer is about to be made; ``auth_method`` "" skips second factor and alert."""

    collection: Collection
    record: Record
    token: str
    meta: object = None
    auth_method: str = ""


@dataclass(slots=True, kw_only=True)
class RecordAuthWithPasswordRequestEvent(RequestEvent):
    """After the look-up, before the password is checked; ``record`` is None if the identity is unknown."""

    collection: Collection
    record: Record | None
    identity: str
    identity_field: str
    password: str


@dataclass(slots=True, kw_only=True)
class RecordAuthWithOAuth2RequestEvent(RequestEvent):
    """After the provider's answer, before anything is written."""

    collection: Collection
    provider_name: str
    provider_client: object
    record: Record | None
    oauth2_user: dict[str, JSON]
    create_data: dict[str, JSON]
    is_new_record: bool


@dataclass(slots=True, kw_only=True)
class RecordAuthRefreshRequestEvent(RequestEvent):
    """Before the token is refreshed."""

    collection: Collection
    record: Record


@dataclass(slots=True, kw_only=True)
class RecordAuthWithOTPRequestEvent(RequestEvent):
    """The one-time code was found and matches."""

    collection: Collection
    record: Record
    otp: Record


@dataclass(slots=True, kw_only=True)
class RecordRequestOTPRequestEvent(RequestEvent):
    """A one-time code is asked for; ``record`` is None if the email is unknown; ``password`` is the code."""

    collection: Collection
    record: Record | None
    password: str


@dataclass(slots=True, kw_only=True)
class RecordEmailRequestEvent(RequestEvent):
    """Password reset or verification: asked for or confirmed."""

    collection: Collection
    record: Record


@dataclass(slots=True, kw_only=True)
class RecordEmailChangeRequestEvent(RequestEvent):
    """Email change: asked for or confirmed."""

    collection: Collection
    record: Record
    new_email: str


# -- ours ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class StorageEvent(Event):
    """A file is written to or deleted from the storage. ``key`` is relative to the storage's root."""

    key: str
    content_type: str = ""
    size: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class PluginsReloadEvent(Event):
    """Plugins of ``pb_plugins/`` were reloaded (``--dev``); ``names`` of those that changed."""

    names: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class CronEvent(Event):
    """A cron job is about to run."""

    job_id: str
    run: Callable[[], Awaitable[None]] | None = None
