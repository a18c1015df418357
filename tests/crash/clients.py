"""Clients: writers whose every request is noted in the ledger, and the upkeep that goes on beside them."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
from collections.abc import Mapping
from itertools import count

import aiohttp

from .ledger import Key, Ledger, Operation, Step, Values
from .server import EMAIL, PASSWORD

BOXES, THINGS, PICTURES = "crash_boxes", "crash_things", "crash_pictures"

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
        self.refusals: list[str] = []

    async def run(self) -> None:
        """Writes until the server is gone."""
        while await self.write():
            pass

    async def write(self) -> bool:
        """One write; False if no answer came."""
        kinds = ["box", "thing", "thing", "file", "update", "append", "clear", "delete", "cascade", "batch", "files"]
        kind = self._chance.choice(kinds)
        things = self._mine(THINGS)
        if kind in ("update", "append", "clear", "delete") and not things:
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
        if kind == "append" and len(docs) < 8:
            content = self._content()
            form = aiohttp.FormData()
            form.add_field("docs+", content, filename="more.bin")
            return await self._form("PATCH", path, form, {key: {**before, "docs": [*docs, digest(content)]}})
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
        action = "create" if method == "POST" else "update"
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
            self.refusals.append(f"{operation.name}: {status} {answer}")
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


# -- beside the writers ----------------------------------------------------------------------------------------------


async def make_backups(api: Api, made: list[str], chance: random.Random) -> None:
    """Backups one after the other until the server is gone; the acknowledged ones are noted."""
    while True:
        name = f"b{chance.randrange(10**12)}.zip"
        try:
            status, _ = await api.send("POST", "/api/backups", {"name": name})
        except GONE:
            return
        if status == 204:
            made.append(name)
        await asyncio.sleep(0)


class SchemaChanges:
    """Collections that are made, changed and deleted until the server is gone.

    Attributes:
        certain: the acknowledged field names of each collection; None for a deleted one.
        doubtful: the collection of the request that got no answer, and what it would have made of it.
    """

    def __init__(self) -> None:
        self.certain: dict[str, set[str] | None] = {}
        self.doubtful: tuple[str, set[str] | None] | None = None
        self.acknowledged = 0
        self.refusals: list[str] = []

    async def run(self, api: Api, chance: random.Random) -> None:
        ids: dict[str, str] = {}
        while True:
            alive = [name for name, fields in self.certain.items() if fields is not None and name in ids]
            name = chance.choice(alive) if alive and chance.random() < 0.7 else f"crash_s{chance.randrange(10**9)}"
            fields = {"id", *(f"f{chance.randrange(40)}" for _ in range(6))}
            definitions = [{"name": field, "type": "text"} for field in sorted(fields - {"id"})]
            indexes = [f"CREATE INDEX `i_{name}` ON `{name}` (`{definitions[0]['name']}`)"]
            after: set[str] | None = fields
            try:
                if name not in alive:
                    body = {"name": name, "type": "base", "fields": definitions, "indexes": indexes}
                    status, answer = await api.send("POST", "/api/collections", body)
                    ids[name] = str(answer.get("id"))
                elif chance.random() < 0.3:
                    after = None
                    status, answer = await api.send("DELETE", f"/api/collections/{name}")
                else:
                    body = {"fields": definitions, "indexes": indexes}
                    status, answer = await api.send("PATCH", f"/api/collections/{name}", body)
            except GONE:
                self.doubtful = (name, after)
                return
            if status < 300:
                self.acknowledged += 1
                self.certain[name] = after
            else:
                self.refusals.append(f"schema {name}: {status} {answer}")

    def settle(self, stored: Mapping[str, set[str]]) -> list[str]:
        """Compares with the stored collections, as :meth:`Ledger.settle` does with records."""
        if self.doubtful is not None:
            name, after = self.doubtful
            if stored.get(name) == after:
                self.certain[name] = after
            self.doubtful = None
        return [
            f"lost: collection {name} should have {fields}, has {stored.get(name)}"
            for name, fields in self.certain.items()
            if stored.get(name) != fields
        ]


async def fill_logs(api: Api, chance: random.Random) -> None:
    """Many log entries, and settings that make the server throw old ones away."""
    while True:
        try:
            for _ in range(150):
                await api.send("GET", f"/api/collections/nowhere{chance.randrange(99)}/records")
            await api.send("PATCH", "/api/settings", {"logs": {"maxDays": chance.choice((0, 1, 5))}})
        except GONE:
            return


async def make_thumbs(api: Api, chance: random.Random) -> None:
    """Pictures and their thumbnails."""
    while True:
        form = aiohttp.FormData()
        form.add_field("picture", picture(chance), filename="picture.png")
        try:
            status, record = await api.send("POST", f"/api/collections/{PICTURES}/records", form=form)
            if status == 200:
                base = f"/api/files/{record['collectionId']}/{record['id']}/{record['picture']}"
                await asyncio.gather(*(api.send("GET", f"{base}?thumb={size}") for size in ("100x100", "40x0")))
        except GONE:
            return


def picture(chance: random.Random) -> bytes:
    """A picture that nobody else has."""
    from PIL import Image

    image = Image.frombytes("RGB", (240, 180), chance.randbytes(240 * 180 * 3))
    target = io.BytesIO()
    image.save(target, "PNG", compress_level=0)
    return target.getvalue()
