"""``id_token`` checks: time claims with a leeway, audience and issuer, and the signature against a key set (JWKS)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from builtin_auth.jwt_codec import InvalidToken, check_times, decode_payload
from builtin_auth.oauth2.userinfo import truthy
from pbhost.errors import JSON

APPLE_ISSUER = "https://appleid.apple.com"
APPLE_KEYS = "https://appleid.apple.com/auth/keys"
LEEWAY_VARIABLE = "PB_ID_TOKEN_LEEWAY"


def leeway() -> float:
    """Seconds by which clocks may differ; 5 minutes unless the environment says otherwise."""
    value = os.environ.get(LEEWAY_VARIABLE, "")
    return float(value) if value.isdigit() else 300.0


def read(id_token: str) -> dict[str, JSON]:
    """The claims of ``id_token`` with only its time claims checked.

    Raises:
        InvalidToken: no JWT, or its time claims refuse it.
    """
    claims = decode_payload(id_token)
    check_times(claims, leeway())
    return claims


def check_audience(claims: Mapping[str, JSON], client_id: str) -> None:
    """Check that the token was made for this client.

    Raises:
        InvalidToken: ``aud`` is absent or names others.
    """
    audience = claims.get("aud")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidToken("the token is for another client")


def check_issuer(claims: Mapping[str, JSON], issuers: JSON) -> None:
    """Check ``iss`` against the configured issuer or issuers; nothing configured allows any.

    Raises:
        InvalidToken: another issuer.
    """
    allowed = issuers if isinstance(issuers, list) else [issuers] if issuers else []
    if allowed and claims.get("iss") not in allowed:
        raise InvalidToken("the issuer is not among the allowed ones")


def check_signature(id_token: str, key_set: JSON) -> None:
    """Check the signature against a fetched JWK set: RSA and Ed25519 keys, the key's own ``alg``, by ``kid``.

    Raises:
        InvalidToken: no usable key, or the signature does not hold.
    """
    import jwt

    try:
        header = jwt.get_unverified_header(id_token)
    except jwt.PyJWTError as error:
        raise InvalidToken("unreadable header") from error
    key = _find_key(header.get("kid"), key_set)
    algorithm = key["alg"]
    if not isinstance(algorithm, str) or header.get("alg") != algorithm:
        raise InvalidToken("the token's algorithm is not the key's")
    supported = (key.get("kty") == "RSA" and algorithm.startswith(("RS", "PS"))) or (
        key.get("kty") == "OKP" and key.get("crv") == "Ed25519" and algorithm == "EdDSA"
    )
    if not supported:
        raise InvalidToken("unsupported key type")
    try:
        jwt.PyJWS().decode(id_token, jwt.PyJWK(dict(key), algorithm=algorithm), algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise InvalidToken("signature does not hold") from error


def _find_key(kid: object, key_set: JSON) -> dict[str, JSON]:
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    if isinstance(kid, str) and kid:
        for key in keys if isinstance(keys, list) else ():
            if isinstance(key, dict) and key.get("kid") == kid and key.get("alg"):
                return key
    raise InvalidToken("no key of that id")


def microsoft_email(choice: str, id_token: JSON, graph_email: str) -> str:
    """The e-mail of a Microsoft user by the provider's ``idTokenEmailClaim`` setting.

    A missing or unreadable ``id_token`` gives no e-mail where the setting asks for one of its claims.
    """
    if choice not in ("email", "email_and_xms_edov", "verified_primary_email", "any_verified"):
        return graph_email
    try:
        claims = read(id_token) if isinstance(id_token, str) else {}
    except InvalidToken:
        return ""
    email = _text(claims, "email")
    owned = email if truthy(claims.get("xms_edov")) else ""
    primary = _text(claims, "verified_primary_email")
    if choice == "email":
        return email
    if choice == "email_and_xms_edov":
        return owned
    return primary if choice == "verified_primary_email" else primary or owned


def _text(claims: Mapping[str, JSON], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
