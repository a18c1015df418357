"""The options of an auth collection: their JSON shape, how a PATCH is merged into them, and typed access."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pbhost.errors import JSON
from pbhost.model import Collection, OptionTypeError

TokenKind: TypeAlias = Literal["auth", "file", "verification", "passwordReset", "emailChange"]

#: The option that holds the secret and the duration of each kind of token.
TOKEN_OPTIONS: dict[TokenKind, str] = {
    "auth": "authToken",
    "passwordReset": "passwordResetToken",
    "emailChange": "emailChangeToken",
    "verification": "verificationToken",
    "file": "fileToken",
}

_Merge: TypeAlias = Callable[[JSON, JSON], JSON]


# -- the shape -----------------------------------------------------------------------------------------------------


def _text(stored: JSON, submitted: JSON) -> JSON:
    return _typed(stored, submitted, str, "")


def _flag(stored: JSON, submitted: JSON) -> JSON:
    return _typed(stored, submitted, bool, False)


def _integer(stored: JSON, submitted: JSON) -> JSON:
    if isinstance(submitted, bool):
        raise OptionTypeError("must be an integer")
    return _typed(stored, submitted, int, 0)


def _typed(stored: JSON, submitted: JSON, kind: type, zero: JSON) -> JSON:
    if submitted is None:
        return zero if stored is None else stored
    if not isinstance(submitted, kind):
        raise OptionTypeError(f"must be a {kind.__name__}")
    return submitted


def _rule(stored: JSON, submitted: JSON) -> JSON:
    if submitted is not None and not isinstance(submitted, str):
        raise OptionTypeError("must be a string or null")
    return submitted


def _optional_flag(stored: JSON, submitted: JSON) -> JSON:
    if submitted is not None and not isinstance(submitted, bool):
        raise OptionTypeError("must be a boolean or null")
    return submitted


def _names(stored: JSON, submitted: JSON) -> JSON:
    if submitted is None:
        return []
    if not isinstance(submitted, list) or not all(isinstance(item, str) for item in submitted):
        raise OptionTypeError("must be a list of strings")
    return list(submitted)


def _free_object(stored: JSON, submitted: JSON) -> JSON:
    if submitted is None:
        return None
    if not isinstance(submitted, dict):
        raise OptionTypeError("must be an object or null")
    return {**(stored if isinstance(stored, dict) else {}), **submitted}


@dataclass(frozen=True)
class _Object:
    """An object of known keys; keys of a submitted one match case-insensitively, unknown ones are ignored."""

    keys: Mapping[str, _Merge | _Object]

    def __call__(self, stored: JSON, submitted: JSON) -> JSON:
        if submitted is not None and not isinstance(submitted, dict):
            raise OptionTypeError("must be an object")
        return self.merge(stored if isinstance(stored, dict) else {}, submitted or {})

    def merge(self, stored: Mapping[str, JSON], submitted: Mapping[str, JSON]) -> dict[str, JSON]:
        """``stored`` changed by ``submitted``: all known keys, in the order of the shape."""
        given = {key.lower(): value for key, value in submitted.items()}
        out: dict[str, JSON] = {}
        for key, merge in self.keys.items():
            lowered = key.lower()
            if lowered in given:
                out[key] = merge(stored.get(key), given[lowered])
            elif isinstance(merge, _Object):
                out[key] = merge(stored.get(key), None)
            elif stored.get(key) is not None:
                out[key] = _copy(stored[key])
            else:
                out[key] = merge(None, None)
        return out


def _copy(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


_PROVIDER = _Object(
    {
        "pkce": _optional_flag,
        "name": _text,
        "clientId": _text,
        "clientSecret": _text,
        "authURL": _text,
        "tokenURL": _text,
        "userInfoURL": _text,
        "displayName": _text,
        "extra": _free_object,
    }
)


def _providers(stored: JSON, submitted: JSON) -> JSON:
    """Each submitted provider over the stored one of its name, so that a secret that was left out is kept.

    Going by name instead of by position keeps a provider from inheriting its neighbour's secret when the list is
    reordered; a provider without a name is taken as the one at its position.
    """
    if submitted is None:
        return []
    if not isinstance(submitted, list):
        raise OptionTypeError("must be a list of objects")
    before = [item for item in (stored if isinstance(stored, list) else []) if isinstance(item, dict)]
    out: list[JSON] = []
    for index, item in enumerate(submitted):
        if not isinstance(item, dict):
            raise OptionTypeError("must be a list of objects")
        name = item.get("name")
        base: Mapping[str, JSON] = {}
        if name is None and index < len(before):
            base = before[index]
        elif name is not None:
            base = next((known for known in before if known.get("name") == name), {})
        out.append(_PROVIDER.merge(base, item))
    return out


_TEMPLATE = _Object({"subject": _text, "body": _text})
_TOKEN = _Object({"secret": _text, "duration": _integer})

SHAPE = _Object(
    {
        "authRule": _rule,
        "manageRule": _rule,
        "authAlert": _Object({"enabled": _flag, "emailTemplate": _TEMPLATE}),
        "oauth2": _Object(
            {
                "providers": _providers,
                "mappedFields": _Object({"id": _text, "name": _text, "username": _text, "avatarURL": _text}),
                "enabled": _flag,
            }
        ),
        "passwordAuth": _Object({"enabled": _flag, "identityFields": _names}),
        "mfa": _Object({"enabled": _flag, "duration": _integer, "rule": _text}),
        "otp": _Object({"enabled": _flag, "duration": _integer, "length": _integer, "emailTemplate": _TEMPLATE}),
        "authToken": _TOKEN,
        "passwordResetToken": _TOKEN,
        "emailChangeToken": _TOKEN,
        "verificationToken": _TOKEN,
        "fileToken": _TOKEN,
        "verificationTemplate": _TEMPLATE,
        "resetPasswordTemplate": _TEMPLATE,
        "confirmEmailChangeTemplate": _TEMPLATE,
    }
)


# -- typed access --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Template:
    """A mail template."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class AuthOptions:
    """What the endpoints read of a collection's options."""

    auth_rule: str | None
    manage_rule: str | None
    alert_enabled: bool
    alert_template: Template
    password_enabled: bool
    identity_fields: tuple[str, ...]
    oauth2_enabled: bool
    providers: tuple[Mapping[str, JSON], ...]
    mapped_fields: Mapping[str, str]
    mfa_enabled: bool
    mfa_duration: int
    mfa_rule: str
    otp_enabled: bool
    otp_duration: int
    otp_length: int
    otp_template: Template
    secrets: Mapping[TokenKind, str]
    durations: Mapping[TokenKind, int]
    verification_template: Template
    reset_password_template: Template
    confirm_email_change_template: Template


class _Reader:
    """Typed reading of stored JSON; what is missing or of another type reads as its zero value."""

    def __init__(self, value: JSON) -> None:
        self._data: Mapping[str, JSON] = value if isinstance(value, dict) else {}

    def part(self, key: str) -> _Reader:
        return _Reader(self._data.get(key))

    def text(self, key: str) -> str:
        value = self._data.get(key)
        return value if isinstance(value, str) else ""

    def flag(self, key: str) -> bool:
        return self._data.get(key) is True

    def integer(self, key: str) -> int:
        value = self._data.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    def rule(self, key: str) -> str | None:
        value = self._data.get(key)
        return value if isinstance(value, str) else None

    def objects(self, key: str) -> tuple[Mapping[str, JSON], ...]:
        value = self._data.get(key)
        return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()

    def names(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def template(self, key: str) -> Template:
        part = self.part(key)
        return Template(part.text("subject"), part.text("body"))


def read_options(options: Mapping[str, JSON]) -> AuthOptions:
    """Typed options from their JSON form."""
    data = _Reader(dict(options))
    alert, password, oauth2 = data.part("authAlert"), data.part("passwordAuth"), data.part("oauth2")
    mfa, otp, mapped = data.part("mfa"), data.part("otp"), oauth2.part("mappedFields")
    tokens = {kind: data.part(option) for kind, option in TOKEN_OPTIONS.items()}
    return AuthOptions(
        auth_rule=data.rule("authRule"),
        manage_rule=data.rule("manageRule"),
        alert_enabled=alert.flag("enabled"),
        alert_template=alert.template("emailTemplate"),
        password_enabled=password.flag("enabled"),
        identity_fields=password.names("identityFields"),
        oauth2_enabled=oauth2.flag("enabled"),
        providers=oauth2.objects("providers"),
        mapped_fields={key: mapped.text(key) for key in ("id", "name", "username", "avatarURL")},
        mfa_enabled=mfa.flag("enabled"),
        mfa_duration=mfa.integer("duration"),
        mfa_rule=mfa.text("rule"),
        otp_enabled=otp.flag("enabled"),
        otp_duration=otp.integer("duration"),
        otp_length=otp.integer("length"),
        otp_template=otp.template("emailTemplate"),
        secrets={kind: part.text("secret") for kind, part in tokens.items()},
        durations={kind: part.integer("duration") for kind, part in tokens.items()},
        verification_template=data.template("verificationTemplate"),
        reset_password_template=data.template("resetPasswordTemplate"),
        confirm_email_change_template=data.template("confirmEmailChangeTemplate"),
    )


class OptionsCache:
    """Typed options by collection version: reading them costs a dictionary look-up per request."""

    _LIMIT = 512

    def __init__(self) -> None:
        self._by_version: dict[tuple[str, int], AuthOptions] = {}

    def of(self, collection: Collection) -> AuthOptions:
        """The typed options of an auth collection."""
        if not collection.version:
            return read_options(collection.options)
        key = (collection.id, collection.version)
        found = self._by_version.get(key)
        if found is None:
            if len(self._by_version) >= self._LIMIT:
                self._by_version.clear()
            found = self._by_version[key] = read_options(collection.options)
        return found
