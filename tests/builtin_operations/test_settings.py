"""How submitted settings change the stored ones, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest
from builtin_operations.settings.checks import check_settings
from builtin_operations.settings.merge import SettingsTypeError, merge
from builtin_operations.settings.schema import SECRETS, at, defaults, stored_form, without

from pbhost.errors import tree_to_json


@pytest.mark.parametrize(
    ("changes", "path", "expected"),
    [
        ({"meta": {"appName": "New"}}, "meta.appName", "New"),
        ({"meta": {"appName": "New"}}, "meta.senderName", "Support"),
        ({"META": {"APPNAME": "New"}}, "meta.appName", "New"),
        ({"meta": {"appName": None}}, "meta.appName", "Acme"),
        ({"meta": None}, "meta.appName", "Acme"),
        ({"unknown": 1, "meta": {"unknown": 2}}, "meta.appName", "Acme"),
        ({"smtp": {"port": 25}}, "smtp.port", 25),
        ({"superuserIPs": ["1.2.3.4"]}, "superuserIPs", ["1.2.3.4"]),
        ({"rateLimits": {"rules": None}}, "rateLimits.rules", []),
        (
            {"rateLimits": {"rules": [{"maxRequests": 7}]}},
            "rateLimits.rules",
            [{"label": "*:auth", "audience": "", "duration": 3, "maxRequests": 7}],
        ),
    ],
)
def test_a_submitted_document_merges(changes: dict[str, Any], path: str, expected: object) -> None:
    before = defaults()
    assert at(merge(before, changes), path) == expected
    assert before == defaults()


@pytest.mark.parametrize(
    "changes",
    [
        {"meta": "text"},
        {"meta": {"appName": 5}},
        {"smtp": {"port": "25"}},
        {"smtp": {"port": 25.0}},
        {"smtp": {"port": True}},
        {"smtp": {"port": 1 << 64}},
        {"smtp": {"enabled": 1}},
        {"superuserIPs": "1.2.3.4"},
        {"superuserIPs": [1]},
        {"rateLimits": {"rules": [5]}},
        {"superuserIPs": ["1.2.3.4"] * 1001},
    ],
)
def test_a_value_of_the_wrong_type_cannot_be_decoded(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsTypeError):
        merge(defaults(), changes)


def rule(label: str, audience: str = "", duration: int = 1, maximum: int = 1) -> dict[str, Any]:
    return {"label": label, "audience": audience, "duration": duration, "maxRequests": maximum}


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({}, {}),
        ({"meta": {"appName": ""}}, {"meta.appName": "validation_required"}),
        ({"meta": {"appName": "x" * 256}}, {"meta.appName": "validation_length_out_of_range"}),
        ({"meta": {"appURL": "nope"}}, {"meta.appURL": "validation_is_url"}),
        ({"meta": {"senderAddress": "nope"}}, {"meta.senderAddress": "validation_is_email"}),
        ({"meta": {"accentColor": "#12345z"}}, {"meta.accentColor": "validation_is_hex_color"}),
        ({"meta": {"accentColor": "#123"}}, {"meta.accentColor": "validation_length_invalid"}),
        ({"smtp": {"host": "", "port": 0}}, {}),
        (
            {"smtp": {"enabled": True, "host": "", "port": 0}},
            {"smtp.host": "validation_required", "smtp.port": "validation_required"},
        ),
        ({"smtp": {"authMethod": "MD5"}}, {"smtp.authMethod": "validation_in_invalid"}),
        ({"smtp": {"port": -1}}, {"smtp.port": "validation_min_greater_equal_than_required"}),
        (
            {"s3": {"enabled": True, "endpoint": "http://127.0.0.1:9000", "bucket": "b"}},
            {
                "s3.accessKey": "validation_required",
                "s3.region": "validation_required",
                "s3.secret": "validation_required",
            },
        ),
        ({"backups": {"cron": "* * *"}}, {"backups.cron": "validation_invalid_cron"}),
        ({"backups": {"cron": "@daily", "cronMaxKeep": 0}}, {"backups.cronMaxKeep": "validation_required"}),
        (
            {"superuserIPs": ["", "junk", "::1"]},
            {"superuserIPs.0": "validation_required", "superuserIPs.1": "validation_invlaid_ip_or_subnet"},
        ),
        ({"rateLimits": {"enabled": True, "rules": []}}, {"rateLimits.rules": "validation_required"}),
        ({"rateLimits": {"rules": [rule("a b")]}}, {"rateLimits.rules.0.label": "validation_match_invalid"}),
        ({"rateLimits": {"rules": [rule("/a\n")]}}, {"rateLimits.rules.0.label": "validation_match_invalid"}),
        (
            {"rateLimits": {"rules": [rule("GET /a", "@x", 0, -1)]}},
            {
                "rateLimits.rules.0.audience": "validation_in_invalid",
                "rateLimits.rules.0.duration": "validation_required",
                "rateLimits.rules.0.maxRequests": "validation_min_greater_equal_than_required",
            },
        ),
        ({"rateLimits": {"rules": [rule("/a", "@auth"), rule("/a", "@guest")]}}, {}),
        (
            {"rateLimits": {"rules": [rule("/a", "@auth"), rule("/a")]}},
            {"rateLimits.rules.1.label": "validation_conflicting_rate_limit_rule"},
        ),
        ({"rateLimits": {"excludedIPs": ["x"]}}, {"rateLimits.excludedIPs.0": "validation_invlaid_ip_or_subnet"}),
        ({"batch": {"enabled": True, "timeout": 0}}, {"batch.timeout": "validation_required"}),
        ({"logs": {"maxDays": -1}}, {"logs.maxDays": "validation_min_greater_equal_than_required"}),
    ],
)
def test_what_is_refused(changes: dict[str, Any], errors: dict[str, str]) -> None:
    found = tree_to_json(check_settings(merge(defaults(), changes)))
    assert dict(codes(found)) == errors


def codes(tree: Any, path: str = "") -> Any:
    for key, item in tree.items():
        inner = f"{path}.{key}" if path else key
        if isinstance(item.get("code"), str):
            yield inner, item["code"]
        else:
            yield from codes(item, inner)


def test_an_invalid_schedule_is_explained_in_a_sentence() -> None:
    found = tree_to_json(check_settings(merge(defaults(), {"backups": {"cron": "60 * * * *"}})))
    assert at(found, "backups.cron.message") == (
        "Invalid segment value - must be between the min and max of the segment."
    )


def test_no_answer_shows_a_secret() -> None:
    filled = merge(defaults(), {"smtp": {"password": "p"}, "s3": {"secret": "s"}, "backups": {"s3": {"secret": "b"}}})
    shown = without(filled, SECRETS)
    assert [at(shown, path) for path in SECRETS] == [None, None, None]
    assert "password" not in str(shown)
    assert "secret" not in str(shown)


def test_the_stored_form_leaves_out_empty_storage_secrets_only() -> None:
    stored = stored_form(defaults())
    assert at(stored, "smtp.password") == ""
    assert "secret" not in str(stored)
    assert at(stored_form(merge(defaults(), {"s3": {"secret": "x"}})), "s3.secret") == "x"
