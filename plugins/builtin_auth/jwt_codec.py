"""The JWTs of the contract: HS256 only, signed with the record's token key followed by the collection's secret.

PyJWT checks the signature. The claims are checked here, because the contract's rules (no leeway, a token
without ``exp`` is good for ever, ``aud`` and ``iss`` are nobody's business) are not PyJWT's.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import warnings
from collections.abc import Mapping
from typing import Final, TypeAlias

import orjson

from pbhost.errors import JSON
from pbhost.model import clock

Claims: TypeAlias = "dict[str, JSON]"

# A request head is smaller than this; longer tokens come through query strings and bodies only.
MAX_TOKEN_LENGTH = 8192


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_HEADER: Final = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}') + b"."


class InvalidToken(Exception):
    """The text is not a token, has expired, or is not signed by the given key."""


def sign(claims: Mapping[str, JSON], key: str) -> str:
    """A compact JWS of ``claims``, HS256 under the bytes of ``key`` (RFC 7515, section 3.1).

    Written out here because each refresh signs: the same by PyJWT takes 8 times as long (25 µs against 3 µs). A test
    holds it against PyJWT.
    """
    signed = _HEADER + _base64(orjson.dumps(claims))
    # hmac.digest would be quicker alone, but lets go of the interpreter's lock and then waits for it behind any thread.
    signature = hmac.new(key.encode(), signed, "sha256").digest()
    return (signed + b"." + _base64(signature)).decode("ascii")


def _base64(data: bytes) -> bytes:
    # base64.urlsafe_b64encode, without its two calls around this one.
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=")


def read_unverified(token: str) -> Claims:
    """The claims of ``token`` before anything is known about its signature.

    Raises:
        InvalidToken: it is no JWT, or its time claims refuse it.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidToken("too long")
    claims = decode_payload(token)
    check_times(claims)
    return claims


def decode_payload(token: str) -> Claims:
    """The claims of ``token``, nothing checked.

    Raises:
        InvalidToken: it is no JWT.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("not a compact JWS")
    try:
        return _claims(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidToken("payload is not base64") from error


def verify(token: str, key: str) -> Claims:
    """The claims of ``token`` when ``key`` signed it with HS256 and its time claims hold.

    Raises:
        InvalidToken: otherwise.
    """
    import jwt

    if not key:
        raise InvalidToken("there is no key")
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidToken("too long")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            payload = jwt.PyJWS().decode(token, key, algorithms=["HS256"])
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise InvalidToken("signature does not hold") from error
    claims = _claims(payload)
    check_times(claims)
    return claims


def _claims(payload: bytes) -> Claims:
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise InvalidToken("payload is not JSON") from error
    if not isinstance(claims, dict):
        raise InvalidToken("payload is not an object")
    return claims


def check_times(claims: Mapping[str, JSON], leeway: float = 0, now: float | None = None) -> None:
    """Check ``exp``, ``nbf`` and ``iat`` where they are present.

    Raises:
        InvalidToken: expired, not valid yet, issued in the future, or one of them is no number.
    """
    moment = clock.timestamp() if now is None else now
    expires, starts, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is not None and moment >= expires + leeway:
        raise InvalidToken("expired")
    if starts is not None and moment < starts - leeway:
        raise InvalidToken("not valid yet")
    if issued is not None and moment < issued - leeway:
        raise InvalidToken("issued in the future")


def _moment(claims: Mapping[str, JSON], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"{name} is not a number")
    return float(value)
