"""Functions of the language: ``geoDistance``, ``strftime``, and those that plugins register (records.md 8.10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pbhost.database import Dialect
from pbhost.services import FilterFunction

from .ast import Call, Identifier, Number, Operand, Placeholder, Text
from .errors import FilterError
from .template import Template, spelled
from .value import Value

#: Resolves one argument.
ResolveOperand: TypeAlias = Callable[[Operand], Value]


@dataclass(frozen=True, slots=True)
class Functions:
    """Calls to SQL.

    Attributes:
        registered: what plugins added, by name; they cannot replace the two of the language.
    """

    dialect: Dialect
    registered: Mapping[str, FilterFunction]

    def call(self, call: Call, resolve: ResolveOperand) -> Value:
        """The value of a call.

        Raises:
            FilterError: no such function, or not with these arguments.
        """
        match call.name:
            case "geoDistance":
                return self._geo_distance(call, resolve)
            case "strftime":
                return self._strftime(call, resolve)
        function = self.registered.get(call.name)
        if function is None:
            raise FilterError(f"unknown function {call.name[:100]!r}", call.position)
        _count(call, function.min_arguments, function.max_arguments)
        arguments = [resolve(_of_kinds(call, item, Identifier, Number, Text, Placeholder)) for item in call.arguments]
        return _applied(call, arguments, lambda *texts: f"({function.sql(texts)})")

    def _geo_distance(self, call: Call, resolve: ResolveOperand) -> Value:
        _count(call, 4, 4)
        arguments = [resolve(_of_kinds(call, item, Identifier, Number, Placeholder)) for item in call.arguments]
        # Any row of a multi-valued path may decide.
        single = [replace(argument, many=None) for argument in arguments]
        return replace(_applied(call, single, self.dialect.geo_distance), strict=True)

    def _strftime(self, call: Call, resolve: ResolveOperand) -> Value:
        _count(call, 1, 10)
        kinds = [(Text,), (Text, Number, Identifier, Placeholder), *[(Text,)] * 8]
        arguments = [
            resolve(_of_kinds(call, item, *allowed)) for item, allowed in zip(call.arguments, kinds, strict=False)
        ]
        return _applied(call, arguments, lambda *texts: self.dialect.strftime(list(texts)))


def _count(call: Call, least: int, most: int) -> None:
    if not least <= len(call.arguments) <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        raise FilterError(f"{call.name} takes {expected} arguments", call.position)


def _of_kinds(call: Call, argument: Operand, *kinds: type[Operand]) -> Operand:
    if not isinstance(argument, kinds):
        raise FilterError(f"{call.name} does not take such an argument", argument.position)
    return argument


def _applied(call: Call, arguments: list[Value], spell: Callable[..., str]) -> Value:
    """The function of its arguments; the values of a multi-valued argument are its own values too."""
    sqls = [argument.sql for argument in arguments]
    guards = tuple(dict.fromkeys(guard for argument in arguments for guard in argument.guards))
    reads = tuple(dict.fromkeys(condition for argument in arguments for condition in argument.reads))
    aliases = frozenset().union(*(argument.aliases for argument in arguments))
    value = Value(sql=spelled(spell, *sqls), guards=guards, reads=reads, aliases=aliases, vanishes=False)
    plural = [index for index, argument in enumerate(arguments) if argument.many]
    if not plural:
        return value
    if len(plural) > 1:
        raise FilterError(f"{call.name} takes one multi-valued path at most", call.position)
    many = arguments[plural[0]].many
    inner: list[Template] = list(sqls)
    if many is not None:
        inner[plural[0]] = many.value
        value = replace(value, many=replace(many, value=spelled(spell, *inner)))
    return value
