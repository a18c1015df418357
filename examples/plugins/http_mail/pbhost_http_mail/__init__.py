"""Sends mail through an HTTP API instead of SMTP."""

from __future__ import annotations

import logging

from pbhost import App, hookimpl
from pbhost.errors import JSON
from pbhost_http_mail.mailer import HttpMailer
from pbhost_http_mail.transport import Api

log = logging.getLogger("pbhost.http_mail")

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "url": {"type": "string", "pattern": "^https?://[^/]", "default": "https://api.resend.com/emails"},
        "api_key": {"type": "string", "default": "", "writeOnly": True},
        "attempts": {"type": "integer", "minimum": 1, "maximum": 10, "default": 4},
        "first_delay": {"type": "number", "exclusiveMinimum": 0, "default": 0.5},
        "timeout": {"type": "number", "exclusiveMinimum": 0, "maximum": 60, "default": 10},
        "deadline": {"type": "number", "exclusiveMinimum": 0, "maximum": 120, "default": 25},
    },
}


class HttpMailPlugin:
    """Provides the mailer."""

    NAME = "http_mail"
    requires_pbhost = ">=0.1,<1"
    requires_services = ("settings",)
    CONFIG_SCHEMA = CONFIG_SCHEMA

    @hookimpl
    def provide_mailer(self, app: App) -> HttpMailer | None:
        """How mail is sent; wins over the built-in, since it is loaded later. Without a key the built-in stays."""
        options = app.options(self.NAME)
        if not options["api_key"]:
            log.warning("plugins.http_mail.api_key is not set: mail is sent as if this plugin were not installed")
            return None

        def number(key: str) -> float:
            return float(str(options[key]))

        api = Api(
            url=str(options["url"]),
            key=str(options["api_key"]),
            attempts=int(number("attempts")),
            first_delay=number("first_delay"),
            timeout=number("timeout"),
            deadline=number("deadline"),
        )
        return HttpMailer(app, api)


#: The class: each application gets an instance of its own.
plugin = HttpMailPlugin
