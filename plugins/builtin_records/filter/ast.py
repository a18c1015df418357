"""What a filter expression means, as immutable data: a flat list of terms joined by ``&&`` and ``||``.

Equality ignores positions, so that ``parse(to_text(tree)) == tree``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias

Join: TypeAlias = Literal["&&", "||"]


class Operator(Enum):
    """A comparison sign; the value is its text. ``?`` marks the any-of variant."""

    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LESS = "<"
    LESS_EQUAL = "<="
    LIKE = "~"
    NOT_LIKE = "!~"
    ANY_EQUAL = "?="
    ANY_NOT_EQUAL = "?!="
    ANY_GREATER = "?>"
    ANY_GREATER_EQUAL = "?>="
    ANY_LESS = "?<"
    ANY_LESS_EQUAL = "?<="
    ANY_LIKE = "?~"
    ANY_NOT_LIKE = "?!~"

    @property
    def is_any(self) -> bool:
        """Whether one value of a multi-valued path is enough."""
        return self.value.startswith("?")

    @property
    def plain(self) -> Operator:
        """The same comparison without the ``?``."""
        return Operator(self.value.removeprefix("?"))


@dataclass(frozen=True, slots=True)
class Identifier:
    """A field path, macro, ``@request.…``, ``@collection.…``, ``null``, ``true`` or ``false``."""

    name: str
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal, always a double."""

    value: float
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text with its escapes resolved."""

    value: str
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``{:name}``, a value that code binds; clients cannot write it."""

    name: str
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Operand, ...]
    position: int = field(default=-1, compare=False)


Operand: TypeAlias = Identifier | Number | Text | Placeholder | Call


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and a sign."""

    left: Operand
    operator: Operator
    right: Operand
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    """Terms in parentheses, or the whole expression. ``joins[i]`` stands between ``terms[i]`` and ``terms[i + 1]``.

    The list is flat as written: ``&&`` binds tighter than ``||`` when it becomes SQL.
    """

    terms: tuple[Comparison | Group, ...]
    joins: tuple[Join, ...] = ()
