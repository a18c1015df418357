"""``GET /api/reports/{collection}``: what the caller may see of a collection as CSV, however large it is."""

from __future__ import annotations

from pbhost import App, Route, hookimpl
from pbhost.errors import JSON
from pbhost.http import RouteSchema
from pbhost_report_route.query import QUERY
from pbhost_report_route.report import Reports

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "max_rows": {"type": "integer", "minimum": 1, "default": 1_000_000},
        "at_once": {"type": "integer", "minimum": 1, "maximum": 100, "default": 4},
        "client_timeout": {"type": "number", "exclusiveMinimum": 0, "default": 30},
        "escape_formulas": {"type": "boolean", "default": True},
    },
}


class ReportRoutePlugin:
    """The hook of this plugin."""

    NAME = "report_route"
    requires_pbhost = ">=0.1,<1"
    requires_services = ("collections", "records")
    CONFIG_SCHEMA = CONFIG_SCHEMA

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """The route, with what goes in and comes out for ``/api/openapi.json``."""
        return [
            Route(
                "GET",
                "/api/reports/{collection}",
                Reports(app, app.options(self.NAME)).answer,
                guard="auth",
                summary="The records of a collection that the caller may list, as CSV",
                schema=RouteSchema(query=QUERY, answer={"type": "string"}, content_type="text/csv"),
            )
        ]


plugin = ReportRoutePlugin()
