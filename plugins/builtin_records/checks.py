"""What ``pbhost doctor`` looks at in the schema: rules, indexes, and whether the tables are what the schema says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from pbhost.database import Connection
from pbhost.errors import DatabaseError
from pbhost.model import RULE_KINDS, Collection, RuleKind
from pbhost.services import Budget, Check, Finding, Severity

from .advice import index_advice
from .collections.introspection import column_types, index_tables, table_names
from .filter import FilterError, parse
from .filter.ast import Comparison, Group, Identifier, Number, Operand, Operator, Text
from .indexes import parse_index

if TYPE_CHECKING:
    from pbhost.app import App

_NEEDS = ("database", "collections")
_CALLER = "@request.auth.id"
_EQUAL = frozenset((Operator.EQUAL, Operator.ANY_EQUAL))
_NOT_EQUAL = frozenset((Operator.NOT_EQUAL, Operator.ANY_NOT_EQUAL))
#: Words that say of a field or collection that not everyone is meant to read it.
_SENSITIVE = frozenset(
    {"secret", "secrets", "token", "tokens", "password", "passwords", "passwd", "passphrase", "apikey", "apikeys"}
    | {"credential", "credentials", "private", "ssn", "iban", "salary", "salaries", "invoice", "invoices", "payment"}
    | {"payments", "creditcard", "passport", "diagnosis", "medical"}
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_DOES = {
    "list": "list and search all records",
    "view": "read any record whose id they know",
    "create": "create records",
    "update": "change every record",
    "delete": "delete every record",
}


def schema_checks(app: App) -> list[Check]:
    """The checks of this plugin."""

    async def rules(_budget: Budget) -> list[Finding]:
        return [finding for collection in app.collections.all() for finding in rule_findings(collection)]

    async def indexes(_budget: Budget) -> list[Finding]:
        return [
            Finding(
                severity=Severity.ADVICE,
                what=f"{item.collection}: no index begins with {', '.join(item.columns)}",
                why=f"{item.reason}; without an index each time reads the whole table",
                remedy=f"add to the indexes of {item.collection}: {item.statement}",
            )
            for item in await index_advice(app)
        ]

    async def tables(budget: Budget) -> list[Finding]:
        return await app.db.read(lambda connection: _table_findings(app, connection, budget), lane="list")

    return [
        Check("records.rules", "API rules that look like mistakes", rules, _NEEDS),
        Check("records.indexes", "indexes for rules, relations and back-relations", indexes, _NEEDS),
        Check("records.tables", "tables and views are what the schema says", tables, _NEEDS),
    ]


# -- rules -------------------------------------------------------------------------------------------------------------


def rule_findings(collection: Collection) -> Iterator[Finding]:
    """What looks like a mistake in the rules of one collection."""
    for kind in RULE_KINDS:
        rule = collection.rule(kind)
        if rule is None or collection.system or (collection.is_view and kind not in ("list", "view")):
            continue
        if _is_always_true(rule):
            severity = _severity_of_open(collection, kind)
            if severity is not None:
                yield _open_rule(collection, kind, rule, severity)
        elif fields := list(_guest_fields(collection, rule)):
            yield Finding(
                severity=Severity.WARNING,
                what=f"{collection.name}: the {kind} rule lets guests at records whose {fields[0]} is empty",
                why=f"for somebody who is not signed in {_CALLER} is empty as well, so `{fields[0]} = {_CALLER}` holds",
                remedy=f'put `{_CALLER} != "" && ` in front of the rule, or make the field required',
                details=(rule,),
            )


def _severity_of_open(collection: Collection, kind: RuleKind) -> Severity | None:
    """How bad it is that everyone may do something; None where it is usual."""
    if kind == "create":
        # Signing up is what an auth collection is for.
        return None if collection.is_auth else Severity.ADVICE
    if kind in ("update", "delete"):
        return Severity.ERROR if collection.is_auth else Severity.WARNING
    if collection.is_auth:
        return Severity.WARNING
    return Severity.WARNING if _sensitive_names(collection) else None


def _open_rule(collection: Collection, kind: RuleKind, rule: str, severity: Severity) -> Finding:
    names = _sensitive_names(collection) if kind in ("list", "view") else []
    why = f"anybody on the network can {_DOES[kind]} of {collection.name}"
    if collection.is_auth and kind in ("list", "view"):
        why += ", that is find out who has an account"
    elif names:
        why += f", with what these names speak of: {', '.join(names)}"
    return Finding(
        severity=severity,
        what=f"{collection.name}: everyone may {kind}, without signing in (the {kind} rule is {rule or 'empty'!r})",
        why=why,
        remedy=f'set the rule to null (superusers only), or to a condition such as {_CALLER} != ""'
        + ("; hide the fields that nobody is meant to see" if names else "")
        + ("; if it is meant so, for instance for a contact form, limit it with a rate limit" * (kind == "create")),
    )


def _sensitive_names(collection: Collection) -> list[str]:
    names = [collection.name, *(field.name for field in collection.fields if not field.hidden)]
    return [name for name in names if _SENSITIVE & _words_of(name)]


def _words_of(name: str) -> set[str]:
    words = [word.lower() for word in _WORDS.findall(name)]
    # ``apiKey``, ``credit_card``: two words that are one.
    return {*words, *(first + second for first, second in pairwise(words))}


def _is_always_true(rule: str) -> bool:
    """Whether a rule is empty, or compares so that every record passes: ``id != ""``, ``1 = 1``."""
    tree = _tree(rule)
    return not rule.strip() if tree is None else _holds(tree)


def _holds(term: Comparison | Group) -> bool:
    if isinstance(term, Group):
        # ``&&`` binds tighter than ``||``.
        held = [_holds(item) for item in term.terms]
        alternatives = [held[0]]
        for join, item in zip(term.joins, held[1:], strict=True):
            if join == "&&":
                alternatives[-1] = alternatives[-1] and item
            else:
                alternatives.append(item)
        return any(alternatives)
    if term.operator in _NOT_EQUAL:
        return {_literal(term.left), _literal(term.right)} == {"", None} and _is_id(term.left, term.right)
    left = _literal(term.left)
    return term.operator is Operator.EQUAL and left is not None and left == _literal(term.right)


def _is_id(*operands: Operand) -> bool:
    return any(isinstance(operand, Identifier) and operand.name == "id" for operand in operands)


def _literal(operand: Operand) -> str | float | None:
    match operand:
        case Text(value=text):
            return text
        case Number(value=number):
            return number
        case Identifier(name=("true" | "false") as word):
            return word
        case _:
            return None


def _guest_fields(collection: Collection, rule: str) -> Iterator[str]:
    """Fields that may be empty and are compared with the caller's id, where nothing keeps guests out."""
    tree = _tree(rule)
    if tree is None or ("||" not in tree.joins and any(_keeps_guests_out(term) for term in tree.terms)):
        return
    pending: list[Comparison | Group] = [*tree.terms]
    while pending:
        term = pending.pop(0)
        if isinstance(term, Group):
            if "||" in term.joins or not any(_keeps_guests_out(item) for item in term.terms):
                pending += term.terms
        elif term.operator in _EQUAL:
            names = {operand.name for operand in (term.left, term.right) if isinstance(operand, Identifier)}
            if _CALLER in names:
                for name in names - {_CALLER}:
                    field = collection.field(name)
                    if field is not None and name != "id" and not getattr(field, "required", False):
                        yield name


def _keeps_guests_out(term: Comparison | Group) -> bool:
    if isinstance(term, Group):
        return "||" not in term.joins and any(_keeps_guests_out(item) for item in term.terms)
    sides = (term.left, term.right)
    names = {operand.name for operand in sides if isinstance(operand, Identifier)}
    if term.operator in _NOT_EQUAL and any(_literal(side) == "" for side in sides):
        return bool(names & {_CALLER, "@request.auth.collectionId", "@request.auth.collectionName"})
    if term.operator in _EQUAL and any(_literal(side) not in ("", None, "false") for side in sides):
        return any(name.startswith("@request.auth.") for name in names)
    return False


def _tree(rule: str) -> Group | None:
    try:
        return parse(rule) if rule.strip() else None
    except FilterError:
        return None


# -- tables ------------------------------------------------------------------------------------------------------------


def _table_findings(app: App, connection: Connection, budget: Budget) -> list[Finding]:
    findings: list[Finding] = []
    indexes, tables = index_tables(connection), table_names(connection)
    quote = connection.dialect.quote
    for collection in app.collections.all():
        if budget.is_spent:
            break
        if collection.name.lower() not in tables:
            findings.append(_missing_table(collection))
            continue
        if collection.is_view:
            try:
                connection.fetch_all(f"SELECT * FROM {quote(collection.name)} LIMIT 0")
            except DatabaseError as error:
                findings.append(_broken_view(collection, str(error)))
            continue
        columns = column_types(connection, collection.name)
        missing = [field.name for field in collection.fields if field.name not in columns]
        if missing:
            findings.append(_missing_columns(collection, missing))
        texts = [(parse_index(text).name, text) for text in collection.indexes]
        lost = [text for name, text in texts if name.lower() not in indexes]
        if lost:
            findings.append(_missing_indexes(collection, lost))
    return findings


def _missing_table(collection: Collection) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        what=f"{collection.name}: its {'view' if collection.is_view else 'table'} does not exist",
        why="every request for its records fails; something else than the API has changed the database",
        remedy="restore a backup, or delete the collection and create it anew",
    )


def _missing_columns(collection: Collection, names: list[str]) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        what=f"{collection.name}: the table has no column for: {', '.join(names)}",
        why="requests for its records fail; something else than the API has changed the table",
        remedy="remove these fields from the collection and add them again, or restore a backup",
    )


def _broken_view(collection: Collection, reason: str) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        what=f"{collection.name}: the view fails: {reason}",
        why="every request for its records fails; a table or column that it reads has changed",
        remedy="mend the view's query",
    )


def _missing_indexes(collection: Collection, texts: list[str]) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        what=f"{collection.name}: indexes of the schema that the database does not have",
        why="queries are slow, and values that should be unique need not be",
        remedy="take them out of the collection's indexes and add them again, in two saves",
        details=tuple(texts),
    )
