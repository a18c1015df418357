"""Callers, collections and actions of the rules matrix, over HTTP.

The rows are the owner's, whose friend is `other`; `staff` is a user of another auth collection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import aiohttp

from pbhost.errors import JSON
from pbhost.model import clock
from pbhost.testing import Answer, Running

CALLERS = ("guest", "expired", "owner", "other", "staff", "superuser")
KINDS = ("list", "view", "create", "update", "delete")
#: A public collection.
CONTROL = "control"

Rules: TypeAlias = Mapping[str, str | None]


class Matrix:
    """The server, its collections, and a token per caller.

    Attributes:
        rules: of each collection that was made for the matrix, by kind.
        ids: of the records of the callers.
    """

    def __init__(self, running: Running) -> None:
        self.running = running
        self.rules: dict[str, Rules] = {}
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
        await self._define("grants", [{"name": "user", "type": "text"}])
        await self.create("grants", user=self.ids["other"])
        await self.define(CONTROL, dict.fromkeys(KINDS, ""))
        batch = {"batch": {"enabled": True}}
        answer = await self.send("PATCH", "/api/settings", batch)
        assert answer.status == 200

    async def define(self, name: str, rules: Rules) -> None:
        """A collection with rules, and `links_…` with relations to it."""
        users = (await self.send("GET", "/api/collections/users"))["id"]
        fields: list[JSON] = [
            {"name": "title", "type": "text"},
            {"name": "owner", "type": "relation", "collectionId": users, "maxSelect": 1},
            {"name": "friends", "type": "relation", "collectionId": users, "maxSelect": 9},
            {"name": "doc", "type": "file", "protected": True},
        ]
        target = await self._define(name, fields, **{f"{kind}Rule": rule for kind, rule in rules.items()})
        link: list[JSON] = [{"name": "to", "type": "relation", "collectionId": target, "maxSelect": 1}]
        await self._define(f"links_{name}", link, listRule="", viewRule="")
        self.rules[name] = rules

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


#: Tries something with a collection as a caller; whether it was allowed.
Action: TypeAlias = Callable[[Matrix, str, str], Awaitable[bool]]


async def listing(matrix: Matrix, rule: str, caller: str) -> bool:
    id_ = await matrix.row(rule)
    answer = await matrix.send("GET", f"/api/collections/{rule}/records?perPage=1000", caller=caller)
    if matrix.rules[rule]["list"] is None and caller != "superuser":
        assert answer.status == 403
        return False
    assert answer.status == 200
    items = answer["items"]
    assert isinstance(items, list)
    assert answer["totalItems"] == len(items)
    return id_ in [item["id"] for item in items if isinstance(item, dict)]


async def viewing(matrix: Matrix, rule: str, caller: str) -> bool:
    answer = await matrix.send("GET", f"/api/collections/{rule}/records/{await matrix.row(rule)}", caller=caller)
    return allowed(answer, matrix.rules[rule]["view"], 404)


async def creating(matrix: Matrix, rule: str, caller: str) -> bool:
    values = matrix.values(f"created by {caller}")
    answer = await matrix.send("POST", f"/api/collections/{rule}/records", values, caller)
    may = allowed(answer, matrix.rules[rule]["create"], 400)
    stored = await matrix.running.app.records.count(rule, "title = {:title}", {"title": values["title"]})
    assert stored == int(may)
    return may


async def updating(matrix: Matrix, rule: str, caller: str) -> bool:
    id_ = await matrix.row(rule)
    answer = await matrix.send("PATCH", f"/api/collections/{rule}/records/{id_}", {"title": "two"}, caller)
    may = allowed(answer, matrix.rules[rule]["update"], 404)
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
    may = allowed(answer, matrix.rules[rule]["delete"], 404)
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


async def upserting(matrix: Matrix, rule: str, caller: str) -> bool:
    """A batch item that finds its record is an update."""
    id_ = await matrix.row(rule)
    body = {"method": "PUT", "url": f"/api/collections/{rule}/records", "body": {"id": id_, "title": "upserted"}}
    answer = await matrix.send("POST", "/api/batch", {"requests": [body]}, caller)
    may = answer.status == 200
    assert (await matrix.running.app.records.get(rule, id_))["title"] == ("upserted" if may else "one")
    return may


async def receiving(matrix: Matrix, rule: str, caller: str) -> bool:
    """A live message of all records, which is under the list rule."""
    wanted = await matrix.row(rule)
    return await _hears(matrix, rule, "*", wanted, caller)


async def watching(matrix: Matrix, rule: str, caller: str) -> bool:
    """A live message of one record, which is under the view rule."""
    wanted = await matrix.row(rule)
    return await _hears(matrix, rule, wanted, wanted, caller)


async def _hears(matrix: Matrix, rule: str, topic: str, wanted: str, caller: str) -> bool:
    """Whether a change of a record arrives; a message of a public collection tells when to stop waiting."""
    async with matrix.running.session.get(f"{matrix.running.url}/api/realtime") as stream:
        client = ""
        while not client:
            line = (await stream.content.readline()).decode().strip()
            client = line.removeprefix("id:").strip() if line.startswith("id:") else ""
        subscriptions = [f"{rule}/{topic}", f"{CONTROL}/*"]
        body = {"clientId": client, "subscriptions": subscriptions}
        answer = await matrix.send("POST", "/api/realtime", body, caller)
        assert answer.status == 204, answer.body
        changed = await matrix.send("PATCH", f"/api/collections/{rule}/records/{wanted}", {"title": "changed"})
        assert changed.status == 200, changed.body
        last = await matrix.row(CONTROL, "last")
        seen = ""
        async with asyncio.timeout(20):
            while last not in seen:
                seen += (await stream.content.readline()).decode()
        return wanted in seen


def allowed(answer: Answer, rule: str | None, denial: int) -> bool:
    """Whether it was; a denial has the status of the contract and tells nothing."""
    if answer.status in (200, 204):
        return True
    assert answer.status == (403 if rule is None else denial), answer.body
    assert answer["data"] == {}
    return False


#: Each action, and the kind of rule that decides about it.
ACTIONS: Mapping[str, tuple[str, Action]] = {
    action.__name__: (kind, action)
    for kind, action in (
        ("list", listing),
        ("list", receiving),
        ("view", viewing),
        ("view", watching),
        ("view", expanding),
        ("view", downloading),
        ("create", creating),
        ("update", updating),
        ("update", taking_over),
        ("update", batching),
        ("update", upserting),
        ("delete", deleting),
    )
}
