"""Typed reading of the small bodies of auth requests."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from builtin_auth.errors import LOADING_FAILED, VALIDATING_FAILED
from pbhost.errors import JSON, BadRequestError, ErrorTree, FieldError, ValidationError
from pbhost.model import BodyValue, RequestContext
from pbhost.validation import collect


class Form:
    """A body whose keys are read by type; keys match case-insensitively, unknown ones are ignored.

    A form field's text was turned into a number or a boolean where it looks like one (``password=123456``); reading
    it as text gives it back. In JSON the same is a wrong type.
    """

    def __init__(self, context: RequestContext) -> None:
        self._values: dict[str, BodyValue] = {}
        for key, value in context.body.items():
            self._values[key.lower()] = value
        self._is_json = "json" in context.headers.get("content_type", "json")

    def text(self, key: str) -> str:
        """A text; "" when absent or null.

        Raises:
            BadRequestError: another type.
        """
        value = self._first(key)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if not self._is_json and isinstance(value, bool | int | float):
            return _spelled(value)
        raise BadRequestError(LOADING_FAILED)

    def integer(self, key: str) -> int:
        """An integer; 0 when absent or null.

        Raises:
            BadRequestError: another type.
        """
        value = self._first(key)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadRequestError(LOADING_FAILED)
        return value

    def json_object(self, key: str) -> dict[str, JSON]:
        """An object; empty when absent or null.

        Raises:
            BadRequestError: another type.
        """
        value = self._first(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise BadRequestError(LOADING_FAILED)
        return value

    def _first(self, key: str) -> BodyValue:
        value = self._values.get(key.lower())
        if not self._is_json and isinstance(value, list):
            return value[0] if value else None
        return value


def validate(checks: Mapping[str, FieldError | ErrorTree | None], message: str = VALIDATING_FAILED) -> None:
    """Raise the failing keys of ``checks`` together under ``message``.

    Raises:
        ValidationError: some key fails.
    """
    errors = collect(checks)
    if errors:
        raise ValidationError(errors, message)


def _spelled(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")
