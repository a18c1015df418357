"""From a :class:`~pbhost.services.MailMessage` to the bytes that go over the wire."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from builtin_mail.plain_text import from_html
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text
from pbhost.services import MailAddress, MailMessage


class UnusableMessage(OSError):
    """The message has no sender or recipient, or text or an address that no mail server would take. To a caller it is
    one more reason why a mail could not be delivered."""


def encode(message: MailMessage) -> EmailMessage:
    """The MIME form: ``multipart/mixed`` around plain text and HTML, attachments after them.

    Raises:
        UnusableMessage: see there.
    """
    from datetime import UTC, datetime

    if message.sender is None or not message.to:
        raise UnusableMessage("a mail needs a sender and a recipient")
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = _addresses([message.sender])
        mail["To"] = _addresses(message.to)
        if message.cc:
            mail["Cc"] = _addresses(message.cc)
        mail["Subject"] = _one_line(message.subject)
        given = {name.lower() for name in message.headers}
        if "message-id" not in given:
            domain = message.sender.address.rpartition("@")[2] or "localhost"
            mail["Message-ID"] = f"<{random_text(15, LOWER_ALPHANUMERIC)}@{domain}>"
        if "date" not in given:
            mail["Date"] = format_datetime(datetime.now(UTC))
        for name, value in message.headers.items():
            mail[name] = _one_line(value)
    except ValueError as error:
        raise UnusableMessage(str(error)) from error
    try:
        mail.set_content(message.text or from_html(message.html), cte="quoted-printable")
        if message.html:
            mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
        else:
            mail.make_alternative()
    except ValueError as error:
        raise UnusableMessage(str(error)) from error
    mail.make_mixed()
    for name, content in message.attachments.items():
        kind, _, subtype = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
        mail.add_attachment(content, maintype=kind, subtype=subtype, filename=_one_line(name))
    return mail


def recipients(message: MailMessage) -> list[str]:
    """Every envelope recipient, blind copies included."""
    return [item.address for item in (*message.to, *message.cc, *message.bcc)]


def _addresses(items: Iterable[MailAddress]) -> tuple[Address, ...]:
    return tuple(Address(display_name=_one_line(item.name), addr_spec=_one_line(item.address)) for item in items)


def _one_line(text: str) -> str:
    """Line breaks in a header would let a value (a record's name, say) add headers of its own."""
    return " ".join(text.split())
