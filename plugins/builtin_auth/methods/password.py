"""Sign-in with an identity (e-mail, username …) and a password."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from builtin_auth.errors import HasherBusy
from builtin_auth.forms import Form, validate
from builtin_auth.lookup import hash_kind, password_hash
from builtin_auth.service import AuthService
from pbhost.database import Sql, Transaction
from pbhost.errors import JSON, BadRequestError, InternalError
from pbhost.hooks.events import RecordAuthWithPasswordRequestEvent
from pbhost.model import Collection, Record, RequestContext
from pbhost.validation import check, length, one_of, required, valid_email

if TYPE_CHECKING:
    from pbhost.app import App


class PasswordMethod:
    """See :class:`pbhost.services.AuthMethod`."""

    name = "password"

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

    def is_enabled(self, collection: Collection) -> bool:
        """Whether the collection allows it."""
        return self._auth.options(collection).password_enabled

    def public_info(self, collection: Collection) -> tuple[str, JSON] | None:
        """Which fields may be the identity."""
        options = self._auth.options(collection)
        fields: list[JSON] = [*options.identity_fields] if options.password_enabled else []
        return "password", {"identityFields": fields, "enabled": options.password_enabled}

    async def authenticate(self, collection: Collection, context: RequestContext) -> dict[str, object]:
        """The auth answer for ``identity``, ``password`` and the optional ``identityField``.

        Raises:
            ValidationError: the form is not valid.
            BadRequestError: no such record, or a wrong password: the answer does not tell which.
        """
        fields = self._auth.options(collection).identity_fields
        form = Form(context)
        identity, password, field = form.text("identity"), form.text("password"), form.text("identityField")
        validate(
            {
                "identity": check(identity, required, length(1, 255)),
                "password": check(password, required, length(1, 255)),
                "identityField": check(field, length(1, 255), one_of(fields)),
            }
        )
        record = await self._find(collection, identity, (field,) if field else _search_order(fields, identity))
        context.context = "password"
        chain = self._app.hooks.chain("on_record_auth_with_password_request", collection.tags)
        if chain is None:
            return await self._verify(collection, record, password, context)
        event = RecordAuthWithPasswordRequestEvent(
            app=self._app,
            context=context,
            collection=collection,
            record=record,
            identity=identity,
            identity_field=field,
            password=password,
        )
        return await chain.run(event, lambda: self._verify(collection, event.record, event.password, context))

    async def _find(self, collection: Collection, identity: str, fields: tuple[str, ...]) -> Record | None:
        record = None
        for field in fields:
            if record is None:
                record = await self._auth.lookup.by_identity(collection, field, identity)
            else:
                # Looked at all the same: the time of an answer does not tell in which field the identity was found.
                with suppress(InternalError):
                    await self._auth.lookup.by_identity(collection, field, identity)
        return record

    async def _verify(
        self, collection: Collection, record: Record | None, password: str, context: RequestContext
    ) -> dict[str, object]:
        hasher = self._app.password_hasher
        stored = password_hash(record) if record is not None else ""
        if record is None or not stored or not await hasher.verify(password, stored):
            await self._spend(collection, password, stored)
            raise BadRequestError("Failed to authenticate.", cause="unknown identity or wrong password")
        answer = await self._app.auth.respond(record, context, method=self.name)
        if hasher.needs_rehash(stored):
            # When the hasher is busy the hash is replaced at the next sign-in; this one is complete.
            with suppress(HasherBusy):
                await self._replace_hash(record, stored, await hasher.hash(password))
        return answer

    async def _spend(self, collection: Collection, password: str, stored: str) -> None:
        """What is left to do of the work that every refusal costs: one verification of each kind of hash in use.

        Where old bcrypt hashes stand beside argon2id ones, the time of a single verification would tell which kind
        the identity has, and so whether there is one.
        """
        decoys = await self._auth.lookup.decoy_hashes(collection)
        left = [decoy for kind, decoy in decoys.items() if kind != hash_kind(stored)]
        if not decoys and not stored:
            left = [""]
        for decoy in left:
            await self._app.password_hasher.verify(password, decoy)

    async def _replace_hash(self, record: Record, old: str, new: str) -> None:
        """Store the same password in the current form. Not a change of the record: tokens stay valid, no hook runs."""

        def write(tx: Transaction) -> int:
            quote = tx.dialect.quote
            column = quote("password")
            statement = f"UPDATE {quote(record.collection.name)} SET {column} = ? WHERE id = ? AND {column} = ?"
            return tx.execute(Sql(statement, (new, record.id, old)))

        await self._app.db.write(write)


def _search_order(fields: tuple[str, ...], identity: str) -> tuple[str, ...]:
    """E-mail first, and only for an identity that can be one; then as configured."""
    others = tuple(name for name in fields if name != "email")
    return ("email", *others) if "email" in fields and valid_email(identity) else others
