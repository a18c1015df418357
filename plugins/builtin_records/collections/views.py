"""View collections: checking a query, inferring its fields, and creating the stored view (operations.md 8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pbhost.database import Row, Transaction
from pbhost.errors import DatabaseError, FieldError
from pbhost.model import Collection, Field
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text

from ..fieldtypes.bool import BoolField
from ..fieldtypes.json import JsonField
from ..fieldtypes.number import NumberField
from ..fieldtypes.relation import RelationField
from ..fieldtypes.text import DEFAULT_ID_PATTERN, TextField
from ..viewquery import InvalidViewQuery, ViewColumn, ViewQuery, clean_query, parse_view_query
from .introspection import column_types
from .schema import Schema

SAMPLE_SIZE = 10

#: The errors of one field as a text, empty if it has none: the checks that every field of a collection must pass.
FieldCheck = Callable[[Field, Collection], str]

_CALL = re.compile(r"(?P<name>count|total)\s*\(.*\)", re.IGNORECASE | re.DOTALL)
_CAST = re.compile(r"cast\s*\((?P<inner>.*\S)\s+as\s+(?P<type>\w+)\s*\)", re.IGNORECASE | re.DOTALL)
_NUMBERS = frozenset({"real", "decimal", "numeric"})
_INTEGERS = frozenset({"int", "integer"})
_BOOLEANS = frozenset({"bool", "boolean"})


@dataclass(frozen=True, slots=True)
class InspectedView:
    """A query that can be a view.

    Attributes:
        select: the cleaned query, ids cast to text where they are not.
        fields: inferred, with fresh ids.
        names: the column names of the sample.
        sample: the first rows.
    """

    select: str
    fields: list[Field]
    names: tuple[str, ...]
    sample: list[Row]


class MissingIdColumn(InvalidViewQuery):
    """The query would be a view if it had an ``id``; ``fields`` are those that it has."""

    def __init__(self, fields: list[Field]) -> None:
        self.fields = fields
        super().__init__("missing required id column (you can use `(ROW_NUMBER() OVER()) as id` if you don't have one)")


class _LeaveNothing(Exception):
    """Rolls the temporary view back."""


def inspect_view(transaction: Transaction, query: str, schema: Schema, check_field: FieldCheck) -> InspectedView:
    """What a view of that query would be. Nothing of it stays in the database.

    Raises:
        InvalidViewQuery: the query cannot be a view; the message says why.
    """
    cleaned = clean_query(query)
    found: list[InspectedView] = []
    try:
        with transaction.savepoint():
            found.append(_inspect(transaction, cleaned, schema))
            raise _LeaveNothing
    except _LeaveNothing:
        view = found[0]
    except DatabaseError as error:
        raise InvalidViewQuery(str(error)) from None
    owner = Collection(type="view", name="view", fields=view.fields)
    for position, field in enumerate(view.fields):
        problem = check_field(field, owner)
        if problem:
            raise InvalidViewQuery(f'invalid field "{field.name}" ({position}): {problem}')
    _check_sample_ids(view)
    return view


def create_view(transaction: Transaction, name: str, view: InspectedView) -> None:
    """Creates the stored view.

    Raises:
        DatabaseError: the database refuses it.
    """
    transaction.execute(f"CREATE VIEW {transaction.dialect.quote(name)} AS SELECT * FROM ({view.select})")


def _inspect(transaction: Transaction, query: str, schema: Schema) -> InspectedView:
    quote = transaction.dialect.quote
    name = f"_temp_{random_text(6, LOWER_ALPHANUMERIC)}"
    # Created before it is read: what is no SELECT, or more than one, is refused here and never run.
    transaction.execute(f"CREATE VIEW {quote(name)} AS SELECT * FROM ({query})")
    types = column_types(transaction, name)
    if not types:
        raise InvalidViewQuery(f"empty table info probably due to invalid or missing table {name}")
    fields = _infer_fields(parse_view_query(query), list(types), schema)
    if "id" not in types:
        raise MissingIdColumn(fields)
    select = query if types["id"].upper() == "TEXT" else _with_text_ids(quote, query, list(types))
    names, sample = transaction.column_names(f"SELECT * FROM ({select}) LIMIT {SAMPLE_SIZE}")
    return InspectedView(select, fields, names, sample)


def _with_text_ids(quote: Callable[[str], str], query: str, columns: Sequence[str]) -> str:
    listed = ",".join(f"CAST({quote('id')} as TEXT) {quote('id')}" if name == "id" else quote(name) for name in columns)
    return f"SELECT {listed} FROM ({query})"


def _check_sample_ids(view: InspectedView) -> None:
    position = view.names.index("id")
    ids = [str(row[position] or "") for row in view.sample]
    if not all(ids):
        raise InvalidViewQuery("the query could return records with empty or invalid ids")
    if len(set(ids)) < len(ids):
        raise InvalidViewQuery("the query could return records with non-unique ids")


# -- field types -----------------------------------------------------------------------------------------------------


def _infer_fields(parsed: ViewQuery, columns: Sequence[str], schema: Schema) -> list[Field]:
    known = {column.name: column for column in parsed.columns}
    fields: list[Field] = []
    for name in columns:
        column = known.get(name)
        field = _id_field() if name == "id" else _infer(column, parsed, schema)
        field.name = name
        field.id = field.id or _clone_id({other.id for other in fields})
        fields.append(field)
    return fields


def _infer(column: ViewColumn | None, parsed: ViewQuery, schema: Schema) -> Field:
    if column is None:
        return JsonField(max_size=1)
    return _from_source(column, parsed, schema) or _from_expression(column.expression)


def _from_source(column: ViewColumn, parsed: ViewQuery, schema: Schema) -> Field | None:
    """A copy of the collection field that a plain column names, or a relation where it names a collection's id."""
    path = column.path
    if path is None:
        return None
    alias, name = path
    table = parsed.table_of(alias)
    source = schema.by_name(table) if table else None
    if source is None or source.name != table:
        return None
    if name.lower() == "id":
        return RelationField(collection_id=source.id, max_select=1)
    field = next((item for item in source.fields if item.name.lower() == name.lower()), None)
    return None if field is None else replace(field, id="")


def source_of_column(view: Collection, name: str, schema: Schema) -> tuple[Collection, Field] | None:
    """The collection and field that a view's column is a plain copy of; None for an expression or an unknown column."""
    try:
        parsed = parse_view_query(clean_query(str(view.options.get("viewQuery") or "")))
    except InvalidViewQuery:
        return None
    column = next((item for item in parsed.columns if item.name == name), None)
    if column is None or column.path is None:
        return None
    alias, source_name = column.path
    source = schema.by_name(parsed.table_of(alias))
    if source is None:
        return None
    field = next((item for item in source.fields if item.name.lower() == source_name.lower()), None)
    return None if field is None else (source, field)


def _from_expression(expression: str) -> Field:
    call = _CALL.fullmatch(expression)
    if call is not None:
        return NumberField(only_int=call["name"].lower() == "count")
    cast = _CAST.fullmatch(expression)
    kind = cast["type"].lower() if cast is not None else ""
    if kind in _INTEGERS or kind in _NUMBERS:
        return NumberField(only_int=kind in _INTEGERS)
    if kind == "text":
        return TextField()
    if kind in _BOOLEANS:
        return BoolField()
    return JsonField(max_size=1)


def _id_field() -> TextField:
    return TextField(
        id="text3208210256", name="id", system=True, required=True, primary_key=True, pattern=DEFAULT_ID_PATTERN
    )


def _clone_id(taken: set[str]) -> str:
    while True:
        candidate = f"_clone_{random_text(4)}"
        if candidate not in taken:
            return candidate


def same_fields(left: Sequence[Field], right: Sequence[Field]) -> bool:
    """Whether two lists of view fields are equal apart from their ids, which are fresh on every inference."""
    return [_without_id(field) for field in left] == [_without_id(field) for field in right]


def _without_id(field: Field) -> dict[str, object]:
    return {key: value for key, value in field.encode().items() if key != "id"}


def invalid_view_query(error: InvalidViewQuery) -> Mapping[str, FieldError]:
    """The field error of a query that cannot be a view."""
    reason = str(error)[:500]
    return {"viewQuery": FieldError("validation_invalid_view_query", f"Invalid query - {reason}.")}
