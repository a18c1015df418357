"""The ``auth`` collection type: system fields, required indexes, options and what a save changes by itself."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import TYPE_CHECKING, ClassVar

from builtin_auth import default_templates
from builtin_auth.option_checks import check_options, part, reserved_fields
from builtin_auth.options import SHAPE, TOKEN_OPTIONS
from pbhost.errors import JSON, ErrorTree, FieldError
from pbhost.model import Collection, CollectionType, Field, SchemaCheck
from pbhost.model.ids import field_id, secret

if TYPE_CHECKING:
    from pbhost.app import App

_SUPERUSER_TOKEN_SECONDS = 86_400
_TOKEN_SECONDS = {
    "authToken": 432_000,
    "passwordResetToken": 1_800,
    "emailChangeToken": 1_800,
    "verificationToken": 86_400,
    "fileToken": 180,
}
_INDEX_NAME_LENGTH = 64


def _system_field(type_: str, name: str, **options: JSON) -> tuple[str, dict[str, JSON]]:
    return type_, {"id": field_id(type_, name), "name": name, "system": True, **options}


_SYSTEM_FIELDS = (
    _system_field("password", "password", hidden=True, required=True, min=8),
    _system_field(
        "text", "tokenKey", hidden=True, required=True, min=30, max=60, autogeneratePattern="[a-zA-Z0-9]{50}"
    ),
    _system_field("email", "email", required=True),
    _system_field("bool", "emailVisibility"),
    _system_field("bool", "verified"),
)
_SECRET_FIELDS = ("password", "tokenKey")


class AuthCollectionType(CollectionType):
    """Collections whose records can sign in."""

    name: ClassVar[str] = "auth"

    def __init__(self, app: App, known_providers: Callable[[], Container[str]]) -> None:
        self._app = app
        self._known_providers = known_providers

    def defaults(self, collection: Collection) -> dict[str, JSON]:
        """See :class:`~pbhost.model.CollectionType`; every token gets a secret of its own."""
        tokens: dict[str, JSON] = {
            option: {"secret": secret(), "duration": _TOKEN_SECONDS[option]} for option in TOKEN_OPTIONS.values()
        }
        if collection.is_superusers:
            tokens["authToken"] = {"secret": secret(), "duration": _SUPERUSER_TOKEN_SECONDS}
        return {
            "authRule": "",
            "manageRule": None,
            "authAlert": {"enabled": True, "emailTemplate": default_templates.auth_alert()},
            "oauth2": {
                "providers": [],
                "mappedFields": {"id": "", "name": "", "username": "", "avatarURL": ""},
                "enabled": False,
            },
            "passwordAuth": {"enabled": True, "identityFields": ["email"]},
            "mfa": {"enabled": False, "duration": 600, "rule": ""},
            "otp": {
                "enabled": False,
                "duration": 180,
                "length": 8,
                "emailTemplate": default_templates.one_time_password(),
            },
            **tokens,
            "verificationTemplate": default_templates.verification(),
            "resetPasswordTemplate": default_templates.reset_password(),
            "confirmEmailChangeTemplate": default_templates.confirm_email_change(),
        }

    def merge_options(self, stored: Mapping[str, JSON], submitted: Mapping[str, JSON]) -> dict[str, JSON]:
        """See :class:`~pbhost.model.CollectionType`; an omitted nested key keeps its stored value."""
        return SHAPE.merge(stored, submitted)

    def system_fields(self, collection: Collection) -> list[Field]:
        """Password, token key, e-mail, its visibility, and whether it is verified."""
        types = self._app.collections.field_types
        return [types[kind].decode(options) for kind, options in _SYSTEM_FIELDS]

    def enforce_field(self, field: Field) -> None:
        """Keeps secrets hidden and all of them system fields, whatever was submitted."""
        field.system = True
        if field.name in _SECRET_FIELDS:
            field.hidden = field.required = True
        elif field.name == "email":
            field.hidden = False

    def required_indexes(self, collection: Collection) -> list[tuple[str, str]]:
        """Unique token keys, and unique e-mails among those that are set."""
        out: list[tuple[str, str]] = []
        for field, condition in (("tokenKey", ""), ("email", " WHERE `email` != ''")):
            index = f"idx_{field}_{collection.id}"[:_INDEX_NAME_LENGTH]
            out.append((field, f"CREATE UNIQUE INDEX `{index}` ON `{collection.name}` (`{field}`){condition}"))
        return out

    def prepare(self, collection: Collection, old: Collection | None) -> None:
        """Clears mappings to missing fields; a changed auth rule signs everybody out."""
        options = collection.options
        mapped = part(options, "oauth2", "mappedFields")
        if isinstance(mapped, dict):
            for key, name in mapped.items():
                if isinstance(name, str) and name and collection.field(name) is None:
                    mapped[key] = ""
        token = options.get("authToken")
        if old is not None and isinstance(token, dict):
            # "" and null count as the same rule here.
            before, after = (item.get("authRule") or "" for item in (old.options, options))
            if before != after:
                token["secret"] = secret()

    def check(self, check: SchemaCheck) -> ErrorTree:
        """See ``option_checks``."""
        collection = check.collection

        def rule_error(rule: str) -> FieldError | None:
            reason = check.services.records.rule_error(collection, rule)
            if reason is None:
                return None
            return FieldError("validation_invalid_rule", f"Invalid rule. Raw error: {reason}")

        errors = check_options(collection, check.old, rule_error, self._known_providers())
        return {**errors, **reserved_fields(collection)}

    def public_options(self, collection: Collection) -> dict[str, JSON]:
        """The options without any token secret or provider secret."""
        options = SHAPE.merge(collection.options, {})
        for name in TOKEN_OPTIONS.values():
            _drop(options[name], "secret")
        oauth2 = options["oauth2"]
        providers = oauth2.get("providers") if isinstance(oauth2, dict) else None
        shown: list[JSON] = []
        for item in providers if isinstance(providers, list) else ():
            shown.append(
                {key: value for key, value in item.items() if key != "clientSecret"} if isinstance(item, dict) else item
            )
        if isinstance(oauth2, dict):
            oauth2["providers"] = shown
        return options


def force_superuser_options(collection: Collection) -> None:
    """What every save of the superusers collection silently sets, after validation."""
    oauth2, password, mfa, otp = (part(collection.options, key) for key in ("oauth2", "passwordAuth", "mfa", "otp"))
    if isinstance(oauth2, dict):
        oauth2["enabled"] = False
        oauth2["providers"] = []
    if isinstance(password, dict):
        password["enabled"] = True
    if isinstance(mfa, dict) and otp.get("enabled") is True:
        mfa["enabled"] = True


def _drop(options: JSON, key: str) -> None:
    if isinstance(options, dict):
        options.pop(key, None)
