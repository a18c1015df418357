"""Sending through a real SMTP server on loopback, and through sendmail."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from builtin_mail import transport
from builtin_mail.encoding import encode
from builtin_mail.transport import SmtpOptions, send_sendmail, send_smtp

from pbhost.services import MailAddress, MailMessage

MESSAGE = MailMessage(
    to=[MailAddress("ann@b.test")], subject="Hi", html="<p>Hello</p>", sender=MailAddress("support@acme.test")
)


class Sink:
    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[str, bytes]] = []
        self.hello = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.hello = session.host_name or ""
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append((mechanism, data.login))
        return AuthResult(success=data.password == b"right", handled=False)


@pytest.fixture
async def sink() -> AsyncIterator[tuple[Sink, int]]:
    made = Sink()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(made, authenticator=made.authenticate, auth_require_tls=False), "127.0.0.1", 0
    )
    yield made, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def options(port: int, **changes: object) -> SmtpOptions:
    section = {"host": "127.0.0.1", "port": port, **changes}
    return SmtpOptions.of(section)  # type: ignore[arg-type]


async def send(to: SmtpOptions) -> None:
    await send_smtp(to, encode(MESSAGE), "support@acme.test", ["ann@b.test", "blind@b.test"])


async def test_smtp(sink: tuple[Sink, int]) -> None:
    received, port = sink
    await send(options(port, localName="mail.acme.test"))
    envelope = received.envelopes[0]
    assert envelope.mail_from == "support@acme.test"
    assert envelope.rcpt_tos == ["ann@b.test", "blind@b.test"]
    assert received.hello == "mail.acme.test"
    assert not received.logins


@pytest.mark.parametrize("method", ["", "PLAIN", "LOGIN"])
async def test_smtp_log_in(sink: tuple[Sink, int], method: str) -> None:
    received, port = sink
    await send(options(port, username="u", password="right", authMethod=method))
    assert received.logins == [(method or "PLAIN", b"u")]
    with pytest.raises(OSError, match="smtp"):
        await send(options(port, username="u", password="wrong", authMethod=method))


async def test_no_password_goes_over_a_plain_connection_to_another_machine(
    sink: tuple[Sink, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    received, port = sink
    monkeypatch.setattr(transport, "_is_local", lambda host: False)
    with pytest.raises(OSError, match="encrypted"):
        await send(options(port, username="u", password="right"))
    assert not received.logins


async def test_a_server_that_is_not_there_is_an_os_error() -> None:
    with pytest.raises(OSError, match="smtp"):
        await send(options(1))


async def test_sendmail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, out = tmp_path / "sendmail", tmp_path / "out"
    program.write_text(f'#!/bin/sh\necho "$@" > {out}\ncat >> {out}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(transport, "find_sendmail", lambda: str(program))
    await send_sendmail(encode(MESSAGE), "support@acme.test", ["ann@b.test", "blind@b.test"])
    text = out.read_text()
    assert text.startswith("-i -t\n")
    assert "To: ann@b.test" in text
    assert "Bcc: blind@b.test" in text


async def test_sendmail_that_fails_or_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho broken >&2\nexit 3\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(transport, "find_sendmail", lambda: str(program))
    with pytest.raises(OSError, match="broken"):
        await send_sendmail(encode(MESSAGE), "support@acme.test", ["ann@b.test"])
    monkeypatch.setattr(transport, "find_sendmail", lambda: None)
    with pytest.raises(OSError, match="no sendmail"):
        await send_sendmail(encode(MESSAGE), "support@acme.test", ["ann@b.test"])
