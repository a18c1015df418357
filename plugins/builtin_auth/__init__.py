"""Sign-in: auth collections, tokens, identities, ways to sign in, superusers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from builtin_auth.config import CONFIG_SCHEMA, hashing_options
from pbhost import hookimpl
from pbhost.model import SUPERUSERS

if TYPE_CHECKING:
    import click

    from builtin_auth.record_checks import RecordChecks
    from builtin_auth.record_effects import RecordEffects
    from builtin_auth.reference_checks import ReferenceChecks
    from builtin_auth.service import AuthService
    from pbhost import services
    from pbhost.app import App
    from pbhost.database import Migration
    from pbhost.hooks.events import CollectionEvent, RecordEvent, RecordRequestEvent, ServeEvent
    from pbhost.http import Route
    from pbhost.model import CollectionType

AUTH = ("@auth",)
REFERENCES = ("_otps", "_mfas", "_authOrigins", "_externalAuths")


class AuthPlugin:
    """The built-in ``auth`` plugin of one application."""

    requires_services = ("database", "collections", "records", "settings")
    CONFIG_SCHEMA = CONFIG_SCHEMA

    def __init__(self) -> None:
        self._service: AuthService | None = None

    # -- services ------------------------------------------------------------------------------------------------------

    @hookimpl
    def provide_password_hasher(self, app: App) -> services.PasswordHasher:
        """argon2id, or bcrypt where the configuration keeps it."""
        from builtin_auth.hashing import PasswordHasher

        return PasswordHasher(hashing_options(app.options("auth")))

    @hookimpl
    def provide_auth(self, app: App) -> services.Auth:
        """Identity, tokens and sign-in."""
        return self.service(app)

    def service(self, app: App) -> AuthService:
        """The service, made on first use: another provider may stand in for it, the endpoints and hooks stay ours."""
        from builtin_auth.service import AuthService

        if self._service is None:
            self._service = AuthService(app)
        return self._service

    # -- registrations -------------------------------------------------------------------------------------------------

    @hookimpl
    def register_collection_types(self, app: App) -> list[CollectionType]:
        """The ``auth`` type."""
        from builtin_auth.collection_type import AuthCollectionType

        return [AuthCollectionType(app, lambda: self.service(app).oauth2_providers())]

    @hookimpl
    def register_auth_methods(self, app: App) -> list[services.AuthMethod]:
        """Password, OAuth2, one-time password, and authenticator apps where they are switched on."""
        from builtin_auth.methods.oauth2 import OAuth2Method
        from builtin_auth.methods.otp import OtpMethod
        from builtin_auth.methods.password import PasswordMethod

        service = self.service(app)
        found: list[services.AuthMethod] = [
            PasswordMethod(app, service),
            OAuth2Method(app, service),
            OtpMethod(app, service),
        ]
        if app.options("auth").get("totp") is True:
            from builtin_auth.methods.totp import TotpMethod

            found.append(TotpMethod(app, service))
        return found

    @hookimpl
    def register_oauth2_providers(self, app: App) -> list[services.OAuth2Provider]:
        """The providers that PocketBase knows."""
        from builtin_auth.oauth2.providers import PROVIDERS

        return [*PROVIDERS.values()]

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """The endpoints of sign-in."""
        from builtin_auth.api import routes

        methods = cast("list[services.AuthMethod]", app.collect("register_auth_methods"))
        service = self.service(app)
        service.know_methods(methods)
        return routes(app, service, methods)

    @hookimpl
    def register_checks(self, app: App) -> list[services.Check]:
        """Secrets, durations, guessable passwords."""
        from builtin_auth.checks import sign_in_checks

        return sign_in_checks(app)

    @hookimpl
    def register_commands(self, app: App) -> list[click.Command]:
        """``pbhost superuser``."""
        from builtin_auth.commands import superuser_group

        return [superuser_group(app, lambda: self.service(app))]

    @hookimpl
    def register_cron_jobs(self, app: App) -> list[services.CronJob]:
        """Clean-up of expired rows."""
        from builtin_auth.cleanup import jobs

        return jobs(app, self.service(app))

    @hookimpl
    def register_migrations(self) -> list[Migration]:
        """The tables that PocketBase does not have."""
        from builtin_auth import attempts, pretended_codes, totp
        from builtin_auth.oauth2 import apple_names

        return [attempts.MIGRATION, totp.MIGRATION, apple_names.MIGRATION, pretended_codes.MIGRATION]

    # -- hooks ---------------------------------------------------------------------------------------------------------

    @hookimpl
    async def on_serve(self, event: ServeEvent, app: App) -> None:
        """Tells how to make the first superuser."""
        from builtin_auth.superusers import installer_banner

        if event.worker == 0:
            event.banner.extend(await installer_banner(app, event.base_url))

    @hookimpl(collections=AUTH)
    async def on_record_create_request(self, event: RecordRequestEvent, app: App) -> None:
        """Checks of keys that an auth record's body has for itself."""
        await self._checks(app).create(event)

    @hookimpl(collections=AUTH)
    async def on_record_update_request(self, event: RecordRequestEvent, app: App) -> None:
        """The same for an update."""
        await self._checks(app).update(event)

    @hookimpl(wrapper=True, collections=AUTH)
    def on_record_create_execute(self, event: RecordEvent, app: App) -> Iterator[None]:
        """What the creation of an auth record brings with it."""
        yield from self._effects(app).create(event)

    @hookimpl(wrapper=True, collections=AUTH)
    def on_record_update_execute(self, event: RecordEvent, app: App) -> Iterator[None]:
        """What a change of an auth record brings with it."""
        yield from self._effects(app).update(event)

    @hookimpl(wrapper=True, collections=AUTH)
    def on_record_delete_execute(self, event: RecordEvent, app: App) -> Iterator[None]:
        """What the deletion of an auth record brings with it."""
        yield from self._effects(app).delete(event)

    @hookimpl(specname="on_record_create_execute", collections=REFERENCES)
    def check_new_reference(self, event: RecordEvent, app: App) -> None:
        """Rows of the reference collections must belong to an auth record."""
        self._references(app).check(event)

    @hookimpl(specname="on_record_update_execute", collections=REFERENCES)
    def check_changed_reference(self, event: RecordEvent, app: App) -> None:
        """The same for an update."""
        self._references(app).check(event)

    @hookimpl
    def on_collection_delete_execute(self, event: CollectionEvent, app: App) -> None:
        """The rows of a deleted collection's records go with it."""
        self._references(app).collection_deleted(event)

    @hookimpl(collections=(SUPERUSERS,))
    def on_collection_update_execute(self, event: CollectionEvent) -> None:
        """What no save of the superusers collection can change."""
        from builtin_auth.collection_type import force_superuser_options

        force_superuser_options(event.collection)

    def _checks(self, app: App) -> RecordChecks:
        from builtin_auth.record_checks import RecordChecks

        return RecordChecks(app)

    def _effects(self, app: App) -> RecordEffects:
        from builtin_auth.record_effects import RecordEffects

        return RecordEffects(app, self.service(app))

    def _references(self, app: App) -> ReferenceChecks:
        from builtin_auth.reference_checks import ReferenceChecks

        return ReferenceChecks(app, self.service(app).link_providers())


#: The class: each application gets an instance of its own, for it holds that application's services.
plugin = AuthPlugin
