"""The exchange of a code for a user: token request, user info, extra e-mail calls, id_token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from builtin_auth.jwt_codec import InvalidToken
from builtin_auth.oauth2 import id_token
from builtin_auth.oauth2.requests import (
    ClientConfig,
    OutgoingRequest,
    TokenError,
    expires_in,
    parse_token,
    token_requests,
    user_info_request,
)
from builtin_auth.oauth2.userinfo import UserInfoError, bitbucket_email, gitee_email, primary_email
from pbhost.errors import JSON, BadRequestError, InternalError
from pbhost.model.dates import format_date
from pbhost.services import OAuth2User
from pbhost.validation import valid_email

if TYPE_CHECKING:
    import aiohttp

_SECONDS = 30.0
_MAX_BODY = 1024 * 1024
_GITEE_EMAILS = "https://gitee.com/api/v5/emails"
_NO_ACCESS = frozenset((401, 403, 404))
_CLIENT_ERROR = 400
Answer = tuple[int, str, bytes]


async def exchange(config: ClientConfig, code: str, verifier: str, redirect_url: str) -> OAuth2User:
    """The user that ``code`` stands for.

    Raises:
        BadRequestError: the provider refused, or its answer is not usable; what it said is only logged.
        InternalError: an id_token is needed and there is none.
    """
    import aiohttp

    async with asyncio.timeout(_SECONDS), aiohttp.ClientSession() as session:
        try:
            token = await _token(session, config, code, verifier, redirect_url)
        except (TokenError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise BadRequestError("Failed to fetch OAuth2 token.", cause=f"{config.name}: {error}") from error
        try:
            user = await _user(session, config, token)
        except (InvalidToken, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise BadRequestError("Failed to fetch OAuth2 user.", cause=f"{config.name}: {error}") from error
    user.access_token = str(token["access_token"])
    refresh = token.get("refresh_token")
    user.refresh_token = refresh if isinstance(refresh, str) else ""
    seconds = expires_in(token)
    user.expiry = format_date(datetime.now(UTC) + timedelta(seconds=min(seconds, 10**9))) if seconds else ""
    return user


async def _token(
    session: aiohttp.ClientSession, config: ClientConfig, code: str, verifier: str, redirect_url: str
) -> dict[str, JSON]:
    by_header, in_body = token_requests(config, code, verifier, redirect_url)
    try:
        return parse_token(*await _send(session, by_header))
    except TokenError:
        # Some providers read the client's credentials only from the body.
        return parse_token(*await _send(session, in_body))


async def _user(session: aiohttp.ClientSession, config: ClientConfig, token: Mapping[str, JSON]) -> OAuth2User:
    raw = await _raw_user(session, config, token)
    if config.name == "instagram2" and "permissions" not in raw and "permissions" in token:
        raw["permissions"] = token["permissions"]
    user = config.provider.map_user(raw, token)
    match config.name:
        case "github" | "gitea":
            user.email = await _primary_email(session, config, token)
        case "bitbucket":
            status, _, body = await _send(session, user_info_request(config, token, f"{config.user_info_url}/emails"))
            user.email = "" if status >= _CLIENT_ERROR else bitbucket_email(_json(body))
        case "gitee":
            own = raw.get("email")
            user.email = own if isinstance(own, str) and valid_email(own) else await _gitee(session, config, token)
        case "microsoft":
            choice = config.extra.get("idTokenEmailClaim")
            choice = choice if isinstance(choice, str) else ""
            user.email = id_token.microsoft_email(choice, token.get("id_token"), user.email)
    return user


async def _raw_user(session: aiohttp.ClientSession, config: ClientConfig, token: Mapping[str, JSON]) -> dict[str, JSON]:
    if config.name == "apple":
        return await _apple_claims(session, config, token)
    if config.name.startswith("oidc") and not config.user_info_url:
        return await _oidc_claims(session, config, token)
    status, _, body = await _send(session, user_info_request(config, token))
    if status >= _CLIENT_ERROR:
        raise UserInfoError(f"status {status}")
    raw = _json(body)
    if not isinstance(raw, dict):
        raise UserInfoError("the user info is not an object")
    return raw


async def _apple_claims(
    session: aiohttp.ClientSession, config: ClientConfig, token: Mapping[str, JSON]
) -> dict[str, JSON]:
    text = token.get("id_token")
    if not isinstance(text, str) or not text:
        raise InvalidToken("no id_token")
    claims = id_token.read(text)
    if claims.get("exp") is None:
        raise InvalidToken("no exp")
    id_token.check_issuer(claims, id_token.APPLE_ISSUER)
    id_token.check_audience(claims, config.client_id)
    id_token.check_signature(text, await _get_json(session, id_token.APPLE_KEYS))
    return claims


async def _oidc_claims(
    session: aiohttp.ClientSession, config: ClientConfig, token: Mapping[str, JSON]
) -> dict[str, JSON]:
    text = token.get("id_token")
    if not isinstance(text, str) or not text:
        raise InternalError(cause=f"{config.name}: no id_token in the token response")
    claims = id_token.read(text)
    id_token.check_audience(claims, config.client_id)
    id_token.check_issuer(claims, config.extra.get("issuers"))
    keys = config.extra.get("jwksURL")
    if isinstance(keys, str) and keys:
        id_token.check_signature(text, await _get_json(session, keys))
    return claims


async def _primary_email(session: aiohttp.ClientSession, config: ClientConfig, token: Mapping[str, JSON]) -> str:
    status, _, body = await _send(session, user_info_request(config, token, f"{config.user_info_url}/emails"))
    return "" if status in _NO_ACCESS else primary_email(_json(body))


async def _gitee(session: aiohttp.ClientSession, config: ClientConfig, token: Mapping[str, JSON]) -> str:
    status, _, body = await _send(session, user_info_request(config, token, _GITEE_EMAILS))
    if status in _NO_ACCESS:
        return ""
    try:
        return gitee_email(_json(body), valid_email)
    except UserInfoError:
        return ""


async def _get_json(session: aiohttp.ClientSession, url: str) -> JSON:
    status, _, body = await _send(session, OutgoingRequest("GET", url, {"Accept": "application/json"}))
    if status >= _CLIENT_ERROR:
        raise UserInfoError(f"status {status} from {url}")
    return _json(body)


async def _send(session: aiohttp.ClientSession, request: OutgoingRequest) -> Answer:
    async with session.request(request.method, request.url, headers=request.headers, data=request.body) as response:
        body = await response.content.read(_MAX_BODY)
        while len(body) < _MAX_BODY and not response.content.at_eof():
            body += await response.content.read(_MAX_BODY - len(body))
        return response.status, response.headers.get("Content-Type", ""), body


def _json(body: bytes) -> JSON:
    try:
        value: JSON = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UserInfoError("the answer is not JSON") from error
    return value
