"""Mail: messages and the mailer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True)
class MailAddress:
    """``name`` may be empty."""

    address: str
    name: str = ""


@dataclass(slots=True)
class MailMessage:
    """A mail before it is encoded. ``text`` is derived from ``html`` when empty."""

    to: list[MailAddress]
    subject: str
    html: str = ""
    text: str = ""
    sender: MailAddress | None = None
    cc: list[MailAddress] = field(default_factory=list)
    bcc: list[MailAddress] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)


class Mailer(Protocol):
    """How mail is sent."""

    async def send(self, message: MailMessage) -> None:
        """Sends through the configured transport, after the ``on_mailer_send`` hooks.

        Raises:
            OSError: it could not be delivered to the transport.
        """
        ...
