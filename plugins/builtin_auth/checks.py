"""What ``pbhost doctor`` looks at in sign-in: secrets and lives of tokens, passwords that anybody guesses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from builtin_auth.options import TOKEN_OPTIONS, read_options
from builtin_auth.superusers import INSTALLER_EMAIL
from pbhost.model import SUPERUSERS, Collection
from pbhost.services import Budget, Check, Finding, Severity

if TYPE_CHECKING:
    from pbhost.app import App

_DAY = 86_400
#: New secrets have 50 characters of 62; fewer than these can be found by trying.
SHORTEST_SECRET = 30
_FEWEST_CHARACTERS = 10
_LONGEST_SESSION = 400 * _DAY
_LONGEST_LINK = 8 * _DAY
_SHORTEST_PASSWORD = 8
#: Superusers whose password is tried; the newest.
_TRIED = 5
#: What guides and people who are in a hurry take.
SAMPLE_PASSWORDS = (
    *("1234567890", "123456789", "12345678", "password", "password123", "Password123", "changeme", "changeme123"),
    *("adminadmin", "admin123", "admin1234", "superuser", "qwertyuiop", "PASSWORD", "pocketbase", "test1234"),
)


def sign_in_checks(app: App) -> list[Check]:
    """The checks of this plugin."""
    needs = ("database", "collections")

    async def secrets(_budget: Budget) -> list[Finding]:
        return list(secret_findings([item for item in app.collections.all() if item.is_auth]))

    async def options(_budget: Budget) -> list[Finding]:
        return [finding for item in app.collections.all() if item.is_auth for finding in option_findings(item)]

    async def passwords(budget: Budget) -> list[Finding]:
        return await _guessed(app, budget)

    return [
        Check("auth.secrets", "the secrets of tokens", secrets, needs),
        Check("auth.options", "how long tokens live and passwords are", options, needs),
        Check("auth.passwords", "passwords of superusers that anybody guesses", passwords, (*needs, "password_hasher")),
    ]


def secret_findings(collections: Sequence[Collection]) -> Iterator[Finding]:
    """Secrets that are short, simple or used twice."""
    seen: dict[str, str] = {}
    for collection in collections:
        for kind, secret in read_options(collection.options).secrets.items():
            place = f"{collection.name}.{TOKEN_OPTIONS[kind]}"
            remedy = (
                f"give it a new secret of 50 random characters: PATCH /api/collections/{collection.name} with "
                f'{{"{TOKEN_OPTIONS[kind]}": {{"secret": "…"}}}}; tokens that were issued end with it'
            )
            why = "who finds it out can make tokens for every record, superusers included where it is theirs"
            if len(secret) < SHORTEST_SECRET:
                yield Finding(
                    severity=Severity.ERROR,
                    what=f"the secret of {place} has only {len(secret)} characters",
                    why=why,
                    remedy=remedy,
                )
            elif len(set(secret)) < _FEWEST_CHARACTERS:
                yield Finding(
                    severity=Severity.ERROR,
                    what=f"the secret of {place} is made of {len(set(secret))} different characters",
                    why=why,
                    remedy=remedy,
                )
            elif secret in seen:
                yield Finding(
                    severity=Severity.WARNING,
                    what=f"{place} and {seen[secret]} have the same secret",
                    why="a change of one does not end the tokens of the other, and one that leaks is two that leaked",
                    remedy=remedy,
                )
            seen.setdefault(secret, place)


def option_findings(collection: Collection) -> Iterator[Finding]:
    """Options that are allowed but unwise."""
    options = read_options(collection.options)
    for kind, seconds in options.durations.items():
        longest = _LONGEST_SESSION if kind == "auth" else _LONGEST_LINK
        if seconds > longest:
            yield Finding(
                severity=Severity.WARNING if collection.is_superusers else Severity.ADVICE,
                what=f"{collection.name}: tokens of {TOKEN_OPTIONS[kind]} live {seconds // _DAY:,} days",
                why="a token that was stolen, or a link in an old mail, stays good for that long",
                remedy=f"set a shorter {TOKEN_OPTIONS[kind]}.duration; clients refresh their token while they are used",
            )
    password = collection.field("password")
    shortest = getattr(password, "min", 0)
    if options.password_enabled and isinstance(shortest, int) and 0 < shortest < _SHORTEST_PASSWORD:
        yield Finding(
            severity=Severity.WARNING,
            what=f"{collection.name}: passwords of {shortest} characters are accepted",
            why="they are guessed before any rate limit helps",
            remedy=f"set the password field's minimum to {_SHORTEST_PASSWORD} or more",
        )


async def _guessed(app: App, budget: Budget) -> list[Finding]:
    collection = app.collections.find(SUPERUSERS)
    if collection is None:
        return []
    quote = app.db.dialect.quote
    sql = (
        f"SELECT {quote('email')}, {quote('password')} FROM {quote(SUPERUSERS)} WHERE {quote('email')} != ? "
        f"ORDER BY {quote('created')} DESC LIMIT {_TRIED}"
    )
    rows = await app.db.read(lambda connection: connection.fetch_all(sql, (INSTALLER_EMAIL,)))
    guessed: list[str] = []
    for email, hashed in rows:
        for password in (str(email), str(email).partition("@")[0], *SAMPLE_PASSWORDS):
            if budget.is_spent:
                break
            if await app.password_hasher.verify(password, str(hashed)):
                guessed.append(str(email))
                break
    if not guessed:
        return []
    return [
        Finding(
            severity=Severity.ERROR,
            what=f"superusers with a password that is tried first by everyone who tries: {', '.join(guessed)}",
            why="who signs in as a superuser owns everything",
            remedy="pbhost superuser update EMAIL NEW_PASSWORD",
        )
    ]
