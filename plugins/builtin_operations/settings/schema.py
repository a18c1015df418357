"""What the settings are: sections in output order, their defaults (which also give the types), their secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pbhost.errors import JSON
from pbhost.services import SettingsSection

Values = dict[str, JSON]

_S3: Values = {
    "enabled": False,
    "bucket": "",
    "region": "",
    "endpoint": "",
    "accessKey": "",
    "secret": "",
    "forcePathStyle": False,
}

DEFAULTS: Mapping[str, JSON] = {
    "superuserIPs": [],
    "smtp": {
        "enabled": False,
        "port": 587,
        "host": "smtp.example.com",
        "username": "",
        "password": "",
        "authMethod": "",
        "tls": False,
        "localName": "",
    },
    "backups": {"cron": "", "cronMaxKeep": 3, "s3": dict(_S3)},
    "s3": dict(_S3),
    "meta": {
        "accentColor": "#1055c9",
        "appName": "Acme",
        "appURL": "http://localhost:8090",
        "senderName": "Support",
        "senderAddress": "support@example.com",
        "hideControls": False,
    },
    "rateLimits": {
        "rules": [
            {"label": "*:auth", "audience": "", "duration": 3, "maxRequests": 2},
            {"label": "*:create", "audience": "", "duration": 5, "maxRequests": 20},
            {"label": "/api/batch", "audience": "", "duration": 1, "maxRequests": 3},
            {"label": "/api/", "audience": "", "duration": 10, "maxRequests": 300},
        ],
        "excludedIPs": [],
        "enabled": False,
    },
    "trustedProxy": {"headers": [], "useLeftmostIP": False},
    "batch": {"enabled": False, "maxRequests": 50, "timeout": 3, "maxBodySize": 0},
    "logs": {"maxDays": 5, "minLevel": 0, "logIP": True, "logAuthId": False},
}

#: What an element of a list looks like when nothing of it is given, by dotted path of the list.
ELEMENTS: Mapping[str, JSON] = {
    "superuserIPs": "",
    "rateLimits.rules": {"label": "", "audience": "", "duration": 0, "maxRequests": 0},
    "rateLimits.excludedIPs": "",
    "trustedProxy.headers": "",
}

#: Never part of an answer.
SECRETS = frozenset({"smtp.password", "backups.s3.secret", "s3.secret"})
#: Left out of the stored row while empty, as PocketBase does.
OMITTED_WHEN_EMPTY = frozenset({"backups.s3.secret", "s3.secret"})


def copied(value: JSON) -> JSON:
    """A deep copy of JSON."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def defaults() -> Values:
    """Fresh settings of a new application."""
    return {key: copied(value) for key, value in DEFAULTS.items()}


def without(values: Mapping[str, JSON], paths: Iterable[str]) -> Values:
    """A copy that lacks some dotted paths."""
    hidden = frozenset(paths)

    def clean(value: JSON, path: str) -> JSON:
        if not isinstance(value, dict):
            return copied(value)
        items = ((key, item, f"{path}.{key}" if path else key) for key, item in value.items())
        return {key: clean(item, at) for key, item, at in items if at not in hidden}

    cleaned = clean(dict(values), "")
    assert isinstance(cleaned, dict)
    return cleaned


def stored_form(values: Mapping[str, JSON]) -> Values:
    """What is written to the settings row: everything, except empty secrets that PocketBase leaves out too."""
    return without(values, (path for path in OMITTED_WHEN_EMPTY if not at(values, path)))


def at(values: Mapping[str, JSON], path: str) -> JSON:
    """The value at a dotted path, None if there is none."""
    value: JSON = dict(values)
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def secret_paths(sections: Iterable[SettingsSection]) -> frozenset[str]:
    """All secrets, those of plugins' sections included."""
    return SECRETS | {f"{section.name}.{key}" for section in sections for key in section.secrets}
