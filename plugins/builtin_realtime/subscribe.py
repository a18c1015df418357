"""Replacing a client's subscriptions: the checks of realtime contract §2, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builtin_realtime.client import Client
from builtin_realtime.replay import check_resumable, replay
from pbhost.errors import (
    JSON,
    ApiError,
    BadRequestError,
    ErrorTree,
    FieldError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from pbhost.hooks.events import RealtimeSubscribeRequestEvent
from pbhost.model import RequestContext
from pbhost.validation import check, collect, each, length, required

if TYPE_CHECKING:
    from aiohttp import web

    from builtin_realtime.service import Broker

MAX_SUBSCRIPTIONS = 1000
MAX_SUBSCRIPTION_BYTES = 2500


@dataclass(frozen=True, slots=True)
class SubscribeForm:
    """The body of ``POST /api/realtime``; ``after`` is the last sequence number that the client saw, if it resumes."""

    client_id: str
    subscriptions: list[str]
    after: int | None = None


def read_form(body: dict[str, object]) -> SubscribeForm:
    """The checked body.

    Raises:
        ValidationError: a key breaks its rule.
        BadRequestError: a key has the wrong JSON type.
    """
    client_id = body.get("clientId") or ""
    if not isinstance(client_id, str):
        raise BadRequestError()
    subscriptions, errors = read_subscriptions(body.get("subscriptions"))
    errors |= collect({"clientId": check(client_id, required, length(1, 255))})
    if errors:
        raise ValidationError(errors)
    return SubscribeForm(client_id, subscriptions, read_after(body.get("after")))


def read_subscriptions(raw: object) -> tuple[list[str], dict[str, FieldError | ErrorTree]]:
    """Subscription strings, and the errors of the key ``subscriptions``.

    Raises:
        BadRequestError: not a list of strings.
    """
    if isinstance(raw, str):
        raw = [raw]  # a form with a single value
    if not isinstance(raw, (list, type(None))):
        raise BadRequestError()
    subscriptions = [item for item in raw or [] if isinstance(item, str)]
    if len(subscriptions) != len(raw or []):
        raise BadRequestError()
    too_many = check(subscriptions, length(0, MAX_SUBSCRIPTIONS))
    listed: ErrorTree = {} if too_many else each(subscriptions, length(0, MAX_SUBSCRIPTION_BYTES))
    return subscriptions, collect({"subscriptions": too_many or listed or None})


def read_after(raw: object) -> int | None:
    """The sequence number to resume after; None for a client that does not resume.

    Raises:
        BadRequestError: not a whole number.
    """
    if raw is None:
        return None
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise BadRequestError()
    return raw


async def subscribe(
    broker: Broker,
    client: Client,
    subscriptions: list[str],
    context: RequestContext,
    request: web.Request | None,
    *,
    after: int | None = None,
) -> None:
    """Binds the caller's identity to the client and replaces its subscriptions.

    With ``after`` the client first gets every permitted change since that sequence number.

    Raises:
        BadRequestError: another IP than the one that connected.
        ForbiddenError: the client is bound to somebody else.
        ApiError: a hook refused, or (410) the changes after ``after`` are not known any more.
    """
    if client.ip and client.ip != context.ip:
        raise BadRequestError("Invalid realtime client.")
    bound, caller = client.auth, context.auth
    if bound is not None and (caller is None or (caller.id, caller.collection.id) != (bound.id, bound.collection.id)):
        raise ForbiddenError("The current and the previous request authorization don't match.")

    async def replace() -> None:
        wanted = event.subscriptions if event is not None else subscriptions
        if after is not None:
            await check_resumable(broker, after)
        broker.identities.bind(client, context.auth)
        client.unsubscribe()
        make_live(broker, client, wanted, after)

    event: RealtimeSubscribeRequestEvent | None = None
    chain = broker.app.hooks.chain("on_realtime_subscribe_request")
    if chain is None:
        await replace()
    else:
        event = RealtimeSubscribeRequestEvent(
            app=broker.app, context=context, request=request, client=client, subscriptions=subscriptions
        )
        await chain.run(event, replace)


def make_live(broker: Broker, client: Client, subscriptions: Sequence[str], after: int | None) -> None:
    """Subscribes at once, or after what was missed has been sent; a replay that still runs is given up."""
    if client.replay is not None:
        client.replay.cancel()
        client.replay = None
    if after is None:
        client.subscribe(*subscriptions)
    else:
        client.replay = broker.app.background(
            replay(broker, client, subscriptions, after), name=f"realtime replay {client.id}"
        )


async def subscribe_anywhere(
    broker: Broker, form: SubscribeForm, context: RequestContext, request: web.Request
) -> None:
    """As :func:`subscribe`, for a client of this or another worker process.

    Raises:
        NotFoundError: no worker knows the client; else as :func:`subscribe`.
    """
    client = broker.client(form.client_id)
    if client is not None:
        await subscribe(broker, client, form.subscriptions, context, request, after=form.after)
        return
    auth = context.auth
    answer = await broker.peers.ask(
        "subscribe",
        {
            "client": form.client_id,
            "subscriptions": list(form.subscriptions),
            "after": form.after,
            "ip": context.ip,
            "auth": None if auth is None else [auth.collection.id, auth.id],
            "query": dict(context.query),
            "headers": dict(context.headers),
        },
    )
    if answer is None:
        raise NotFoundError("Missing or invalid client id.")
    error = answer.get("error")
    if isinstance(error, dict):
        data, status = error["data"], error["status"]
        assert isinstance(data, dict)
        assert isinstance(status, int)
        raise ApiError(str(error["message"]), raw=data, status=status)


async def subscribe_for_peer(broker: Broker, client: Client, message: dict[str, JSON]) -> dict[str, JSON]:
    """Handles the question that :func:`subscribe_anywhere` of another worker asks."""
    who = message["auth"]
    auth = None
    if isinstance(who, list):
        # The other worker verified the token; the record is read here, as committed.
        auth = await broker.app.records.find(str(who[0]), str(who[1]))
    context = RequestContext(
        method="POST",
        path="/api/realtime",
        query=_texts(message["query"]),
        headers=_texts(message["headers"]),
        auth=auth,
        ip=str(message["ip"]),
    )
    subscriptions = message["subscriptions"]
    assert isinstance(subscriptions, list)
    try:
        wanted = [str(item) for item in subscriptions]
        await subscribe(broker, client, wanted, context, None, after=read_after(message["after"]))
    except ApiError as error:
        return {"known": True, "error": error.to_json()}
    return {"known": True}


def _texts(value: JSON) -> dict[str, str]:
    return {key: str(item) for key, item in value.items()} if isinstance(value, dict) else {}
