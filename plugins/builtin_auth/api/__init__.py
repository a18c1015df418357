"""The HTTP endpoints of sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_auth.api.email_change import EmailChange
from builtin_auth.api.oauth2 import OAuth2Endpoints
from builtin_auth.api.password_reset import PasswordReset
from builtin_auth.api.sign_in import SignIn
from builtin_auth.api.totp import TotpEndpoints
from builtin_auth.api.verification import Verification
from builtin_auth.service import AuthService
from pbhost.http import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbhost.app import App
    from pbhost.services import AuthMethod


def routes(app: App, auth: AuthService, methods: Sequence[AuthMethod]) -> list[Route]:
    """All routes of the plugin."""
    totp = TotpEndpoints(app, auth).routes() if app.options("auth").get("totp") is True else []
    return [
        *totp,
        *SignIn(app, auth, methods).routes(),
        *PasswordReset(app, auth).routes(),
        *Verification(app, auth).routes(),
        *EmailChange(app, auth).routes(),
        *OAuth2Endpoints(app, auth).routes(),
    ]
