"""``bool``: true or false; ``required`` means it must be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.database import SqlValue
from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, StorageKind, ValueCheck

from ..casting import to_bool
from .options import OptionField


@dataclass(kw_only=True)
class BoolField(OptionField):
    """A switch."""

    type: ClassVar[str] = "bool"
    kind: ClassVar[StorageKind] = "bool"

    def zero(self) -> FieldValue:
        return False

    def normalize(self, value: object) -> FieldValue:
        return to_bool(value)

    def from_db(self, value: SqlValue) -> FieldValue:
        return to_bool(value)

    def to_db(self, value: FieldValue) -> SqlValue:
        return 1 if to_bool(value) else 0

    def json_from_db(self, value: SqlValue) -> object:
        return to_bool(value)

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        return REQUIRED if self.required and not to_bool(value) else None
