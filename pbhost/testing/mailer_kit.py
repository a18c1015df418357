"""What every mailer must do: subclass :class:`MailerKit` and give it a ``running`` server, a place where its mails
arrive, and a way to break its transport.

::

    class TestMyMailer(MailerKit):
        @pytest.fixture
        async def running(self, tmp_path): ...      # a server with the mailer and the kit's `watcher` plugin
        @pytest.fixture
        def arrived(self): ...                      # a function that gives the (subject, body) pairs that arrived
        @pytest.fixture
        async def broken(self): ...                 # makes the transport unreachable
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pbhost.hooks import Skip, hookimpl
from pbhost.hooks.events import MailerEvent
from pbhost.services import MailAddress, MailMessage
from pbhost.testing.running import Running

Arrived = Callable[[], list[tuple[str, str]]]


class MailWatcher:
    """A plugin that marks every mail, and keeps some back."""

    NAME = "mail_watcher"

    @hookimpl
    def on_mailer_send(self, event: MailerEvent) -> None:
        """Changes the subject; a mail about a secret is not sent."""
        if event.message.subject == "secret":
            raise Skip
        event.message.subject = f"[seen] {event.message.subject}"


def a_mail(subject: str = "hello") -> MailMessage:
    """A mail without a sender: the mailer takes the one of the settings."""
    return MailMessage(to=[MailAddress("ann@example.com", "Ann")], subject=subject, html="<p>Good <b>day</b></p>")


class MailerKit:
    """The tests that any provider of ``provide_mailer`` must pass."""

    async def test_a_mail_arrives_after_the_hooks(self, running: Running, arrived: Arrived) -> None:
        await running.app.mailer.send(a_mail())
        [(subject, body)] = arrived()
        assert subject == "[seen] hello"
        assert "Good" in body

    async def test_a_hook_keeps_a_mail_back_silently(self, running: Running, arrived: Arrived) -> None:
        await running.app.mailer.send(a_mail("secret"))
        assert arrived() == []

    @pytest.mark.usefixtures("broken")
    async def test_what_cannot_be_delivered_is_an_os_error(self, running: Running) -> None:
        with pytest.raises(OSError, match=r"."):
            await running.app.mailer.send(a_mail())
