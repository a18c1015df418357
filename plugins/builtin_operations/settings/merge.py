"""How a submitted document changes the settings: key by key, typed by what is there.

Objects merge; absent keys keep their value; ``null`` keeps a scalar and clears a list; unknown keys are ignored; keys
match case-insensitively. A list of objects is decoded element by element over the existing elements.
"""

from __future__ import annotations

from collections.abc import Mapping

from builtin_operations.settings.schema import ELEMENTS, copied
from pbhost.errors import JSON

_INT64 = 1 << 63
#: No list of the settings needs more; a hostile document must not make one.
_MAX_ELEMENTS = 1000


class SettingsTypeError(ValueError):
    """A submitted value has the wrong JSON type, so that the document cannot be decoded at all."""


def merge(values: Mapping[str, JSON], changes: Mapping[str, JSON], path: str = "") -> dict[str, JSON]:
    """The settings (or a part of them, at ``path``) after the changes; the arguments are left alone.

    Raises:
        SettingsTypeError: a value cannot be decoded.
    """
    submitted = {_known(values, key): value for key, value in changes.items()}
    return {
        key: _merged(value, submitted[key], f"{path}.{key}" if path else key) if key in submitted else copied(value)
        for key, value in values.items()
    }


def _known(values: Mapping[str, JSON], key: str) -> str:
    if key in values:
        return key
    lower = key.lower()
    return next((known for known in values if known.lower() == lower), key)


def _merged(value: JSON, change: JSON, path: str) -> JSON:
    if change is None:
        return [] if isinstance(value, list) else copied(value)
    if isinstance(value, dict):
        if not isinstance(change, dict):
            raise SettingsTypeError(f"{path} must be an object")
        return merge(value, change, path)
    if isinstance(value, list):
        return _merged_list(value, change, path)
    return _scalar(value, change, path)


def _merged_list(value: list[JSON], change: JSON, path: str) -> JSON:
    if not isinstance(change, list):
        raise SettingsTypeError(f"{path} must be a list")
    if len(change) > _MAX_ELEMENTS:
        raise SettingsTypeError(f"{path} must have no more than {_MAX_ELEMENTS} elements")
    if path not in ELEMENTS:
        return copied(change)
    blank = ELEMENTS[path]
    return [
        _merged(value[index] if index < len(value) else blank, item, f"{path}.{index}")
        for index, item in enumerate(change)
    ]


def _scalar(value: JSON, change: JSON, path: str) -> JSON:
    match value:
        case None:
            return copied(change)
        case bool():
            if isinstance(change, bool):
                return change
            raise SettingsTypeError(f"{path} must be true or false")
        case int():
            if isinstance(change, int) and not isinstance(change, bool) and -_INT64 <= change < _INT64:
                return change
            raise SettingsTypeError(f"{path} must be an integer")
        case float():
            if isinstance(change, (int, float)) and not isinstance(change, bool):
                return float(change)
            raise SettingsTypeError(f"{path} must be a number")
        case _:
            if isinstance(change, str):
                return change
            raise SettingsTypeError(f"{path} must be a text")
