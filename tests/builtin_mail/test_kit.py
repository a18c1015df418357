"""Our mailer passes the kit that any replacement must pass, against an SMTP server on loopback."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from pbhost.testing import Running, running_app
from pbhost.testing.mailer_kit import Arrived, MailerKit, MailWatcher


class Sink:
    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        parsed = email.message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
        body = parsed.get_body(("plain",))
        self.mails.append((str(parsed["Subject"]), "" if body is None else body.get_content()))
        assert str(parsed["From"]) == "Support <support@example.com>"
        return "250 OK"


class TestSmtp(MailerKit):
    @pytest.fixture
    def sink(self) -> Sink:
        return Sink()

    @pytest.fixture
    async def running(self, tmp_path: Path, sink: Sink) -> AsyncIterator[Running]:
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with running_app(tmp_path, MailWatcher(), block=("realtime",)) as made:
            await made.app.settings.update({"smtp": {"enabled": True, "host": "127.0.0.1", "port": port}})
            yield made
        server.close()
        await server.wait_closed()

    @pytest.fixture
    def arrived(self, sink: Sink) -> Arrived:
        return lambda: sink.mails

    @pytest.fixture
    async def broken(self, running: Running) -> None:
        await running.app.settings.update({"smtp": {"port": 1}})
