"""``pbhost superuser``: accounts of superusers from the command line. Source: operations contract, section 21.2."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from builtin_auth.references import OTPS
from pbhost.errors import ApiError, ErrorTree, FieldError, ValidationError
from pbhost.model import SUPERUSERS, Record
from pbhost.model.ids import DIGITS, random_text
from pbhost.validation import valid_email, valid_ip_or_subnet

if TYPE_CHECKING:
    from builtin_auth.service import AuthService
    from pbhost.app import App

_BY_EMAIL = "email = {:email}"


class CommandFailed(click.ClickException):
    """The command was refused; the message goes to standard output, as scripts for PocketBase expect it."""

    def show(self, file: object = None) -> None:
        """Print the message."""
        click.echo(f"Error: {self.message}")


def superuser_group(app: App, service: Callable[[], AuthService]) -> click.Group:
    """The ``superuser`` command with all its subcommands."""

    @click.group(name="superuser", no_args_is_help=True)
    def superuser() -> None:
        """Create, change and delete superusers."""

    def run(work: Callable[[], Awaitable[None]]) -> None:
        async def inside() -> None:
            await app.bootstrap()
            try:
                await work()
            finally:
                await app.shutdown()

        asyncio.run(inside())

    @superuser.command()
    @click.argument("email", default="")
    @click.argument("password", default="")
    def upsert(email: str, password: str) -> None:
        """Create a superuser, or set the password of an existing one."""
        _check_credentials(email, password)

        async def work() -> None:
            record = await _find(app, email)
            if record is None:
                record = Record(app.collections.get(SUPERUSERS), {"email": email})
            record["password"] = password
            await _save(app, record, "failed to upsert superuser account")
            click.echo(f'Successfully saved superuser "{email}"!')

        run(work)

    @superuser.command()
    @click.argument("email", default="")
    @click.argument("password", default="")
    def create(email: str, password: str) -> None:
        """Create a superuser."""
        _check_credentials(email, password)

        async def work() -> None:
            record = Record(app.collections.get(SUPERUSERS), {"email": email, "password": password})
            await _save(app, record, "failed to create new superuser account")
            click.echo(f'Successfully created new superuser "{email}"!')

        run(work)

    @superuser.command()
    @click.argument("email", default="")
    @click.argument("password", default="")
    def update(email: str, password: str) -> None:
        """Set the password of a superuser."""
        _check_credentials(email, password)

        async def work() -> None:
            record = await _existing(app, email)
            record["password"] = password
            await _save(app, record, f'failed to change superuser "{email}" password')
            click.echo(f'Successfully changed superuser "{email}" password!')

        run(work)

    @superuser.command()
    @click.argument("email", default="")
    def delete(email: str) -> None:
        """Delete a superuser."""
        _check_email(email)

        async def work() -> None:
            record = await _find(app, email)
            if record is None:
                click.echo(f'superuser "{email}" is missing or already deleted')
                return
            try:
                await app.records.delete(record)
            except ApiError as error:
                raise CommandFailed(f'failed to delete superuser "{email}": {error.message}') from error
            click.echo(f'Successfully deleted superuser "{email}"!')

        run(work)

    @superuser.command()
    @click.argument("email", default="")
    def otp(email: str) -> None:
        """Make a one-time password for a superuser who cannot get mail."""
        _check_email(email)

        async def work() -> None:
            record = await _existing(app, email)
            options = service().options(record.collection)
            if not options.otp_enabled:
                raise CommandFailed("OTP auth is not enabled for the _superusers collection")
            code = random_text(options.otp_length, DIGITS)
            values = {"collectionRef": record.collection.id, "recordRef": record.id, "password": code}
            row = await app.records.create(OTPS, values)
            click.echo(f'Successfully created OTP for superuser "{email}":')
            click.echo(f"├─ Id:    {row.id}\n├─ Pass:  {code}\n└─ Valid: {options.otp_duration}s\n")

        run(work)

    @superuser.command()
    @click.argument("addresses", nargs=-1)
    def ips(addresses: tuple[str, ...]) -> None:
        """Limit superusers to these addresses and subnets; without any, lift the limit."""
        bad = [f"{index}: invalid IP or CIDR subnet" for index, item in enumerate(addresses) if not _is_address(item)]
        if bad:
            raise CommandFailed(f"superuserIPs: ({'; '.join(bad)}.).")

        async def work() -> None:
            await app.settings.update({"superuserIPs": [*addresses]})
            if not addresses:
                click.echo("Successfully cleared SuperuserIPs setting!")
                return
            click.echo("Successfully updated SuperuserIPs setting:")
            for item in addresses[:-1]:
                click.echo(f"├─ {item}")
            click.echo(f"└─ {addresses[-1]}")

        run(work)

    return superuser


def _check_credentials(email: str, password: str) -> None:
    if not email or not password:
        raise CommandFailed("missing email and password arguments")
    if not valid_email(email):
        raise CommandFailed("missing or invalid email address")


def _check_email(email: str) -> None:
    if not valid_email(email):
        raise CommandFailed("invalid or missing email address")


def _is_address(text: str) -> bool:
    return bool(text) and valid_ip_or_subnet(text)


async def _find(app: App, email: str) -> Record | None:
    return await app.records.find_first(SUPERUSERS, _BY_EMAIL, {"email": email})


async def _existing(app: App, email: str) -> Record:
    record = await _find(app, email)
    if record is None:
        raise CommandFailed(f'superuser with email "{email}" doesn\'t exist')
    return record


async def _save(app: App, record: Record, failure: str) -> None:
    try:
        await app.records.save(record)
    except ValidationError as error:
        raise CommandFailed(f"{failure}: {_first(error.data) or error.message}") from error


def _first(tree: ErrorTree) -> str:
    """The errors of a tree on one line, as ``key: message``."""
    parts = []
    for key, item in sorted(tree.items()):
        if isinstance(item, FieldError):
            text = item.to_json()["message"]
        else:
            text = f"({_first(item)}.)"
        parts.append(f"{key}: {text}")
    return "; ".join(str(part).rstrip(".") for part in parts) + "." if parts else ""
