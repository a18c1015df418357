"""Where encoded mail goes: an SMTP server, or the machine's own ``sendmail``."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from pbhost.errors import JSON

TIMEOUT = 30.0
_SENDMAIL_PATHS = ("/usr/sbin/sendmail", "/usr/bin/sendmail")


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """The ``smtp`` section of the settings."""

    host: str
    port: int
    username: str
    password: str
    auth_method: str
    tls: bool
    local_name: str

    @classmethod
    def of(cls, section: Mapping[str, JSON]) -> SmtpOptions:
        """From the settings' JSON."""

        def text(key: str) -> str:
            value = section.get(key)
            return value if isinstance(value, str) else ""

        port = section.get("port")
        return cls(
            host=text("host"),
            port=port if isinstance(port, int) else 587,
            username=text("username"),
            password=text("password"),
            auth_method=text("authMethod"),
            tls=section.get("tls") is True,
            local_name=text("localName"),
        )


async def send_smtp(options: SmtpOptions, mail: EmailMessage, sender: str, recipients: Sequence[str]) -> None:
    """Send through an SMTP server: implicit TLS if configured, else STARTTLS where the server offers it.

    Raises:
        OSError: the server cannot be reached, refuses the mail, or would get a password over a plain connection.
    """
    import aiosmtplib

    client = aiosmtplib.SMTP(
        hostname=options.host,
        port=options.port,
        use_tls=options.tls,
        start_tls=False if options.tls else None,
        local_hostname=options.local_name or "localhost",
        timeout=TIMEOUT,
    )
    try:
        async with client:
            if options.username or options.password:
                await _log_in(client, options)
            await client.send_message(mail, sender=sender, recipients=list(recipients))
    except (aiosmtplib.SMTPException, ValueError) as error:
        raise OSError(f"smtp: {error}") from error


async def _log_in(client: object, options: SmtpOptions) -> None:
    import aiosmtplib

    assert isinstance(client, aiosmtplib.SMTP)
    encrypted = options.tls or client.get_transport_info("sslcontext") is not None
    if options.auth_method == "LOGIN":
        await client.auth_login(options.username, options.password)
        return
    if not encrypted and not _is_local(options.host):
        raise OSError("smtp: PLAIN authentication needs an encrypted connection")
    await client.auth_plain(options.username, options.password)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_sendmail() -> str | None:
    """The path of the machine's sendmail program, or None."""
    for path in _SENDMAIL_PATHS:
        if os.access(path, os.X_OK):
            return path
    return shutil.which("sendmail")


async def send_sendmail(mail: EmailMessage, sender: str, recipients: Sequence[str]) -> None:
    """Hand the mail to the machine's ``sendmail``; recipients travel in its headers.

    Raises:
        OSError: there is no such program, or it failed.
    """
    program = find_sendmail()
    if program is None:
        raise OSError("no sendmail program was found and smtp is not enabled")
    blind = [address for address in recipients if address not in str(mail["To"]) + str(mail["Cc"] or "")]
    process = await asyncio.create_subprocess_exec(
        program,
        "-i",
        "-t",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    if blind:
        # sendmail takes the header out before it sends.
        mail["Bcc"] = ", ".join(blind)
    try:
        _, errors = await asyncio.wait_for(process.communicate(mail.as_bytes()), TIMEOUT)
    except TimeoutError:
        process.kill()
        raise OSError("sendmail did not finish in time") from None
    if process.returncode:
        raise OSError(f"sendmail failed: {errors.decode('utf-8', 'replace')[:500]}")
