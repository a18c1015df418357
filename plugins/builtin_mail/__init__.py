"""Mail: SMTP or sendmail, behind the ``on_mailer_send`` hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost import hookimpl

if TYPE_CHECKING:
    from pbhost import services
    from pbhost.app import App


class MailPlugin:
    """The built-in ``mail`` plugin."""

    @hookimpl
    def provide_mailer(self, app: App) -> services.Mailer:
        """The mailer of the settings' ``smtp`` section."""
        from builtin_mail.service import Mailer

        return Mailer(app)


#: The class: each application gets an instance of its own, for it holds that application's services.
plugin = MailPlugin
