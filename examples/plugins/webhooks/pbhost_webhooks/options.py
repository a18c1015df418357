"""What is configured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from pbhost import App
from pbhost.errors import JSON, ConfigError
from pbhost_webhooks.hooks import Action, Webhook
from pbhost_webhooks.signature import key_of

NAME = "webhooks"
CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "endpoints": {
            "type": "array",
            "default": [],
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "url", "secret"],
                "properties": {
                    "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,50}$"},
                    "url": {"type": "string", "pattern": "^https?://[^/]"},
                    "secret": {"type": "string"},
                    "collections": {"type": "array", "items": {"type": "string"}},
                    "actions": {"type": "array", "items": {"enum": ["create", "update", "delete"]}, "minItems": 1},
                },
            },
        },
        "allow_private": {"type": "boolean", "default": False},
        "timeout": {"type": "number", "exclusiveMinimum": 0, "maximum": 60, "default": 10},
        "attempts": {"type": "integer", "minimum": 1, "maximum": 30, "default": 12},
        "first_delay": {"type": "number", "exclusiveMinimum": 0, "default": 5},
        "longest_delay": {"type": "number", "exclusiveMinimum": 0, "default": 21600},
        "keep_days": {"type": "integer", "minimum": 1, "default": 7},
    },
}


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one application; times in seconds.

    Attributes:
        allow_private: send to addresses of the own network, and without TLS.
        attempts: of one message; the delays between them double from ``first_delay`` to ``longest_delay``.
        keep_days: how long messages that are done with, sent or given up, can be looked at.
    """

    allow_private: bool
    timeout: float
    attempts: int
    first_delay: float
    longest_delay: float
    keep_days: int

    @classmethod
    def of(cls, app: App) -> Options:
        """Those of an application."""
        options = app.options(NAME)

        def number(key: str) -> float:
            return float(str(options[key]))

        return cls(
            allow_private=options["allow_private"] is True,
            timeout=number("timeout"),
            attempts=int(number("attempts")),
            first_delay=number("first_delay"),
            longest_delay=number("longest_delay"),
            keep_days=int(number("keep_days")),
        )


def webhooks_of(app: App, options: Options) -> dict[str, Webhook]:
    """All webhooks by name: the configured ones, and those of other plugins.

    Raises:
        ConfigError: one cannot be used.
    """
    endpoints = app.options(NAME)["endpoints"]
    found: dict[str, Webhook] = {}
    configured = (
        [_configured(item) for item in endpoints if isinstance(item, dict)] if isinstance(endpoints, list) else []
    )
    for webhook in (*configured, *app.collect_of("register_webhooks", Webhook)):
        if webhook.name in found:
            raise ConfigError(f"plugins.webhooks: two webhooks are named {webhook.name!r}")
        if not webhook.url.startswith("https://") and not (options.allow_private and webhook.url.startswith("http://")):
            raise ConfigError(f"plugins.webhooks: the URL of {webhook.name!r} must start with https://")
        try:
            key_of(webhook.secret)
        except ValueError as error:
            raise ConfigError(f"plugins.webhooks: the secret of {webhook.name!r} is not usable: {error}") from None
        found[webhook.name] = webhook
    return found


def _configured(item: dict[str, JSON]) -> Webhook:
    def names(key: str) -> frozenset[str]:
        value = item.get(key)
        return frozenset(str(name) for name in value) if isinstance(value, list) else frozenset()

    webhook = Webhook(
        name=str(item["name"]), url=str(item["url"]), secret=str(item["secret"]), collections=names("collections")
    )
    actions = cast("frozenset[Action]", names("actions"))  # the schema has checked them
    return Webhook(
        name=webhook.name,
        url=webhook.url,
        secret=webhook.secret,
        collections=webhook.collections,
        actions=actions or webhook.actions,
    )
