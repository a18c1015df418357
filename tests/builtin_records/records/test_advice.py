"""Which indexes are missing, told from the schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from builtin_records.advice import index_advice

from pbhost.testing import running_app
from tests.builtin_records.records.conftest import Blog


async def test_missing_indexes_are_named_and_help(tmp_path: Path) -> None:
    async with running_app(tmp_path) as running:
        blog = Blog(running, await running.superuser())
        teams = await blog.define("teams", [{"type": "text", "name": "code"}])
        relation = {"type": "relation", "name": "team", "collectionId": teams, "maxSelect": 1}
        await blog.define(
            "tasks",
            [{"type": "text", "name": "state"}, {"type": "text", "name": "title"}, relation],
            listRule='state = "open" && title ~ "a"',
            viewRule='@collection.teams.code ?= "x" || state = "y"',
        )
        advice = await index_advice(running.app, sorts=[("tasks", "-title,state"), ("tasks", "team.code"), ("no", "a")])
        found = {(item.collection, item.columns): item for item in advice if not item.collection.startswith("_")}
        assert set(found) == {
            ("tasks", ("state",)),
            ("tasks", ("team",)),
            ("tasks", ("title", "state")),
            ("teams", ("code",)),
        }
        indexes: Any = [item.statement for key, item in found.items() if key[0] == "tasks"]
        await blog.change("tasks", indexes=indexes)
        rest = await index_advice(running.app, sorts=[("tasks", "-title,state")])
        assert {item.collection for item in rest if not item.collection.startswith("_")} == {"teams"}
        assert all(item.reason and item.statement.startswith("CREATE INDEX") for item in advice)
