"""Which queries give the same rows again, so that their results may be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.database import Sql
from pbhost.model import Collection

from ..filter import BoundQuery

if TYPE_CHECKING:
    from pbhost.app import App


class Repeatable:
    """Tells queries that depend on nothing but rows from those that ask for the time or for chance."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._generation = -1
        self._views: dict[str, bool] = {}

    def is_repeatable(self, query: BoundQuery, sql: Sql) -> bool:
        """Whether a statement of a query is; in doubt it is not."""
        if not self._app.db.dialect.is_repeatable(sql):
            return False
        if self._generation != self._app.collections.generation:
            self._look_at_views()
        return not self._views or all(self._views.get(name, True) for name in query.tables)

    def _look_at_views(self) -> None:
        """Views read each other, so one that varies makes all of them vary."""
        generation = self._app.collections.generation
        views = [collection for collection in self._app.collections.all() if collection.is_view]
        all_are = all(self._is_fixed(view) for view in views)
        self._views = {view.name: all_are for view in views}
        self._generation = generation

    def _is_fixed(self, view: Collection) -> bool:
        return self._app.db.dialect.is_repeatable(Sql(str(view.options.get("viewQuery") or "")))
