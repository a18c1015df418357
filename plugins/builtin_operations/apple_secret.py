"""The client secret of Sign in with Apple: an ES256 token signed with the developer's key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import time

from pbhost.errors import JSON, ErrorTree, FieldError
from pbhost.validation import check, collect, length, match, maximum, minimum, required

AUDIENCE = "https://appleid.apple.com"
#: Apple accepts secrets of at most six months.
_MAX_DURATION = 15_777_000
_PEM = re.compile(
    r"\A\s*-----BEGIN (?P<kind>[A-Z ]*)PRIVATE KEY-----\s.*?\s-----END (?P=kind)PRIVATE KEY-----\s*\Z", re.DOTALL
)


class AppleKeyError(ValueError):
    """The private key cannot sign."""


def check_request(body: Mapping[str, JSON]) -> dict[str, FieldError | ErrorTree]:
    """The errors of a submitted request by key."""
    return collect(
        {
            "clientId": check(body.get("clientId"), required),
            "teamId": check(body.get("teamId"), required, length(10, 10)),
            "keyId": check(body.get("keyId"), required, length(10, 10)),
            "privateKey": check(body.get("privateKey"), required, match(_PEM)),
            "duration": check(body.get("duration"), required, minimum(1), maximum(_MAX_DURATION)),
        }
    )


def client_secret(body: Mapping[str, JSON]) -> str:
    """The signed token of a checked request.

    Raises:
        AppleKeyError: the key is no usable elliptic curve key.
    """
    import jwt

    now = int(time())
    duration = body["duration"]
    claims = {
        "aud": [AUDIENCE],
        "sub": str(body["clientId"]),
        "iss": str(body["teamId"]),
        "iat": now,
        "exp": now + (int(duration) if isinstance(duration, (int, float)) else 0),
    }
    try:
        return jwt.encode(
            claims, str(body["privateKey"]).strip(), algorithm="ES256", headers={"kid": str(body["keyId"])}
        )
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise AppleKeyError("the private key is not a valid EC key in PEM form") from error
