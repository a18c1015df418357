"""Replacing a client's subscriptions: the checks of realtime contract §2, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_realtime.client import StreamClient
from pbhost.errors import JSON, ApiError, BadRequestError, ErrorTree, ForbiddenError, NotFoundError, ValidationError
from pbhost.hooks.events import RealtimeSubscribeRequestEvent
from pbhost.model import RequestContext
from pbhost.validation import check, collect, each, length, required

if TYPE_CHECKING:
    from aiohttp import web

    from builtin_realtime.service import Broker

MAX_SUBSCRIPTIONS = 1000
MAX_SUBSCRIPTION_BYTES = 2500


def read_form(body: dict[str, object]) -> tuple[str, list[str]]:
    """The client id and the subscriptions of a body.

    Raises:
        ValidationError: a key breaks its rule.
        BadRequestError: a key has the wrong JSON type.
    """
    client_id = body.get("clientId") or ""
    raw = body.get("subscriptions")
    if isinstance(raw, str):
        raw = [raw]  # a form with a single value
    if not isinstance(client_id, str) or not isinstance(raw, (list, type(None))):
        raise BadRequestError()
    subscriptions = [item for item in raw or [] if isinstance(item, str)]
    if len(subscriptions) != len(raw or []):
        raise BadRequestError()
    too_many = check(subscriptions, length(0, MAX_SUBSCRIPTIONS))
    listed: ErrorTree = {} if too_many else each(subscriptions, length(0, MAX_SUBSCRIPTION_BYTES))
    errors = collect(
        {"clientId": check(client_id, required, length(1, 255)), "subscriptions": too_many or listed or None}
    )
    if errors:
        raise ValidationError(errors)
    return client_id, subscriptions


async def subscribe(
    broker: Broker,
    client: StreamClient,
    subscriptions: list[str],
    context: RequestContext,
    request: web.Request | None,
) -> None:
    """Binds the caller's identity to the client and replaces its subscriptions.

    Raises:
        BadRequestError: another IP than the one that connected.
        ForbiddenError: the client is bound to somebody else.
        ApiError: a hook refused.
    """
    if client.ip and client.ip != context.ip:
        raise BadRequestError("Invalid realtime client.")
    bound, caller = client.auth, context.auth
    if bound is not None and (caller is None or (caller.id, caller.collection.id) != (bound.id, bound.collection.id)):
        raise ForbiddenError("The current and the previous request authorization don't match.")

    async def replace() -> None:
        wanted = event.subscriptions if event is not None else subscriptions
        broker.identities.bind(client, context.auth)
        client.unsubscribe()
        client.subscribe(*wanted)

    event: RealtimeSubscribeRequestEvent | None = None
    chain = broker.app.hooks.chain("on_realtime_subscribe_request")
    if chain is None:
        await replace()
    else:
        event = RealtimeSubscribeRequestEvent(
            app=broker.app, context=context, request=request, client=client, subscriptions=subscriptions
        )
        await chain.run(event, replace)


async def subscribe_anywhere(
    broker: Broker, client_id: str, subscriptions: list[str], context: RequestContext, request: web.Request
) -> None:
    """As :func:`subscribe`, for a client of this or another worker process.

    Raises:
        NotFoundError: no worker knows the client; else as :func:`subscribe`.
    """
    client = broker.client(client_id)
    if client is not None:
        await subscribe(broker, client, subscriptions, context, request)
        return
    auth = context.auth
    answer = await broker.peers.ask(
        "subscribe",
        {
            "client": client_id,
            "subscriptions": list(subscriptions),
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


async def subscribe_for_peer(broker: Broker, client: StreamClient, message: dict[str, JSON]) -> dict[str, JSON]:
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
        await subscribe(broker, client, [str(item) for item in subscriptions], context, None)
    except ApiError as error:
        return {"known": True, "error": error.to_json()}
    return {"known": True}


def _texts(value: JSON) -> dict[str, str]:
    return {key: str(item) for key, item in value.items()} if isinstance(value, dict) else {}
