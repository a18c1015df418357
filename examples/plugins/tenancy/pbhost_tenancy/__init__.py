"""Row-level multi-tenancy: every record of the configured collections belongs to the tenant of whoever made it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from pbhost import App, FieldError, ValidationError, hookimpl
from pbhost.hooks.events import BootstrapEvent, CollectionEvent, RecordEvent
from pbhost_tenancy.options import CONFIG_SCHEMA, NAME, Options
from pbhost_tenancy.schema import Schema
from pbhost_tenancy.stamping import Stamping


class TenancyPlugin:
    """Keeps schema and records tenanted. Who reads what is decided by rules, in the database, not by this code."""

    NAME = NAME
    requires_pbhost = ">=0.1,<1"
    requires_services = ("collections", "records")
    CONFIG_SCHEMA = CONFIG_SCHEMA

    def __init__(self) -> None:
        self._options: Options | None = None

    def _options_of(self, app: App) -> Options:
        if self._options is None:
            self._options = Options.of(app)
        return self._options

    @hookimpl(wrapper=True)
    async def on_bootstrap(self, event: BootstrapEvent) -> AsyncGenerator[None, None]:
        """Once the services run: tenants what is there already."""
        yield
        await Schema(event.app, self._options_of(event.app)).bring_up()

    @hookimpl(trylast=True)
    def on_collection_create(self, event: CollectionEvent) -> None:
        """A new collection is tenanted from its first moment."""
        self._apply(event)

    @hookimpl(trylast=True)
    def on_collection_update(self, event: CollectionEvent) -> None:
        """Whatever was changed, the guard stands again when the collection is saved."""
        tenanted, old = self._options_of(event.app).collections, event.old
        if old is not None and old.name in tenanted and event.collection.name not in tenanted:
            # Under a name that nobody configured, its rules could be saved without the guard from then on.
            message = "Its records belong to tenants: add the new name to the configuration of tenancy first."
            raise ValidationError({"name": FieldError("tenancy_renamed", message)})
        self._apply(event)

    @hookimpl
    def on_collection_validate(self, event: CollectionEvent) -> None:
        """A view has its columns by now."""
        options = self._options_of(event.app)
        if event.collection.name in options.collections:
            Schema(event.app, options).check_view(event.collection)

    def _apply(self, event: CollectionEvent) -> None:
        options = self._options_of(event.app)
        # Collections of pbhost itself are made while the services start: before the tenants, and tenanted after them.
        if event.collection.name in options.collections and event.app.collections.find(options.tenants):
            Schema(event.app, options).apply(event.collection, event.old)

    @hookimpl(tryfirst=True)
    def on_record_create(self, event: RecordEvent) -> None:
        """Other plugins see the tenant that the record will have."""
        self._stamp(event)

    @hookimpl(tryfirst=True)
    def on_record_update(self, event: RecordEvent) -> None:
        """A client cannot move a record to another tenant."""
        self._stamp(event)

    def _stamp(self, event: RecordEvent) -> None:
        options = self._options_of(event.app)
        if event.collection.name in options.collections:
            Stamping(options).stamp(event)

    @hookimpl
    def on_record_validate(self, event: RecordEvent) -> None:
        """No relation leads from one tenant to another."""
        options = self._options_of(event.app)
        if event.collection.name in options.collections:
            Stamping(options).check_relations(event)


#: The class: each application gets an instance of its own.
plugin = TenancyPlugin
