"""Which id_tokens are believed: of the right issuer, for this client, in their time, signed by a published key."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from builtin_auth.jwt_codec import InvalidToken
from builtin_auth.oauth2 import id_token
from builtin_auth.service import AuthService
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pbhost.errors import JSON

from .conftest import Site
from .test_oauth2 import Provider, provider, sign_in

__all__ = ["provider"]

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED = ed25519.Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
SECRET = b"s" * 40
PUBLIC: dict[str, dict[str, JSON]] = {
    "rsa": json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key())),
    "ed": json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(ED.public_key())),
    "ec": json.loads(jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key())),
    "oct": json.loads(jwt.algorithms.HMACAlgorithm.to_jwk(SECRET)),
}


def keys(kind: str, alg: str = "", kid: str = "k1") -> JSON:
    return {"keys": [{**PUBLIC[kind], "kid": kid, **({"alg": alg} if alg else {})}]}


def signed(key: Any, alg: str, kid: str | None = "k1") -> str:
    return jwt.encode({"sub": "1"}, key, algorithm=alg, headers={"kid": kid} if kid is not None else None)


@pytest.mark.parametrize(
    ("token", "key_set", "believed"),
    [
        (signed(RSA, "RS256"), keys("rsa", "RS256"), True),
        (signed(RSA, "PS512"), keys("rsa", "PS512"), True),
        (signed(ED, "EdDSA"), keys("ed", "EdDSA"), True),
        (signed(RSA, "RS512"), keys("rsa", "RS256"), False),
        (signed(EC, "ES256"), keys("ec", "ES256"), False),
        (signed(SECRET, "HS256"), keys("oct", "HS256"), False),
        (signed(SECRET, "HS256"), keys("rsa", "RS256"), False),
        (signed(None, "none"), keys("rsa", "RS256"), False),
        (signed(None, "none"), keys("rsa", "none"), False),
        (signed(RSA, "RS256"), keys("rsa"), False),
        (signed(RSA, "RS256", "k2"), keys("rsa", "RS256"), False),
        (signed(RSA, "RS256", None), keys("rsa", "RS256"), False),
        (signed(RSA, "RS256", ""), keys("rsa", "RS256", ""), False),
        (signed(rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"), keys("rsa", "RS256"), False),
        (signed(RSA, "RS256"), {"keys": "k"}, False),
        (signed(RSA, "RS256"), [], False),
        (signed(RSA, "RS256"), {"keys": [{"kid": "k1", "alg": "RS256", "kty": "RSA"}]}, False),
        ("a.b.c", keys("rsa", "RS256"), False),
    ],
)
def test_signatures(token: str, key_set: JSON, believed: bool) -> None:
    if believed:
        id_token.check_signature(token, key_set)
        return
    with pytest.raises(InvalidToken):
        id_token.check_signature(token, key_set)


CLAIMS: dict[str, JSON] = {
    "sub": "7", "email": "ann@b.test", "email_verified": "true", "aud": "client id", "iss": id_token.APPLE_ISSUER,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"aud": ["other", "client id"]}, 200),
        ({"aud": "other"}, 400),
        ({"aud": None}, 400),
        ({"iss": "https://evil.test"}, 400),
        ({"iss": None}, 400),
        ({"exp": None}, 400),
        ({"exp": 1000}, 400),
    ],
)
async def test_apple_is_believed_by_its_signed_claims_alone(
    site: Site, provider: Provider, monkeypatch: pytest.MonkeyPatch, changes: dict[str, JSON], status: int
) -> None:
    await _enable_apple(site, provider, monkeypatch)
    claims = {**CLAIMS, "exp": int(time.time()) + 60, **changes}
    kept = {key: value for key, value in claims.items() if value is not None}
    provider.token["id_token"] = jwt.encode(kept, RSA, algorithm="RS256", headers={"kid": "k1"})
    answer = await sign_in(site, provider="apple")
    assert answer.status == status, answer.body
    assert await site.count("users") == (1 if status == 200 else 0)


async def test_the_name_that_apple_sent_with_the_redirect_is_the_users(
    site: Site, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _enable_apple(site, provider, monkeypatch)
    service = site.app.auth
    assert isinstance(service, AuthService)
    await service.apple_names.keep("123", '{"name":{"firstName":"Ann","lastName":"B"}}')
    claims = {**CLAIMS, "exp": int(time.time()) + 60}
    provider.token["id_token"] = jwt.encode(claims, RSA, algorithm="RS256", headers={"kid": "k1"})
    answer = await sign_in(site, provider="apple")
    assert answer["meta"]["name"] == "Ann B"  # type: ignore[index,call-overload]


async def test_apple_tokens_of_another_hand_or_none_are_refused(
    site: Site, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _enable_apple(site, provider, monkeypatch)
    claims = {**CLAIMS, "exp": int(time.time()) + 60}
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for key, alg in ((stranger, "RS256"), (None, "none"), (SECRET, "HS256")):
        provider.token["id_token"] = jwt.encode(claims, key, algorithm=alg, headers={"kid": "k1"})  # type: ignore[arg-type]
        assert (await sign_in(site, provider="apple")).status == 400, alg
    del provider.token["id_token"]
    assert (await sign_in(site, provider="apple")).status == 400
    assert await site.count("users") == 0


async def _enable_apple(site: Site, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_token, "APPLE_KEYS", f"{provider.url}/keys")
    provider.keys = keys("rsa", "RS256")
    item: JSON = {
        "name": "apple",
        "clientId": "client id",
        "clientSecret": "s&cret",
        "tokenURL": f"{provider.url}/token",
    }
    await site.options(oauth2={"enabled": True, "providers": [item]})
