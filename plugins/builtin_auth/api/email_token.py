"""Claims of the tokens that mails carry."""

from __future__ import annotations

from collections.abc import Mapping

from builtin_auth.jwt_codec import MAX_TOKEN_LENGTH, InvalidToken, decode_payload
from pbhost.errors import JSON


def read_token(claims: Mapping[str, JSON], name: str) -> str:
    """A text claim, "" if it is missing or no text."""
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def unverified_claim(token: str, name: str) -> str:
    """A text claim of a token whose signature nobody has checked yet: only good to refuse it early."""
    if len(token) > MAX_TOKEN_LENGTH:
        return ""
    try:
        return read_token(decode_payload(token), name)
    except InvalidToken:
        return ""
