"""``sort=-created,author.name`` to ORDER BY (records.md 9)."""

from __future__ import annotations

from .errors import FilterError
from .expression import Expression
from .template import Template, join

MAX_TERMS = 8
MAX_NAME = 255


def order_by(text: str, expression: Expression) -> Template:
    """The terms after ``ORDER BY``.

    Raises:
        FilterError: too many terms, or one that names nothing to sort by.
    """
    terms = text.split(",", MAX_TERMS)
    if len(terms) > MAX_TERMS:
        raise FilterError(f"more than {MAX_TERMS} sort fields")
    return join(", ", [_term(term.strip(), expression) for term in terms])


def _term(term: str, expression: Expression) -> Template:
    name = term[1:] if term[:1] in ("-", "+") else term
    if not name or len(name.encode("utf-8", "replace")) > MAX_NAME:
        raise FilterError("an empty or too long sort field")
    query, row = expression.query, expression.row
    if name == "@random":
        return Template(query.dialect.random())
    direction = " DESC" if term.startswith("-") else " ASC"
    if name == "@rowid":
        if row.collection.is_view:
            raise FilterError("a view has no @rowid")
        return query.dialect.row_number(row.alias) + Template(direction)
    value = expression.identifier(name)
    if value.constant is not None:
        raise FilterError(f"cannot sort by {name[:100]!r}")
    return value.sql + direction
