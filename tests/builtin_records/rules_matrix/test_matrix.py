"""Who may do what: each kind of rule, each action, each caller, over HTTP; one server for all.

Every row of the table names the callers who may; everyone else is a denial, so each denial stands beside a control.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from pbhost.errors import JSON
from pbhost.model import clock
from pbhost.testing import Answer, Running, running_app

CALLERS = ("guest", "expired", "owner", "other", "staff", "superuser")
EVERYONE = frozenset(CALLERS)
USERS = frozenset(("owner", "other", "staff", "superuser"))
#: Rule, and who satisfies it. The rows are the owner's; `staff` is a user of another auth collection.
RULES: Mapping[str, tuple[str | None, frozenset[str]]] = {
    "locked": (None, frozenset(("superuser",))),
    "public": ("", EVERYONE),
    "signed": ("@request.auth.id != ''", USERS),
    "owned": ("owner = @request.auth.id", frozenset(("owner", "superuser"))),
    "friendly": ("friends.id ?= @request.auth.id", frozenset(("other", "superuser"))),
    "staffed": ("@request.auth.collectionName = 'staff'", frozenset(("staff", "superuser"))),
    "never": ("1 = 2", frozenset(("superuser",))),
    "listed": ("@collection.grants.user ?= @request.auth.id", frozenset(("other", "superuser"))),
}
KINDS = ("list", "view", "create", "update", "delete")


class Matrix:
    """The server, its collections (one per rule), and a token per caller."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.tokens: dict[str, str] = {"guest": ""}
        self.ids: dict[str, str] = {}

    async def prepare(self) -> None:
        self.tokens["superuser"] = await self.running.superuser()
        await self._define("staff", [], type="auth")
        for name, collection in (("owner", "users"), ("other", "users"), ("staff", "staff")):
            record, token = await self.running.user(f"{name}@example.com", collection)
            self.ids[name], self.tokens[name] = record.id, token
        owner = await self.running.app.records.get("users", self.ids["owner"])
        # Of the owner, so that only its age keeps it from opening what the owner may.
        with clock.replaced(lambda: time.time() - 60):
            self.tokens["expired"] = await self.running.app.auth.issue_token(owner, duration=10)
        users = str((await self.send("GET", "/api/collections/users"))["id"])
        await self._define("grants", [{"name": "user", "type": "text"}])
        await self.create("grants", user=self.ids["other"])
        for name, (rule, _) in RULES.items():
            fields: list[JSON] = [
                {"name": "title", "type": "text"},
                {"name": "owner", "type": "relation", "collectionId": users, "maxSelect": 1},
                {"name": "friends", "type": "relation", "collectionId": users, "maxSelect": 9},
                {"name": "doc", "type": "file", "protected": True},
            ]
            target = await self._define(name, fields, **{f"{kind}Rule": rule for kind in KINDS})
            link: list[JSON] = [{"name": "to", "type": "relation", "collectionId": target, "maxSelect": 1}]
            await self._define(f"links_{name}", link, listRule="", viewRule="")
        batch = {"batch": {"enabled": True}}
        answer = await self.send("PATCH", "/api/settings", batch)
        assert answer.status == 200

    async def send(
        self, method: str, path: str, body: object = None, caller: str = "superuser", **more: object
    ) -> Answer:
        return await self.running.request(method, path, body, token=self.tokens[caller], **more)

    async def create(self, collection: str, **values: object) -> str:
        answer = await self.send("POST", f"/api/collections/{collection}/records", values)
        assert answer.status == 200, answer.body
        return str(answer["id"])

    async def row(self, collection: str, title: str = "one") -> str:
        """A new row of the owner's, whose friend is `other`."""
        return await self.create(collection, **self.values(title))

    def values(self, title: str) -> dict[str, object]:
        return {"title": title, "owner": self.ids["owner"], "friends": [self.ids["other"]]}

    async def _define(self, name: str, fields: list[JSON], **options: JSON) -> str:
        body = {"name": name, "type": "base", "fields": fields, **options}
        answer = await self.send("POST", "/api/collections", body)
        assert answer.status == 200, answer.body
        return str(answer["id"])


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def matrix(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    directory: Path = tmp_path_factory.mktemp("matrix")
    stack = AsyncExitStack()

    async def start() -> Matrix:
        matrix = Matrix(await stack.enter_async_context(running_app(directory, block=("dashboard",))))
        await matrix.prepare()
        return matrix

    yield runner.run(start())
    runner.run(stack.aclose())


async def listing(matrix: Matrix, rule: str, caller: str) -> bool:
    id_ = await matrix.row(rule)
    answer = await matrix.send("GET", f"/api/collections/{rule}/records?perPage=1000", caller=caller)
    if RULES[rule][0] is None and caller != "superuser":
        assert answer.status == 403
        return False
    assert answer.status == 200
    items = answer["items"]
    assert isinstance(items, list)
    assert answer["totalItems"] == len(items)
    return id_ in [item["id"] for item in items if isinstance(item, dict)]


async def viewing(matrix: Matrix, rule: str, caller: str) -> bool:
    answer = await matrix.send("GET", f"/api/collections/{rule}/records/{await matrix.row(rule)}", caller=caller)
    return allowed(answer, rule, caller, 404)


async def creating(matrix: Matrix, rule: str, caller: str) -> bool:
    values = matrix.values(f"created by {caller}")
    answer = await matrix.send("POST", f"/api/collections/{rule}/records", values, caller)
    may = allowed(answer, rule, caller, 400)
    stored = await matrix.running.app.records.count(rule, "title = {:title}", {"title": values["title"]})
    assert stored == int(may)
    return may


async def updating(matrix: Matrix, rule: str, caller: str) -> bool:
    id_ = await matrix.row(rule)
    answer = await matrix.send("PATCH", f"/api/collections/{rule}/records/{id_}", {"title": "two"}, caller)
    may = allowed(answer, rule, caller, 404)
    assert (await matrix.running.app.records.get(rule, id_))["title"] == ("two" if may else "one")
    return may


async def taking_over(matrix: Matrix, rule: str, caller: str) -> bool:
    """An update is judged by the stored row, not by what is submitted."""
    id_ = await matrix.row(rule)
    body = {"owner": matrix.ids.get(caller, ""), "friends": list(matrix.ids.values())[:1]}
    answer = await matrix.send("PATCH", f"/api/collections/{rule}/records/{id_}", body, caller)
    return answer.status != 404 and answer.status != 403


async def deleting(matrix: Matrix, rule: str, caller: str) -> bool:
    id_ = await matrix.row(rule)
    answer = await matrix.send("DELETE", f"/api/collections/{rule}/records/{id_}", caller=caller)
    may = allowed(answer, rule, caller, 404)
    assert (await matrix.running.app.records.find(rule, id_) is None) is may
    return may


async def expanding(matrix: Matrix, rule: str, caller: str) -> bool:
    id_ = await matrix.row(rule)
    link = await matrix.create(f"links_{rule}", to=id_)
    answer = await matrix.send("GET", f"/api/collections/links_{rule}/records/{link}?expand=to", caller=caller)
    assert answer.status == 200
    assert isinstance(answer.body, dict)
    expand = answer.body.get("expand", {})
    assert isinstance(expand, dict)
    return "to" in expand


async def batching(matrix: Matrix, rule: str, caller: str) -> bool:
    id_ = await matrix.row(rule)
    path = f"/api/collections/{rule}/records/{id_}"
    body = {"requests": [{"method": "PATCH", "url": path, "body": {"title": "batched"}}]}
    answer = await matrix.send("POST", "/api/batch", body, caller)
    assert answer.status in (200, 400)
    may = answer.status == 200
    assert (await matrix.running.app.records.get(rule, id_))["title"] == ("batched" if may else "one")
    return may


async def downloading(matrix: Matrix, rule: str, caller: str) -> bool:
    """A protected file under the view rule, with the caller's file token."""
    form = aiohttp.FormData()
    for name, value in matrix.values("file").items():
        form.add_field(name, str(value) if name != "friends" else matrix.ids["other"])
    form.add_field("doc", b"content", filename="doc.txt")
    answer = await matrix.send("POST", f"/api/collections/{rule}/records", data=form)
    assert answer.status == 200, answer.body
    token = ""
    granted = await matrix.send("POST", "/api/files/token", caller=caller)
    if caller in ("guest", "expired"):
        assert granted.status == 401
    else:
        token = str(granted["token"])
    path = f"/api/files/{rule}/{answer['id']}/{answer['doc']}?token={token}"
    file = await matrix.send("GET", path, caller="guest")
    assert file.status in (200, 404)
    assert (file.body == "content") is (file.status == 200)
    return file.status == 200


async def receiving(matrix: Matrix, rule: str, caller: str) -> bool:
    """A live message of ``rule/*`` (under the list rule); a public collection tells when to stop waiting."""
    control = "public"
    async with matrix.running.session.get(f"{matrix.running.url}/api/realtime") as stream:
        client = ""
        while not client:
            line = (await stream.content.readline()).decode().strip()
            client = line.removeprefix("id:").strip() if line.startswith("id:") else ""
        subscriptions = [f"{rule}/*", f"{control}/*"]
        body = {"clientId": client, "subscriptions": subscriptions}
        answer = await matrix.send("POST", "/api/realtime", body, caller)
        assert answer.status == 204, answer.body
        wanted = await matrix.row(rule)
        last = await matrix.row(control, "last")
        seen = ""
        async with asyncio.timeout(20):
            while last not in seen:
                seen += (await stream.content.readline()).decode()
        return wanted in seen


def allowed(answer: Answer, rule: str, caller: str, denial: int) -> bool:
    """Whether it was; a denial has the status of the contract and tells nothing."""
    if answer.status in (200, 204):
        return True
    expected = 403 if RULES[rule][0] is None else denial
    assert answer.status == expected, (rule, caller, answer.body)
    assert answer["data"] == {}
    return False


ACTIONS = {
    action.__name__: action
    for action in (
        *(listing, viewing, creating, updating, taking_over),
        *(deleting, expanding, batching, downloading, receiving),
    )
}


@pytest.mark.parametrize(("action", "rule"), list(itertools.product(ACTIONS, RULES)))
def test_exactly_those_whom_the_rule_admits(runner: asyncio.Runner, matrix: Matrix, action: str, rule: str) -> None:
    admitted = set(RULES[rule][1])
    if action == "creating" and rule == "friendly":
        assert "other" in admitted  # the relation of the virtual row joins the stored users
    found = {caller for caller in CALLERS if runner.run(ACTIONS[action](matrix, rule, caller))}
    assert found == admitted
