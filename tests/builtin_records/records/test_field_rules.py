"""``fieldRules``: who may read and write single fields of a collection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pbhost.errors import JSON
from pbhost.testing import running_app
from tests.builtin_records.records.conftest import Blog

OWN = "owner = @request.auth.id"
RULES: dict[str, JSON] = {
    "salary": {"read": OWN, "write": None},
    "notes": {"read": None},
    "grade": {"write": 'status = "open" && @request.body.status:isset = false'},
    "chief": {"read": OWN},
    "role": {"write": None},
    "level": {"write": 'role = "admin" || @request.body.role = "admin"'},
}


@dataclass
class Staff:
    blog: Blog
    ann: str
    bob: str
    ann_id: str
    rows: list[str]

    async def rows_for(self, token: str, query: str = "") -> list[dict[str, Any]]:
        answer = await self.blog.get(f"staff/records?{query}", token)
        assert answer.status == 200, answer.body
        return answer["items"]  # type: ignore[return-value]  # a list of objects

    async def names(self, token: str, filter: str) -> list[str]:
        return sorted(row["name"] for row in await self.rows_for(token, f"filter={quote(filter)}"))


@pytest.fixture
async def staff(tmp_path: Path) -> AsyncIterator[Staff]:
    async with running_app(tmp_path) as running:
        blog = Blog(running, await running.superuser())
        (ann, ann_token), (bob, bob_token) = (
            await running.user("ann@example.com"),
            await running.user("bob@example.com"),
        )
        users = running.app.collections.get("users").id
        text = [{"type": "text", "name": name} for name in ("name", "notes", "status", "role")]
        numbers = [{"type": "number", "name": name} for name in ("salary", "grade", "level")]
        owner = {"type": "relation", "name": "owner", "collectionId": users, "maxSelect": 1}
        id_ = await blog.define("staff", [*text, *numbers, owner])
        fields: Any = (await running.request("GET", "/api/collections/staff", token=blog.root))["fields"]
        chief = {"type": "relation", "name": "chief", "collectionId": id_, "maxSelect": 1}
        await blog.change("staff", fields=[*fields, chief], fieldRules=RULES)
        a = await blog.make("staff", name="a", salary=10, notes="n1", status="open", owner=ann.id)
        b = await blog.make("staff", name="b", salary=20, notes="n2", status="closed", owner=bob.id, chief=a)
        c = await blog.make("staff", name="c", salary=30, status="open", owner=ann.id, chief=a)
        yield Staff(blog, ann_token, bob_token, ann.id, [a, b, c])


async def test_each_caller_reads_what_the_rules_let_them(staff: Staff) -> None:
    def shown(rows: list[dict[str, Any]], name: str) -> list[Any]:
        return [row.get(name, "-") for row in sorted(rows, key=lambda row: str(row["name"]))]

    assert shown(await staff.rows_for(staff.ann), "salary") == [10, "-", 30]
    assert shown(await staff.rows_for(staff.bob), "salary") == ["-", 20, "-"]
    assert shown(await staff.rows_for(""), "salary") == ["-", "-", "-"]
    assert shown(await staff.rows_for(staff.blog.root), "salary") == [10, 20, 30]
    assert shown(await staff.rows_for(staff.ann), "notes") == ["-", "-", "-"]
    assert shown(await staff.rows_for(staff.blog.root), "notes") == ["n1", "n2", ""]
    view = await staff.blog.get(f"staff/records/{staff.rows[0]}", staff.ann)
    assert view["salary"] == 10
    view = await staff.blog.get(f"staff/records/{staff.rows[1]}", staff.ann)
    assert "salary" not in view.body  # type: ignore[operator]  # an object


async def test_filters_and_sorts_tell_nothing_that_cannot_be_read(staff: Staff) -> None:
    assert await staff.names(staff.ann, "salary > 0") == ["a", "c"]
    assert await staff.names(staff.ann, "salary != 10") == ["c"]
    assert await staff.names(staff.ann, "salary = 20 || name = 'c'") == ["c"]
    assert await staff.names(staff.bob, "salary > 0") == ["b"]
    assert await staff.names("", "salary > 0") == []
    assert await staff.names("", "salary != 0") == []
    assert await staff.names(staff.blog.root, "salary > 10") == ["b", "c"]
    assert await staff.names(staff.ann, "chief.name = 'a'") == ["c"]
    for query in (
        "filter=notes='n1'",
        "filter=chief.salary>0",
        "filter=staff_via_chief.name='c'",
        "sort=salary",
        "sort=-chief.name",
        "sort=notes",
    ):
        for caller in (staff.ann, ""):
            assert (await staff.blog.get(f"staff/records?{query}", caller)).status == 400, query
        assert (await staff.blog.get(f"staff/records?{query}", staff.blog.root)).status == 200, query


async def test_expand_follows_only_what_can_be_read(staff: Staff) -> None:
    rows = {row["name"]: row for row in await staff.rows_for(staff.ann, "expand=chief,staff_via_chief")}
    assert rows["c"]["expand"]["chief"]["salary"] == 10
    assert "chief" not in rows["b"].get("expand", {})
    assert [row["name"] for row in rows["a"]["expand"]["staff_via_chief"]] == ["c"]
    guest = {row["name"]: row for row in await staff.rows_for("", "expand=chief,staff_via_chief")}
    assert not any(row.get("expand") for row in guest.values())


async def test_what_may_not_be_written_is_as_if_not_sent(staff: Staff) -> None:
    a, b, _ = staff.rows
    records = staff.blog.app.records

    async def patched(id_: str, **body: Any) -> Any:
        answer = await staff.blog.patch("staff", id_, body, staff.ann)
        assert answer.status == 200, answer.body
        return await records.get("staff", id_)

    assert (await patched(a, salary=99, name="A"))["salary"] == 10
    assert (await patched(a, **{"salary+": 5}))["salary"] == 10
    assert (await patched(a, grade=5))["grade"] == 5
    assert (await patched(b, grade=5))["grade"] == 0
    assert (await patched(a, grade=6, status="open"))["grade"] == 5
    # What is refused for one field helps no other one.
    changed = await patched(a, role="admin", level=3)
    assert (changed["role"], changed["level"]) == ("", 0)
    created = await staff.blog.post("staff", {"name": "x", "role": "admin", "level": 3, "salary": 5, "grade": 1})
    record = await records.get("staff", str(created["id"]))
    assert [record[name] for name in ("name", "role", "level", "salary", "grade")] == ["x", "", 0, 0, 0]
    answer = await staff.blog.patch("staff", a, {"salary": 77, "role": "admin", "level": 4}, staff.blog.root)
    assert (answer["salary"], answer["role"], answer["level"]) == (77, "admin", 4)
    assert (await patched(a, level=5))["level"] == 5
    assert (await records.update("staff", a, {"salary": 1}))["salary"] == 1


async def test_the_update_rule_sees_the_body_without_what_was_dropped(staff: Staff) -> None:
    await staff.blog.change("staff", updateRule="@request.body.role:isset = false")
    assert (await staff.blog.patch("staff", staff.rows[0], {"role": "x"}, staff.ann)).status == 200
    await staff.blog.change("staff", createRule='role = ""')
    assert (await staff.blog.post("staff", {"role": "x"}, staff.ann)).status == 200


async def test_a_rule_never_shows_what_is_hidden_otherwise(staff: Staff) -> None:
    users = staff.blog.app.collections.get("users")
    fields: Any = (await staff.blog.running.request("GET", "/api/collections/users", token=staff.blog.root))["fields"]
    fields.append({"type": "text", "name": "secret", "hidden": True})
    rules = {"secret": {"read": ""}, "email": {"read": ""}, "verified": {"read": "id = @request.auth.id"}}
    await staff.blog.change("users", fields=fields, fieldRules=rules, listRule="", viewRule="")
    rows: Any = (await staff.blog.get("users/records", staff.bob))["items"]
    ann = next(row for row in rows if row["id"] == staff.ann_id)
    assert not {"secret", "email", "verified", "password", "tokenKey"} & ann.keys()
    refreshed = await staff.blog.running.request("POST", "/api/collections/users/auth-refresh", token=staff.ann)
    record: Any = refreshed["record"]
    assert record["verified"] is False
    assert users.id == record["collectionId"]
    await staff.blog.change("users", fieldRules={"verified": {"read": None}})
    refreshed = await staff.blog.running.request("POST", "/api/collections/users/auth-refresh", token=staff.ann)
    assert "verified" not in refreshed["record"]  # type: ignore[operator]  # an object


async def test_live_messages_follow_the_rules(staff: Staff) -> None:
    seen: dict[str, list[dict[str, Any]]] = {"ann": [], "bob": []}

    async def listen(name: str, token: str, ready: asyncio.Event) -> None:
        running = staff.blog.running
        async with running.session.get(running.url + "/api/realtime") as stream:
            event = ""
            async for raw in stream.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    import orjson

                    data = orjson.loads(line[5:])
                    if event == "PB_CONNECT":
                        body = {"clientId": data["clientId"], "subscriptions": ["staff/*"]}
                        answer = await running.request("POST", "/api/realtime", body, token=token)
                        assert answer.status == 204
                        ready.set()
                    else:
                        seen[name].append(data)
                        if len(seen[name]) == 2:
                            return

    ready = [asyncio.Event(), asyncio.Event()]
    tasks = [
        asyncio.create_task(listen("ann", staff.ann, ready[0])),
        asyncio.create_task(listen("bob", staff.bob, ready[1])),
    ]
    for event in ready:
        await asyncio.wait_for(event.wait(), 10)
    await staff.blog.patch("staff", staff.rows[2], {"name": "cc"}, staff.blog.root)
    await staff.blog.delete("staff", staff.rows[2], staff.blog.root)
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert [message["record"].get("salary", "-") for message in seen["ann"]] == [30, 30]
    assert [message["record"].get("salary", "-") for message in seen["bob"]] == ["-", "-"]


@pytest.mark.parametrize(
    ("rules", "place", "code"),
    [
        ({"salary": {"read": "nothing = 1"}}, ("salary", "read"), "validation_invalid_rule"),
        ({"salary": {"write": "("}}, ("salary", "write"), "validation_invalid_rule"),
        ({"missing": {"read": ""}}, ("missing",), "validation_unknown_field"),
        ({"id": {"read": None}}, ("id", "read"), "validation_id_is_public"),
    ],
)
async def test_rules_that_cannot_be_used_are_refused(
    staff: Staff, rules: JSON, place: tuple[str, ...], code: str
) -> None:
    running = staff.blog.running
    answer = await running.request("PATCH", "/api/collections/staff", {"fieldRules": rules}, token=staff.blog.root)
    assert answer.status == 400
    found: Any = answer["data"]
    for key in ("fieldRules", *place):
        found = found[key]
    assert found["code"] == code


@pytest.mark.parametrize("rules", [[], "x", {"salary": 1}, {"salary": {"read": 1}}, {"salary": {"other": ""}}])
async def test_rules_of_a_wrong_form_are_refused(staff: Staff, rules: JSON) -> None:
    running = staff.blog.running
    answer = await running.request("PATCH", "/api/collections/staff", {"fieldRules": rules}, token=staff.blog.root)
    assert answer.status == 400


async def test_rules_follow_their_fields_and_are_absent_when_there_are_none(staff: Staff) -> None:
    running, root = staff.blog.running, staff.blog.root
    plain: Any = (await running.request("GET", "/api/collections/users", token=root)).body
    assert "fieldRules" not in plain
    body: Any = (await running.request("GET", "/api/collections/staff", token=root)).body
    assert body["fieldRules"] == RULES
    for field in body["fields"]:
        field["name"] = {"salary": "pay"}.get(field["name"], field["name"])
    fields = [field for field in body["fields"] if field["name"] != "notes"]
    await staff.blog.change("staff", fields=fields)
    body = (await running.request("GET", "/api/collections/staff", token=root)).body
    assert body["fieldRules"] == {
        "pay" if name == "salary" else name: rule for name, rule in RULES.items() if name != "notes"
    }
    await running.app.collections.reload()
    assert running.app.collections.get("staff").read_rules == {"pay": OWN, "chief": OWN}
    await staff.blog.change("staff", fieldRules=None)
    assert "fieldRules" not in (await running.request("GET", "/api/collections/staff", token=root)).body  # type: ignore[operator]  # an object
