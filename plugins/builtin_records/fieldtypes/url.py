"""``url``: a web address; the scheme may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, ValueCheck
from pbhost.validation import valid_url

from ..casting import to_text
from .domains import DomainLimitedField, domain_error

_INVALID = FieldError("validation_invalid_url", "Must be a valid url.")


@dataclass(kw_only=True)
class UrlField(DomainLimitedField):
    """A URL; its host is compared including the port."""

    type: ClassVar[str] = "url"

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        address = to_text(value)
        if not address:
            return REQUIRED if self.required else None
        if not valid_url(address):
            return _INVALID
        if not self.admits(_host_and_port(address)):
            return domain_error("validation_url_domain_not_allowed", "Url")
        return None


def _host_and_port(address: str) -> str:
    """Host and port as written; ``""`` without a scheme, for then nothing says where the host starts."""
    scheme, separator, rest = address.partition("://")
    if not separator or not scheme.isalpha():
        return ""
    for end in "/?#":
        rest = rest.partition(end)[0]
    return rest.rpartition("@")[2]
