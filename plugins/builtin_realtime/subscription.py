"""A subscription string: the topic, and the options that the client attached to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl

import orjson

_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One parsed subscription string.

    Attributes:
        text: as submitted; also the name of its events.
        topic: the part before ``?``.
        query: query parameters that rules, ``filter``, ``expand`` and ``fields`` see.
        headers: headers that rules see; names in the form of ``@request.headers``.
        options_key: equal for subscriptions whose options are equal.
    """

    text: str
    topic: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    options_key: object = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        options = (tuple(sorted(self.query.items())), tuple(sorted(self.headers.items())))
        object.__setattr__(self, "options_key", options)


@lru_cache(maxsize=4096)
def parse_subscription(text: str) -> Subscription:
    """Parses a subscription string. Options that cannot be read are empty options, never an error."""
    topic, mark, suffix = text.partition("?")
    if not mark:
        return Subscription(text, topic)
    raw = dict(reversed(parse_qsl(suffix, keep_blank_values=True))).get("options", "")
    try:
        options = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Subscription(text, topic)
    if not isinstance(options, dict):
        return Subscription(text, topic)
    parts = {str(key).lower(): value for key, value in options.items()}
    return Subscription(
        text,
        topic,
        _texts(parts.get("query")),
        {_SEPARATORS.sub("_", key).strip("_").lower(): value for key, value in _texts(parts.get("headers")).items()},
    )


def _texts(values: object) -> dict[str, str]:
    return {str(key): _text(value) for key, value in values.items()} if isinstance(values, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return ""
