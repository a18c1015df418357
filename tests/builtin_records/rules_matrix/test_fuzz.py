"""Hostile parameters and bodies over HTTP: an answer in the usual form within a bound of time, never a 500, and nothing
of SQL, paths or tracebacks in it."""

from __future__ import annotations

import asyncio
import os
import re
import string
from collections.abc import Iterator
from contextlib import AsyncExitStack
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbhost.testing import Answer, Running, running_app

_ASKED = int(os.environ.get("PBHOST_EQUIVALENCE_CASES", "0"))
#: Only to tell a hang from an answer.
HANGS_AFTER = 30.0
#: Lists that find nothing are not delayed: there are many of them here.
NO_DELAY = {"records": {"guess_delay": 0}}
LEAKS = re.compile(
    r"sqlite|traceback|\bselect\b.*\bfrom\b|syntax error|no such (?:column|table)|near \"|/[a-z_]+\.py|/tmp/|pb_data",
    re.IGNORECASE | re.DOTALL,
)

NAMES = ["id", "title", "count", "live", "meta", "place", "tags", "parent", "friends", "secret", "created", "missing"]
WORDS = [
    *NAMES,
    *("notes_via_parent", "notes_via_friends.title", "parent.parent.title", "meta.a.0.b", "place.lon", "tags:each"),
    *("tags:length", "title:lower", "@now", "@random", "@rowid", "@request.auth.id", "@collection.notes.id", "null"),
    *("geoDistance(0,0,1,1)", "strftime('%Y', created)", "strftime(", "'x'", '"x"', "''", "1", "-1.5", "1e9", "0x1"),
    *("=", "!=", "?=", "~", "!~", ">", "&&", "||", "(", ")", ",", "+", "-", ":", ".", "*", "\\", "'", '"', "//", "%"),
    *(":excerpt(3)", ":excerpt(", "expand.parent", "*", "\x00", "\r", "\n", "\ud7ff", "\U0001f600", "{:x}", "`", ";--"),
]

mixed = st.lists(st.sampled_from(WORDS), max_size=12).map("".join) | st.lists(st.sampled_from(WORDS), max_size=8).map(
    " ".join
)
texts = mixed | st.text(max_size=30) | st.text(string.printable, max_size=60)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)
keys = st.sampled_from([*NAMES, "tags+", "+tags", "friends-", "count+", "title:autogenerate", "expand", "@jsonPayload"])
bodies = st.dictionaries(keys | st.text(max_size=8), json_values, max_size=6)
parameters = st.dictionaries(
    st.sampled_from(["filter", "sort", "fields", "expand", "page", "perPage", "skipTotal", "cursor"]),
    texts,
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def server(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    directory = tmp_path_factory.mktemp("fuzz")
    stack = AsyncExitStack()

    async def start() -> tuple[Running, str]:
        running = await stack.enter_async_context(running_app(directory, block=("dashboard",), options=NO_DELAY))
        token = await running.superuser()
        rules = {f"{kind}Rule": "" for kind in ("list", "view", "create", "update", "delete")}
        body = {"name": "notes", "id": "pbc_notes", "type": "base", **rules, "fields": FIELDS}
        answer = await running.request("POST", "/api/collections", body, token=token)
        assert answer.status == 200, answer.body
        relations = [
            {"name": "parent", "type": "relation", "collectionId": "pbc_notes", "maxSelect": 1},
            {"name": "friends", "type": "relation", "collectionId": "pbc_notes", "maxSelect": 5},
        ]
        fields = answer["fields"]
        assert isinstance(fields, list)
        answer = await running.request(
            "PATCH", "/api/collections/notes", {"fields": [*fields, *relations]}, token=token
        )
        assert answer.status == 200, answer.body
        before = ""
        for index in range(6):
            row = {"id": f"note0000000000{index}", "title": f"<b>n{index}</b>", "tags": ["a"], "parent": before}
            row["meta"] = {"a": [{"b": index}]}
            answer = await running.request("POST", "/api/collections/notes/records", row, token=token)
            assert answer.status == 200, answer.body
            before = str(row["id"])
        return running, token

    yield runner.run(start())
    runner.run(stack.aclose())


FIELDS = [
    {"name": "title", "type": "text", "autogeneratePattern": "[a-z]{5}"},
    {"name": "count", "type": "number"},
    {"name": "live", "type": "bool"},
    {"name": "meta", "type": "json"},
    {"name": "place", "type": "geoPoint"},
    {"name": "tags", "type": "select", "values": ["a", "b", "c"], "maxSelect": 3},
    {"name": "secret", "type": "text", "hidden": True},
    {"name": "created", "type": "autodate", "onCreate": True},
]


def fuzz(usual: int) -> settings:
    return settings(
        max_examples=_ASKED or usual,
        derandomize=not _ASKED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


async def ask(server: tuple[Running, str], method: str, path: str, body: object = None, *, root: bool) -> Answer:
    running, token = server
    async with asyncio.timeout(HANGS_AFTER):
        answer = await running.request(method, path, body, token=token if root else "")
    assert answer.status in (200, 204, 400, 403, 404, 413), (answer.status, answer.body)
    if answer.status >= 400:
        assert isinstance(answer.body, dict)
        assert set(answer.body) == {"data", "message", "status"}
        assert not LEAKS.search(str(answer.body)), answer.body
    return answer


def query(values: dict[str, str]) -> str:
    return "&".join(f"{key}={quote(value.encode('utf-8', 'replace'))}" for key, value in values.items())


@fuzz(400)
@given(values=parameters, root=st.booleans(), one=st.booleans())
def test_parameters(
    runner: asyncio.Runner, server: tuple[Running, str], values: dict[str, str], root: bool, one: bool
) -> None:
    path = "/api/collections/notes/records" + ("/note00000000003" if one else "")
    runner.run(ask(server, "GET", f"{path}?{query(values)}", root=root))


@fuzz(250)
@given(body=bodies, root=st.booleans(), update=st.booleans())
def test_bodies(
    runner: asyncio.Runner, server: tuple[Running, str], body: dict[str, object], root: bool, update: bool
) -> None:
    path = "/api/collections/notes/records"
    sent = _encodable(body)
    if update:
        runner.run(ask(server, "PATCH", f"{path}/note00000000003", sent, root=root))
    else:
        runner.run(ask(server, "POST", path, sent, root=root))


@fuzz(80)
@given(rule=mixed, body=bodies, values=parameters)
def test_rules_that_were_stored_before_anybody_checked_them(
    runner: asyncio.Runner,
    server: tuple[Running, str],
    rule: str,
    body: dict[str, object],
    values: dict[str, str],
) -> None:
    """A superuser's rule is checked when it is saved; whatever passes must not fail a request."""

    async def run() -> None:
        rules = {f"{kind}Rule": rule for kind in ("list", "view", "create", "update", "delete")}
        await ask(server, "PATCH", "/api/collections/notes", rules, root=True)
        path = "/api/collections/notes/records"
        await ask(server, "GET", f"{path}?{query(values)}", root=False)
        await ask(server, "GET", f"{path}/note00000000003", root=False)
        await ask(server, "POST", path, _encodable(body), root=False)
        public = dict.fromkeys(rules, "")
        await ask(server, "PATCH", "/api/collections/notes", public, root=True)

    runner.run(run())


def _encodable(value: object) -> object:
    """Without what JSON cannot say."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case int() if not isinstance(value, bool) and abs(value) >= 2**63:
            return float(2**63)
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
        case dict():
            return {_encodable(key): _encodable(item) for key, item in value.items()}
        case list():
            return [_encodable(item) for item in value]
        case _:
            return value
