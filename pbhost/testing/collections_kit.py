"""What every collections service must do: subclass :class:`CollectionsKit` and give it a ``running`` server.

::

    class TestMyCollections(CollectionsKit):
        @pytest.fixture
        async def running(self, tmp_path):
            async with running_app(tmp_path, my_plugin) as running:
                yield running

The server needs the records service too: a schema is good when records can be stored by it.
"""

from __future__ import annotations

import pytest

from pbhost.errors import JSON, ApiError, BadRequestError, NotFoundError, ValidationError
from pbhost.model import Collection, OptionTypeError
from pbhost.testing.running import Running

TITLE: dict[str, JSON] = {"type": "text", "name": "title"}


async def posts(running: Running, **values: object) -> Collection:
    """A saved collection ``posts`` with a title."""
    new = running.app.collections.new(**{"name": "posts", "fields": [TITLE], **values})  # type: ignore[arg-type]
    return await running.app.collections.save(new)


class CollectionsKit:
    """The tests that any provider of ``provide_collections`` must pass."""

    # -- reading -----------------------------------------------------------------------------------------------------

    async def test_a_new_application_has_users_and_superusers(self, running: Running) -> None:
        collections = running.app.collections
        assert collections.get("users").is_auth
        assert collections.get("_superusers").is_superusers
        assert {"base", "auth", "view"} <= set(collections.types)
        assert {"text", "number", "bool", "json", "relation", "select"} <= set(collections.field_types)

    async def test_a_collection_is_found_by_id_and_by_name_in_any_case(self, running: Running) -> None:
        made = await posts(running)
        collections = running.app.collections
        for name in (made.id, "posts", "POSTS"):
            assert collections.get(name).id == made.id
        assert made.id in [collection.id for collection in collections.all()]
        assert collections.find("nowhere") is None
        with pytest.raises(NotFoundError):
            collections.get("nowhere")

    async def test_what_is_stored_is_read_again(self, running: Running) -> None:
        made = await posts(running, list_rule="title != ''", view_rule="")
        await running.app.collections.reload()
        found = running.app.collections.get("posts")
        assert (found.id, found.list_rule, found.view_rule, found.create_rule) == (made.id, "title != ''", "", None)
        assert [field.name for field in found.fields] == [field.name for field in made.fields]

    # -- saving ------------------------------------------------------------------------------------------------------

    async def test_records_can_be_stored_at_once(self, running: Running) -> None:
        await posts(running)
        made = await running.app.records.create("posts", {"title": "hello"})
        assert (await running.app.records.get("posts", made.id))["title"] == "hello"

    async def test_every_change_is_a_new_generation_and_a_new_version(self, running: Running) -> None:
        collections = running.app.collections
        before = collections.generation
        first = await posts(running)
        between = collections.generation
        changed = collections.get("posts").copy()
        changed.list_rule = ""
        second = await collections.save(changed)
        assert before < between < collections.generation
        assert first.version != second.version

    async def test_a_copy_can_be_changed_without_changing_the_schema(self, running: Running) -> None:
        await posts(running)
        work = running.app.collections.get("posts").copy()
        work.name, work.fields[-1].name = "scribbled", "scribbled"
        found = running.app.collections.get("posts")
        assert found.field("title") is not None
        assert running.app.collections.find("scribbled") is None

    async def test_a_renamed_field_keeps_its_values_and_a_deleted_one_loses_them(self, running: Running) -> None:
        await posts(running, fields=[TITLE, {"type": "text", "name": "note"}])
        made = await running.app.records.create("posts", {"title": "kept", "note": "lost"})
        changed = running.app.collections.get("posts").copy()
        title = changed.field("title")
        assert title is not None
        title.name = "heading"
        changed.fields = [field for field in changed.fields if field.name != "note"]
        await running.app.collections.save(changed)
        found = await running.app.records.get("posts", made.id)
        assert found["heading"] == "kept"
        assert "title" not in found
        assert "note" not in found

    async def test_a_renamed_collection_keeps_its_records(self, running: Running) -> None:
        await posts(running)
        made = await running.app.records.create("posts", {"title": "kept"})
        changed = running.app.collections.get("posts").copy()
        changed.name = "articles"
        await running.app.collections.save(changed)
        assert (await running.app.records.get("articles", made.id))["title"] == "kept"
        assert running.app.collections.find("posts") is None

    @pytest.mark.parametrize(
        "values",
        [
            {"name": "no name"},
            {"name": "users"},
            {"name": "other", "list_rule": "no_such_field = 1"},
            {"name": "other", "fields": [TITLE, TITLE | {"id": "second"}]},
            {"name": "other", "fields": [{"type": "select", "name": "kind", "values": []}]},
            {"name": "other", "indexes": ["CREATE INDEX `i` ON `other` (`no_such_column`)"]},
            {"name": "other", "type": "view", "options": {"viewQuery": "DELETE FROM users"}},
        ],
        ids=["name", "taken", "rule", "fields", "options", "index", "query"],
    )
    async def test_what_is_not_acceptable_changes_nothing(self, running: Running, values: dict[str, object]) -> None:
        collections = running.app.collections
        before = [(collection.id, collection.version) for collection in collections.all()]
        with pytest.raises(ValidationError):
            await collections.save(collections.new(**values))  # type: ignore[arg-type]
        assert [(collection.id, collection.version) for collection in collections.all()] == before
        await collections.reload()
        assert [collection.id for collection in collections.all()] == [id_ for id_, _ in before]

    async def test_what_is_no_collection_at_all_is_refused_before(self, running: Running) -> None:
        collections = running.app.collections
        with pytest.raises(TypeError):
            collections.new(no_such_attribute=1)
        with pytest.raises(OptionTypeError):
            collections.new(name="posts", fields=[{"type": "text", "name": "title", "max": "many"}])
        with pytest.raises(OptionTypeError):
            collections.merge(collections.new(name="posts"), {"listRule": 5})

    async def test_a_change_by_json_keeps_what_it_does_not_name(self, running: Running) -> None:
        await posts(running, list_rule="title != ''")
        collections = running.app.collections
        changed = collections.get("posts").copy()
        collections.merge(changed, {"viewRule": "", "name": "articles"})
        saved = await collections.save(changed)
        assert (saved.name, saved.list_rule, saved.view_rule) == ("articles", "title != ''", "")
        assert saved.field("title") is not None

    async def test_the_public_form_shows_no_secret(self, running: Running) -> None:
        users = running.app.collections.get("users")
        shown = running.app.collections.public_json(users)
        assert (shown["id"], shown["name"], shown["type"]) == (users.id, "users", "auth")
        token = users.options["authToken"]
        assert isinstance(token, dict)
        assert str(token["secret"]) not in str(shown)

    # -- deleting ----------------------------------------------------------------------------------------------------

    async def test_a_deleted_collection_is_gone_with_its_records(self, running: Running) -> None:
        made = await posts(running)
        await running.app.records.create("posts", {"title": "x"})
        await running.app.collections.delete(made)
        assert running.app.collections.find(made.id) is None
        await posts(running)
        assert await running.app.records.count("posts") == 0

    async def test_what_is_needed_is_not_deleted(self, running: Running) -> None:
        made = await posts(running)
        relation = {"type": "relation", "name": "post", "collectionId": made.id}
        await running.app.collections.save(running.app.collections.new(name="comments", fields=[relation]))
        for name in ("posts", "_superusers"):
            with pytest.raises(BadRequestError):
                await running.app.collections.delete(running.app.collections.get(name))
            assert running.app.collections.find(name) is not None

    async def test_truncating_deletes_every_record(self, running: Running) -> None:
        made = await posts(running)
        for number in range(3):
            await running.app.records.create("posts", {"title": str(number)})
        await running.app.collections.truncate(made)
        assert await running.app.records.count("posts") == 0

    # -- several at once ---------------------------------------------------------------------------------------------

    async def test_an_import_is_all_or_nothing(self, running: Running) -> None:
        collections = running.app.collections
        fine: dict[str, JSON] = {"name": "posts", "type": "base", "fields": [TITLE]}
        broken: dict[str, JSON] = {"name": "notes", "type": "base", "listRule": "no_such_field = 1"}
        with pytest.raises(ApiError):
            await collections.import_all([fine, broken])
        assert collections.find("posts") is None
        await collections.import_all([fine])
        assert collections.get("posts").field("title") is not None

    async def test_an_import_deletes_what_is_missing_only_when_told(self, running: Running) -> None:
        collections = running.app.collections
        await posts(running)
        users = collections.public_json(collections.get("users"))
        await collections.import_all([users])
        assert collections.find("posts") is not None
        await collections.import_all([users], delete_missing=True)
        assert collections.find("posts") is None
        assert collections.find("_superusers") is not None

    async def test_within_a_transaction_it_is_undone_with_it(self, running: Running) -> None:
        collections = running.app.collections

        async def undone() -> None:
            async with running.app.transaction() as tx:
                saved = await collections.save(collections.new(name="posts", fields=[TITLE]), tx=tx)
                await running.app.records.create(saved, {"title": "x"}, tx=tx)
                raise RuntimeError("changed my mind")

        with pytest.raises(RuntimeError, match="changed my mind"):
            await undone()
        assert collections.find("posts") is None
        await posts(running)
        assert await running.app.records.count("posts") == 0

    # -- links -------------------------------------------------------------------------------------------------------

    async def test_references_are_known(self, running: Running) -> None:
        made = await posts(running)
        relation = {"type": "relation", "name": "post", "collectionId": made.id}
        await running.app.collections.save(running.app.collections.new(name="comments", fields=[relation]))
        found = running.app.collections.references_to(running.app.collections.get("posts"))
        assert [(owner.name, field.name) for owner, field in found] == [("comments", "post")]

    async def test_the_columns_of_a_view_are_traced_to_their_source(self, running: Running) -> None:
        made = await posts(running)
        options = {"viewQuery": "SELECT id, title AS heading, length(title) AS size FROM posts"}
        view = await running.app.collections.save(running.app.collections.new("view", name="headings", options=options))
        assert [field.name for field in view.fields] == ["id", "heading", "size"]
        source = running.app.collections.source_of(view, "heading")
        assert source is not None
        assert (source[0].id, source[1].name) == (made.id, "title")
        assert running.app.collections.source_of(view, "size") is None
        assert running.app.collections.source_of(view, "nowhere") is None
