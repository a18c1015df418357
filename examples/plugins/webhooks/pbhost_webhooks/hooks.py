"""The hooks that this plugin defines for other plugins, and what they carry.

Another plugin implements them like pbhost's own, with ``@hookimpl``; ``@hookimpl(optional=True)`` if it also works
without this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pbhost import App, Collection, hookspec
from pbhost.errors import JSON
from pbhost.hooks.events import Event

Action: TypeAlias = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where changes are sent.

    Attributes:
        name: unique, stable: what waits in the outbox is kept under it.
        url: ``https://``; ``http://`` only with the option ``allow_private``.
        secret: for the signature, ``whsec_`` and base64 of 24 to 64 bytes.
        collections: names; empty for all but the system's own.
        actions: which changes.
    """

    name: str
    url: str
    secret: str
    collections: frozenset[str] = frozenset()
    actions: frozenset[Action] = frozenset(("create", "update", "delete"))

    def wants(self, collection: Collection, action: Action) -> bool:
        """Whether a change concerns it."""
        named = collection.name in self.collections if self.collections else not collection.system
        return named and action in self.actions


@dataclass(slots=True, kw_only=True)
class WebhookEvent(Event):
    """A message to one webhook; ``message`` is its id, the same in every attempt and for every webhook."""

    webhook: Webhook
    message: str


@dataclass(slots=True, kw_only=True)
class WebhookPrepareEvent(WebhookEvent):
    """A message is about to be made, once: what the hooks make of it is what every attempt sends.

    Attributes:
        collection: of the record.
        payload: ``type`` (``posts.create``), ``timestamp``, ``data`` (``record`` in its public form, and the names of
            the ``changed`` fields); may be changed.
        headers: further headers; may be changed.
    """

    collection: Collection
    payload: dict[str, JSON]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class WebhookFailedEvent(WebhookEvent):
    """A message was given up after its last attempt; ``error`` says why."""

    error: str


@hookspec
def register_webhooks(app: App) -> list[Webhook]:
    """Webhooks besides the configured ones."""
    return []


@hookspec
def on_webhook_prepare(event: WebhookPrepareEvent, app: App) -> None:
    """Before a message is made for one webhook, after the commit. ``Skip`` leaves this webhook out."""


@hookspec
def on_webhook_failed(event: WebhookFailedEvent, app: App) -> None:
    """After a message was given up. Exceptions are logged and change nothing."""
