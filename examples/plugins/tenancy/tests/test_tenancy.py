"""Two tenants on one server: whatever a client tries, it stays within its own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from pbhost_tenancy import TenancyPlugin

from pbhost import BadRequestError, NotFoundError, RequestContext
from pbhost.errors import JSON
from pbhost.testing import Answer, Client, RealtimeReader, Running, running_app

#: One server for all tests; each has two fresh tenants on it.
pytestmark = pytest.mark.asyncio(loop_scope="module")

OPTIONS: Mapping[str, JSON] = {"collections": ["projects", "tasks", "open_tasks"]}
PROJECTS: dict[str, JSON] = {
    "name": "projects",
    "fields": [{"name": "title", "type": "text"}, {"name": "plan", "type": "file"}],
    **dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), ""),
}
TASKS: dict[str, JSON] = {
    "name": "tasks",
    "fields": [{"name": "text", "type": "text"}],
    **dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "text != '' || 1 = 1"),
}


VIEW: dict[str, JSON] = {
    "name": "open_tasks",
    "type": "view",
    "viewQuery": "SELECT id, text, tenant FROM tasks",
    "listRule": "",
    "viewRule": "",
}


@dataclass(slots=True)
class Tenant:
    """One tenant with a signed-in member, a project with a file, and a task of it."""

    id: str
    member: Client
    project: str
    task: str
    plan: str


@dataclass(slots=True)
class World:
    """The server with both tenants, a guest and a superuser."""

    running: Running
    ours: Tenant
    theirs: Tenant
    guest: Client
    superuser: Client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    directory = tmp_path_factory.mktemp("tenancy")
    async with running_app(directory, TenancyPlugin(), options={"tenancy": OPTIONS}) as running:
        superuser = Client(running, await running.superuser())
        await superuser.patch("/api/settings", {"batch": {"enabled": True}})
        projects = await superuser.post("/api/collections", PROJECTS)
        assert projects.status == 200, projects.body
        relation = {"name": "project", "type": "relation", "collectionId": projects["id"], "maxSelect": 1}
        fields = TASKS["fields"]
        assert isinstance(fields, list)
        for body in ({**TASKS, "fields": [*fields, relation]}, VIEW):
            made = await superuser.post("/api/collections", body)
            assert made.status == 200, made.body
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def world(server: Running) -> World:
    superuser = Client(server, await server.superuser())
    return World(
        server,
        await a_tenant(server, superuser, "ours"),
        await a_tenant(server, superuser, "theirs"),
        Client(server),
        superuser,
    )


async def a_tenant(running: Running, superuser: Client, name: str) -> Tenant:
    tenant = await superuser.post("/api/collections/tenants/records", {"name": name})
    email = f"{uuid.uuid4().hex}@example.com"
    body = {"email": email, "password": "password-of-user", "passwordConfirm": "password-of-user"}
    made = await superuser.post("/api/collections/users/records", {**body, "tenant": tenant["id"]})
    assert made.status == 200, made.body
    record, token = await running.user(email)
    member = Client(running, token, record)
    form = aiohttp.FormData()
    form.add_field("title", name)
    form.add_field("plan", name.encode(), filename="plan.txt")
    project = await member.post("/api/collections/projects/records", data=form)
    assert project.status == 200, project.body
    task = await member.post("/api/collections/tasks/records", {"text": name, "project": project["id"]})
    assert task.status == 200, task.body
    return Tenant(str(tenant["id"]), member, str(project["id"]), str(task["id"]), str(project["plan"]))


def path(collection: str, id: str = "") -> str:
    return f"/api/collections/{collection}/records" + (f"/{id}" if id else "")


def ids(answer: Answer) -> set[JSON]:
    assert answer.status == 200, answer.body
    items = answer["items"]
    assert isinstance(items, list)
    return {item["id"] for item in items if isinstance(item, dict)}


# -- the matrix: every way to a record × every caller ------------------------------------------------------------------

Attempt = Callable[[World, Client], Awaitable[bool]]


async def by_list(world: World, caller: Client) -> bool:
    answer = await caller.get(path("tasks") + "?perPage=500")
    return answer.status == 200 and world.ours.task in ids(answer)


async def by_filter(world: World, caller: Client) -> bool:
    answer = await caller.get(path("projects") + f"?filter=(id='{world.ours.project}')")
    return answer.status == 200 and world.ours.project in ids(answer)


async def by_count(world: World, caller: Client) -> bool:
    answer = await caller.get(path("projects") + f"?perPage=1&filter=(id='{world.ours.project}')")
    return answer["totalItems"] == 1


async def by_back_relation(world: World, caller: Client) -> bool:
    answer = await caller.get(path("projects") + f"?filter=(tasks_via_project.id?='{world.ours.task}')")
    return answer.status == 200 and world.ours.project in ids(answer)


async def by_view(world: World, caller: Client) -> bool:
    return (await caller.get(path("tasks", world.ours.task))).status == 200


async def by_update(world: World, caller: Client) -> bool:
    return (await caller.patch(path("tasks", world.ours.task), {"text": "taken"})).status == 200


async def by_delete(world: World, caller: Client) -> bool:
    return (await caller.delete(path("tasks", world.ours.task))).status == 204


async def by_batch(world: World, caller: Client) -> bool:
    item = {"method": "PATCH", "url": path("tasks", world.ours.task), "body": {"text": "taken"}}
    return (await caller.post("/api/batch", {"requests": [item]})).status == 200


async def by_upsert(world: World, caller: Client) -> bool:
    item = {"method": "PUT", "url": path("tasks"), "body": {"id": world.ours.task, "text": "taken"}}
    return (await caller.post("/api/batch", {"requests": [item]})).status == 200


async def by_file(world: World, caller: Client) -> bool:
    token = (await caller.post("/api/files/token")).body
    token = token["token"] if isinstance(token, dict) and "token" in token else ""
    file = await caller.get(f"/api/files/projects/{world.ours.project}/{world.ours.plan}?token={token}")
    return file.status == 200


async def by_member_list(world: World, caller: Client) -> bool:
    answer = await caller.get(path("users") + "?perPage=500")
    member = world.ours.member.record
    return answer.status == 200 and member is not None and member.id in ids(answer)


async def by_view_collection(world: World, caller: Client) -> bool:
    answer = await caller.get(path("open_tasks") + "?perPage=500")
    return answer.status == 200 and world.ours.task in ids(answer)


READS: tuple[Attempt, ...] = (
    by_list, by_filter, by_count, by_back_relation, by_view, by_file, by_member_list, by_view_collection
)  # fmt: skip
#: The last one takes away what the others reach.
ATTEMPTS: tuple[Attempt, ...] = (*READS, by_update, by_upsert, by_batch, by_delete)


async def test_only_the_own_tenant_and_superusers_reach_a_record(world: World) -> None:
    others = {"a guest": world.guest, "another tenant": world.theirs.member}
    reached = [(who, attempt.__name__) for who in others for attempt in ATTEMPTS if await attempt(world, others[who])]
    assert reached == []
    assert (await world.superuser.get(path("tasks", world.ours.task)))["text"] == "ours"
    assert [attempt.__name__ for attempt in READS if not await attempt(world, world.superuser)] == []
    assert [attempt.__name__ for attempt in ATTEMPTS if not await attempt(world, world.ours.member)] == []


# -- what is written ---------------------------------------------------------------------------------------------------


async def stored_tenant(world: World, collection: str, id: JSON) -> JSON:
    return (await world.superuser.get(path(collection, str(id))))["tenant"]


async def test_a_record_is_of_the_tenant_of_whoever_made_it(world: World) -> None:
    made = await world.ours.member.post(path("projects"), {"title": "x"})
    assert made.status == 200
    assert "tenant" not in (made.body if isinstance(made.body, dict) else {})
    assert await stored_tenant(world, "projects", made["id"]) == world.ours.id


@pytest.mark.parametrize("key", ["tenant", "tenant+", "+tenant"])
async def test_a_client_cannot_name_another_tenant(world: World, key: str) -> None:
    refused = await world.ours.member.post(path("projects"), {"title": "x", key: world.theirs.id})
    assert refused.status == 400
    assert refused["data"] == {
        "tenant": {"code": "tenancy_other_tenant", "message": "A record always belongs to your own tenant."}
    }
    moved = await world.ours.member.patch(path("projects", world.ours.project), {key: world.theirs.id})
    assert moved.status == 400
    assert await stored_tenant(world, "projects", world.ours.project) == world.ours.id
    same = await world.ours.member.patch(path("projects", world.ours.project), {"tenant": world.ours.id})
    assert same.status == 200


async def test_a_member_cannot_change_sides(world: World) -> None:
    assert world.ours.member.record is not None
    me = path("users", world.ours.member.record.id)
    assert (await world.ours.member.patch(me, {"tenant": world.theirs.id})).status == 400
    assert (await world.ours.member.patch(me, {"name": "Ann"})).status == 200
    assert await stored_tenant(world, "users", world.ours.member.record.id) == world.ours.id


async def test_nobody_signs_up_into_a_tenant(world: World) -> None:
    body = {
        "email": f"{uuid.uuid4().hex}@example.com",
        "password": "password-of-user",
        "passwordConfirm": "password-of-user",
    }
    assert (await world.guest.post(path("users"), {**body, "tenant": world.ours.id})).status == 400
    invited = await world.ours.member.post(path("users"), body)
    assert invited.status == 200, invited.body
    assert await stored_tenant(world, "users", invited["id"]) == world.ours.id


async def test_a_superuser_says_which_tenant_a_record_is_of(world: World) -> None:
    assert (await world.superuser.post(path("projects"), {"title": "x"})).status == 400
    made = await world.superuser.post(path("projects"), {"title": "x", "tenant": world.ours.id})
    assert made.status == 200
    assert (await world.ours.member.get(path("projects", str(made["id"])))).status == 200


async def test_a_relation_into_another_tenant_looks_like_one_to_nothing(world: World) -> None:
    answers = []
    for project in (world.theirs.project, "nothing00000000"):
        made = await world.ours.member.post(path("tasks"), {"text": "x", "project": project})
        changed = await world.ours.member.patch(path("tasks", world.ours.task), {"project": project})
        answers.append((made.body, changed.body))
    assert answers[0] == answers[1]
    assert answers[0][0]["status"] == 400  # type: ignore[index,call-overload]  # JSON of an error answer
    tenant = {"text": "x", "tenant": world.ours.id, "project": world.theirs.project}
    assert (await world.superuser.post(path("tasks"), tenant)).status == 400, "nor may a superuser mix them up"


# -- expand and live updates -------------------------------------------------------------------------------------------


async def test_expand_shows_nothing_of_another_tenant(world: World) -> None:
    # Written around the hooks, as rows from before the plugin was installed may be.
    await world.running.app.db.write(
        lambda tx: tx.execute("UPDATE tasks SET project = ? WHERE id = ?", (world.theirs.project, world.ours.task))
    )
    answer = await world.ours.member.get(path("tasks", world.ours.task) + "?expand=project")
    assert answer.status == 200
    assert "expand" not in (answer.body if isinstance(answer.body, dict) else {}) or answer["expand"] == {}
    theirs = await world.theirs.member.get(path("projects", world.theirs.project) + "?expand=tasks_via_project")
    expand = theirs["expand"]
    assert isinstance(expand, dict)
    shown = expand["tasks_via_project"]
    assert isinstance(shown, list)
    assert [item["id"] for item in shown if isinstance(item, dict)] == [world.theirs.task]


async def test_live_updates_stay_within_the_tenant(world: World) -> None:
    ours, theirs = world.ours, world.theirs
    topics = ("tasks/*", f"tasks/{ours.task}")
    async with (
        RealtimeReader.opened(ours.member, topics) as own,
        RealtimeReader.opened(theirs.member, topics) as other,
        RealtimeReader.opened(world.guest, topics) as guest,
        RealtimeReader.opened(world.superuser, ("tasks/*",)) as all_seeing,
    ):
        made = await ours.member.post(path("tasks"), {"text": "made", "project": ours.project})
        await ours.member.patch(path("tasks", ours.task), {"text": "changed"})
        await ours.member.delete(path("tasks", ours.task))
        await theirs.member.patch(path("tasks", theirs.task), {"text": "theirs"})
        # What comes first to the other tenant is its own change: nothing of the three before.
        message = await other.next()
        assert (message["action"], message["record"]["id"]) == ("update", theirs.task)  # type: ignore[index,call-overload]
        seen = [(await own.next())["action"] for _ in range(5)]
        assert sorted(map(str, seen)) == ["create", "delete", "delete", "update", "update"]
        assert [(await all_seeing.next())["action"] for _ in range(4)] == ["create", "update", "delete", "update"]
        with pytest.raises(asyncio.TimeoutError):
            await guest.next(seconds=0.1)
        assert made.status == 200


# -- the schema --------------------------------------------------------------------------------------------------------


async def test_the_guard_is_there_whatever_an_administrator_saves(world: World) -> None:
    guard = '@request.auth.tenant != "" && tenant = @request.auth.tenant'
    for rule, stored in (
        ("", guard),
        (None, None),
        ("title != '' || 1 = 1", f"{guard} && (title != '' || 1 = 1\n)"),
        (f"{guard} && (title != '')", f"{guard} && (title != '')"),
        (f"{guard} && (title != '') || (1 = 1)", f"{guard} && ({guard} && (title != '') || (1 = 1)\n)"),
        (f"{guard} && (title = ')' || 1 = 1)", f"{guard} && (title = ')' || 1 = 1)"),
    ):
        saved = await world.superuser.patch("/api/collections/projects", {"listRule": rule})
        assert (saved.status, saved["listRule"]) == (200, stored)
    # Leaving the field out does not lose it, nor what stands in it.
    fields = saved["fields"]
    assert isinstance(fields, list)
    without = [field for field in fields if isinstance(field, dict) and field["name"] != "tenant"]
    saved = await world.superuser.patch("/api/collections/projects", {"fields": without, "listRule": ""})
    assert (saved.status, len(without)) == (200, len(fields) - 1)
    assert await stored_tenant(world, "projects", world.ours.project) == world.ours.id


async def test_a_tenanted_collection_does_not_slip_away_under_another_name(world: World) -> None:
    refused = await world.superuser.patch("/api/collections/projects", {"name": "works"})
    assert refused.status == 400
    data = refused["data"]
    assert isinstance(data, dict)
    assert list(data) == ["name"]


async def test_code_that_writes_for_a_caller_is_held_to_the_same(world: World) -> None:
    records = world.running.app.records
    caller = RequestContext(method="POST", auth=world.ours.member.record)
    made = await records.create("projects", {"title": "x"}, as_=caller)
    assert made["tenant"] == world.ours.id
    with pytest.raises(BadRequestError):
        await records.create("projects", {"title": "x", "tenant": world.theirs.id}, as_=caller)
    with pytest.raises(NotFoundError):
        await records.update("projects", world.theirs.project, {"title": "taken"}, as_=caller)


async def test_a_view_without_the_tenant_is_refused(world: World) -> None:
    query = {"viewQuery": "SELECT id, text FROM tasks"}
    refused = await world.superuser.patch("/api/collections/open_tasks", query)
    assert refused.status == 400
    data = refused["data"]
    assert isinstance(data, dict)
    assert list(data) == ["viewQuery"]


async def test_collections_that_were_there_before_are_tenanted_at_the_start(tmp_path: Path) -> None:
    async with running_app(tmp_path) as running:
        superuser = Client(running, await running.superuser())
        await superuser.post("/api/collections", PROJECTS)
        old = await superuser.post(path("projects"), {"title": "old"})
    async with running_app(tmp_path, TenancyPlugin(), options={"tenancy": OPTIONS}) as running:
        superuser = Client(running, await running.superuser())
        tenant = await superuser.post(path("tenants"), {"name": "ours"})
        await superuser.patch(path("projects", str(old["id"])), {"tenant": tenant["id"]})
        assert (await Client(running).get(path("projects", str(old["id"])))).status == 404
        collection = running.app.collections.get("projects")
    async with running_app(tmp_path, TenancyPlugin(), options={"tenancy": OPTIONS}) as running:
        assert running.app.collections.get("projects").list_rule == collection.list_rule
        assert running.app.collections.get("projects").updated == collection.updated, "nothing is saved again"
