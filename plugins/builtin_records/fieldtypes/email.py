"""``email``: a mail address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, ValueCheck
from pbhost.validation import NOT_EMAIL, valid_email

from ..casting import to_text
from .domains import DomainLimitedField, domain_error


@dataclass(kw_only=True)
class EmailField(DomainLimitedField):
    """A mail address as typed: neither trimmed nor lower-cased."""

    type: ClassVar[str] = "email"

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        address = to_text(value)
        if not address:
            return REQUIRED if self.required else None
        if not valid_email(address):
            return NOT_EMAIL
        if not self.admits(address.rpartition("@")[2]):
            return domain_error("validation_email_domain_not_allowed", "Email")
        return None
