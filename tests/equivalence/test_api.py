"""The same worlds in a running server: lists with totals, pages, picked fields and expands, views under the rule."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from urllib.parse import urlencode

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from pbhost.database import Transaction
from pbhost.testing import Answer, Running, running_app

from . import reference
from .conftest import cases
from .strategies import CHOICES, expressions, sorts, worlds
from .world import Forbidden, Refused, Request, Row, Table, TooLarge, World

QUESTIONS = 15
#: Lists that find nothing are not delayed: there are many of them here.
NO_DELAY = {"records": {"guess_delay": 0}}


@st.composite
def worlds_and_lists(draw: st.DrawFn) -> tuple[World, list[tuple[Table, int, str, str, int]]]:
    world = draw(worlds(plain=True))
    questions = []
    for _ in range(QUESTIONS):
        table = draw(st.sampled_from(world.tables))
        filter = draw(expressions(world, table, trusted=False)) if draw(st.booleans()) else ""
        sort = draw(sorts(world, table)) if draw(st.integers(0, 2)) == 0 else ""
        questions.append((table, draw(st.integers(-2, 5)), filter, sort, draw(st.integers(1, 4))))
    return world, questions


class Server:
    """A running server that takes one world after the other."""

    def __init__(self, running: Running, root: str) -> None:
        self.running = running
        self.root = root

    async def take(self, world: World) -> None:
        """Replaces all collections and rows."""
        for table in world.tables:
            if table.list_rule and not _is_rule(world, table):
                table.list_rule = ""
        # A collection keeps its type, so the old ones go first; the rules come when all that they name exists.
        steps = [
            [{"name": "nothing", "type": "base", "fields": []}],
            *([_json(table, rules=rules) for table in world.tables] for rules in (False, True)),
        ]
        for index, step in enumerate(steps):
            body = {"deleteMissing": index == 0, "collections": step}
            answer = await self.running.request("PUT", "/api/collections/import", body, token=self.root)
            assert answer.status == 204, json.dumps(answer.body)

        def insert(tx: Transaction) -> None:
            for table in world.tables:
                tx.execute(f"DELETE FROM `{table.name}`")
                for row in table.rows:
                    values = dict(row) | ({"tokenKey": f"key-{row['id']}" * 8} if table.is_auth else {})
                    names = ", ".join(f"`{name}`" for name in values)
                    marks = ", ".join("?" * len(values))
                    tx.execute(f"INSERT INTO `{table.name}` ({names}) VALUES ({marks})", tuple(values.values()))
                names = [item.name for item in table.fields]
                columns = ", ".join(f"`{name}`" for name in names)
                stored = tx.fetch_all(f"SELECT {columns} FROM `{table.name}`")
                table.rows[:] = [dict(zip(names, row, strict=True)) for row in stored]

        await self.running.app.db.write(insert)

    async def token(self, table: Table, row: Row) -> str:
        record = await self.running.app.records.get(table.name, str(row["id"]))
        return await self.running.app.auth.issue_token(record)

    async def get(self, table: Table, path: str, token: str, **query: object) -> Answer:
        address = f"/api/collections/{table.name}/records{path}?{urlencode({k: v for k, v in query.items() if v})}"
        return await self.running.request("GET", address, token=token)


def _is_rule(world: World, table: Table) -> bool:
    try:
        reference.Scope(world, table, Request()).condition(table.list_rule or "", client=False)
    except Refused:
        return False
    return True


def _json(table: Table, *, rules: bool) -> dict[str, object]:
    fields = []
    for item in table.fields:
        if item.name in ("id", "email", "emailVisibility", "verified"):
            continue
        options: dict[str, object] = {}
        if item.type in ("select", "relation"):
            options["maxSelect"] = min(9, len(CHOICES)) if item.multiple else 1
        if item.type == "select":
            options["values"] = CHOICES
        if item.type == "relation":
            options["collectionId"] = item.target
        fields.append({"id": f"f_{item.name}", "name": item.name, "type": item.type, "hidden": item.hidden, **options})
    rule = table.list_rule if rules else None
    return {
        "id": table.id,
        "name": table.name,
        "type": "auth" if table.is_auth else "base",
        "fields": fields,
        "listRule": rule,
        "viewRule": rule,
    }


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def server(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    stack = AsyncExitStack()

    async def start() -> Server:
        directory = tmp_path_factory.mktemp("worlds")
        running = await stack.enter_async_context(
            running_app(directory, block=("dashboard", "realtime"), options=NO_DELAY)
        )
        return Server(running, await running.superuser())

    yield runner.run(start())
    runner.run(stack.aclose())


@cases(25, 0.1)
@given(worlds_and_lists())
def test_a_page_of_the_server_is_a_page_of_the_reference(
    runner: asyncio.Runner, server: Server, drawn: tuple[World, list[tuple[Table, int, str, str, int]]]
) -> None:
    world, questions = drawn
    runner.run(_ask_all(server, world, questions))


async def _ask_all(server: Server, world: World, questions: list[tuple[Table, int, str, str, int]]) -> None:
    for table in world.tables:
        table.unique = frozenset()
    await server.take(world)
    users = [(table, row) for table in world.tables if table.is_auth for row in table.rows]
    for table, who, filter, sort, per_page in questions:
        root = who == -2
        auth = users[who % len(users)] if users and who >= 0 else None
        token = server.root if root else await server.token(*auth) if auth else ""
        note(f"{table.name} for {'root' if root else auth and auth[1]['id']}: {filter!r} {sort!r} per {per_page}")
        expand = ",".join(item.name for item in table.fields if item.type == "relation")
        answer = await server.get(
            table, "", token, filter=filter, sort=sort, perPage=per_page, expand=expand, fields="id,expand"
        )
        query = {"filter": filter, "sort": sort}
        request = Request(auth=auth, query=query)
        if table.list_rule is None and not root:
            assert answer.status == 403
            continue
        rule = "" if root else table.list_rule or ""
        try:
            rows, _ = reference.select(world, table, request, rule=rule, filter=filter, sort=sort, client=not root)
        except TooLarge:
            continue
        except (Refused, Forbidden) as refusal:
            refused = 403 if isinstance(refusal, Forbidden) else 400
            if answer.status != refused or answer["data"] != {}:
                raise AssertionError(answer.body) from refusal
            continue
        assert answer.status == 200, answer.body
        expected = {str(row["id"]): row for row in rows}
        assert answer["totalItems"] == len(expected)
        assert answer["totalPages"] == -(-len(expected) // per_page)
        items = answer["items"]
        assert isinstance(items, list)
        assert len(items) == min(per_page, len(expected))
        for item in items:
            assert isinstance(item, dict)
            row = expected[str(item["id"])]
            _check_expand(world, table, row, item, request, root)
        for id_ in [str(row["id"]) for row in table.rows][:2]:
            view = await server.get(table, f"/{id_}", token)
            row = next(row for row in table.rows if row["id"] == id_)
            allowed = not rule or _holds(world, table, Request(auth=auth), row, rule)
            assert (view.status == 200) is allowed, (id_, view.body)


def _check_expand(world: World, table: Table, row: Row, item: dict[str, object], request: Request, root: bool) -> None:
    found: dict[str, object] = {}
    processed = False
    for relation in table.fields:
        target = world.find(relation.target) if relation.type == "relation" else None
        if target is None or (target.list_rule is None and not root):
            continue
        processed = True
        value = row[relation.name]
        ids = json.loads(str(value)) if relation.multiple else [value] if value else []
        context = Request(auth=request.auth, query=request.query, context="expand")
        others = {str(other["id"]): other for other in target.rows}
        visible = [
            id_
            for id_ in ids
            if id_ in others
            and (root or not target.list_rule or _holds(world, target, context, others[id_], target.list_rule))
        ]
        if visible:
            found[relation.name] = visible if relation.multiple else visible[0]
    expand = item.get("expand")
    if not processed:
        assert expand is None
        return
    assert isinstance(expand, dict)
    assert {
        name: [one["id"] for one in value] if isinstance(value, list) else value["id"] for name, value in expand.items()
    } == found


def _holds(world: World, table: Table, request: Request, row: Row, rule: str) -> bool:
    try:
        return reference.holds(world, table, request, row, rule)
    except Refused:
        return False
