"""``password``: kept as a hash, never shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pbhost.database import SqlValue
from pbhost.errors import INVALID_VALUE, REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, SchemaCheck, ValueCheck, ValueTypes
from pbhost.validation import check as first_error
from pbhost.validation import collect, maximum, minimum

from ..casting import to_text
from ..patterns import InvalidPattern, matches
from .options import Option, OptionField, integer, text
from .text import pattern_error, too_short

if TYPE_CHECKING:
    from pbhost.services import Services

MAX_LENGTH = 71
#: A hash function of old directories looks at no more than 72 bytes; a longer password would be cut silently.
MAX_BYTES = 72


@dataclass(frozen=True, slots=True)
class Password:
    """The value of a password field: the stored hash, and the plain text while it is being set."""

    hash: str = ""
    plain: str | None = None

    def __bool__(self) -> bool:
        return bool(self.hash or self.plain)

    def __repr__(self) -> str:
        return "<Password>"

    def __str__(self) -> str:
        return ""


@dataclass(kw_only=True)
class PasswordField(OptionField):
    """A password of ``min`` to ``max`` characters; ``cost`` concerns bcrypt hashes only."""

    type: ClassVar[str] = "password"
    options: ClassVar = {
        "cost": Option("cost", integer),
        "max": Option("max", integer),
        "min": Option("min", integer),
        "pattern": Option("pattern", text),
    }

    cost: int = 0
    max: int = 0
    min: int = 0
    pattern: str = ""

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        return collect(
            {
                "min": first_error(self.min, minimum(1), maximum(MAX_LENGTH)),
                "max": first_error(self.max, minimum(self.min), maximum(MAX_LENGTH)),
                "cost": first_error(self.cost, minimum(4), maximum(31)),
                "pattern": pattern_error(self.pattern),
            }
        )

    def zero(self) -> FieldValue:
        return Password()

    def normalize(self, value: object) -> FieldValue:
        if isinstance(value, Password):
            return value
        return Password(plain=to_text(value))

    def is_empty(self, value: FieldValue) -> bool:
        return not value

    def from_db(self, value: SqlValue) -> FieldValue:
        return Password(hash=to_text(value))

    def to_db(self, value: FieldValue) -> SqlValue:
        return value.hash if isinstance(value, Password) else ""

    def to_json(self, value: FieldValue) -> object:
        return ""

    def json_from_db(self, value: SqlValue) -> object:
        return ""

    def value_types(self) -> ValueTypes:
        return ValueTypes(python="str", typescript="", typescript_input="string")

    def to_python(self, value: FieldValue) -> object:
        """Nothing: neither the hash nor the plain text belongs into the hands of code that only wants a record."""
        return ""

    async def before_write(self, record: Record, services: Services) -> None:
        value = record.get(self.name)
        if not isinstance(value, Password) or not value.plain or value.hash or _is_too_long(value.plain):
            return
        hashed = await services.password_hasher.hash(value.plain, cost=self.cost)
        record.put(self.name, Password(hash=hashed, plain=value.plain))

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        password = value if isinstance(value, Password) else Password()
        plain = password.plain
        if plain and _is_too_long(plain):
            return INVALID_VALUE
        if not password:
            return REQUIRED if self.required else None
        return self._plain_error(plain) if plain else None

    def _plain_error(self, plain: str) -> FieldError | None:
        if self.min and len(plain) < self.min:
            return too_short(self.min)
        most = self.max or MAX_LENGTH
        if len(plain) > most:
            return FieldError("validation_max_text_constraint", f"Must be less than {most} character(s).")
        if self.pattern and not _fits(self.pattern, plain):
            return FieldError("validation_invalid_format", "Invalid value format.")
        return None


def _is_too_long(plain: str) -> bool:
    return len(plain.encode("utf-8", "surrogatepass")) > MAX_BYTES


def _fits(pattern: str, plain: str) -> bool:
    try:
        return matches(pattern, plain)
    except InvalidPattern:
        return False
