"""From each provider's answer to one user. The answers have the shape that the providers document."""

from __future__ import annotations

import pytest
from builtin_auth.oauth2.providers import PROVIDERS
from builtin_auth.oauth2.userinfo import (
    UserInfoError,
    bitbucket_email,
    gitee_email,
    map_user,
    primary_email,
    user_from_json,
    user_to_json,
)

from pbhost.errors import JSON
from pbhost.validation import valid_email

A = "a@b.test"
Raw = dict[str, JSON]
Expected = tuple[str, str, str, str, str]

CASES: list[tuple[str, Raw, Expected]] = [
    ("apple", {"sub": "1", "email": A, "email_verified": "true"}, ("1", "", "", A, "")),
    ("apple", {"sub": "1", "email": A, "email_verified": "no"}, ("1", "", "", "", "")),
    (
        "google",
        {"sub": "1", "name": "Ann", "email": A, "email_verified": True, "picture": "p"},
        ("1", "Ann", "", A, "p"),
    ),
    ("google", {"sub": "1", "email": A}, ("1", "", "", "", "")),
    ("microsoft", {"id": "1", "displayName": "Ann", "mail": A}, ("1", "Ann", "", A, "")),
    (
        "yandex",
        {"id": "1", "real_name": "Ann", "login": "ann", "default_email": A, "default_avatar_id": "x"},
        ("1", "Ann", "ann", A, "https://avatars.yandex.net/get-yapic/x/islands-200"),
    ),
    ("yandex", {"id": "1", "is_avatar_empty": True}, ("1", "", "", "", "")),
    ("facebook", {"id": "1", "name": "Ann", "picture": {"data": {"url": "p"}}}, ("1", "Ann", "", "", "p")),
    ("instagram2", {"user_id": "1", "username": "ann", "profile_picture_url": "p"}, ("1", "", "ann", "", "p")),
    ("github", {"id": 7, "login": "ann", "name": None, "avatar_url": "p"}, ("7", "", "ann", "", "p")),
    ("gitlab", {"id": 7, "email": A, "confirmed_at": "2020-01-01T00:00:00.000Z"}, ("7", "", "", A, "")),
    ("gitlab", {"id": 7, "email": A}, ("7", "", "", "", "")),
    (
        "bitbucket",
        {"uuid": "1", "account_status": "active", "links": {"avatar": {"href": "p"}}},
        ("1", "", "", "", "p"),
    ),
    ("gitea", {"id": 7, "full_name": "Ann", "login": "ann", "active": True}, ("7", "Ann", "ann", "", "")),
    (
        "discord",
        {"id": "1", "username": "ann", "discriminator": "42", "email": A, "verified": True, "avatar": "x"},
        ("1", "ann#42", "ann", A, "https://cdn.discordapp.com/avatars/1/x.png"),
    ),
    ("discord", {"id": "1", "username": "ann", "discriminator": "0", "email": A}, ("1", "ann", "ann", "", "")),
    ("twitter", {"data": {"id": "1", "username": "ann", "confirmed_email": A}}, ("1", "", "ann", A, "")),
    (
        "kakao",
        {
            "id": 7,
            "properties": {"nickname": "ann"},
            "kakao_account": {"email": A, "is_email_valid": True, "is_email_verified": True},
        },
        ("7", "", "ann", A, ""),
    ),
    (
        "vk",
        {"response": [{"id": 7, "first_name": "Ann", "last_name": "", "photo_max": "p"}]},
        ("7", "Ann", "", "token@b.test", "p"),
    ),
    (
        "linear",
        {"data": {"viewer": {"id": "1", "displayName": "ann", "email": A, "active": True}}},
        ("1", "", "ann", A, ""),
    ),
    ("notion", {"bot": {"owner": {"user": {"id": "1", "person": {"email": A}}}}}, ("1", "", "", A, "")),
    ("monday", {"data": {"me": {"id": "1", "enabled": True, "email": A}}}, ("1", "", "", "", "")),
    ("lark", {"data": {"union_id": "1", "name": "Ann", "avatar_url": "p"}}, ("1", "Ann", "", "", "p")),
    ("box", {"id": "1", "status": "active", "login": A}, ("1", "", "", A, "")),
    ("spotify", {"id": "1", "images": [{"url": "p"}]}, ("1", "", "", "", "p")),
    ("spotify", {"id": "1", "images": []}, ("1", "", "", "", "")),
    ("trakt", {"user": {"ids": {"uuid": "1"}, "username": "ann"}}, ("1", "", "ann", "", "")),
    ("twitch", {"data": [{"id": "1", "login": "ann", "email": A}]}, ("1", "", "ann", A, "")),
    (
        "patreon",
        {"data": {"id": "1", "attributes": {"vanity": "ann", "email": A, "is_email_verified": True}}},
        ("1", "", "ann", A, ""),
    ),
    ("strava", {"id": 0, "firstname": "Ann"}, ("", "Ann ", "", "", "")),
    ("wakatime", {"data": {"id": "1", "photo": "p", "photo_public": False}}, ("1", "", "", "", "")),
    ("livechat", {"account_id": "1", "email": A, "email_verified": True}, ("1", "", "", A, "")),
    ("mailcow", {"id": "1", "active": 1, "username": A, "email": A}, ("1", "", "a", A, "")),
    (
        "planningcenter",
        {"data": {"id": "1", "attributes": {"status": "active", "avatar": "p"}}},
        ("1", "", "", "", "p"),
    ),
    (
        "oidc2",
        {"sub": "1", "preferred_username": "ann", "email": A, "email_verified": 1},
        ("1", "", "ann", A, ""),
    ),
]


@pytest.mark.parametrize(("provider", "raw", "expected"), CASES)
def test_mapping(provider: str, raw: Raw, expected: Expected) -> None:
    user = map_user(provider, raw, {"email": "token@b.test"})
    assert (user.id, user.name, user.username, user.email, user.avatar_url) == expected
    assert user.raw_user == raw
    assert user_from_json(user_to_json(user)) == user


@pytest.mark.parametrize(
    ("provider", "raw"),
    [
        ("google", {"sub": 5}),
        ("google", {"sub": "1", "email_verified": "true"}),
        ("github", {"id": "7"}),
        ("facebook", {"id": "1", "picture": "p"}),
        ("bitbucket", {"uuid": "1", "account_status": "inactive"}),
        ("gitea", {"id": 7}),
        ("linear", {"data": {"viewer": {"id": "1"}}}),
        ("monday", {"data": {"me": {"id": "1"}}}),
        ("box", {"id": "1", "status": "inactive"}),
        ("mailcow", {"id": "1", "active": True}),
        ("planningcenter", {"data": {"id": "1"}}),
        ("vk", {"response": []}),
        ("twitch", {"data": []}),
        ("spotify", {"id": "1", "images": "x"}),
    ],
)
def test_refused(provider: str, raw: Raw) -> None:
    with pytest.raises(UserInfoError):
        map_user(provider, raw, {})


def test_every_provider_has_a_mapping_and_a_logo() -> None:
    assert len(PROVIDERS) == 32
    for name, provider in PROVIDERS.items():
        assert provider.logo.startswith("<svg")
        assert map_user(name, _active(name), {}).raw_user


def _active(name: str) -> Raw:
    like = {"gitee": "github", "oidc": "oidc2", "oidc3": "oidc2"}.get(name, name)
    return next(raw for provider, raw, _ in CASES if provider == like)


def test_extra_email_calls() -> None:
    first: Raw = {"email": "x@b.test", "verified": True, "primary": False}
    assert primary_email([first, {"email": A, "verified": True, "primary": True}]) == A
    assert primary_email([]) == ""
    with pytest.raises(UserInfoError):
        primary_email({"message": "no"})
    assert bitbucket_email({"values": [{"email": A, "is_primary": True, "is_confirmed": True}]}) == A
    assert bitbucket_email(None) == ""
    confirmed: Raw = {"email": A, "state": "confirmed", "scope": ["primary"]}
    assert gitee_email([confirmed], valid_email) == A
    assert gitee_email([{**confirmed, "email": "nope"}], valid_email) == ""
    assert gitee_email("nope", valid_email) == ""
