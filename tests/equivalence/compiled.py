"""The same collections and rows as pbhost has them: fields, tables in SQLite, the compiler of the filter language."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress

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
from builtin_records.filter import Access, FilterError, ForbiddenFilter, QueryPlanner, virtual_row
from builtin_records.jsontext import JsonText
from builtin_sqlite.dialect import SqliteDialect

from pbhost.database import Sql, SqlValue
from pbhost.errors import MalformedValueError
from pbhost.model import Collection, Field, Record, RequestContext

from . import world
from .strategies import CHOICES, ListQuestion
from .world import Forbidden, JsonBody, Refused, Request, Row, Table, World

_SIMPLE: Mapping[str, type[Field]] = {
    "text": TextField,
    "email": EmailField,
    "number": NumberField,
    "bool": BoolField,
    "date": DateField,
    "json": JsonField,
    "geoPoint": GeoPointField,
}


class Compiled:
    """A world in a database."""

    def __init__(self, world: World) -> None:
        self.generation = 1
        self._dialect = SqliteDialect()
        self._connection = sqlite3.connect(":memory:")
        self._collections = [_collection(table) for table in world.tables]
        for table, collection in zip(world.tables, self._collections, strict=True):
            self._create(collection)
            for row in table.rows:
                self._insert(collection, row)
            # What NUMERIC columns make of a value is not this test's business: both sides look at what is stored.
            table.rows[:] = self._stored(collection)
        self._planner = QueryPlanner(self, self._dialect)

    def close(self) -> None:
        self._connection.close()

    def find(self, name_or_id: str) -> Collection | None:
        for collection in self._collections:
            if name_or_id == collection.id or name_or_id.lower() == collection.name.lower():
                return collection
        return None

    def list(self, question: ListQuestion) -> tuple[list[str], int, bool]:
        """The ids in order, the count, and whether there is any.

        Raises:
            Forbidden, Refused: the list is an error.
        """
        collection = self.get(question.table)
        try:
            query = self._planner.query(
                collection,
                self.context(question.request),
                rule=question.rule,
                filter=question.filter,
                sort=question.sort,
                access=Access.CLIENT if question.client else Access.SUPERUSER,
            )
        except ForbiddenFilter as error:
            raise Forbidden from error
        except FilterError as error:
            raise Refused(str(error)) from error
        names = [field.name for field in collection.fields]
        ids = [str(row[names.index("id")]) for row in self._run(query.select(names))]
        assert [str(row[0]) for row in self._run(query.ids())] == ids or not question.sort
        assert sorted(str(row[0]) for row in self._run(query.ids())) == sorted(ids)
        # The same rows, whichever way they are looked up. The way by sets may give up on lists that are none.
        with suppress(MalformedValueError):
            assert sorted(str(row[0]) for row in self._run(query.select(["id"], by_sets=True))) == sorted(ids)
        ((count,),) = self._run(query.count())
        assert isinstance(count, int)
        with suppress(MalformedValueError):
            assert self._run(query.count(by_sets=True)) == [(count,)]
        return ids, count, bool(self._run(query.exists()))

    def would_hold(self, table: Table, request: Request, rule: str) -> tuple[bool, Row]:
        """Whether a record with the submitted values may be created, and its virtual row.

        Raises:
            Refused: the rule cannot be evaluated.
        """
        context = self.context(request)
        record = Record(self.get(table))
        for name, value in context.body.items():
            if name in record:
                record.put(name, value)  # type: ignore[arg-type]  # the bodies drawn are normalised values
        row = virtual_row(record)
        try:
            query = self._planner.query(record.collection, context, rule=rule, row=row)
        except FilterError as error:
            raise Refused(str(error)) from error
        return bool(self._run(query.exists())), row

    def holding(self, table: Table, request: Request, rule: str, filter: str) -> list[str]:
        """Which rows satisfy a rule and a client's filter, each asked alone and all in one.

        Raises:
            Forbidden, Refused: they cannot be evaluated.
        """
        collection, context = self.get(table), self.context(request)
        ids = [str(row["id"]) for row in table.rows]
        try:
            query = self._planner.query(
                collection, context, rule=rule, filter=filter, access=Access.CLIENT, ids=ids or ["none"]
            )
        except ForbiddenFilter as error:
            raise Forbidden from error
        except FilterError as error:
            raise Refused(str(error)) from error
        together = {str(row[0]) for row in self._run(query.ids())}
        alone = []
        for id_ in ids:
            one = self._planner.query(collection, context, rule=rule, filter=filter, access=Access.CLIENT, ids=[id_])
            if self._run(one.select(["id"], limit=1)):
                alone.append(id_)
        assert together == set(alone)
        return alone

    def context(self, request: Request) -> RequestContext:
        """A request as pbhost carries it."""
        auth = None
        if request.auth is not None:
            table, row = request.auth
            auth = Record.from_row(self.get(table), tuple(row), tuple(row.values()))
        return RequestContext(
            method=request.method,
            query=request.query,
            headers=request.headers,
            body={name: _body_value(value) for name, value in request.body.items()},
            auth=auth,
        )

    def get(self, table: Table) -> Collection:
        collection = self.find(table.id)
        assert collection is not None
        return collection

    def _create(self, collection: Collection) -> None:
        columns = [
            f"{self._dialect.quote(field.name)} "
            + self._dialect.column_type(
                "text" if field.kind == "list" and not field.is_multiple else field.kind,
                primary_key=field.name == "id",
            )
            for field in collection.fields
        ]
        self._connection.execute(f"CREATE TABLE {self._dialect.quote(collection.name)} ({', '.join(columns)})")
        for index in collection.indexes:
            self._connection.execute(index)

    def _insert(self, collection: Collection, row: Row) -> None:
        names = ", ".join(map(self._dialect.quote, row))
        marks = ", ".join("?" * len(row))
        table = self._dialect.quote(collection.name)
        self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))

    def _stored(self, collection: Collection) -> list[Row]:
        names = [field.name for field in collection.fields]
        columns = ", ".join(map(self._dialect.quote, names))
        rows = self._connection.execute(f"SELECT {columns} FROM {self._dialect.quote(collection.name)}")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _run(self, sql: Sql) -> list[tuple[SqlValue, ...]]:
        try:
            return self._connection.execute(sql.text, sql.params).fetchall()
        except sqlite3.Error as error:
            raise self._dialect.translate_error(error) from error


def _body_value(value: object) -> object:
    if isinstance(value, JsonBody):
        return None if value.text is None else JsonText(value.text)
    return value


def _collection(table: Table) -> Collection:
    return Collection(
        id=table.id,
        name=table.name,
        type="auth" if table.is_auth else "base",
        fields=[_field(item) for item in table.fields],
        list_rule=table.list_rule,
        view_rule="",
        # Partial, so that many rows may refer to nothing.
        indexes=[
            f"CREATE UNIQUE INDEX `idx_{table.name}_{name}` ON `{table.name}` (`{name}`) WHERE `{name}` != ''"
            for name in sorted(table.unique)
        ],
        version=1,
    )


def _field(item: world.Field) -> Field:
    most = 9 if item.multiple else 1
    if item.type == "select":
        return SelectField(name=item.name, values=list(CHOICES), max_select=most, hidden=item.hidden)
    if item.type == "relation":
        return RelationField(name=item.name, collection_id=item.target, max_select=most, hidden=item.hidden)
    return _SIMPLE[item.type](name=item.name, hidden=item.hidden)
