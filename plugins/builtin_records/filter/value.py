"""An operand as SQL, with what the comparison rules need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeAlias

from .binding import Binding
from .links import Joined
from .slots import Constant, Emptiness
from .template import Slot, Template, join

#: Asks a question about the request that the plan is made for; the plan is then only used where the answer is the same.
Ask: TypeAlias = Callable[[Callable[[Binding], Hashable]], Hashable]


class Nature(Enum):
    """How an operand takes part in equality."""

    #: A column or expression, which may be NULL or empty.
    EXPRESSION = auto()
    #: Certainly neither NULL nor empty.
    KNOWN = auto()
    #: Certainly NULL or an empty text.
    EMPTY = auto()


@dataclass(frozen=True, slots=True)
class Many:
    """All values of a multi-valued path for the current row: an expression over rows of their own.

    Attributes:
        value: the expression.
        start: the alias of the row that the path starts from.
        chain: the joins that lead from there to the rows.
        source: what they are joined onto.
        where: which rows of the source belong to the current row, None for all.
    """

    value: Template
    start: str
    chain: tuple[Joined, ...]
    source: str
    where: Template | None = None

    def select(self) -> Template:
        """The values as a sub-select, its column named ``v``."""
        out = "SELECT " + self.value + " AS v FROM " + self.rows()
        return out if self.where is None else out + " WHERE " + self.where

    def rows(self) -> Template:
        """The rows as they stand in FROM."""
        return self.source + join("", [one.sql for one in self.chain])


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One side of a comparison.

    Attributes:
        sql: the operand.
        nature: how it takes part in equality; a slot if that depends on the bound value.
        strict: NULL and "" are told apart (json values).
        parameter: the slot, if the operand is one bound value: LIKE then makes a pattern of it.
        many: all its values for the current row, if the path is multi-valued.
        guards: conditions without which no comparison with it may hold.
        reads: conditions without which the caller may not read it: then no comparison holds.
        constant: what yields the value if no row is needed for it.
        is_text: a plain text column, or NULL where its row is missing.
        never_null: the column of a row that is certainly there.
        aliases: the aliases that it reads.
        vanishes: it is NULL where one of them has no row.
    """

    sql: Template
    nature: Nature | Slot = Nature.EXPRESSION
    strict: bool = False
    parameter: Slot | None = None
    many: Many | None = None
    guards: tuple[Template, ...] = ()
    constant: Slot | None = None
    reads: tuple[Template, ...] = ()
    is_text: bool = False
    never_null: bool = False
    aliases: frozenset[str] = frozenset()
    vanishes: bool = True

    def nature_for(self, ask: Ask) -> Nature:
        """The nature, decided for the request at hand if it depends on one."""
        if isinstance(self.nature, Nature):
            return self.nature
        return Nature.KNOWN if ask(Emptiness(self.nature)) == "known" else Nature.EMPTY

    @property
    def is_known(self) -> bool:
        """Whether it is one value that is certainly neither NULL nor empty, whatever the row and the request."""
        return self.nature is Nature.KNOWN and not self.aliases

    def inside(self, sql: Template) -> Value:
        """The same values inside a sub-select, where they are spelled otherwise."""
        return replace(self, sql=sql, parameter=None, many=None, guards=(), never_null=False)

    def lenient(self) -> Value:
        """The same operand without its strictness."""
        return replace(self, strict=False) if self.strict else self


NULL = Value(sql=Template("NULL"), nature=Nature.EMPTY, constant=Constant(None))
TRUE = Value(sql=Template("1"), nature=Nature.KNOWN, constant=Constant(1))
FALSE = Value(sql=Template("0"), nature=Nature.KNOWN, constant=Constant(0))


def bound(slot: Slot, nature: Nature | None = None) -> Value:
    """One bound value; without ``nature`` it is asked of the request."""
    return Value(sql=Template("?", (slot,)), nature=slot if nature is None else nature, parameter=slot, constant=slot)
