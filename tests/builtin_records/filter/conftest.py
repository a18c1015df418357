"""A small schema over a real in-memory database, to run filters against."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

import pytest
from builtin_records.fieldtypes import (
    BoolField,
    DateField,
    EmailField,
    GeoPointField,
    JsonField,
    NumberField,
    RelationField,
    SelectField,
    TextField,
)
from builtin_records.filter import Access, BoundQuery, QueryPlanner
from builtin_sqlite.dialect import SqliteDialect

from pbhost.database import Sql
from pbhost.model import Collection, Field, Record, RequestContext

PUBLIC = {"list_rule": "", "view_rule": ""}


class World:
    """Collections, rows and a planner. Rules are changed with :meth:`rule`."""

    def __init__(self) -> None:
        self.dialect = SqliteDialect()
        self.connection = sqlite3.connect(":memory:")
        self.generation = 1
        self.collections: dict[str, Collection] = {}
        self._make_collections()
        self.planner = QueryPlanner(self, self.dialect)

    # -- the schema --------------------------------------------------------------------------------------------------

    def find(self, name_or_id: str) -> Collection | None:
        for collection in self.collections.values():
            if collection.id == name_or_id or collection.name.lower() == name_or_id.lower():
                return collection
        return None

    def rule(self, name: str, list_rule: str | None) -> None:
        """Changes a list rule."""
        self.collections[name].list_rule = list_rule
        self.collections[name].version += 1
        self.generation += 1

    def add(self, name: str, *fields: Field, type_: str = "base", indexes: Sequence[str] = ()) -> Collection:
        own: list[Field] = [TextField(name="id", required=True)]
        if type_ == "auth":
            own += [
                EmailField(name="email"),
                BoolField(name="emailVisibility"),
                BoolField(name="verified"),
                TextField(name="tokenKey", hidden=True),
            ]
        collection = Collection(
            id=f"id_{name}", name=name, type=type_, fields=[*own, *fields], indexes=list(indexes), version=1, **PUBLIC
        )
        self.collections[name] = collection
        if type_ != "view":
            columns = ", ".join(
                f"{self.dialect.quote(field.name)} {self._column_type(field)}" for field in collection.fields
            )
            self.connection.execute(f"CREATE TABLE {self.dialect.quote(name)} ({columns})")
        for index in indexes:
            self.connection.execute(index)
        return collection

    def _column_type(self, field: Field) -> str:
        kind = field.kind if field.kind != "list" or field.is_multiple else "text"
        return self.dialect.column_type(kind, primary_key=field.name == "id")

    def _make_collections(self) -> None:
        def relation(name: str, target: str, **options: object) -> RelationField:
            return RelationField(name=name, collection_id=f"id_{target}", **options)

        self.add("teams", TextField(name="name"), relation("parent", "teams"))
        self.add(
            "users",
            TextField(name="name"),
            NumberField(name="level"),
            TextField(name="notes", hidden=True),
            relation("team", "teams"),
            relation("friends", "users", max_select=9),
            type_="auth",
        )
        self.add("tags", TextField(name="name"), NumberField(name="rank"), JsonField(name="extra"))
        self.add(
            "posts",
            TextField(name="title"),
            NumberField(name="count"),
            BoolField(name="active"),
            DateField(name="published"),
            TextField(name="secret", hidden=True),
            JsonField(name="meta"),
            GeoPointField(name="place"),
            SelectField(name="kind", values=["a", "b"]),
            SelectField(name="labels", values=["x", "y", "z"], max_select=3),
            relation("author", "users"),
            relation("tags", "tags", max_select=9),
            relation("hiddenTag", "tags", hidden=True),
        )
        self.add(
            "comments",
            TextField(name="text"),
            NumberField(name="score"),
            relation("post", "posts"),
            relation("author", "users"),
            relation("secretPost", "posts", hidden=True),
        )
        self.add(
            "profiles",
            TextField(name="bio"),
            relation("user", "users"),
            indexes=["CREATE UNIQUE INDEX `idx_user` ON `profiles` (`user`)"],
        )
        self.add("lists", TextField(name="name"), relation("posts", "posts", max_select=9))
        self.add("members", relation("team", "teams"), relation("user", "users"), TextField(name="role"))

    # -- rows --------------------------------------------------------------------------------------------------------

    def insert(self, collection_name: str, **values: object) -> None:
        """A row; lists and maps become JSON text, what is not given takes the column's default."""
        names = ", ".join(self.dialect.quote(name) for name in values)
        marks = ", ".join("?" * len(values))
        row = [
            json.dumps(value, separators=(",", ":")) if isinstance(value, (list, dict)) else value
            for value in values.values()
        ]
        self.connection.execute(f"INSERT INTO {self.dialect.quote(collection_name)} ({names}) VALUES ({marks})", row)

    def record(self, collection_name: str, **values: object) -> Record:
        """A record object, not stored."""
        return Record(self.collections[collection_name], values)

    # -- questions ---------------------------------------------------------------------------------------------------

    def run(self, sql: Sql) -> list[tuple[object, ...]]:
        return self.connection.execute(sql.text, sql.params).fetchall()

    def query(
        self,
        filter: str = "",
        context: RequestContext | None = None,
        *,
        collection: str = "posts",
        rule: str = "",
        sort: str = "",
        access: Access = Access.SUPERUSER,
        values: Mapping[str, object] | None = None,
        ids: Sequence[str] | None = None,
    ) -> BoundQuery:
        return self.planner.query(
            self.collections[collection],
            context or RequestContext(),
            rule=rule,
            filter=filter,
            sort=sort,
            access=access,
            values=values,
            ids=ids,
        )

    def ids(self, filter: str = "", context: RequestContext | None = None, **options: object) -> str:
        """The ids of the matching rows in one text: sorted, or in the order of ``sort``; their count is checked."""
        query = self.query(filter, context, **options)
        found = [str(row[0]) for row in self.run(query.ids())]
        ((count,),) = self.run(query.count())
        assert count == len(found)
        assert bool(self.run(query.exists())) == bool(found)
        return " ".join(found if options.get("sort") else sorted(found))


@pytest.fixture
def world() -> World:
    """Empty tables."""
    return World()
