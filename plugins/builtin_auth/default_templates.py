"""The wording of the e-mails of a new auth collection. The link paths are an interface, the prose is not."""

from __future__ import annotations

from pbhost.errors import JSON

_SIGN_OFF = "<p>\n  Thanks,<br/>\n  {APP_NAME} team\n</p>"


def _button(page: str, label: str) -> str:
    return (
        f'<p>\n  <a class="btn" href="{{APP_URL}}/_/#/auth/{page}/{{TOKEN}}" target="_blank" rel="noopener">'
        f"{label}</a>\n</p>"
    )


def _template(subject: str, *paragraphs: str) -> dict[str, JSON]:
    return {"subject": subject, "body": "\n".join(("<p>Hello,</p>", *paragraphs, _SIGN_OFF))}


def verification() -> dict[str, JSON]:
    """Sent to prove that an address belongs to the account."""
    return _template(
        "Verify your {APP_NAME} email",
        "<p>It is good to have you at {APP_NAME}. Please confirm that this address is yours:</p>",
        _button("confirm-verification", "Verify"),
        "<p><i>If you did not create an account, you can ignore this email.</i></p>",
    )


def reset_password() -> dict[str, JSON]:
    """Sent to choose a new password."""
    return _template(
        "Reset your {APP_NAME} password",
        "<p>Use the button below to choose a new password:</p>",
        _button("confirm-password-reset", "Reset password"),
        "<p><i>If you did not ask for a new password, you can ignore this email.</i></p>",
    )


def confirm_email_change() -> dict[str, JSON]:
    """Sent to the new address before it replaces the old one."""
    return _template(
        "Confirm your {APP_NAME} new email address",
        "<p>Use the button below to confirm your new email address:</p>",
        _button("confirm-email-change", "Confirm new email"),
        "<p><i>If you did not ask for a new email address, you can ignore this email.</i></p>",
    )


def one_time_password() -> dict[str, JSON]:
    """Sent with a one-time password."""
    return _template(
        "OTP for {APP_NAME}",
        "<p>Your one-time password is <strong>{OTP}</strong></p>",
        "<p><i>If you did not ask for a one-time password, you can ignore this email.</i></p>",
    )


def auth_alert() -> dict[str, JSON]:
    """Sent when an account is used from a new place."""
    return _template(
        "Login from a new location",
        "<p>Somebody signed in to your {APP_NAME} account from a new location:</p>",
        "<p><em>{ALERT_INFO}</em></p>",
        "<p><strong>If it was not you, change your {APP_NAME} password at once: that ends all other sessions."
        "</strong></p>",
        "<p>If it was you, there is nothing to do.</p>",
    )
