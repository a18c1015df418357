"""A new record for an OAuth2 user that nobody knows yet."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from builtin_auth.oauth2.avatar import AvatarError, download
from builtin_auth.record_checks import SIGN_UP_HASH
from builtin_auth.unique_index import single_column
from pbhost.database import Connection, Sql, Transaction
from pbhost.errors import JSON, BadRequestError, TooManyRequestsError
from pbhost.model import BodyValue, Collection, Record, RequestContext, ValueCheck
from pbhost.services import OAuth2User

if TYPE_CHECKING:
    from builtin_auth.service import AuthService
    from pbhost.app import App
    from pbhost.database import AsyncTransaction

log = logging.getLogger("pbhost.auth")


class SignUp:
    """Creation of records as an internal request to the records API, with all its rules and hooks."""

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

    async def payload(
        self, collection: Collection, user: OAuth2User, create_data: Mapping[str, JSON]
    ) -> dict[str, BodyValue]:
        """The body of the create request: the client's data, then what the provider knows.

        Raises:
            BadRequestError: superusers are never made this way.
        """
        if collection.is_superusers:
            raise BadRequestError("Failed to authenticate.", cause="superusers cannot sign up with OAuth2")
        body: dict[str, BodyValue] = dict(create_data)
        if not isinstance(body.get("email"), str) or not body["email"]:
            body["email"] = user.email
        mapped = self._auth.options(collection).mapped_fields
        for key, value in (("id", user.id), ("name", user.name)):
            if mapped[key] and mapped[key] not in body:
                body[mapped[key]] = value
        username, avatar = mapped["username"], mapped["avatarURL"]
        if username and username not in body and await self._is_free(collection, username, user.username):
            body[username] = user.username
        if avatar and avatar not in body and user.avatar_url:
            field = collection.field(avatar)
            if field is not None and field.type == "file":
                try:
                    body[avatar] = await download(user.avatar_url)
                except AvatarError as error:
                    log.warning("the picture of a new user was not downloaded: %s", error)
            else:
                body[avatar] = user.avatar_url
        return body

    async def _is_free(self, collection: Collection, name: str, value: str) -> bool:
        """Whether the field takes the value and nobody has it; otherwise it is left to its autogenerate pattern."""
        field = collection.field(name)
        if field is None:
            return False
        index = single_column(collection, name)

        def read(connection: Connection) -> bool:
            quote = connection.dialect.quote
            same = f"{quote(name)} = ?"
            if index is not None and index.collate:
                same = connection.dialect.collated_equal(quote(name), "?", index.collate)
            query = f"SELECT 1 FROM {quote(collection.name)} WHERE {same} LIMIT 1"
            return connection.fetch_one(Sql(query, (value,))) is None

        if not await self._app.db.read(read):
            return False

        def accepts(tx: Transaction) -> bool:
            record = Record(collection, {name: value})
            check = ValueCheck(connection=tx, services=self._app, is_new=True)
            return field.validate(record[name], record, check) is None

        return field.type != "text" or await self._app.db.write(accepts)

    async def create(
        self,
        collection: Collection,
        user: OAuth2User,
        body: Mapping[str, BodyValue],
        context: RequestContext,
        *,
        tx: AsyncTransaction,
        hashed: str,
    ) -> Record:
        """The new record; verified where the provider vouches for its address.

        Args:
            hashed: the hash of its password where the body has none.

        Raises:
            ApiError: as the create endpoint answers.
        """
        path = f"/api/collections/{collection.name}/records"
        request = context.derive(context="oauth2", body=body, method="POST", query={})
        request.path = path
        request.extra = {**context.extra, SIGN_UP_HASH: hashed}
        self._count(collection, path, request)
        record = await self._app.records.create_through_api(collection, body, request, tx=tx)
        if record.text("email") == user.email and not record.get("verified"):
            record["verified"] = True
            record = await self._app.records.save(record, tx=tx)
        return record

    def _count(self, collection: Collection, path: str, context: RequestContext) -> None:
        if not self._app.has("rate_limiter"):
            return
        labels = (f"{collection.name}:create", "*:create", f"POST {path}", path)
        bucket = f"{collection.id} POST /api/collections/{{collection}}/records create"
        if not self._app.rate_limiter.allow(labels, bucket, context):
            raise TooManyRequestsError
