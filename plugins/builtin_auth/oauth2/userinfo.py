"""From each provider's user-info answer to one normalised user. Pure: what a provider sent in, a user out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pbhost.errors import JSON
from pbhost.services import OAuth2User

RawUser: TypeAlias = Mapping[str, JSON]

_USER_KEYS = {
    "id": "id",
    "name": "name",
    "username": "username",
    "email": "email",
    "avatar_url": "avatarURL",
    "access_token": "accessToken",
    "refresh_token": "refreshToken",
    "expiry": "expiry",
}
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TRUTHY = frozenset(("1", "t", "T", "true", "TRUE", "True"))


class UserInfoError(ValueError):
    """The answer is not a user of this provider: wrong JSON types, or an account that is not active."""


def user_to_json(user: OAuth2User) -> dict[str, JSON]:
    """The ``meta`` of the auth response, but for ``isNew``."""
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "email": user.email,
        "avatarURL": user.avatar_url,
        "avatarUrl": user.avatar_url,
        "accessToken": user.access_token,
        "refreshToken": user.refresh_token,
        "expiry": user.expiry,
        "rawUser": user.raw_user,
    }


def user_from_json(data: Mapping[str, JSON]) -> OAuth2User:
    """A user from the form that hooks may have changed."""
    raw = data.get("rawUser")
    return OAuth2User(
        **{name: str(data.get(key) or "") for name, key in _USER_KEYS.items()},
        raw_user=raw if isinstance(raw, dict) else {},
    )


def map_user(provider: str, raw: RawUser, token: RawUser) -> OAuth2User:
    """The normalised user of ``provider``; ``token`` is the whole token response (vk's e-mail is in it).

    Raises:
        UserInfoError: a mapped key has the wrong type, or the account's state refuses it.
    """
    mapper = _MAPPERS.get(provider)
    if mapper is None:
        raise UserInfoError(f"no mapping for {provider}")
    user = mapper(raw, token)
    user.raw_user = dict(raw)
    return user


def truthy(value: JSON) -> bool:
    """The lenient truth of claims: true, a number but 0, or a string that spells true."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    return isinstance(value, str) and value in _TRUTHY


# -- reading typed values ------------------------------------------------------------------------------------------


def _at(raw: JSON | RawUser, path: str) -> JSON:
    """The value at a dotted path, None where a part is absent or null; digits index lists."""
    value: JSON | RawUser = raw
    for part in path.split("."):
        if value is None:
            return None
        if isinstance(value, list):
            if not part.isdigit():
                raise UserInfoError(f"{path}: unexpected list")
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(part)
        else:
            raise UserInfoError(f"{path}: unexpected {type(value).__name__}")
    return dict(value) if isinstance(value, Mapping) else value


def _text(raw: RawUser, path: str) -> str:
    value = _at(raw, path)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UserInfoError(f"{path} is not a string")
    return value


def _flag(raw: RawUser, path: str) -> bool:
    value = _at(raw, path)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise UserInfoError(f"{path} is not a boolean")
    return value


def _number(raw: RawUser, path: str) -> str:
    """A numeric id in decimal; absent gives ``0``, as in the providers' own typed clients."""
    value = _at(raw, path)
    if value is None:
        return "0"
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserInfoError(f"{path} is not an integer")
    return str(value)


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise UserInfoError(reason)


# -- providers whose mapping is a table ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Paths:
    """Where a provider keeps the parts of a user; ``verified`` names the boolean that the e-mail depends on."""

    id: str
    name: str = ""
    username: str = ""
    email: str = ""
    avatar: str = ""
    verified: str = ""
    numeric_id: bool = False

    def __call__(self, raw: RawUser, token: RawUser) -> OAuth2User:
        def read(path: str) -> str:
            return _text(raw, path) if path else ""

        user = OAuth2User(
            id=_number(raw, self.id) if self.numeric_id else read(self.id),
            name=read(self.name),
            username=read(self.username),
            avatar_url=read(self.avatar),
        )
        email = read(self.email)
        if not self.verified or _flag(raw, self.verified):
            user.email = email
        return user


_Mapper: TypeAlias = Callable[[RawUser, RawUser], OAuth2User]


def _requiring(mapper: _Mapper, check: Callable[[RawUser], bool], reason: str) -> _Mapper:
    def checked(raw: RawUser, token: RawUser) -> OAuth2User:
        _require(check(raw), reason)
        return mapper(raw, token)

    return checked


# -- providers that need a few lines -------------------------------------------------------------------------------


def _apple(raw: RawUser, token: RawUser) -> OAuth2User:
    user = OAuth2User(id=_text(raw, "sub"), name=_text(raw, "name"))
    if truthy(raw.get("email_verified")):
        user.email = _text(raw, "email")
    return user


def _oidc(raw: RawUser, token: RawUser) -> OAuth2User:
    user = OAuth2User(
        id=_text(raw, "sub"),
        name=_text(raw, "name"),
        username=_text(raw, "preferred_username"),
        avatar_url=_text(raw, "picture"),
    )
    email = _text(raw, "email")
    if truthy(raw.get("email_verified")):
        user.email = email
    return user


def _yandex(raw: RawUser, token: RawUser) -> OAuth2User:
    user = _Paths(id="id", name="real_name", username="login", email="default_email")(raw, token)
    avatar = _text(raw, "default_avatar_id")
    if not _flag(raw, "is_avatar_empty"):
        user.avatar_url = f"https://avatars.yandex.net/get-yapic/{avatar}/islands-200"
    return user


def _gitlab(raw: RawUser, token: RawUser) -> OAuth2User:
    paths = _Paths(id="id", name="name", username="username", avatar="avatar_url", numeric_id=True)
    user = paths(raw, token)
    email = _text(raw, "email")
    if _RFC3339.fullmatch(_text(raw, "confirmed_at")):
        user.email = email
    return user


def _discord(raw: RawUser, token: RawUser) -> OAuth2User:
    user = _Paths(id="id", name="global_name", username="username", email="email", verified="verified")(raw, token)
    discriminator = _text(raw, "discriminator")
    if not user.name:
        user.name = user.username + (f"#{discriminator}" if discriminator not in ("", "0") else "")
    avatar = _text(raw, "avatar")
    if avatar:
        user.avatar_url = f"https://cdn.discordapp.com/avatars/{user.id}/{avatar}.png"
    return user


def _kakao(raw: RawUser, token: RawUser) -> OAuth2User:
    user = OAuth2User(
        id=_number(raw, "id"),
        username=_text(raw, "properties.nickname"),
        avatar_url=_text(raw, "properties.profile_image"),
    )
    email = _text(raw, "kakao_account.email")
    if _flag(raw, "kakao_account.is_email_valid") and _flag(raw, "kakao_account.is_email_verified"):
        user.email = email
    return user


def _vk(raw: RawUser, token: RawUser) -> OAuth2User:
    _require(bool(_list(raw, "response")), "empty response")
    user = OAuth2User(
        id=_number(raw, "response.0.id"),
        name=f"{_text(raw, 'response.0.first_name')} {_text(raw, 'response.0.last_name')}".strip(),
        username=_text(raw, "response.0.screen_name"),
        avatar_url=_text(raw, "response.0.photo_max"),
    )
    email = token.get("email")
    if isinstance(email, str):
        user.email = email
    return user


def _list(raw: RawUser, path: str) -> Sequence[JSON]:
    value = _at(raw, path)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise UserInfoError(f"{path} is not a list")
    return value


def _twitch(raw: RawUser, token: RawUser) -> OAuth2User:
    _require(bool(_list(raw, "data")), "empty data")
    paths = _Paths("data.0.id", "data.0.display_name", "data.0.login", "data.0.email", "data.0.profile_image_url")
    return paths(raw, token)


def _strava(raw: RawUser, token: RawUser) -> OAuth2User:
    number = _number(raw, "id")
    return OAuth2User(
        id="" if number == "0" else number,
        name=f"{_text(raw, 'firstname')} {_text(raw, 'lastname')}",
        username=_text(raw, "username"),
        avatar_url=_text(raw, "profile"),
    )


def _wakatime(raw: RawUser, token: RawUser) -> OAuth2User:
    paths = _Paths("data.id", "data.display_name", "data.username", "data.email", verified="data.is_email_confirmed")
    user = paths(raw, token)
    photo = _text(raw, "data.photo")
    if _flag(raw, "data.photo_public"):
        user.avatar_url = photo
    return user


def _mailcow(raw: RawUser, token: RawUser) -> OAuth2User:
    active = _at(raw, "active")
    _require(not isinstance(active, bool) and active == 1, "the mailbox is not active")
    user = _Paths(id="id", name="full_name", username="username", email="email")(raw, token)
    user.username = user.username.split("@", 1)[0]
    return user


def _instagram(raw: RawUser, token: RawUser) -> OAuth2User:
    return _Paths(id="user_id", name="name", username="username", avatar="profile_picture_url")(raw, token)


_GITHUB = _Paths(id="id", name="name", username="login", avatar="avatar_url", numeric_id=True)
_GITEA = _Paths(id="id", name="full_name", username="login", avatar="avatar_url", numeric_id=True)
_BOX = _Paths(id="id", name="name", email="login", avatar="avatar_url")
_LINEAR = _Paths(
    "data.viewer.id", "data.viewer.name", "data.viewer.displayName", "data.viewer.email", "data.viewer.avatarUrl"
)
_MONDAY = _Paths(
    "data.me.id", "data.me.name", "", "data.me.email", "data.me.photo_small", verified="data.me.is_verified"
)
_PLANNING = _Paths(id="data.id", name="data.attributes.name", avatar="data.attributes.avatar")
_BITBUCKET = _Paths(id="uuid", name="display_name", username="username", avatar="links.avatar.href")
_OWNER = "bot.owner.user"

_MAPPERS: dict[str, _Mapper] = {
    "apple": _apple,
    "google": _Paths("sub", "name", "", "email", "picture", verified="email_verified"),
    "microsoft": _Paths("id", "displayName", email="mail"),
    "yandex": _yandex,
    "facebook": _Paths("id", "name", email="email", avatar="picture.data.url"),
    "instagram2": _instagram,
    "github": _GITHUB,
    "gitlab": _gitlab,
    "bitbucket": _requiring(
        _BITBUCKET, lambda raw: _text(raw, "account_status") == "active", "the account is not active"
    ),
    "gitee": _GITHUB,
    "gitea": _requiring(_GITEA, lambda raw: _flag(raw, "active"), "the account is not active"),
    "discord": _discord,
    "twitter": _Paths("data.id", "data.name", "data.username", "data.confirmed_email", "data.profile_image_url"),
    "kakao": _kakao,
    "vk": _vk,
    "linear": _requiring(_LINEAR, lambda raw: _flag(raw, "data.viewer.active"), "the account is not active"),
    "notion": _Paths(f"{_OWNER}.id", f"{_OWNER}.name", email=f"{_OWNER}.person.email", avatar=f"{_OWNER}.avatar_url"),
    "monday": _requiring(_MONDAY, lambda raw: _flag(raw, "data.me.enabled"), "the account is not enabled"),
    "lark": _Paths("data.union_id", "data.name", avatar="data.avatar_url"),
    "box": _requiring(_BOX, lambda raw: _text(raw, "status") == "active", "the account is not active"),
    "spotify": _Paths("id", "display_name", avatar="images.0.url"),
    "trakt": _Paths("user.ids.uuid", "user.name", "user.username", avatar="user.images.avatar.full"),
    "twitch": _twitch,
    "patreon": _Paths(
        "data.id",
        "data.attributes.full_name",
        "data.attributes.vanity",
        "data.attributes.email",
        "data.attributes.image_url",
        verified="data.attributes.is_email_verified",
    ),
    "strava": _strava,
    "wakatime": _wakatime,
    "livechat": _Paths("account_id", "name", email="email", avatar="avatar_url", verified="email_verified"),
    "mailcow": _mailcow,
    "planningcenter": _requiring(
        _PLANNING, lambda raw: _text(raw, "data.attributes.status") == "active", "the account is not active"
    ),
    "oidc": _oidc,
    "oidc2": _oidc,
    "oidc3": _oidc,
}


# -- the extra e-mail calls ----------------------------------------------------------------------------------------


def primary_email(body: JSON) -> str:
    """GitHub's and Gitea's ``/emails``: the first that is verified and primary.

    Raises:
        UserInfoError: not a list of such objects.
    """
    if not isinstance(body, list):
        raise UserInfoError("emails is not a list")
    for item in body:
        if not isinstance(item, dict):
            raise UserInfoError("emails is not a list of objects")
    for item in body:
        if isinstance(item, dict) and _flag(item, "verified") and _flag(item, "primary"):
            return _text(item, "email")
    return ""


def bitbucket_email(body: JSON) -> str:
    """Bitbucket's ``/emails``: the first of ``values`` that is primary and confirmed."""
    values = body.get("values") if isinstance(body, dict) else None
    for item in values if isinstance(values, list) else ():
        if isinstance(item, dict) and item.get("is_primary") is True and item.get("is_confirmed") is True:
            return _text(item, "email")
    return ""


def gitee_email(body: JSON, is_email: Callable[[str], bool]) -> str:
    """Gitee's ``/emails``: the first that is confirmed, primary and well-formed; any other shape gives none."""
    for item in body if isinstance(body, list) else ():
        if not isinstance(item, dict):
            return ""
        email, scope = item.get("email"), item.get("scope")
        is_primary = item.get("state") == "confirmed" and isinstance(scope, list) and "primary" in scope
        if is_primary and isinstance(email, str) and is_email(email):
            return email
    return ""
