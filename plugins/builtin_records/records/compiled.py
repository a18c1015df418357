"""Functions that are written once per state of a collection: each does for all of its fields what they would be asked
for one by one, and asks only those whose value is not in its usual form.

Names of fields appear in the generated text only as string literals, by ``repr``; everything else is our own or bound
by a name of :class:`~.usual.Scope`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from pbhost.database import SqlValue
from pbhost.errors import ErrorTree, FieldError
from pbhost.model import Field, FieldValue, Record, ValueCheck

from . import usual

#: ``zeros()``: the values of a record that was never set.
Zeros: TypeAlias = Callable[[], dict[str, FieldValue]]
#: ``bind(values)``: what is bound for the columns, in the order of the fields.
Bind: TypeAlias = Callable[[Mapping[str, FieldValue]], list[SqlValue]]
#: ``read(row)``: the values of a stored row.
Read: TypeAlias = Callable[[Sequence[SqlValue]], dict[str, FieldValue]]
#: ``errors(record, values, is_new, make_check)``: the first error of each field that has one.
Errors: TypeAlias = Callable[
    [Record, Mapping[str, FieldValue], bool, Callable[[], ValueCheck]], "dict[str, FieldError | ErrorTree]"
]


def compile_zeros(fields: Sequence[Field]) -> Zeros:
    """Writes the function."""
    scope = usual.Scope()
    items = ", ".join(f"{field.name!r}: {usual.zero(field, scope)}" for field in fields)
    return cast("Zeros", _function(scope, "zeros()", [f"return {{{items}}}"]))


def compile_bind(fields: Sequence[Field]) -> Bind:
    """Writes the function."""
    scope = usual.Scope()
    lines = []
    for index, field in enumerate(fields):
        lines.append(f"v{index} = values[{field.name!r}]")
        lines.append(f"v{index} = {usual.bound(field, f'v{index}', scope)}")
    columns = ", ".join(f"v{index}" for index in range(len(fields)))
    return cast("Bind", _function(scope, "bind(values)", [*lines, f"return [{columns}]"]))


def compile_read(fields: Sequence[Field]) -> Read:
    """Writes the function."""
    scope = usual.Scope()
    columns = "".join(f"v{index}, " for index in range(len(fields)))
    items = ", ".join(f"{field.name!r}: {usual.read(field, f'v{index}', scope)}" for index, field in enumerate(fields))
    return cast("Read", _function(scope, "read(row)", [f"{columns}= row", f"return {{{items}}}"]))


def compile_errors(fields: Sequence[Field]) -> Errors:
    """Writes the function. Fields are looked at in their order: the check of one may change the value of another."""
    scope = usual.Scope()
    lines = ["errors = {}", "check = None"]
    for field in fields:
        condition = usual.passes(field, "v", scope)
        if condition == usual.ALWAYS:
            continue
        ask = [
            "check = check or make_check()",
            f"error = {scope.name(field.validate)}(v, record, check)",
            f"if error: errors[{field.name!r}] = error",
        ]
        lines.append(f"v = values[{field.name!r}]")
        lines += [f"if not ({condition}):", *(f"    {line}" for line in ask)] if condition else ask
    return cast("Errors", _function(scope, "errors(record, values, is_new, make_check)", [*lines, "return errors"]))


def _function(scope: usual.Scope, signature: str, body: Sequence[str]) -> object:
    source = "\n".join((f"def {signature}:", *(f"    {line}" for line in body)))
    exec(source, scope)  # noqa: S102 - the text is made of literals and our own names only
    return scope[signature.partition("(")[0]]
