"""Paths as chains of joins, and what stands at their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from .values import Cell, Scalar, Truth
from .world import Row, Table


@dataclass(frozen=True)
class Link:
    """One join: how it is told apart, which rows it finds, and for which table it counts (None: items of a list)."""

    name: tuple[str, ...]
    rows: Callable[[Row], Sequence[Row]] = field(compare=False)
    table: Table | None = field(default=None, compare=False)
    #: Whether it does not depend on the row before.
    anew: bool = False


#: The links from the base row to a joined row; the same chain is the same join.
Chain: TypeAlias = tuple[Link, ...]
#: One row of the join of everything: the row of each chain, None where a LEFT JOIN found nothing.
Joined: TypeAlias = Mapping[Chain, "Row | None"]


class Nature(Enum):
    """How a side takes part in equality."""

    EXPRESSION = auto()
    KNOWN = auto()
    EMPTY = auto()


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison.

    Attributes:
        of: its value for a row of the join.
        many: all its values for the base row; None if it is not multi-valued.
        parameter: LIKE makes a pattern of it.
        guards: without which a client's comparison does not hold.
    """

    of: Callable[[Joined], Cell]
    nature: Nature = Nature.EXPRESSION
    strict: bool = False
    parameter: bool = False
    many: Callable[[Row], list[Cell]] | None = None
    guards: tuple[Callable[[Joined], Truth], ...] = ()


def constant(value: Scalar, nature: Nature, *, parameter: bool = False) -> Side:
    """A side that no row decides."""
    return Side(of=lambda joined: Cell(value), nature=nature, parameter=parameter)


def submitted(value: Scalar) -> Side:
    """A bound value: known unless it is empty."""
    return constant(value, Nature.EMPTY if value in (None, "") else Nature.KNOWN, parameter=value is not None)


NULL = constant(None, Nature.EMPTY)


@dataclass
class Place:
    """Where a path has come to."""

    table: Table
    chain: Chain = ()
    many: bool = False
    missing_is_null: bool = False

    def through(self, link: Link, *, many: bool = False) -> None:
        self.chain = (link,) if link.anew else (*self.chain, link)
        self.many = self.many or many
        if link.table is not None:
            self.table = link.table
