"""``sort=-created,author.name`` to the terms of ORDER BY (records.md 9)."""

from __future__ import annotations

from .errors import FilterError
from .expression import Expression
from .keyset import SortTerm
from .template import Template

MAX_TERMS = 8
MAX_NAME = 255


def sort_terms(text: str, expression: Expression) -> list[SortTerm]:
    """The terms of a sort.

    Raises:
        FilterError: too many terms, or one that names nothing to sort by.
    """
    terms = text.split(",", MAX_TERMS)
    if len(terms) > MAX_TERMS:
        raise FilterError(f"more than {MAX_TERMS} sort fields")
    return [_term(term.strip(), expression) for term in terms]


def _term(term: str, expression: Expression) -> SortTerm:
    name = term[1:] if term[:1] in ("-", "+") else term
    if not name or len(name.encode("utf-8", "replace")) > MAX_NAME:
        raise FilterError("an empty or too long sort field")
    query, row = expression.query, expression.row
    if name == "@random":
        return SortTerm(Template(query.dialect.random()), keyed=False)
    descending = term.startswith("-")
    if name == "@rowid":
        if row.collection.is_view:
            raise FilterError("a view has no @rowid")
        return SortTerm(Template(query.dialect.row_number(row.alias)), descending, never_null=True, unique=True)
    value = expression.identifier(name)
    if value.constant is not None:
        raise FilterError(f"cannot sort by {name[:100]!r}")
    if value.reads:
        # The order would tell of the values that the caller may not read.
        raise FilterError(f"the field {name[:100]!r} cannot be read by everyone")
    field = row.collection.field(name)
    # The columns of a table are NOT NULL, except for those of json fields.
    is_stored = field is not None and row.is_stored
    return SortTerm(
        value.sql,
        descending,
        column=name if field is not None else "",
        never_null=is_stored and field is not None and field.kind != "json",
        unique=is_stored and name == "id",
        keyed=value.many is None,
        aliases=value.aliases,
    )
