"""Multi-factor authentication: a second sign-in by another method within a short time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_auth.options import OptionsCache
from builtin_auth.references import MFAS, age
from pbhost.errors import JSON, BadRequestError, NotFoundError, UnauthorizedError
from pbhost.model import Record, RequestContext

if TYPE_CHECKING:
    from pbhost.app import App


class SecondFactorRequired(UnauthorizedError):
    """401 whose whole body is ``{"mfaId": ...}``: the first factor is done, another one is needed."""

    def __init__(self, mfa_id: str) -> None:
        super().__init__(cause="mfa required")
        self.mfa_id = mfa_id

    def to_json(self) -> dict[str, JSON]:
        """Not the usual error form: clients look for ``mfaId`` at the top."""
        return {"mfaId": self.mfa_id}


class SecondFactor:
    """The check that follows a complete sign-in by one method."""

    def __init__(self, app: App, options: OptionsCache) -> None:
        self._app = app
        self._options = options

    async def check(self, record: Record, method: str, context: RequestContext) -> None:
        """Pass if no second factor is asked for or this is it.

        Raises:
            SecondFactorRequired: this was the first factor.
            BadRequestError: the session is unknown, expired, of another record, or of the same method.
        """
        options = self._options.of(record.collection)
        if not options.mfa_enabled or not method or not await self._is_asked_for(record, options.mfa_rule, context):
            return
        mfa_id = read_mfa_id(context)
        records = self._app.records
        if not mfa_id:
            values = {"collectionRef": record.collection.id, "recordRef": record.id, "method": method}
            raise SecondFactorRequired((await records.create(MFAS, values)).id)
        session = await records.find(MFAS, mfa_id)
        if session is None or age(session) > options.mfa_duration:
            if session is not None:
                await records.delete(session)
            raise BadRequestError("Invalid or expired MFA session.")
        if session.text("recordRef") != record.id or session.text("collectionRef") != record.collection.id:
            raise BadRequestError("Invalid MFA session.")
        if session.text("method") == method:
            raise BadRequestError("A different authentication method is required.")
        try:
            await records.delete(session)
        except NotFoundError as error:
            # Another request has used it since it was read.
            raise BadRequestError("Invalid or expired MFA session.") from error

    async def _is_asked_for(self, record: Record, rule: str, context: RequestContext) -> bool:
        if not rule:
            return True
        if self._app.records.rule_error(record.collection, rule) is not None:
            raise BadRequestError("Failed to authenticate.", cause="the mfa rule does not compile")
        # A superuser's token bypasses the auth rule but not the second factor.
        return await self._app.records.satisfies(record, rule, _without_superuser(context))


def _without_superuser(context: RequestContext) -> RequestContext:
    return context.derive(auth=None) if context.is_superuser else context


def read_mfa_id(context: RequestContext) -> str:
    """The id of the half-done sign-in that a request goes on with, "" for none.

    Raises:
        BadRequestError: it is no text.
    """
    from_query = context.query.get("mfaId", "")
    if from_query:
        return from_query
    value = context.body.get("mfaId")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequestError("Failed to read MFA Id.")
    return value
