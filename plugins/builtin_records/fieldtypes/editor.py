"""``editor``: HTML, stored verbatim and bounded in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, SchemaCheck, ValueCheck
from pbhost.validation import check as first_error
from pbhost.validation import collect

from ..casting import to_text
from .options import Option, boolean, integer, size_rules
from .plain import PlainTextField

DEFAULT_MAX_SIZE = 5 << 20


@dataclass(kw_only=True)
class EditorField(PlainTextField):
    """HTML of at most ``max_size`` bytes; ``convert_urls`` is for the dashboard's editor only."""

    type: ClassVar[str] = "editor"
    options: ClassVar = {
        "convert_urls": Option("convertURLs", boolean),
        "max_size": Option("maxSize", integer),
    }

    convert_urls: bool = False
    max_size: int = 0

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        return collect({"maxSize": first_error(self.max_size, *size_rules)})

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        content = to_text(value)
        if not content:
            return REQUIRED if self.required else None
        most = self.max_size or DEFAULT_MAX_SIZE
        if len(content.encode("utf-8", "surrogatepass")) > most:
            return FieldError(
                "validation_content_size_limit",
                f"The maximum allowed content size is {most} bytes.",
                {"maxSize": most},
            )
        return None
