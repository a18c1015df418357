"""Collections and records: field types, schema, rules, the filter language, and the API of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost import hookimpl

from .config import CONFIG_SCHEMA

if TYPE_CHECKING:
    from pbhost import App, Field, Route
    from pbhost.model import CollectionType
    from pbhost.services import Check

    from .collections import CollectionsService
    from .records import RecordsService


class RecordsPlugin:
    """The built-in ``records`` plugin."""

    CONFIG_SCHEMA = CONFIG_SCHEMA

    def __init__(self) -> None:
        self._collections: CollectionsService | None = None
        self._records: RecordsService | None = None

    @hookimpl
    def register_field_types(self) -> list[type[Field]]:
        from .fieldtypes import FIELD_TYPES

        return list(FIELD_TYPES)

    @hookimpl
    def register_collection_types(self) -> list[CollectionType]:
        from .collections.types import BaseType, ViewType

        return [BaseType(), ViewType()]

    @hookimpl
    def provide_collections(self, app: App) -> CollectionsService:
        if self._collections is None:
            from .collections import CollectionsService

            self._collections = CollectionsService(app)
        return self._collections

    @hookimpl
    def provide_records(self, app: App) -> RecordsService:
        if self._records is None:
            from .records import RecordsService

            self._records = RecordsService(app)
        return self._records

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        from .api.batch import batch_routes
        from .api.collections import collection_routes
        from .api.records import record_routes

        routes = collection_routes(app, self.provide_collections(app))
        records = self.provide_records(app)
        return [*routes, *record_routes(app, records), *batch_routes(app, records)]

    @hookimpl
    def register_checks(self, app: App) -> list[Check]:
        from .checks import schema_checks

        return schema_checks(app)


#: The class: each application gets an instance of its own, for it holds that application's services.
plugin = RecordsPlugin
