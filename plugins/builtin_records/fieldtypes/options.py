"""Reading a field's options from JSON, and the bounds that several types share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pbhost.errors import JSON
from pbhost.model import Field, OptionTypeError, decode_common
from pbhost.validation import Rule, maximum, minimum

MAX_SAFE_INTEGER = 2**53 - 1

#: Turns a submitted JSON value (never null) into the option's value, or raises ``OptionTypeError``.
Reader = Callable[[JSON], object]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its JSON key and how it is read. ``null`` and a missing key leave the attribute's default."""

    key: str
    read: Reader


@dataclass(kw_only=True)
class OptionField(Field):
    """A field whose options are listed in ``options``: attribute name → JSON key and reader."""

    options: ClassVar[Mapping[str, Option]] = {}

    @classmethod
    def decode(cls, data: Mapping[str, JSON]) -> Self:
        field = cls()
        for attribute, value in decode_common(data).items():
            if attribute not in ("required", "help") or cls.has_required:
                setattr(field, attribute, value)
        for attribute, option in cls.options.items():
            submitted = data.get(option.key)
            if submitted is not None:
                try:
                    setattr(field, attribute, option.read(submitted))
                except OptionTypeError as error:
                    raise OptionTypeError(f"{option.key} {error}") from None
        return field

    def encode(self) -> dict[str, JSON]:
        data: dict[str, JSON] = {
            "hidden": self.hidden,
            "id": self.id,
            "name": self.name,
            "presentable": self.presentable,
            "system": self.system,
            "type": self.type,
        }
        if self.has_required:
            data["help"] = self.help
            data["required"] = self.required
        for attribute, option in self.options.items():
            value = getattr(self, attribute)
            if value is not None or option.key not in self.optional_keys:
                data[option.key] = value
        return dict(sorted(data.items()))


def integer(value: JSON) -> int:
    """A whole JSON number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise OptionTypeError("must be an integer")
    return int(value)


def number(value: JSON) -> float:
    """A JSON number; an integral one as an integer, the way it is stored and shown."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise OptionTypeError("must be a number")
    return int(value) if value == int(value) and abs(value) <= MAX_SAFE_INTEGER else value


def boolean(value: JSON) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise OptionTypeError("must be a boolean")
    return value


def text(value: JSON) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise OptionTypeError("must be a string")
    return value


def texts(value: JSON) -> list[str]:
    """A JSON list of strings."""
    if not isinstance(value, list):
        raise OptionTypeError("must be a list of strings")
    return [text(item) for item in value]


#: The bounds of a size option; 0 stands for the default.
size_rules: tuple[Rule, ...] = (minimum(0), maximum(MAX_SAFE_INTEGER))
