"""How other typed languages write the values of a field: what ``pbhost types`` puts into the code that it generates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pbhost.model.field import StorageKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueTypes:
    """Type expressions for the values of one field.

    In Python they may name the builtins, ``Literal``, ``Never``, ``JSON`` (any JSON value) and ``UploadedFile``; in
    TypeScript what is global there, and ``JsonValue``.

    Attributes:
        python: what reading an attribute of a typed record gives: the type of :meth:`Field.to_python`.
        python_input: what may be assigned, "" for the same; ``Never`` for what only the server sets.
        typescript: the value in the JSON of an answer, "" if answers never have it.
        typescript_input: the value in the body of a create or an update, "" for the same; ``never`` for what only the
            server sets.
        imports: lines that the Python expressions need, such as ``from decimal import Decimal``.
    """

    python: str
    python_input: str = ""
    typescript: str
    typescript_input: str = ""
    imports: tuple[str, ...] = ()

    @classmethod
    def of_kind(cls, kind: StorageKind, *, is_multiple: bool) -> Self:
        """What can be said of a field type that says nothing itself."""
        if is_multiple:
            return cls.list_of("str", "string")
        match kind:
            case "number":
                return cls(python="float", typescript="number")
            case "bool":
                return cls(python="bool", typescript="boolean")
            case "json":
                return cls(python="object", typescript="JsonValue", typescript_input="unknown")
            case "geo":
                return cls(python="dict[str, float]", typescript="{ lon: number; lat: number }")
            case _:
                return cls(python="str", typescript="string")

    @classmethod
    def of_choices(cls, values: list[str], *, is_multiple: bool, is_required: bool) -> Self:
        """One or several of some texts; a single one that is not required may be empty."""
        known = list(dict.fromkeys(values if is_multiple or is_required else [*values, ""]))
        if not known:
            return cls.of_kind("list", is_multiple=is_multiple)
        python = f"Literal[{', '.join(map(repr, known))}]"
        typescript = " | ".join(map(_quoted, known))
        if not is_multiple:
            return cls(python=python, typescript=typescript)
        return cls.list_of(python, f"({typescript})")

    @classmethod
    def list_of(cls, python: str, typescript: str, *, python_input: str = "", typescript_input: str = "") -> Self:
        """Several values of one type; the inputs are those of one item, "" for the same."""
        return cls(
            python=f"list[{python}]",
            python_input=f"Sequence[{python_input or python}]",
            typescript=f"{typescript}[]",
            typescript_input=f"{typescript_input}[]" if typescript_input else "",
            imports=("from collections.abc import Sequence",),
        )


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)
