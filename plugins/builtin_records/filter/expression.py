"""A filter's tree to one SQL condition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pbhost.database import Dialect
from pbhost.model import Collection
from pbhost.services import FilterFunction

from .ast import Call, Comparison, Group, Identifier, Number, Operand, Placeholder, Text
from .comparison import Comparer
from .condition import Atom, Condition, all_conditions, any_condition, to_sql
from .errors import FilterError
from .functions import Functions
from .links import Joins, column
from .macros import MACROS
from .parser import parse
from .paths import Paths
from .request_paths import RequestPaths
from .schema import Row, Schema
from .slots import BoundValue, Constant, Literal, Macro
from .template import Template
from .value import FALSE, NULL, TRUE, Ask, Nature, Value, bound

_PATH = re.compile(r"\w+[\w.:]*", re.ASCII)
_LITERALS = {"null": NULL, "true": TRUE, "false": FALSE}

#: The tree of a rule. Rules are few and come again with every request.
parse_rule = lru_cache(maxsize=1024)(parse)


@dataclass(slots=True)
class Query:
    """What the expressions of one query share.

    Attributes:
        ask: questions about the request that shape the SQL.
        joins: the joins of all its expressions.
        guards: how many read rules were compiled; it tells their aliases apart.
        checks: list rules of the collections that a client joined, by alias; they hold for the whole query.
    """

    schema: Schema
    dialect: Dialect
    ask: Ask
    functions: Mapping[str, FilterFunction]
    joins: Joins
    checks: dict[str, Condition] = field(default_factory=dict)
    guards: int = 0

    def require_list_rule(self, collection: Collection, alias: str) -> None:
        """Makes rows of a joined collection subject to its list rule.

        Raises:
            FilterError: the collection is locked, or its rule cannot be evaluated.
        """
        rule = collection.list_rule
        if rule is None:
            raise FilterError(f"the collection {collection.name!r} may not be listed")
        if not rule or alias in self.checks:
            return
        # Joins of the rule are its own: it must hold for the row by itself, not together with the client's filter.
        row = Row(collection, alias, self.dialect.quote(collection.name), space=alias)
        condition = Expression(self, row).compile(parse_rule(rule))
        id_ = column(self.dialect, alias, "id")
        missing = Atom(sql=Template(f"({id_} = '' OR {id_} IS NULL)"), aliases=frozenset((alias,)))
        self.checks[alias] = any_condition([missing, condition])


@dataclass(slots=True)
class Expression:
    """Compiles the expressions about one row.

    Attributes:
        shared_literals: texts and numbers are left open, so that the SQL serves all filters of the same shape.
    """

    query: Query
    row: Row
    shared_literals: bool = False
    _literals: int = 0
    _paths: Paths = field(init=False)
    _request: RequestPaths = field(init=False)
    _comparer: Comparer = field(init=False)
    _functions: Functions = field(init=False)

    def __post_init__(self) -> None:
        query = self.query
        self._comparer = Comparer(query.dialect, query.ask)
        self._paths = Paths(self.row, query.schema, query.dialect, query.joins, query.require_list_rule, self._readable)
        self._request = RequestPaths(self._paths, self._comparer)
        self._functions = Functions(query.dialect, query.functions)

    def _readable(self, collection: Collection, rule: str) -> Template:
        """The condition that the row fulfils a read rule: asked apart, so that its joins do not multiply the rows."""
        query, row = self.query, self.row
        query.guards += 1
        alias = f"r{query.guards}"
        joins = Joins(query.dialect, prefix=f"{alias}_")
        inner = Query(query.schema, query.dialect, query.ask, query.functions, joins)
        condition = Expression(inner, Row(collection, alias, row.source, is_virtual=row.is_virtual)).compile(
            parse_rule(rule)
        )
        query.joins.tables |= joins.tables
        same_row = f"{column(query.dialect, alias, 'id')} = {column(query.dialect, row.alias, 'id')}"
        rows = f"{row.source} {alias}" + joins.all()
        return "EXISTS (SELECT 1 FROM " + rows + f" WHERE {same_row} AND (" + to_sql(condition) + "))"

    def compile(self, tree: Group) -> Condition:
        """The condition of a tree.

        Raises:
            FilterError: something in it does not exist or may not be used.
        """
        # The list is flat; AND binds tighter.
        alternatives = [[self._term(tree.terms[0])]]
        for join, term in zip(tree.joins, tree.terms[1:], strict=True):
            condition = self._term(term)
            if join == "&&":
                alternatives[-1].append(condition)
            else:
                alternatives.append([condition])
        return any_condition([all_conditions(parts) for parts in alternatives])

    def _term(self, term: Comparison | Group) -> Condition:
        if isinstance(term, Group):
            while len(term.terms) == 1 and isinstance(term.terms[0], Group):
                term = term.terms[0]
            return self.compile(term) if len(term.terms) > 1 else self._term(term.terms[0])
        try:
            left = self.operand(term.left)
            return self._comparer.condition(left, term.operator, self.operand(term.right))
        except FilterError as error:
            raise error if error.position >= 0 else type(error)(error.reason, term.position) from None

    def operand(self, operand: Operand) -> Value:
        """One side of a comparison."""
        match operand:
            case Identifier(name):
                return self.identifier(name)
            case Number(number):
                return bound(Literal(self._next_literal()) if self.shared_literals else Constant(number), Nature.KNOWN)
            case Text(text):
                nature = Nature.KNOWN if text else Nature.EMPTY
                return bound(Literal(self._next_literal()) if self.shared_literals else Constant(text), nature)
            case Placeholder(name):
                return bound(BoundValue(name))
            case Call():
                return self._functions.call(operand, self._argument)

    def _next_literal(self) -> int:
        self._literals += 1
        return self._literals - 1

    def _argument(self, operand: Operand) -> Value:
        """An argument of a function; its literals are part of the shape."""
        match operand:
            case Number(number):
                return bound(Constant(number), Nature.KNOWN)
            case Text(text):
                return bound(Constant(text), Nature.KNOWN if text else Nature.EMPTY)
            case _:
                return self.operand(operand)

    def identifier(self, name: str) -> Value:
        """What a name stands for: a macro, something of the request, a field path, or a literal."""
        if name in MACROS:
            return bound(Macro(name), Nature.KNOWN)
        if name.startswith("@"):
            return self._request.resolve(name)
        if not _PATH.fullmatch(name):
            raise FilterError(f"invalid identifier {name[:100]!r}")
        literal = _LITERALS.get(name.lower())
        if literal is not None and self.row.collection.field(name) is None:
            return literal
        return self._paths.resolve(name)
