"""User-supplied regular expressions: the RE2 dialect, which cannot be made to run for ever."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol, cast

_MAX_MEMORY = 8 << 20
_MAX_LENGTH = 5000


class InvalidPattern(ValueError):
    """The text is no regular expression of the dialect; the message is the engine's."""


class Pattern(Protocol):
    """A compiled pattern, as far as we use one."""

    def search(self, text: str) -> object | None:
        """An unanchored match, ``None`` without one."""


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    r"""Compile a pattern of the RE2 dialect: ASCII ``\d \w \s``, ``$`` only at the very end.

    Raises:
        InvalidPattern: the text does not compile, or is too large to.
    """
    # imported on first use: most requests never meet a pattern
    import re2

    if len(text) > _MAX_LENGTH:
        raise InvalidPattern("expression too large")
    if _uses_any_byte(text):
        # RE2 in C++ knows it, the dialect of the contract does not: it would cut characters in two.
        raise InvalidPattern(r"invalid escape sequence: \C")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    compile_text = cast("Callable[[str, object], Pattern]", re2.compile)
    try:
        return compile_text(text, options)
    except (re2.error, UnicodeError) as error:
        reason = error.args[0] if error.args else "invalid expression"
        if isinstance(reason, bytes):
            reason = reason.decode("utf-8", "replace")
        raise InvalidPattern(str(reason)) from None


def _uses_any_byte(text: str) -> bool:
    escaped = False
    for char in text:
        if escaped and char == "C":
            return True
        escaped = char == "\\" and not escaped
    return False


def matches(pattern: str, value: str) -> bool:
    """Whether a value matches; text that cannot be UTF-8 (lone surrogates) matches nothing.

    Raises:
        InvalidPattern: see ``compile_pattern``.
    """
    try:
        return compile_pattern(pattern).search(value) is not None
    except UnicodeError:
        return False
