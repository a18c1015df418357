"""An operand as SQL, with what the comparison rules need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeAlias

from .binding import Binding
from .slots import Constant, Emptiness
from .template import Slot, Template

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
    """All values of a multi-valued path for the current row: an expression over rows of their own."""

    value: Template
    rows: Template

    def select(self) -> Template:
        """The sub-select, its column named ``v``."""
        return "SELECT " + self.value + " AS v FROM " + self.rows


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

    def nature_for(self, ask: Ask) -> Nature:
        """The nature, decided for the request at hand if it depends on one."""
        if isinstance(self.nature, Nature):
            return self.nature
        return Nature.KNOWN if ask(Emptiness(self.nature)) == "known" else Nature.EMPTY

    def as_column(self, name: str) -> Value:
        """The same values as a column of a sub-select."""
        return replace(self, sql=Template(name), parameter=None, many=None, guards=(), never_null=False)

    def lenient(self) -> Value:
        """The same operand without its strictness."""
        return replace(self, strict=False) if self.strict else self


NULL = Value(sql=Template("NULL"), nature=Nature.EMPTY, constant=Constant(None))
TRUE = Value(sql=Template("1"), nature=Nature.KNOWN, constant=Constant(1))
FALSE = Value(sql=Template("0"), nature=Nature.KNOWN, constant=Constant(0))


def bound(slot: Slot, nature: Nature | None = None) -> Value:
    """One bound value; without ``nature`` it is asked of the request."""
    return Value(sql=Template("?", (slot,)), nature=slot if nature is None else nature, parameter=slot, constant=slot)
