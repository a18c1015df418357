"""A filter's tree back to text: the canonical spelling, and the shape that plans are cached by."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import TypeAlias

from .ast import Call, Comparison, Group, Identifier, Number, Operand, Placeholder
from .ast import Text as TextNode

_Printer: TypeAlias = Callable[[Number | TextNode], str]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def to_text(tree: Group) -> str:
    """Text whose tree is ``tree`` again."""
    return _group(tree, _literal)


def to_shape(tree: Group) -> str:
    """The text with its literals blanked out: trees of one shape compile to the same SQL.

    An empty text keeps its own mark, since emptiness decides how it is compared. Arguments of functions stay, for a
    function may look at them.
    """
    return _group(tree, _blank)


def plain_number(value: float) -> str:
    """The shortest decimal spelling of a double, without exponent; integral values have no point."""
    if not isfinite(value):
        return str(value)
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _literal(operand: Number | TextNode) -> str:
    if isinstance(operand, Number):
        return plain_number(operand.value)
    return '"' + operand.value.translate(_ESCAPES) + '"'


def _blank(operand: Number | TextNode) -> str:
    if isinstance(operand, Number):
        return "0"
    return "'?'" if operand.value else "''"


def _group(tree: Group, literal: _Printer) -> str:
    parts: list[str] = []
    for index, term in enumerate(tree.terms):
        if index:
            parts.append(f" {tree.joins[index - 1]} ")
        parts.append(_comparison(term, literal) if isinstance(term, Comparison) else f"({_group(term, literal)})")
    return "".join(parts)


def _comparison(term: Comparison, literal: _Printer) -> str:
    return f"{_operand(term.left, literal)} {term.operator.value} {_operand(term.right, literal)}"


def _operand(operand: Operand, literal: _Printer) -> str:
    match operand:
        case Identifier(name):
            return name
        case Placeholder(name):
            return f"{{:{name}}}"
        case Call(name, arguments):
            return f"{name}({', '.join(_operand(argument, _literal) for argument in arguments)})"
        case Number() | TextNode():
            return literal(operand)
