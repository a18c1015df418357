"""What makes settings acceptable; errors by key, in the tree of the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from builtin_operations.cron.expression import CronExpression, CronExpressionError
from builtin_operations.limits.rules import AUTHENTICATED, GUESTS
from builtin_operations.settings.schema import copied
from pbhost.errors import JSON, ErrorTree, FieldError
from pbhost.services import SettingsSection
from pbhost.validation import (
    Rule,
    check,
    collect,
    each,
    is_email,
    is_hex_color,
    is_host,
    is_ip_or_subnet,
    is_url,
    length,
    match,
    minimum,
    one_of,
    required,
)

_Tree = dict[str, "FieldError | ErrorTree"]

#: Source: operations contract, section 12.2.
RULE_LABEL = re.compile(r"^(\w+ /[\w/-]*|/[\w/-]*|\w+:\w+|\*:\w+|\w+)\Z", re.ASCII)


def check_settings(values: Mapping[str, JSON], sections: Iterable[SettingsSection] = ()) -> _Tree:
    """The errors of complete settings; empty if they are acceptable."""
    tree = collect(
        {
            "superuserIPs": each(_list(values["superuserIPs"]), required, is_ip_or_subnet),
            "smtp": _smtp(_section(values, "smtp")),
            "backups": _backups(_section(values, "backups")),
            "s3": _s3(_section(values, "s3")),
            "meta": _meta(_section(values, "meta")),
            "rateLimits": _rate_limits(_section(values, "rateLimits")),
            "batch": _batch(_section(values, "batch")),
            "logs": collect({"maxDays": check(_section(values, "logs")["maxDays"], minimum(0))}),
        }
    )
    for section in sections:
        if errors := section.check(_section(values, section.name)):
            tree[section.name] = errors
    return tree


def _smtp(smtp: Mapping[str, JSON]) -> _Tree:
    when_enabled = _required_if(smtp["enabled"])
    return collect(
        {
            "host": check(smtp["host"], *when_enabled, is_host),
            "port": check(smtp["port"], *when_enabled, minimum(0)),
            "authMethod": check(smtp["authMethod"], one_of(("", "LOGIN", "PLAIN"))),
            "localName": check(smtp["localName"], is_host),
        }
    )


def _backups(backups: Mapping[str, JSON]) -> _Tree:
    keep = (required, minimum(1)) if backups["cron"] else ()
    return collect(
        {
            "cron": check(backups["cron"], _cron),
            "cronMaxKeep": check(backups["cronMaxKeep"], *keep),
            "s3": _s3(_section(backups, "s3")),
        }
    )


def _s3(s3: Mapping[str, JSON]) -> _Tree:
    when_enabled = _required_if(s3["enabled"])
    return collect(
        {
            "endpoint": check(s3["endpoint"], *when_enabled, is_url),
            **{key: check(s3[key], *when_enabled) for key in ("bucket", "region", "accessKey", "secret")},
        }
    )


def _meta(meta: Mapping[str, JSON]) -> _Tree:
    return collect(
        {
            "accentColor": check(meta["accentColor"], length(7, 7), is_hex_color),
            "appName": check(meta["appName"], required, length(1, 255)),
            "appURL": check(meta["appURL"], required, is_url),
            "senderName": check(meta["senderName"], required, length(1, 255)),
            "senderAddress": check(meta["senderAddress"], required, is_email),
        }
    )


def _rate_limits(limits: Mapping[str, JSON]) -> _Tree:
    rules = [rule for rule in _list(limits["rules"]) if isinstance(rule, dict)]
    missing = required(rules) if limits["enabled"] else None
    return collect(
        {
            "rules": missing or _rules(rules),
            "excludedIPs": each(_list(limits["excludedIPs"]), required, is_ip_or_subnet),
        }
    )


def _rules(rules: list[dict[str, JSON]]) -> _Tree:
    errors: _Tree = {}
    earlier: list[str] = []
    for index, rule in enumerate(rules):
        found = collect(
            {
                "label": check(rule["label"], required, match(RULE_LABEL)),
                "maxRequests": check(rule["maxRequests"], required, minimum(1)),
                "duration": check(rule["duration"], required, minimum(1)),
                "audience": check(rule["audience"], one_of(("", GUESTS, AUTHENTICATED))),
            }
        )
        key = f"{rule['label']}@@{rule['audience']}"
        # "" is a prefix of every audience: a rule for everyone excludes the ones for some of the same label.
        if not found and any(key.startswith(other) or other.startswith(key) for other in earlier):
            found["label"] = FieldError(
                "validation_conflicting_rate_limit_rule",
                f"Rate limit rule configuration with label {rule['label']} already exists or conflicts with "
                "another rule.",
                {"label": rule["label"]},
            )
        earlier.append(key)
        if found:
            errors[str(index)] = found
    return errors


def _batch(batch: Mapping[str, JSON]) -> _Tree:
    when_enabled = _required_if(batch["enabled"])
    return collect(
        {
            "maxRequests": check(batch["maxRequests"], *when_enabled, minimum(0)),
            "timeout": check(batch["timeout"], *when_enabled, minimum(0)),
            "maxBodySize": check(batch["maxBodySize"], minimum(0)),
        }
    )


def _required_if(condition: JSON) -> tuple[Rule, ...]:
    return (required,) if condition else ()


def _cron(value: object) -> FieldError | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        CronExpression.parse(value)
    except CronExpressionError as error:
        return FieldError("validation_invalid_cron", str(error))
    return None


def _section(values: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    section = values[name]
    assert isinstance(section, dict), f"the settings section {name} is no object"
    return section


def _list(value: JSON) -> list[JSON]:
    items = copied(value)
    assert isinstance(items, list)
    return items
