"""The way to sign in: the identity of the request to a record, which is made on the first visit."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from pbhost import App, BadRequestError, Collection, Record, RequestContext, ValidationError
from pbhost.errors import JSON
from pbhost.model.ids import random_text
from pbhost_proxy_sign_in.headers import Identity, identity_of
from pbhost_proxy_sign_in.options import Options

if TYPE_CHECKING:
    from pbhost.database import AsyncTransaction

#: Where accounts elsewhere are tied to records; the SDK's ``listExternalAuths`` shows it.
_LINKS: Final = "_externalAuths"
_LINK: Final = "collectionRef = {:collection} && provider = {:provider} && providerId = {:user}"
_OWNED: Final = "collectionRef = {:collection} && recordRef = {:record}"

log = logging.getLogger("pbhost.proxy_sign_in")


class ProxyMethod:
    """See :class:`pbhost.services.AuthMethod`."""

    name = "proxy"

    def __init__(self, app: App, options: Options) -> None:
        self._app = app
        self._options = options

    def is_enabled(self, collection: Collection) -> bool:
        """Never for superusers: who runs the proxy need not run the server."""
        return (
            bool(self._options.proxies)
            and collection.name in self._options.collections
            and not collection.is_superusers
        )

    def public_info(self, collection: Collection) -> tuple[str, JSON] | None:
        """What ``auth-methods`` tells a client."""
        return self.name, {"enabled": self.is_enabled(collection)}

    async def authenticate(self, collection: Collection, context: RequestContext) -> dict[str, object]:
        """The auth answer for whom the proxy named; the request needs no body.

        Raises:
            BadRequestError: it did not come through the proxy, or there is no record for that user. The answer does not
                tell which; the log does.
        """
        identity = identity_of(context)
        if identity is None:
            raise BadRequestError("Failed to authenticate.", cause="the request has no identity of a trusted proxy")
        record = await self._linked(collection, identity)
        is_new = False
        if record is None:
            # Hashed out here: a transaction that waits for a hash holds up every other write.
            hashed = await self._app.password_hasher.hash(random_text(30))
            try:
                async with self._app.transaction() as tx:
                    record, is_new = await self._first_visit(collection, identity, hashed, tx)
            except ValidationError as error:
                raise BadRequestError(
                    "Failed to authenticate.", cause=f"no record could be made: {error.to_json()}"
                ) from error
        return await self._app.auth.respond(record, context, method=self.name, meta={"isNew": is_new})

    async def _linked(
        self, collection: Collection, identity: Identity, tx: AsyncTransaction | None = None
    ) -> Record | None:
        params = {"collection": collection.id, "provider": self.name, "user": identity.user}
        link = await self._app.records.find_first(_LINKS, _LINK, params, tx=tx)
        return None if link is None else await self._app.records.find(collection, link.text("recordRef"), tx=tx)

    async def _first_visit(
        self, collection: Collection, identity: Identity, hashed: str, tx: AsyncTransaction
    ) -> tuple[Record, bool]:
        """The record that the user gets from now on, and whether it is new."""
        # Asked again inside the transaction: a browser's first requests come together.
        record = await self._linked(collection, identity, tx)
        if record is not None:
            return record, False
        record = await self._of_email(collection, identity, tx)
        is_new = record is None
        if record is None:
            if not self._options.create:
                raise BadRequestError("Failed to authenticate.", cause="the user is unknown and create is off")
            record = await self._create(collection, identity, hashed, tx)
        elif not self._options.link:
            raise BadRequestError("Failed to authenticate.", cause="the address has a record and link is off")
        elif record["verified"] is not True:
            record = await self._take_over(record, hashed, tx)
        values = {
            "collectionRef": collection.id,
            "recordRef": record.id,
            "provider": self.name,
            "providerId": identity.user,
        }
        await self._app.records.create(_LINKS, values, tx=tx)
        log.info("%s %s is %s of the proxy from now on", collection.name, record.id, identity.user)
        return record, is_new

    async def _of_email(self, collection: Collection, identity: Identity, tx: AsyncTransaction) -> Record | None:
        if not identity.email:
            return None
        params = {"email": identity.email.lower()}
        return await self._app.records.find_first(collection, "email:lower = {:email}", params, tx=tx)

    async def _create(self, collection: Collection, identity: Identity, hashed: str, tx: AsyncTransaction) -> Record:
        record = Record(collection, {"email": identity.email, "verified": identity.email != ""})
        name = collection.field("name")
        if name is not None and name.type == "text":
            record["name"] = identity.name
        _set_password(record, hashed)
        return await self._app.records.save(record, tx=tx)

    async def _take_over(self, record: Record, hashed: str, tx: AsyncTransaction) -> Record:
        """Whoever made an unverified record need not own its address; the owner, whom the proxy names, gets it without
        the other's password, tokens and linked accounts."""
        records = self._app.records
        for link in await records.find_many(
            _LINKS, _OWNED, {"collection": record.collection.id, "record": record.id}, tx=tx
        ):
            await records.delete(link, tx=tx)
        record["verified"] = True
        _set_password(record, hashed)  # which ends every token that was issued
        return await records.save(record, tx=tx)


def _set_password(record: Record, hashed: str) -> None:
    """A password that nobody knows; as a stored hash it passes by the rules for plain text."""
    field = record.collection.field("password")
    if field is not None:
        record.put("password", field.from_db(hashed))
