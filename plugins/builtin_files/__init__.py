"""File fields: uploads, storage, downloads, thumbnails, protected files."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from builtin_files.config import SCHEMA, FilesConfig
from pbhost import hookimpl

if TYPE_CHECKING:
    import click

    from builtin_files.service import FilesService
    from builtin_files.storage import ConfiguredStorage
    from pbhost import App, Field, Route
    from pbhost.hooks.events import CollectionEvent
    from pbhost.services import Check


class FilesPlugin:
    """The plugin object; what is heavier than a start may cost is imported where it is first needed."""

    NAME = "files"
    CONFIG_SCHEMA = SCHEMA

    def __init__(self) -> None:
        # One plugin object serves every application of the process: tests and embedders have several.
        self._files: WeakKeyDictionary[App, FilesService] = WeakKeyDictionary()

    def _service(self, app: App) -> FilesService:
        found = self._files.get(app)
        if found is None:
            from builtin_files.service import FilesService

            found = self._files[app] = FilesService(app, FilesConfig.load(app.options(self.NAME)))
        return found

    @hookimpl
    def register_field_types(self) -> list[type[Field]]:
        from builtin_files.field import FileField

        return [FileField]

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        from builtin_files.api import routes

        return routes(app, self._service(app))

    @hookimpl
    def register_commands(self, app: App) -> list[click.Command]:
        from builtin_files.commands import storage_group

        return [storage_group(app)]

    @hookimpl
    def register_checks(self, app: App) -> list[Check]:
        from builtin_files.checks import storage_checks

        return storage_checks(app, FilesConfig.load(app.options(self.NAME)))

    @hookimpl
    def provide_storage(self, app: App) -> ConfiguredStorage:
        from builtin_files.storage import ConfiguredStorage

        return ConfiguredStorage(app, FilesConfig.load(app.options(self.NAME)))

    @hookimpl
    def provide_files(self, app: App) -> FilesService:
        return self._service(app)

    @hookimpl
    def on_collection_after_delete_success(self, event: CollectionEvent) -> None:
        if not event.collection.is_view:
            self._service(event.app).delete_collection(event.collection.id)


#: The class: each application gets an instance of its own, for it holds that application's services.
plugin = FilesPlugin
