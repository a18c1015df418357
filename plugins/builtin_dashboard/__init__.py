"""The admin interface at ``/_/``: static files without a build step, and the extensions that plugins add to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost import hookimpl

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.http import Route


class DashboardPlugin:
    """The built-in ``dashboard`` plugin."""

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """The interface and its extensions."""
        from builtin_dashboard.api import routes

        return routes(app)


plugin = DashboardPlugin()
