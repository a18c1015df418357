"""Validation of an auth collection's options: per option first, then across options (one group at a time)."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from builtin_auth.unique_index import single_column
from pbhost.errors import JSON, REQUIRED, ErrorTree, FieldError
from pbhost.model import Collection
from pbhost.validation import check, collect, is_url, length, maximum, minimum, nil_or_not_empty, required

Errors = dict[str, "FieldError | ErrorTree"]
#: Whether a text compiles as a rule of the collection that is being checked.
RuleCheck = Callable[[str], "FieldError | None"]

SYSTEM_RULE = FieldError("validation_collection_system_rule_change", "System collection API rule cannot be changed.")
RESERVED_NAME = FieldError("validation_reserved_field_name", "The field name is reserved and cannot be used.")
RESERVED_NAMES = frozenset(("passwordConfirm", "oldPassword"))
TOKENS = ("authToken", "passwordResetToken", "emailChangeToken", "verificationToken", "fileToken")
TEMPLATES = ("verificationTemplate", "resetPasswordTemplate", "confirmEmailChangeTemplate")

_MAX_TOKEN_DURATION = 94_670_856
_DAY = 86_400


def check_options(
    collection: Collection, old: Collection | None, rule: RuleCheck, known_providers: Container[str]
) -> Errors:
    """All errors of the options by JSON key; the later groups only when the earlier ones pass."""
    errors = _each_option(collection, old, rule, known_providers)
    return errors or _mfa_across(collection, rule) or _identity_fields(collection)


def reserved_fields(collection: Collection) -> Errors:
    """Errors of fields whose names an auth record's body uses for itself."""
    bad = {str(i): {"name": RESERVED_NAME} for i, f in enumerate(collection.fields) if f.name in RESERVED_NAMES}
    return {"fields": bad} if bad else {}


def part(options: Mapping[str, JSON], *path: str) -> Mapping[str, JSON]:
    """A nested options object, empty where it is missing."""
    value: JSON = dict(options)
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _each_option(
    collection: Collection, old: Collection | None, rule: RuleCheck, known_providers: Container[str]
) -> Errors:
    options = collection.options
    frozen = old if old is not None and old.system else None
    otp, mfa = part(options, "otp"), part(options, "mfa")
    errors: Errors = {}
    errors |= collect(
        {
            "authRule": _rule(options.get("authRule"), rule) or _frozen(frozen, collection, "authRule"),
            "manageRule": check(options.get("manageRule"), nil_or_not_empty)
            or _rule(options.get("manageRule"), rule)
            or _frozen(frozen, collection, "manageRule"),
            "authAlert": _nested("emailTemplate", _template(part(options, "authAlert", "emailTemplate"))),
            "passwordAuth": _password_auth(part(options, "passwordAuth")),
            "oauth2": _oauth2(part(options, "oauth2"), known_providers),
            "otp": {**_otp(otp), **_nested("emailTemplate", _template(part(otp, "emailTemplate")))},
            "mfa": _mfa(mfa, part(frozen.options, "mfa") if frozen else None),
        }
    )
    errors |= collect({key: _token(part(options, key)) for key in TOKENS})
    errors |= collect({key: _template(part(options, key)) for key in TEMPLATES})
    return errors


def _nested(key: str, errors: ErrorTree) -> ErrorTree:
    return {key: errors} if errors else {}


def _rule(value: JSON, rule: RuleCheck) -> FieldError | None:
    return rule(value) if isinstance(value, str) and value else None


def _frozen(old: Collection | None, collection: Collection, key: str) -> FieldError | None:
    if old is None or (old.options.get(key) == collection.options.get(key)):
        return None
    return SYSTEM_RULE


def _template(template: Mapping[str, JSON]) -> ErrorTree:
    return collect({key: check(template.get(key), required) for key in ("subject", "body")})


def _token(token: Mapping[str, JSON]) -> ErrorTree:
    return collect(
        {
            "secret": check(token.get("secret"), required, length(30, 255)),
            "duration": check(token.get("duration"), required, minimum(10), maximum(_MAX_TOKEN_DURATION)),
        }
    )


def _otp(otp: Mapping[str, JSON]) -> ErrorTree:
    if otp.get("enabled") is not True:
        return {}
    return collect(
        {
            "duration": check(otp.get("duration"), required, minimum(10), maximum(_DAY)),
            "length": check(otp.get("length"), required, minimum(4)),
        }
    )


def _mfa(mfa: Mapping[str, JSON], old: Mapping[str, JSON] | None) -> ErrorTree:
    if mfa.get("enabled") is not True:
        return {}
    errors = collect({"duration": check(mfa.get("duration"), required, minimum(10), maximum(_DAY))})
    # A system collection's rule may be dropped, and set while MFA is still off, but not swapped for another.
    if old is not None and old.get("enabled") is True and mfa.get("rule") and mfa.get("rule") != old.get("rule"):
        errors["rule"] = SYSTEM_RULE
    return errors


def _password_auth(password: Mapping[str, JSON]) -> ErrorTree:
    if password.get("enabled") is not True:
        return {}
    names = password.get("identityFields")
    names = names if isinstance(names, list) else []
    return {} if any(names) else {"identityFields": REQUIRED}


def _oauth2(oauth2: Mapping[str, JSON], known: Container[str]) -> ErrorTree:
    providers = oauth2.get("providers")
    if oauth2.get("enabled") is not True or not isinstance(providers, list):
        return {}
    errors: Errors = {}
    seen: set[JSON] = set()
    for index, item in enumerate(providers):
        provider = item if isinstance(item, dict) else {}
        name = provider.get("name")
        found = _provider(provider, known)
        if name and name in seen and "name" not in found:
            found["name"] = FieldError(
                "validation_duplicated_provider", f"The provider {name} is already registered.", {"name": name}
            )
        seen.add(name if isinstance(name, str) else None)
        if found:
            errors[str(index)] = found
    return {"providers": errors} if errors else {}


def _provider(provider: Mapping[str, JSON], known: Container[str]) -> Errors:
    name = provider.get("name")
    unknown = None
    if name and name not in known:
        unknown = FieldError(
            "validation_missing_provider", f"Invalid or missing provider with name {name}.", {"name": name}
        )
    return collect(
        {
            "name": check(name, required) or unknown,
            "clientId": check(provider.get("clientId"), required),
            "clientSecret": check(provider.get("clientSecret"), required),
            **{key: check(provider.get(key), is_url) for key in ("authURL", "tokenURL", "userInfoURL")},
        }
    )


def _mfa_across(collection: Collection, rule: RuleCheck) -> Errors:
    options = collection.options
    mfa = part(options, "mfa")
    if mfa.get("enabled") is not True:
        return {}
    enabled = [part(options, key).get("enabled") is True for key in ("passwordAuth", "oauth2", "otp")]
    if sum(enabled) < 2:
        error = FieldError("validation_mfa_not_enough_auths", "MFA requires at least 2 auth methods to be enabled.")
        return {"mfa": {"enabled": error}}
    broken = _rule(mfa.get("rule"), rule)
    return {"mfa": {"rule": broken}} if broken else {}


def _identity_fields(collection: Collection) -> Errors:
    password = part(collection.options, "passwordAuth")
    names = password.get("identityFields")
    if password.get("enabled") is not True or not isinstance(names, list):
        return {}
    for name in names:
        error = _identity_field(collection, name)
        if error is not None:
            return {"passwordAuth": {"identityFields": error}}
    return {}


def _identity_field(collection: Collection, name: JSON) -> FieldError | None:
    params: dict[str, JSON] = {"fieldName": name}
    if not isinstance(name, str) or collection.field(name) is None:
        return FieldError("validation_missing_field", f"Invalid or missing field {name}.", params)
    if single_column(collection, name) is None:
        return FieldError(
            "validation_missing_unique_constraint", f"The field {name} doesn't have a UNIQUE constraint.", params
        )
    return None
