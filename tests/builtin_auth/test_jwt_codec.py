"""Tokens: which are accepted, which are not."""

from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from builtin_auth.jwt_codec import InvalidToken, check_times, read_unverified, sign, verify

from pbhost.errors import JSON

KEY = "k" * 100
NOW = time.time()


def part(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def test_a_signed_token_is_read_back_and_any_jwt_library_reads_it() -> None:
    claims: dict[str, JSON] = {"id": "a", "type": "auth", "exp": int(NOW) + 3600, "refreshable": True}
    token = sign(claims, KEY)
    assert verify(token, KEY) == claims
    assert jwt.decode(token, KEY, algorithms=["HS256"]) == claims
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}


def test_a_token_without_typ_and_without_exp_is_accepted() -> None:
    token = jwt.encode({"id": "a"}, KEY, algorithm="HS256", headers={"typ": None})
    assert verify(token, KEY) == {"id": "a"}


@pytest.mark.parametrize("claims", [{"aud": "other"}, {"iss": 5}, {"sub": 5}, {"jti": 5}])
def test_claims_that_are_nobodys_business_do_not_matter(claims: dict[str, JSON]) -> None:
    signed = jwt.PyJWS().encode(json.dumps(claims).encode(), KEY, algorithm="HS256")
    assert verify(signed, KEY) == claims


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("another key", jwt.encode({"id": "a"}, "z" * 100, algorithm="HS256")),
        ("another algorithm", jwt.encode({"id": "a"}, KEY, algorithm="HS512")),
        ("no algorithm", jwt.encode({"id": "a"}, "", algorithm="none")),
        ("no signature", f"{part({'alg': 'HS256'})}.{part({'id': 'a'})}."),
        ("not a token", "abc"),
        ("empty", ""),
        ("payload is a list", jwt.PyJWS().encode(b"[]", KEY, algorithm="HS256")),
        ("payload is no json", jwt.PyJWS().encode(b"nope", KEY, algorithm="HS256")),
        ("expired", jwt.encode({"exp": int(NOW) - 1}, KEY, algorithm="HS256")),
        ("exp is text", jwt.PyJWS().encode(b'{"exp":"soon"}', KEY, algorithm="HS256")),
        ("too long", jwt.encode({"id": "a" * 9_000}, KEY, algorithm="HS256")),
        ("deep", jwt.PyJWS().encode(b"[" * 100_000, KEY, algorithm="HS256")),
    ],
)
def test_refused(name: str, token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(token, KEY)


def test_an_empty_key_verifies_nothing() -> None:
    with pytest.raises(InvalidToken):
        verify(f"{part({'alg': 'HS256'})}.{part({'id': 'a'})}.abc", "")


@pytest.mark.parametrize(
    ("claims", "leeway", "is_good"),
    [
        ({"exp": 101}, 0, True),
        ({"exp": 100}, 0, False),
        ({"nbf": 100}, 0, True),
        ({"nbf": 101}, 0, False),
        ({"iat": 101}, 0, False),
        ({"iat": 101}, 5, True),
        ({"exp": 96}, 5, True),
        ({"exp": 95}, 5, False),
        ({"exp": True}, 0, False),
        ({}, 0, True),
    ],
)
def test_time_claims(claims: dict[str, JSON], leeway: float, is_good: bool) -> None:
    try:
        check_times(claims, leeway, now=100)
    except InvalidToken:
        assert not is_good
    else:
        assert is_good


def test_unverified_reading_checks_only_form_and_time() -> None:
    assert read_unverified(jwt.encode({"id": "a"}, "z" * 100, algorithm="HS256")) == {"id": "a"}
    with pytest.raises(InvalidToken):
        read_unverified("a.b.c")
