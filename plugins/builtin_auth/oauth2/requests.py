"""What is sent to a provider: the authorization URL, the token request, the user-info request. Pure, no I/O."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, quote_plus, urlencode

from pbhost.errors import JSON
from pbhost.services import OAuth2Provider


class TokenError(Exception):
    """The token endpoint refused, or its answer holds no access token."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One provider as a collection configures it, defaults filled in."""

    provider: OAuth2Provider
    client_id: str
    client_secret: str
    auth_url: str
    token_url: str
    user_info_url: str
    display_name: str
    pkce: bool
    scopes: tuple[str, ...]
    extra: Mapping[str, JSON]

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name


def client_config(provider: OAuth2Provider, item: Mapping[str, JSON]) -> ClientConfig:
    """A collection's provider item over the provider's defaults."""

    def text(key: str, default: str = "") -> str:
        value = item.get(key)
        return value if isinstance(value, str) and value else default

    pkce, extra = item.get("pkce"), item.get("extra")
    extra = extra if isinstance(extra, dict) else {}
    scopes = provider.scopes
    if provider.name == "microsoft" and extra.get("idTokenEmailClaim"):
        # Without it Microsoft sends no id_token.
        scopes = (*scopes, "openid")
    return ClientConfig(
        provider=provider,
        client_id=text("clientId"),
        client_secret=text("clientSecret"),
        auth_url=text("authURL", provider.auth_url),
        token_url=text("tokenURL", provider.token_url),
        user_info_url=text("userInfoURL", provider.user_info_url),
        display_name=text("displayName", provider.display_name or provider.name),
        pkce=pkce if isinstance(pkce, bool) else provider.pkce,
        scopes=scopes,
        extra=extra,
    )


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """One HTTP request to a provider."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None = None


def code_challenge(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode("ascii")


def authorization_url(config: ClientConfig, state: str, challenge: str) -> str:
    """Where the user agrees; ends in ``&redirect_uri=``, to which the client appends its own address."""
    params = {"client_id": config.client_id, "response_type": "code", "state": state}
    if challenge:
        params |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    if config.provider.response_mode:
        params["response_mode"] = config.provider.response_mode
    if config.scopes:
        params["scope"] = " ".join(config.scopes)
    separator = "&" if "?" in config.auth_url else "?"
    return f"{config.auth_url}{separator}{urlencode(sorted(params.items()))}&redirect_uri="


def token_requests(config: ClientConfig, code: str, verifier: str, redirect_url: str) -> tuple[OutgoingRequest, ...]:
    """The token request, and its repetition for providers that want the client's credentials in the body."""
    params = {"grant_type": "authorization_code", "code": code}
    if redirect_url:
        params["redirect_uri"] = redirect_url
    if config.pkce:
        params["code_verifier"] = verifier
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    credentials = f"{quote_plus(config.client_id)}:{quote_plus(config.client_secret)}"
    basic = "Basic " + base64.b64encode(credentials.encode()).decode("ascii")
    in_body = params | {"client_id": config.client_id, "client_secret": config.client_secret}
    return (
        OutgoingRequest("POST", config.token_url, headers | {"Authorization": basic}, urlencode(params)),
        OutgoingRequest("POST", config.token_url, headers, urlencode(in_body)),
    )


def parse_token(status: int, content_type: str, body: bytes) -> dict[str, JSON]:
    """The members of a token response.

    Raises:
        TokenError: not 2xx, unreadable, an ``error`` member, or no ``access_token``.
    """
    import json

    if not 200 <= status < 300:
        raise TokenError(f"status {status}")
    kind = content_type.split(";", 1)[0].strip().lower()
    members: dict[str, JSON]
    if kind in ("application/x-www-form-urlencoded", "text/plain"):
        members = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
    else:
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise TokenError("unreadable answer") from error
        if not isinstance(decoded, dict):
            raise TokenError("unexpected answer")
        members = decoded
    if members.get("error"):
        raise TokenError("the provider reported an error")
    if not isinstance(members.get("access_token"), str) or not members["access_token"]:
        raise TokenError("no access token")
    return members


def expires_in(token: Mapping[str, JSON]) -> int:
    """The seconds that an access token lives; 0 when the provider does not say."""
    value = token.get("expires_in")
    if isinstance(value, str) and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return max(0, int(value))


def user_info_request(config: ClientConfig, token: Mapping[str, JSON], url: str = "") -> OutgoingRequest:
    """The user-info request; ``url`` replaces the configured address (the extra e-mail calls)."""
    import json

    kind = token.get("token_type")
    kind = kind if isinstance(kind, str) and kind else "Bearer"
    if kind.lower() == "bearer":
        kind = "Bearer"
    headers = {"Authorization": f"{kind} {token.get('access_token')}", "Accept": "application/json"}
    for name, value in config.provider.headers:
        headers[name] = value.replace("{client_id}", config.client_id)
    if config.provider.graphql and not url:
        headers["Content-Type"] = "application/json"
        query = json.dumps({"query": config.provider.graphql})
        return OutgoingRequest("POST", config.user_info_url, headers, query)
    return OutgoingRequest("GET", url or config.user_info_url, headers)
