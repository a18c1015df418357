"""Mail on its way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.hooks.markers import hookspec

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.hooks import events


@hookspec
def on_mailer_send(event: events.MailerEvent, app: App) -> None:
    """Around the sending of every mail. Raise ``Skip`` to keep a mail back silently.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_auth_alert_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of the alert of a sign-in from a new place.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_password_reset_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of a password reset.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_verification_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of an email verification.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_email_change_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of an email change.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_otp_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of a one-time code.

    versionadded: 0.1
    """
