"""The options of an auth collection: merging a PATCH, and what is refused."""

from __future__ import annotations

import copy

import pytest
from builtin_auth.option_checks import check_options
from builtin_auth.options import SHAPE, read_options

from pbhost.errors import JSON, FieldError, tree_to_json
from pbhost.model import Collection, OptionTypeError

TEMPLATE: dict[str, JSON] = {"subject": "s", "body": "b"}
TOKEN: dict[str, JSON] = {"secret": "x" * 50, "duration": 1000}
GOOD: dict[str, JSON] = {
    "authRule": "",
    "manageRule": None,
    "authAlert": {"enabled": True, "emailTemplate": TEMPLATE},
    "oauth2": {
        "providers": [],
        "mappedFields": {"id": "", "name": "", "username": "", "avatarURL": ""},
        "enabled": False,
    },
    "passwordAuth": {"enabled": False, "identityFields": []},
    "mfa": {"enabled": False, "duration": 600, "rule": ""},
    "otp": {"enabled": False, "duration": 180, "length": 8, "emailTemplate": TEMPLATE},
    "authToken": TOKEN,
    "passwordResetToken": TOKEN,
    "emailChangeToken": TOKEN,
    "verificationToken": TOKEN,
    "fileToken": TOKEN,
    "verificationTemplate": TEMPLATE,
    "resetPasswordTemplate": TEMPLATE,
    "confirmEmailChangeTemplate": TEMPLATE,
}
GOOGLE: dict[str, JSON] = {"name": "google", "clientId": "a", "clientSecret": "b"}


def merged(changes: dict[str, JSON], stored: dict[str, JSON] | None = None) -> dict[str, JSON]:
    return SHAPE.merge(copy.deepcopy(stored or GOOD), changes)


def errors(changes: dict[str, JSON], **collection: object) -> dict[str, JSON]:
    made = Collection(name="c", type="auth", options=merged(changes), **collection)  # type: ignore[arg-type]

    def rule(text: str) -> FieldError | None:
        return FieldError("validation_invalid_rule", "bad") if text == "bad" else None

    return tree_to_json(check_options(made, None, rule, {"google", "gitlab", "oidc"}))


def code(tree: JSON, path: str) -> JSON:
    for key in path.split("."):
        assert isinstance(tree, dict), tree
        tree = tree[key]
    assert isinstance(tree, dict)
    return tree["code"]


def test_an_omitted_nested_key_keeps_its_value_and_a_submitted_one_replaces_it() -> None:
    assert merged({"authToken": {"duration": 100}})["authToken"] == {"secret": "x" * 50, "duration": 100}
    assert merged({"AUTHTOKEN": {"Duration": 100}})["authToken"] == {"secret": "x" * 50, "duration": 100}
    assert merged({"authToken": {"duration": None}})["authToken"] == TOKEN
    assert merged({"unknown": 1}) == GOOD


def test_a_provider_keeps_its_own_secret_when_the_list_is_reordered() -> None:
    stored = merged({"oauth2": {"providers": [GOOGLE, {"name": "gitlab", "clientId": "c", "clientSecret": "d"}]}})
    swapped = merged({"oauth2": {"providers": [{"name": "gitlab"}, {"name": "google"}]}}, stored)["oauth2"]
    assert isinstance(swapped, dict)
    assert [item["clientSecret"] for item in swapped["providers"]] == ["d", "b"]  # type: ignore[index, call-overload, union-attr]


def test_merging_changes_nothing_in_place() -> None:
    stored = copy.deepcopy(GOOD)
    out = SHAPE.merge(stored, {})
    assert isinstance(out["otp"], dict)
    out["otp"]["length"] = 4
    assert stored == GOOD


@pytest.mark.parametrize(
    "changes",
    [
        {"authRule": 5},
        {"authToken": {"duration": "1"}},
        {"authToken": {"duration": 1.5}},
        {"authToken": {"duration": True}},
        {"mfa": []},
        {"passwordAuth": {"identityFields": [1]}},
        {"oauth2": {"providers": {}}},
        {"oauth2": {"providers": [{"pkce": "yes"}]}},
    ],
)
def test_a_wrong_json_type_is_an_error_of_its_own(changes: dict[str, JSON]) -> None:
    with pytest.raises(OptionTypeError):
        merged(changes)


def test_good_options_pass() -> None:
    assert errors({}) == {}
    assert errors({"oauth2": {"enabled": True, "providers": [GOOGLE]}}) == {}


@pytest.mark.parametrize(
    ("changes", "path", "expected"),
    [
        ({"authRule": "bad"}, "authRule", "validation_invalid_rule"),
        ({"manageRule": ""}, "manageRule", "validation_nil_or_not_empty_required"),
        ({"verificationTemplate": {"body": ""}}, "verificationTemplate.body", "validation_required"),
        ({"otp": {"emailTemplate": {"subject": ""}}}, "otp.emailTemplate.subject", "validation_required"),
        ({"authToken": {"duration": 9}}, "authToken.duration", "validation_min_greater_equal_than_required"),
        ({"fileToken": {"duration": 94670857}}, "fileToken.duration", "validation_max_less_equal_than_required"),
        ({"fileToken": {"secret": "short"}}, "fileToken.secret", "validation_length_out_of_range"),
        ({"otp": {"enabled": True, "length": 3}}, "otp.length", "validation_min_greater_equal_than_required"),
        ({"passwordAuth": {"enabled": True}}, "passwordAuth.identityFields", "validation_required"),
        (
            {"passwordAuth": {"enabled": True, "identityFields": ["missing"]}},
            "passwordAuth.identityFields",
            "validation_missing_field",
        ),
        ({"mfa": {"enabled": True}}, "mfa.enabled", "validation_mfa_not_enough_auths"),
        (
            {"oauth2": {"enabled": True, "providers": [GOOGLE, GOOGLE]}},
            "oauth2.providers.1.name",
            "validation_duplicated_provider",
        ),
        (
            {"oauth2": {"enabled": True, "providers": [{**GOOGLE, "name": "nobody"}]}},
            "oauth2.providers.0.name",
            "validation_missing_provider",
        ),
        (
            {"oauth2": {"enabled": True, "providers": [{**GOOGLE, "clientSecret": ""}]}},
            "oauth2.providers.0.clientSecret",
            "validation_required",
        ),
        (
            {"oauth2": {"enabled": True, "providers": [{**GOOGLE, "authURL": "nope"}]}},
            "oauth2.providers.0.authURL",
            "validation_is_url",
        ),
    ],
)
def test_refused(changes: dict[str, JSON], path: str, expected: str) -> None:
    assert code(errors(changes), path) == expected


def test_disabled_features_are_not_checked() -> None:
    assert errors({"otp": {"length": 1}, "mfa": {"duration": 1}, "oauth2": {"providers": [{"name": "nobody"}]}}) == {}


def test_options_of_another_time_read_as_zero_values() -> None:
    options = read_options({"otp": "broken"})
    assert options.auth_rule is None
    assert options.otp_length == 0
    assert options.secrets["auth"] == ""
