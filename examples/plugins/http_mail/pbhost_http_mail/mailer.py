"""The service: :class:`pbhost.services.Mailer` over an HTTP API."""

from __future__ import annotations

from pbhost import App
from pbhost.hooks.events import MailerEvent
from pbhost.services import MailAddress, MailMessage
from pbhost_http_mail.encoding import encode
from pbhost_http_mail.transport import Api, Transport


class HttpMailer:
    """Sends each mail as one request; several attempts are the same request."""

    def __init__(self, app: App, api: Api) -> None:
        self._app = app
        self._transport = Transport(api)

    async def start(self) -> None:
        """Opens the connection pool.

        Raises:
            ConfigError: the API's address cannot be used.
        """
        await self._transport.start()

    async def stop(self) -> None:
        """Closes it."""
        await self._transport.stop()

    async def send(self, message: MailMessage) -> None:
        """Runs the ``on_mailer_send`` hooks around the delivery. A message without a sender gets that of the settings.

        Raises:
            OSError: whatever goes wrong with the delivery; callers of a mailer expect nothing else.
        """
        if message.sender is None:
            meta = self._app.settings.section("meta")
            message.sender = MailAddress(str(meta.get("senderAddress") or ""), str(meta.get("senderName") or ""))
        chain = self._app.hooks.chain("on_mailer_send")
        if chain is None:
            await self._deliver(message)
            return
        event = MailerEvent(app=self._app, mailer=self, message=message)
        await chain.run(event, lambda: self._deliver(event.message))

    async def _deliver(self, message: MailMessage) -> None:
        await self._transport.post(encode(message))
