"""Settings and configuration that are accepted, but unwise."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pbhost.config import parse_address
from pbhost.errors import JSON
from pbhost.services import Budget, Check, Finding, Severity

if TYPE_CHECKING:
    from pbhost.app import App

_FEWEST_CHARACTERS = 10
_FORGEABLE = frozenset({"x-forwarded-for", "forwarded"})


def settings_checks(app: App) -> list[Check]:
    """Checks of the settings row and what the configuration says about it."""

    def check(id_: str, title: str, look: Callable[[App], Iterator[Finding]]) -> Check:
        async def examine(_budget: Budget) -> list[Finding]:
            return list(look(app))

        return Check(id_, title, examine, ("database", "settings"))

    return [
        check("operations.secrets", "secrets of the settings are encrypted", _secrets),
        check("operations.connections", "mail and S3 are reached over encrypted connections", _connections),
        check("operations.mail", "mails say where they come from", _mail),
        check("operations.limits", "rate limits", _limits),
        check("operations.proxy", "the proxy in front and its headers", _proxy),
        check("operations.sizes", "sizes and times that a client may ask for", _sizes),
    ]


# -- secrets -----------------------------------------------------------------------------------------------------------


def _secrets(app: App) -> Iterator[Finding]:
    variable = app.config.encryption_env
    key = os.environ.get(variable, "").encode() if variable else b""
    kept = [path for path in ("smtp.password", "s3.secret", "backups.s3.secret") if _text(app, path)]
    if variable and not key:
        yield Finding(
            severity=Severity.ERROR,
            what=f"the variable {variable} of --encryption-env is not set here",
            why="the settings are stored as plain text, although they should be encrypted",
            remedy=f"set {variable} to 32 random characters for the server and for this command",
        )
    elif key and len(key) not in (16, 24, 32):
        yield Finding(
            severity=Severity.ERROR,
            what=f"the key in {variable} has {len(key)} bytes",
            why="settings cannot be stored or read with it; a key has 16, 24 or 32 bytes",
            remedy=f"set {variable} to 32 random characters",
        )
    elif key and len(set(key)) < _FEWEST_CHARACTERS:
        yield Finding(
            severity=Severity.WARNING,
            what=f"the key in {variable} is made of {len(set(key))} different characters",
            why="it can be guessed by who has a copy of the database",
            remedy=f"set {variable} to 32 random characters; save the settings once more with the old key removed",
        )
    elif kept and not key:
        yield Finding(
            severity=Severity.WARNING,
            what=f"the settings hold secrets as plain text: {', '.join(kept)}",
            why="they are in every copy of the database and in each backup",
            remedy="start the server with --encryption-env NAME, where the variable NAME has 32 random characters, and "
            "save the settings once",
        )


# -- connections -------------------------------------------------------------------------------------------------------


def _connections(app: App) -> Iterator[Finding]:
    smtp = app.settings.section("smtp")
    host = str(smtp.get("host") or "")
    if smtp.get("enabled") is True and smtp.get("tls") is not True and not _is_loopback(host):
        signs_in = bool(smtp.get("username") or smtp.get("password"))
        is_login = smtp.get("authMethod") == "LOGIN"
        yield Finding(
            severity=Severity.WARNING if signs_in and is_login else Severity.ADVICE,
            what=f"mails to {host}:{smtp.get('port')} are encrypted only if that server offers it",
            why="somebody between can take the offer out and read the mails, sign-in links included"
            + (", and the password" if signs_in and is_login else ""),
            remedy="set smtp.tls to true, with the port for TLS (465)",
        )
    for path, section in (
        ("s3", app.settings.section("s3")),
        ("backups.s3", _section(app.settings.section("backups"), "s3")),
    ):
        url = urlsplit(str(section.get("endpoint") or ""))
        if section.get("enabled") is True and url.scheme == "http" and not _is_loopback(url.hostname or ""):
            yield Finding(
                severity=Severity.WARNING,
                what=f"{path}: the endpoint {url.scheme}://{url.netloc} is not encrypted",
                why="files go over the network as they are, for everyone between to read and change",
                remedy=f"use https:// in {path}.endpoint",
            )


def _mail(app: App) -> Iterator[Finding]:
    if app.settings.section("smtp").get("enabled") is not True:
        return
    meta = app.settings.section("meta")
    address = urlsplit(str(meta.get("appURL") or ""))
    if _is_loopback(address.hostname or ""):
        yield Finding(
            severity=Severity.WARNING,
            what=f"mails link to {meta.get('appURL')}",
            why="who gets a mail to confirm an address or to reset a password cannot follow the link",
            remedy="set meta.appURL to the address that users see",
        )
    elif address.scheme == "http":
        yield Finding(
            severity=Severity.WARNING,
            what=f"mails link to {meta.get('appURL')}, which is not encrypted",
            why="the token in the link can be read on its way",
            remedy="set meta.appURL to an https:// address",
        )
    if str(meta.get("senderAddress") or "").endswith(("@example.com", "@localhost")):
        yield Finding(
            severity=Severity.WARNING,
            what=f"mails come from {meta.get('senderAddress')}",
            why="most mail servers refuse them or call them spam",
            remedy="set meta.senderAddress to an address of your domain",
        )


# -- limits and proxies ------------------------------------------------------------------------------------------------


def _limits(app: App) -> Iterator[Finding]:
    limits = app.settings.section("rateLimits")
    if limits.get("enabled") is not True:
        if _is_public(app):
            yield Finding(
                severity=Severity.ADVICE,
                what="rate limits are switched off",
                why="passwords and one-time codes can be tried as fast as the server answers",
                remedy="set rateLimits.enabled to true; the default rules suit most applications",
            )
        return
    rules = limits.get("rules")
    labels = {str(rule.get("label")) for rule in rules if isinstance(rule, dict)} if isinstance(rules, list) else set()
    sign_in = ("auth", "authWithPassword")
    if not any(label in ("/", "/api/") or label.rpartition(":")[2] in sign_in for label in labels):
        yield Finding(
            severity=Severity.WARNING,
            what="no rate limit is for sign-in",
            why="passwords and one-time codes can be tried as fast as the server answers",
            remedy="add a rule with the label *:auth, for instance 2 requests in 3 seconds",
        )
    if not _is_public(app) and not _headers(app):
        yield Finding(
            severity=Severity.WARNING,
            what=f"rate limits are on, the server listens at {app.config.http}, and no proxy header is trusted",
            why="behind a proxy all clients seem to have its address: together they have the limit of one",
            remedy='set trustedProxy.headers to what your proxy sets, for instance ["X-Real-IP"]',
        )


def _proxy(app: App) -> Iterator[Finding]:
    headers = _headers(app)
    if headers and _is_exposed(app):
        yield Finding(
            severity=Severity.WARNING,
            what=f"{', '.join(headers)} is trusted, and the server listens at {app.config.http}",
            why="who reaches it past the proxy chooses an address: rate limits and superuserIPs do not hold then",
            remedy="listen at 127.0.0.1 (--http), or let a firewall admit only the proxy",
        )
    if app.settings.section("trustedProxy").get("useLeftmostIP") is True and any(
        header.lower() in _FORGEABLE for header in headers
    ):
        yield Finding(
            severity=Severity.WARNING,
            what="the leftmost address of a forwarding header is taken for the client's",
            why="a proxy appends to what the client sent, so a client chooses its address",
            remedy="set trustedProxy.useLeftmostIP to false, unless your proxy replaces the header",
        )
    if _is_exposed(app) and not headers:
        yield Finding(
            severity=Severity.ADVICE,
            what=f"the server listens at {app.config.http} itself, without TLS",
            why="passwords and tokens can be read on their way",
            remedy="put a proxy with TLS in front and listen at 127.0.0.1: docs/operations.md has examples",
        )


def _sizes(app: App) -> Iterator[Finding]:
    batch = app.settings.section("batch")
    most = batch.get("maxRequests")
    if batch.get("enabled") is True and isinstance(most, int) and most > 1000:
        yield Finding(
            severity=Severity.ADVICE,
            what=f"a batch may have {most:,} requests",
            why="all of a batch is one transaction, and other writes wait for it",
            remedy="set batch.maxRequests to 1000 or less, or batch.timeout to a second or two",
        )
    if app.config.origins == ("*",):
        return
    wide = [item for item in app.config.origins if "*" in item and item.count(".") < 2 and "localhost" not in item]
    if wide:
        yield Finding(
            severity=Severity.ADVICE,
            what=f"CORS admits more than it looks: {', '.join(wide)}",
            why="pages of other people's domains may match",
            remedy="name the origins of your pages exactly (--origins)",
        )


def _is_exposed(app: App) -> bool:
    """Whether other machines can reach the server itself."""
    return not _is_loopback(parse_address(app.config.http)[0])


def _is_public(app: App) -> bool:
    """Whether other machines can reach the server, itself or through a proxy, as far as can be known here."""
    return _is_exposed(app) or bool(_headers(app))


def _headers(app: App) -> list[str]:
    headers = app.settings.section("trustedProxy").get("headers")
    return [str(header) for header in headers if header] if isinstance(headers, list) else []


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _text(app: App, path: str) -> str:
    value: JSON = app.settings.full()
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _section(section: Mapping[str, JSON], key: str) -> Mapping[str, JSON]:
    value = section.get(key)
    return value if isinstance(value, dict) else {}
