"""Clients: writers whose every request is noted in the ledger."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

import aiohttp

from .ledger import Action, Key, Ledger, Operation, Step, Values
from .server import EMAIL, PASSWORD

BOXES, THINGS, PICTURES = "crash_boxes", "crash_things", "crash_pictures"

#: What a writer chooses from; those of an existing record.
CHANGES = ("update", "append", "replace", "clear", "delete")
ACTIONS = ("box", "thing", "thing", "file", *CHANGES, "cascade", "batch", "files")

#: What a killed server looks like from outside.
GONE = (aiohttp.ClientError, OSError, TimeoutError)


class Api:
    """A superuser's requests."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str = "") -> None:
        self.session = session
        self.url = url
        self.token = token

    async def sign_in(self) -> None:
        body = {"identity": EMAIL, "password": PASSWORD}
        status, answer = await self.send("POST", "/api/collections/_superusers/auth-with-password", body)
        assert status == 200, answer
        self.token = str(answer["token"])

    async def send(
        self, method: str, path: str, body: object = None, form: aiohttp.FormData | None = None
    ) -> tuple[int, Mapping[str, object]]:
        async with self.session.request(
            method, self.url + path, json=body, data=form, headers={"Authorization": self.token}
        ) as response:
            raw = await response.read()
            if raw and response.content_type == "application/json":
                answer = json.loads(raw)
                return response.status, answer if isinstance(answer, dict) else {"items": answer}
            return response.status, {}

    async def must(self, method: str, path: str, body: object = None) -> Mapping[str, object]:
        status, answer = await self.send(method, path, body)
        assert status < 300, (method, path, status, answer)
        return answer


async def make_collections(api: Api) -> None:
    """The collections that the clients write to."""
    boxes = await api.must(
        "POST",
        "/api/collections",
        {"name": BOXES, "type": "base", "fields": [{"name": "name", "type": "text"}]},
    )
    await api.must(
        "POST",
        "/api/collections",
        {
            "name": THINGS,
            "type": "base",
            "fields": [
                {"name": "title", "type": "text"},
                {"name": "n", "type": "number"},
                {"name": "box", "type": "relation", "collectionId": boxes["id"], "cascadeDelete": True},
                {"name": "docs", "type": "file", "maxSelect": 9, "maxSize": 5_000_000},
            ],
        },
    )
    await api.must(
        "POST",
        "/api/collections",
        {
            "name": PICTURES,
            "type": "base",
            "fields": [{"name": "picture", "type": "file", "maxSelect": 1, "thumbs": ["100x100", "40x0"]}],
        },
    )
    await api.must("PATCH", "/api/settings", {"batch": {"enabled": True, "maxRequests": 50}})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no."""

    operation: str
    status: int
    answer: Mapping[str, object]

    def __str__(self) -> str:
        return f"{self.operation}: {self.status} {self.answer}"


class Writer:
    """One client that writes one thing after another to records of its own.

    Attributes:
        refusals: answers that it did not expect.
    """

    def __init__(self, api: Api, ledger: Ledger, name: str, chance: random.Random) -> None:
        self._api = api
        self._ledger = ledger
        self._name = name
        self._chance = chance
        self._ids = count()
        self.refusals: list[Refusal] = []

    async def run(self) -> None:
        """Writes until the server is gone."""
        while await self.write():
            pass

    async def write(self) -> bool:
        """One write; False if no answer came."""
        kind = self._chance.choice(ACTIONS)
        things = self._mine(THINGS)
        if kind in CHANGES and not things:
            kind = "file"
        if kind == "box":
            id_ = self._new_id()
            values: Values = {"name": f"box {id_}"}
            return await self._json("POST", f"/{BOXES}/records", {"id": id_, **values}, {(BOXES, id_): values})
        if kind in ("thing", "file"):
            return await self._create(self._content() if kind == "file" else None)
        if kind == "cascade":
            return await self._cascade()
        if kind in ("batch", "files"):
            return await self._batch(with_files=kind == "files")
        return await self._change(kind, self._chance.choice(things))

    # -- single records ----------------------------------------------------------------------------------------------

    async def _create(self, content: bytes | None) -> bool:
        id_, values = self._thing()
        if content is None:
            return await self._json("POST", f"/{THINGS}/records", {"id": id_, **values}, {(THINGS, id_): values})
        form = aiohttp.FormData()
        for name in ("title", "n", "box"):
            form.add_field(name, str(values[name]))
        form.add_field("id", id_)
        form.add_field("docs", content, filename="note.txt")
        values["docs"] = [digest(content)]
        return await self._form("POST", f"/{THINGS}/records", form, {(THINGS, id_): values})

    async def _change(self, kind: str, id_: str) -> bool:
        before = self._ledger.certain[THINGS, id_]
        assert before is not None
        path, key = f"/{THINGS}/records/{id_}", (THINGS, id_)
        docs = before["docs"]
        assert isinstance(docs, list)
        if kind == "replace" or (kind == "append" and len(docs) < 8):
            content = self._content()
            form = aiohttp.FormData()
            form.add_field("docs" if kind == "replace" else "docs+", content, filename="more.bin")
            kept = [] if kind == "replace" else docs
            return await self._form("PATCH", path, form, {key: {**before, "docs": [*kept, digest(content)]}})
        # One that changes nothing could not be told from one that was not done.
        if kind == "clear" and docs:
            return await self._json("PATCH", path, {"docs": []}, {key: {**before, "docs": []}})
        if kind == "delete":
            return await self._submit(Operation(f"DELETE {path}", {key: Step("delete", None)}), "DELETE", path)
        number = self._chance.randrange(10**9)
        return await self._json("PATCH", path, {"n": number}, {key: {**before, "n": number}})

    async def _cascade(self) -> bool:
        boxes = self._mine(BOXES)
        if not boxes:
            return await self._create(None)
        box = self._chance.choice(boxes)
        inside = [id_ for id_ in self._mine(THINGS) if (self._ledger.certain[THINGS, id_] or {}).get("box") == box]
        gone: list[Key] = [(BOXES, box), *((THINGS, id_) for id_ in inside)]
        path = f"/{BOXES}/records/{box}"
        steps = {key: Step("delete", None) for key in gone}
        return await self._submit(Operation(f"cascade {box}", steps), "DELETE", path)

    # -- batches -----------------------------------------------------------------------------------------------------

    async def _batch(self, *, with_files: bool) -> bool:
        steps: dict[Key, Step] = {}
        requests: list[object] = []
        form = aiohttp.FormData()
        for index in range(self._chance.randint(2, 12)):
            id_, values = self._thing()
            url = f"/api/collections/{THINGS}/records"
            requests.append({"method": "POST", "url": url, "body": {"id": id_, **values}})
            if with_files and index % 3 == 0:
                content = self._content()
                form.add_field(f"requests.{index}.docs", content, filename="batch.txt")
                values["docs"] = [digest(content)]
            steps[THINGS, id_] = Step("create", values)
        deleted = self._mine(THINGS)[:2]
        for id_ in deleted:
            url = f"/api/collections/{THINGS}/records/{id_}"
            requests.append({"method": "DELETE", "url": url})
            steps[THINGS, id_] = Step("delete", None)
        operation = Operation(f"batch of {len(requests)}", steps)
        if not with_files:
            return await self._submit(operation, "POST", "/api/batch", {"requests": requests})
        form.add_field("@jsonPayload", json.dumps({"requests": requests}))
        return await self._submit(operation, "POST", "/api/batch", form=form)

    # -- sending -----------------------------------------------------------------------------------------------------

    async def _json(self, method: str, path: str, body: object, after: Mapping[Key, Values]) -> bool:
        return await self._submit(self._operation(method, path, after), method, path, body)

    async def _form(self, method: str, path: str, form: aiohttp.FormData, after: Mapping[Key, Values]) -> bool:
        return await self._submit(self._operation(method, path, after), method, path, form=form)

    @staticmethod
    def _operation(method: str, path: str, after: Mapping[Key, Values]) -> Operation:
        action: Action = "create" if method == "POST" else "update"
        return Operation(f"{method} {path}", {key: Step(action, values) for key, values in after.items()})

    async def _submit(
        self,
        operation: Operation,
        method: str,
        path: str,
        body: object = None,
        form: aiohttp.FormData | None = None,
    ) -> bool:
        path = path if path.startswith("/api/") else f"/api/collections{path}"
        try:
            status, answer = await self._api.send(method, path, body, form)
        except GONE:
            self._ledger.doubt(operation)
            return False
        if status < 300:
            self._ledger.acknowledge(operation)
        else:
            # Refused: what was refused must not be there either, and the ledger does not have it.
            self.refusals.append(Refusal(operation.name, status, answer))
        return True

    def _mine(self, collection: str) -> list[str]:
        return [id_ for id_ in self._ledger.live(collection) if id_.startswith(self._name)]

    def _new_id(self) -> str:
        return f"{self._name}{next(self._ids):0{15 - len(self._name)}d}"

    def _thing(self) -> tuple[str, Values]:
        boxes = self._mine(BOXES)
        id_ = self._new_id()
        box = self._chance.choice(boxes) if boxes else ""
        return id_, {"title": f"thing {id_}", "n": self._chance.randrange(10**9), "box": box, "docs": []}

    def _content(self) -> bytes:
        size = self._chance.choice((40, 3_000, 60_000, 400_000))
        return self._name.encode() + self._chance.randbytes(size)


def digest(content: bytes) -> str:
    """What stands for a file's content in the ledger."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
