"""Two operands and a sign as SQL: emptiness, LIKE, and the all-values part of multi-valued paths."""

from __future__ import annotations

from dataclasses import dataclass

from pbhost.database import Dialect

from .ast import Operator
from .slots import Pattern, Sameness
from .template import ALWAYS, NEVER, Template, all_of, enclosed, parameter, spelled
from .value import Ask, Nature, Value

_EMPTY_TEXT = Template("''")


@dataclass(frozen=True, slots=True)
class Comparer:
    """Writes comparisons in one dialect, for the kind of request that ``ask`` answers for."""

    dialect: Dialect
    ask: Ask

    def condition(self, left: Value, operator: Operator, right: Value) -> Template:
        """The whole condition of a comparison.

        With a plain sign, one value of a multi-valued path must satisfy it and none may contradict it: what is NULL
        does not contradict.
        """
        plain = operator.plain
        parts = [self.compare(left, plain, right)]
        if not operator.is_any and (left.many or right.many):
            parts.append(self._no_contradiction(left, plain, right))
        parts += dict.fromkeys(left.guards + right.guards + left.reads + right.reads)
        return parts[0] if len(parts) == 1 else enclosed(all_of(parts))

    def compare(self, left: Value, operator: Operator, right: Value) -> Template:
        """One comparison of two single values."""
        match operator:
            case Operator.EQUAL:
                return self._equal(left, right, negated=False)
            case Operator.NOT_EQUAL:
                return self._equal(left, right, negated=True)
            case Operator.LIKE:
                return self._like(left, right, negated=False)
            case Operator.NOT_LIKE:
                return self._like(left, right, negated=True)
            case _:
                return left.sql + f" {operator.value} " + right.sql

    def _no_contradiction(self, left: Value, operator: Operator, right: Value) -> Template:
        if left.many and right.many:
            rows = "(" + left.many.select() + ") ma LEFT JOIN (" + right.many.select() + ") mb"
            inner = self.compare(left.as_column("ma.v"), operator, right.as_column("mb.v"))
        elif left.many:
            # The single side loses its strictness in here, as it does in the target.
            rows = "(" + left.many.select() + ") ma"
            inner = self.compare(left.as_column("ma.v"), operator, right.lenient())
        elif right.many:
            rows = "(" + right.many.select() + ") ma"
            inner = self.compare(left.lenient(), operator, right.as_column("ma.v"))
        else:
            raise AssertionError("a contradiction needs a multi-valued side")
        return "NOT EXISTS (SELECT 1 FROM " + rows + " WHERE NOT (" + inner + "))"

    def _equal(self, left: Value, right: Value, *, negated: bool) -> Template:
        """The first row that fits of the table of equality and emptiness."""
        if left.strict or right.strict:
            return self._same(left.sql, right.sql, negated)
        if left.constant is not None and right.constant is not None:
            # Decided here rather than in SQL: a constant in an OR would keep the database from using its indexes.
            sameness = self.ask(Sameness(left.constant, right.constant))
            if sameness != "unlike":
                return ALWAYS if (sameness == "same") is not negated else NEVER
        left_nature, right_nature = left.nature_for(self.ask), right.nature_for(self.ask)
        left_empty, right_empty = left_nature is Nature.EMPTY, right_nature is Nature.EMPTY
        if left_empty and right_empty:
            return NEVER if negated else ALWAYS
        if left_nature is Nature.KNOWN or right_nature is Nature.KNOWN:
            left_sql = _EMPTY_TEXT if left_empty else left.sql
            right_sql = _EMPTY_TEXT if right_empty else right.sql
            # Plain equality, so that an index can serve it.
            return self._same(left_sql, right_sql, negated) if negated else left_sql + " = " + right_sql
        if left_empty or right_empty:
            return self._empty(right if left_empty else left, negated)
        if left.is_text and right.is_text:
            # Two texts compare alike with or without COALESCE, which would hide a column from its index.
            left_sql, right_sql = _or_empty_if_missing(left), _or_empty_if_missing(right)
        else:
            left_sql, right_sql = _or_empty(left.sql), _or_empty(right.sql)
        return self._same(left_sql, right_sql, negated) if negated else left_sql + " = " + right_sql

    def _empty(self, value: Value, negated: bool) -> Template:
        sql = value.sql
        if value.never_null:
            return sql + (" != ''" if negated else " = ''")
        if negated:
            return "(" + self._same(sql, _EMPTY_TEXT, True) + " AND " + sql + " IS NOT NULL)"
        return "(" + sql + " = '' OR " + sql + " IS NULL)"

    def _same(self, left: Template, right: Template, negated: bool) -> Template:
        def spell(left: str, right: str) -> str:
            return self.dialect.is_same(left, right, negated=negated)

        return spelled(spell, left, right)

    def _like(self, left: Value, right: Value, *, negated: bool) -> Template:
        def spell(left: str, right: str) -> str:
            return self.dialect.like(left, right, negated=negated)

        if right.parameter is not None:
            return spelled(spell, left.sql, parameter(Pattern(right.parameter)))
        return spelled(spell, left.sql, spelled(self.dialect.contains_pattern, right.sql))


def _or_empty_if_missing(value: Value) -> Template:
    return value.sql if value.never_null else _or_empty(value.sql)


def _or_empty(sql: Template) -> Template:
    return "COALESCE(" + sql + ", '')"
