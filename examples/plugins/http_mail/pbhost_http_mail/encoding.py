"""From a :class:`~pbhost.services.MailMessage` to the JSON of the API (https://resend.com/docs/api-reference)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from email.errors import HeaderParseError
from email.headerregistry import Address

from pbhost.errors import JSON
from pbhost.services import MailAddress, MailMessage


class UnusableMessage(OSError):
    """The message has no recipient or sender, or an address that is none: no attempt would help."""


def encode(message: MailMessage) -> dict[str, JSON]:
    """The body of a request. The API makes the plain text of a mail that has only HTML.

    Raises:
        UnusableMessage: see there.
    """
    if message.sender is None or not message.sender.address or not message.to:
        raise UnusableMessage("a mail needs a sender and a recipient")
    try:
        body: dict[str, JSON] = {
            "from": _address(message.sender),
            "to": _addresses(message.to),
            "subject": _one_line(message.subject),
        }
        for key, addresses in (("cc", message.cc), ("bcc", message.bcc)):
            if addresses:
                body[key] = _addresses(addresses)
    except (ValueError, HeaderParseError) as error:
        raise UnusableMessage(f"not an address: {error}") from error
    for key, text in (("html", message.html), ("text", message.text)):
        if text:
            body[key] = text
    if "html" not in body and "text" not in body:
        body["text"] = ""
    if message.headers:
        body["headers"] = {_one_line(name): _one_line(value) for name, value in message.headers.items()}
    if message.attachments:
        body["attachments"] = [
            {"filename": _one_line(name), "content": base64.b64encode(content).decode()}
            for name, content in message.attachments.items()
        ]
    return body


def _addresses(items: Iterable[MailAddress]) -> list[JSON]:
    return [_address(item) for item in items]


def _address(item: MailAddress) -> str:
    return str(Address(display_name=_one_line(item.name), addr_spec=_one_line(item.address)))


def _one_line(text: str) -> str:
    """Line breaks in a header would let a value (a record's name, say) add headers of its own."""
    return " ".join(text.split())
