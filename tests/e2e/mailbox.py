"""A real SMTP server on loopback, whose mailbox scenarios in other languages read over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Mail:
    """What arrived: the envelope, and what a mail program shows."""

    recipients: list[str]
    sender: str
    to: str
    subject: str
    text: str
    html: str


class Mailbox:
    """All mail in the order of arrival."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self._changed = threading.Condition()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        with self._changed:
            self.mails.append(_read(message, envelope.rcpt_tos))
            self._changed.notify_all()
        return "250 OK"

    def nth(self, number: int) -> Mail | None:
        """That mail, counted from 0; waits for it."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.mails) > number, PATIENCE)
            return self.mails[number] if len(self.mails) > number else None


def _read(message: EmailMessage, recipients: list[str]) -> Mail:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return Mail(
        recipients=list(recipients),
        sender=str(message["From"]),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=text.get_content() if text is not None else "",
        html=html.get_content() if html is not None else "",
    )


@contextmanager
def running_mailbox(port: int) -> Iterator[tuple[Mailbox, str]]:
    """The mailbox of an SMTP server on ``port``, and the address at which ``?number=n`` gives its mails as JSON."""
    mailbox = Mailbox()

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mail = mailbox.nth(int(parse_qs(urlsplit(self.path).query)["number"][0]))
            body = json.dumps(asdict(mail) if mail is not None else None).encode()
            self.send_response(200 if mail is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the tests say what matters."""

    smtp = Controller(mailbox, hostname="127.0.0.1", port=port)
    pages = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    pages.daemon_threads = True
    serving = threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.05})
    smtp.start()
    serving.start()
    try:
        yield mailbox, f"http://127.0.0.1:{pages.server_address[1]}/"
    finally:
        pages.shutdown()
        serving.join()
        pages.server_close()
        smtp.stop()
