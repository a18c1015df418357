"""Two operands and a sign as a condition: emptiness, LIKE, and the all-values part of multi-valued paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from pbhost.database import Dialect

from .ast import Operator
from .condition import Atom, Condition, all_conditions
from .links import BASE
from .slots import Pattern, Sameness
from .template import ALWAYS, NEVER, Template, all_of, parameter, spelled
from .value import Ask, Many, Nature, Value

_EMPTY_TEXT = Template("''")


class Missing(Enum):
    """What a comparison says where a joined row that it reads is missing."""

    TRUE = auto()
    FALSE = auto()
    NULL = auto()
    #: That depends on the other side.
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A comparison of two single values.

    Attributes:
        missing: what it says where a row is missing.
        never_null: whether it always says yes or no.
        equal: both sides as compared, if it is a plain equality.
    """

    sql: Template
    missing: Missing = Missing.UNKNOWN
    never_null: bool = False
    equal: tuple[Template, Template] | None = None


@dataclass(frozen=True, slots=True)
class Comparer:
    """Writes comparisons in one dialect, for the kind of request that ``ask`` answers for."""

    dialect: Dialect
    ask: Ask

    def condition(self, left: Value, operator: Operator, right: Value) -> Condition:
        """The whole condition of a comparison.

        With a plain sign, one value of a multi-valued path must satisfy it and none may contradict it: what is NULL
        does not contradict.
        """
        plain = operator.plain
        compared = self.compare(left, plain, right)
        parts: list[Condition] = []
        implied = False
        if not operator.is_any and (left.many or right.many):
            parts.append(self._no_contradiction(left, plain, right))
            single = right if left.many else left
            # There is always a row, be it a missing one: if the answer is never NULL, "none says no" is "all say yes".
            implied = compared.never_null and not (left.many and right.many) and not single.strict
        sides = ((left.sql, left.aliases), (right.sql, right.aliases))
        if compared.equal is not None:
            sides = ((compared.equal[0], left.aliases), (compared.equal[1], right.aliases))
        outer = Atom(
            sql=compared.sql,
            aliases=left.aliases | right.aliases,
            rejects=compared.missing in (Missing.FALSE, Missing.NULL),
            implied=implied,
            equal=sides if compared.equal is not None else None,
        )
        parts.insert(0, outer)
        guards = {guard: side.aliases for side in (left, right) for guard in side.guards}
        parts += [Atom(sql=guard, aliases=aliases, rejects=True) for guard, aliases in guards.items()]
        parts += [Atom(sql=read, aliases=frozenset((BASE,))) for read in dict.fromkeys(left.reads + right.reads)]
        return all_conditions(parts)

    def compare(self, left: Value, operator: Operator, right: Value) -> Compared:
        """One comparison of two single values."""
        match operator:
            case Operator.EQUAL:
                return self._equal(left, right, negated=False)
            case Operator.NOT_EQUAL:
                return self._equal(left, right, negated=True)
            case Operator.LIKE:
                sql = self._like(left, right, negated=False)
            case Operator.NOT_LIKE:
                sql = self._like(left, right, negated=True)
            case _:
                sql = left.sql + f" {operator.value} " + right.sql
        return Compared(sql=sql, missing=_null_if_missing(left, right))

    def _no_contradiction(self, left: Value, operator: Operator, right: Value) -> Atom:
        if left.many and right.many:
            rows = "(" + left.many.select() + ") ma LEFT JOIN (" + right.many.select() + ") mb"
            inner = self.compare(left.inside(Template("ma.v")), operator, right.inside(Template("mb.v")))
            aliases = frozenset((left.many.start, right.many.start))
            return Atom(sql="NOT EXISTS (SELECT 1 FROM " + rows + " WHERE NOT (" + inner.sql + "))", aliases=aliases)
        # The single side loses its strictness in here, as it does in the target.
        if left.many:
            many, single = left.many, right.lenient()
            inner = self.compare(left.inside(many.value), operator, single)
        elif right.many:
            many, single = right.many, left.lenient()
            inner = self.compare(single, operator, right.inside(many.value))
        else:
            raise AssertionError("a contradiction needs a multi-valued side")
        contradicts = "NOT (" + inner.sql + ")"
        conditions = all_of([contradicts] if many.where is None else [many.where, contradicts])
        atom = Atom(
            sql="NOT EXISTS (SELECT 1 FROM " + many.rows() + " WHERE " + conditions + ")",
            aliases=single.aliases | {many.start},
        )
        if many.where is not None or single.aliases or inner.missing not in (Missing.TRUE, Missing.NULL):
            return atom
        return self._by_sets(atom, many, contradicts)

    def _by_sets(self, atom: Atom, many: Many, contradicts: Template) -> Atom:
        """The same for a contradiction that does not depend on the current row and that a missing row is none of."""
        some = contradicts
        for joined in reversed(many.chain):
            some = joined.link.some(self.dialect, joined.before, joined.alias, some)
        scanned = frozenset(joined.link.table for joined in many.chain if joined.link.table)
        # Not just NOT: a NULL among what is looked through must not make it NULL.
        return replace(atom, by_sets="((" + some + ") IS NOT TRUE)", scanned=scanned)

    def _equal(self, left: Value, right: Value, *, negated: bool) -> Compared:
        """The first row that fits of the table of equality and emptiness."""
        if left.strict or right.strict:
            return self._same(left, right, left.sql, right.sql, negated=negated)
        if left.constant is not None and right.constant is not None:
            # Decided here rather than in SQL: a constant in an OR would keep the database from using its indexes.
            sameness = self.ask(Sameness(left.constant, right.constant))
            if sameness != "unlike":
                return Compared(sql=ALWAYS if (sameness == "same") is not negated else NEVER, never_null=True)
        left_nature, right_nature = left.nature_for(self.ask), right.nature_for(self.ask)
        left_empty, right_empty = left_nature is Nature.EMPTY, right_nature is Nature.EMPTY
        if left_empty and right_empty:
            return Compared(sql=NEVER if negated else ALWAYS, never_null=True)
        if left_nature is Nature.KNOWN or right_nature is Nature.KNOWN:
            left_sql = _EMPTY_TEXT if left_empty else left.sql
            right_sql = _EMPTY_TEXT if right_empty else right.sql
            if negated:
                return self._same(left, right, left_sql, right_sql, negated=True)
            # Plain equality, so that an index can serve it.
            return _equality(left_sql, right_sql, _null_if_missing(left, right))
        if left_empty or right_empty:
            return self._empty(right if left_empty else left, negated)
        if left.is_text and right.is_text:
            # Two texts compare alike with or without COALESCE, which would hide a column from its index.
            left_sql, right_sql = _or_empty_if_missing(left), _or_empty_if_missing(right)
        else:
            left_sql, right_sql = _or_empty(left.sql), _or_empty(right.sql)
        if negated:
            return replace(self._same(left, right, left_sql, right_sql, negated=True), missing=Missing.UNKNOWN)
        return replace(_equality(left_sql, right_sql, Missing.UNKNOWN), never_null=True)

    def _empty(self, value: Value, negated: bool) -> Compared:
        sql = value.sql
        if value.never_null:
            return Compared(sql=sql + (" != ''" if negated else " = ''"), never_null=True)
        missing = Missing.UNKNOWN
        if value.vanishes:
            missing = Missing.FALSE if negated else Missing.TRUE
        if negated:
            different = self._spelled_same(sql, _EMPTY_TEXT, negated=True)
            return Compared(sql="(" + different + " AND " + sql + " IS NOT NULL)", missing=missing, never_null=True)
        return Compared(sql="(" + sql + " = '' OR " + sql + " IS NULL)", missing=missing, never_null=True)

    def _same(self, left: Value, right: Value, left_sql: Template, right_sql: Template, *, negated: bool) -> Compared:
        missing = Missing.UNKNOWN
        if (left.is_known and right.vanishes) or (right.is_known and left.vanishes):
            missing = Missing.TRUE if negated else Missing.FALSE
        sql = self._spelled_same(left_sql, right_sql, negated=negated)
        return Compared(sql=sql, missing=missing, never_null=True)

    def _spelled_same(self, left: Template, right: Template, *, negated: bool) -> Template:
        def spell(left: str, right: str) -> str:
            return self.dialect.is_same(left, right, negated=negated)

        return spelled(spell, left, right)

    def _like(self, left: Value, right: Value, *, negated: bool) -> Template:
        def spell(left: str, right: str) -> str:
            return self.dialect.like(left, right, negated=negated)

        if right.parameter is not None:
            return spelled(spell, left.sql, parameter(Pattern(right.parameter)))
        return spelled(spell, left.sql, spelled(self.dialect.contains_pattern, right.sql))


def _equality(left: Template, right: Template, missing: Missing) -> Compared:
    return Compared(sql=left + " = " + right, missing=missing, equal=(left, right))


def _null_if_missing(left: Value, right: Value) -> Missing:
    return Missing.NULL if all(side.vanishes for side in (left, right) if side.aliases) else Missing.UNKNOWN


def _or_empty_if_missing(value: Value) -> Template:
    return value.sql if value.never_null else _or_empty(value.sql)


def _or_empty(sql: Template) -> Template:
    return "COALESCE(" + sql + ", '')"
