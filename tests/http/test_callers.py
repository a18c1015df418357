"""Who calls, and what they may: tokens, guards, limits, addresses, and what the log tells of it."""

from __future__ import annotations

import json

import pytest

from .conftest import Serve
from .demo import Demo, Services


@pytest.mark.parametrize("value", ["users/u1", "Bearer users/u1", "bearer users/u1"])
async def test_the_token_names_the_caller(serve: Serve, value: str) -> None:
    client = await serve(Demo(), Services())
    answer = await client.json("GET", "/api/who?a=1&a=2", headers={"Authorization": value, "X-Api-Key": "k"})
    assert answer == {
        "auth": "users",
        "id": "u1",
        "token": "users/u1",
        "ip": "127.0.0.1",
        "header": "k",
        "query": {"a": "1"},
    }


@pytest.mark.parametrize("value", ["", "nonsense", "Bearer  users/u1".replace("users/", "")])
async def test_a_bad_token_is_a_guest(serve: Serve, value: str) -> None:
    client = await serve(Demo(), Services())
    answer = await client.json("GET", "/api/who", headers={"Authorization": value})
    assert answer["auth"] == ""  # type: ignore[index,call-overload]


NEEDS_TOKEN = "The request requires valid record authorization token."


@pytest.mark.parametrize(
    ("path", "token", "status", "message"),
    [
        ("/api/auth", "", 401, NEEDS_TOKEN),
        ("/api/auth", "users/u1", 200, None),
        ("/api/super", "", 401, NEEDS_TOKEN),
        ("/api/super", "users/u1", 403, "The authorized record is not allowed to perform this action."),
        ("/api/super", "_superusers/s", 200, None),
        ("/api/plugins", "users/u1", 403, "The authorized record is not allowed to perform this action."),
        ("/api/plugins", "_superusers/s", 200, None),
        ("/api/collections/users/mine", "", 401, NEEDS_TOKEN),
        ("/api/collections/users/mine", "users/u1", 200, None),
        ("/api/collections/posts/mine", "users/u1", 403, "The request requires auth record from users collection."),
        ("/api/guest", "", 200, None),
        ("/api/guest", "users/u1", 400, "The request can be accessed only by guests."),
    ],
)
async def test_guards(serve: Serve, path: str, token: str, status: int, message: str | None) -> None:
    client = await serve(Demo(), Services())
    answered, body, _ = await client("GET", path, headers={"Authorization": token} if token else {})
    assert answered == status
    if message is not None:
        assert json.loads(body) == {"data": {}, "message": message, "status": status}


async def test_superusers_from_elsewhere_are_refused(serve: Serve) -> None:
    services = Services()
    services.limiter.superusers_allowed = False
    client = await serve(Demo(), services)
    assert (await client("GET", "/api/who", headers={"Authorization": "_superusers/s"}))[0] == 403
    assert (await client("GET", "/api/who", headers={"Authorization": "users/u1"}))[0] == 200


async def test_rate_limits_see_labels_from_the_most_specific_to_the_path(serve: Serve) -> None:
    services = Services()
    client = await serve(Demo(), services)
    await client("GET", "/api/collections/posts/records?x=1")
    await client("GET", "/api/data")
    await client("GET", "/api/collections/unknown/records")
    assert services.limiter.seen == [
        (
            ["posts:list", "*:list", "GET /api/collections/posts/records", "/api/collections/posts/records"],
            "c1 GET /api/collections/{collection}/records list",
        ),
        (["GET /api/data", "/api/data"], ""),
    ]
    services.limiter.refused = {"*:list"}
    status, body, headers = await client("GET", "/api/collections/posts/records")
    assert (status, json.loads(body)) == (429, {"data": {}, "message": "Too Many Requests.", "status": 429})
    assert "Retry-After" not in headers


async def test_the_real_ip_comes_from_trusted_headers_only(serve: Serve) -> None:
    services = Services()
    services.proxy = {"headers": ["X-Forwarded-For"], "useLeftmostIP": False}
    client = await serve(Demo(), services)
    answer = await client.json("GET", "/api/who", headers={"X-Forwarded-For": "1.1.1.1, 2.2.2.2"})
    assert answer["ip"] == "2.2.2.2"  # type: ignore[index,call-overload]


async def test_the_request_log(serve: Serve) -> None:
    services = Services()
    client = await serve(Demo(), services)
    await client("GET", "/api/quiet")
    await client("GET", "/api/data?q=%C3%A9", headers={"Authorization": "users/u1", "Referer": "http://r"})
    await client("GET", "/api/error/forbidden")
    await client("GET", "/api/error/field")
    good, forbidden, field = services.logs.requests
    assert (good.method, good.url, good.status, good.error) == ("GET", "/api/data?q=%C3%A9", 200, "")
    assert (good.auth_collection, good.auth_id, good.ip, good.referer) == ("users", "u1", "127.0.0.1", "http://r")
    assert 0 < good.seconds < 5
    assert (forbidden.status, forbidden.error, forbidden.details) == (403, "Nope.", "because")
    assert isinstance(field.details, dict)
    assert "title" in field.details
