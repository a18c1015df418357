"""Whether a text is a JSON object or array, or could become one if more of it were seen."""

from __future__ import annotations

import re
from typing import Literal

# A scalar that is complete, or one cut off by the end of the text.
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_CUT_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CUT_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?)?\Z")
_SPACE = re.compile(r"[ \t\n\r]*")
_WORDS = ("true", "false", "null")

_Expect = Literal["value", "first value", "key", "first key", "colon", "comma", "end"]


def is_json(text: str, *, complete: bool) -> bool:
    """Whether ``text`` is one JSON object or array.

    Args:
        text: the text.
        complete: whether it is all of it; otherwise a valid beginning is enough.
    """
    return _Scanner(text, complete).scan()


class _Scanner:
    """A state machine instead of a parser: the text may end anywhere, and depth costs no Python stack."""

    def __init__(self, text: str, complete: bool) -> None:
        self.text = text
        self.complete = complete
        self.open: list[str] = []
        self.expect: _Expect = "value"

    def scan(self) -> bool:
        text, at = self.text, 0
        while True:
            at = _end(_SPACE, text, at)
            if at >= len(text):
                return self.expect == "end" or (not self.complete and bool(self.open))
            if self.expect == "end" or (not self.open and text[at] not in "[{"):
                return False
            following = self._step(text, at)
            if following is None:
                return False
            at = following

    def _step(self, text: str, at: int) -> int | None:
        """The position behind the token at ``at``, or None if it does not belong there."""
        char = text[at]
        if self.expect == "colon":
            self.expect = "value"
            return at + 1 if char == ":" else None
        if char in "]}":
            return self._close(char, at)
        if self.expect == "comma":
            self.expect = "key" if self.open[-1] == "}" else "value"
            return at + 1 if char == "," else None
        if self.expect in ("key", "first key"):
            following = self._scalar(_STRING, _CUT_STRING, at) if char == '"' else None
            self.expect = "colon"
            return following
        return self._value(char, at)

    def _close(self, char: str, at: int) -> int | None:
        allowed = ("comma", "first key") if char == "}" else ("comma", "first value")
        if not self.open or self.open[-1] != char or self.expect not in allowed:
            return None
        self.open.pop()
        self.expect = "comma" if self.open else "end"
        return at + 1

    def _value(self, char: str, at: int) -> int | None:
        if char in "[{":
            self.open.append("]" if char == "[" else "}")
            self.expect = "first value" if char == "[" else "first key"
            return at + 1
        self.expect = "comma"
        if char == '"':
            return self._scalar(_STRING, _CUT_STRING, at)
        if char == "-" or char.isdigit():
            return self._scalar(_NUMBER, _CUT_NUMBER, at)
        for word in _WORDS:
            if self.text.startswith(word, at):
                return at + len(word)
            if not self.complete and word.startswith(self.text[at:]):
                return len(self.text)
        return None

    def _scalar(self, whole: re.Pattern[str], cut: re.Pattern[str], at: int) -> int | None:
        if not self.complete and cut.match(self.text, at):
            return len(self.text)
        match = whole.match(self.text, at)
        return match.end() if match else None


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
