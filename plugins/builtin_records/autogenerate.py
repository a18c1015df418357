"""Random text for a regular expression: what ``autogeneratePattern`` of a text field produces (records.md 12.2).

A pattern is parsed once into a tree of generators. Constructs that match no text of their own (anchors, boundaries,
empty groups) have nothing to generate and are refused.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from pbhost.model.ids import random_bytes

from .patterns import InvalidPattern, compile_pattern

_ANY = string.ascii_letters + string.digits
_UNBOUNDED_EXTRA = 6
_MAX_GENERATED = 100_000
_MAX_DEPTH = 100
_MAX_CODE_POINT = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)

Range = tuple[int, int]

_DIGIT: list[Range] = [(48, 57)]
_WORD: list[Range] = [(48, 57), (65, 90), (95, 95), (97, 122)]
_SPACE: list[Range] = [(9, 10), (12, 13), (32, 32)]
_POSIX: dict[str, list[Range]] = {
    "alnum": [(48, 57), (65, 90), (97, 122)],
    "alpha": [(65, 90), (97, 122)],
    "ascii": [(0, 127)],
    "blank": [(9, 9), (32, 32)],
    "cntrl": [(0, 31), (127, 127)],
    "digit": _DIGIT,
    "graph": [(33, 126)],
    "lower": [(97, 122)],
    "print": [(32, 126)],
    "punct": [(33, 47), (58, 64), (91, 96), (123, 126)],
    "space": [(9, 13), (32, 32)],
    "upper": [(65, 90)],
    "word": _WORD,
    "xdigit": [(48, 57), (65, 70), (97, 102)],
}
_CONTROL = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


class UnsupportedPattern(ValueError):
    """A valid regular expression that no text can be generated from."""


def generate(pattern: str) -> str:
    """A random text that the pattern describes.

    Raises:
        UnsupportedPattern: not a valid expression, or one with a construct that generates nothing.
    """
    return generator(pattern)()


@lru_cache(maxsize=256)
def generator(pattern: str) -> Callable[[], str]:
    """The compiled generator of a pattern, cached. Raises as ``generate``."""
    try:
        compile_pattern(pattern)
    except InvalidPattern as error:
        raise UnsupportedPattern(str(error)) from None
    node = _Parser(pattern).parse()
    if node.longest() > _MAX_GENERATED:
        raise UnsupportedPattern("the generated text would be too long")

    def produce() -> str:
        parts: list[str] = []
        node.write(parts)
        return "".join(parts)

    return produce


class _Node:
    def write(self, parts: list[str]) -> None:
        raise NotImplementedError

    def longest(self) -> int:
        raise NotImplementedError


@dataclass(slots=True)
class _Literal(_Node):
    text: str

    def write(self, parts: list[str]) -> None:
        parts.append(self.text)

    def longest(self) -> int:
        return 1


class _Class(_Node):
    """A uniform pick from a set of code points."""

    __slots__ = ("_bounds", "_ranges", "_size", "_table", "_unfair")

    def __init__(self, ranges: list[Range]) -> None:
        self._ranges = ranges
        self._bounds = list(accumulate(high - low + 1 for low, high in ranges))
        self._size = self._bounds[-1]
        self._table = b""
        self._unfair = b""
        if self._size <= 256 and ranges[-1][1] <= 255:
            alphabet = bytes(code for low, high in ranges for code in range(low, high + 1))
            self._table = bytes(alphabet[byte % self._size] for byte in range(256))
            self._unfair = bytes(range(256 - 256 % self._size, 256))

    def write(self, parts: list[str]) -> None:
        parts.append(self.pick(1))

    def longest(self) -> int:
        return 1

    def pick(self, count: int) -> str:
        """``count`` characters, each drawn uniformly."""
        if not self._table:
            return "".join(self._pick_code_point() for _ in range(count))
        # Rejection sampling over a whole block of random bytes: uniform, and a record id costs one system call.
        picked = b""
        while len(picked) < count:
            picked += random_bytes(2 * count + 8).translate(self._table, self._unfair)
        return picked[:count].decode("latin-1")

    def _pick_code_point(self) -> str:
        index = secrets.randbelow(self._size)
        for (_low, high), bound in zip(self._ranges, self._bounds, strict=True):
            if index < bound:
                return chr(high - (bound - index - 1))
        raise AssertionError("index beyond the last range")


@dataclass(slots=True)
class _Repeat(_Node):
    node: _Node
    low: int
    high: int

    def write(self, parts: list[str]) -> None:
        count = self.low + (secrets.randbelow(self.high - self.low) if self.high > self.low else 0)
        if isinstance(self.node, _Class):
            if count:
                parts.append(self.node.pick(count))
            return
        for _ in range(count):
            self.node.write(parts)

    def longest(self) -> int:
        return self.node.longest() * max(self.low, self.high - 1)


@dataclass(slots=True)
class _Sequence(_Node):
    nodes: list[_Node]

    def write(self, parts: list[str]) -> None:
        for node in self.nodes:
            node.write(parts)

    def longest(self) -> int:
        return sum(node.longest() for node in self.nodes)


@dataclass(slots=True)
class _Choice(_Node):
    nodes: list[_Node]

    def write(self, parts: list[str]) -> None:
        self.nodes[secrets.randbelow(len(self.nodes))].write(parts)

    def longest(self) -> int:
        return max(node.longest() for node in self.nodes)


class _Parser:
    """A recursive descent over a pattern that RE2 has accepted already, so only its meaning is read here."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0

    def parse(self) -> _Node:
        node = self._alternation()
        if self._at < len(self._text):
            raise UnsupportedPattern("unexpected )")
        return node

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise UnsupportedPattern("unexpected end of the expression")
        self._at += 1
        return char

    def _accept(self, text: str) -> bool:
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _alternation(self) -> _Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise UnsupportedPattern("expression nests too deeply")
        branches = [self._branch()]
        while self._accept("|"):
            branches.append(self._branch())
        self._depth -= 1
        return branches[0] if len(branches) == 1 else _Choice(branches)

    def _branch(self) -> _Node:
        nodes: list[_Node] = []
        while self._peek() not in ("", "|", ")"):
            atom = self._atom()
            if atom is not None:
                nodes.append(self._repeated(atom))
        if not nodes:
            raise UnsupportedPattern("empty matches are not supported")
        return nodes[0] if len(nodes) == 1 else _Sequence(nodes)

    def _atom(self) -> _Node | None:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return _Class(self._bracket())
        if char == ".":
            return _Class([(ord(low), ord(low)) for low in _ANY])
        if char in "^$":
            raise UnsupportedPattern(f"{char} is not supported")
        if char == "\\":
            return self._escape()
        return _Literal(char)

    def _group(self) -> _Node | None:
        if self._accept("?"):
            if self._accept("P<") or self._accept("<"):
                self._skip_past(">")
            else:
                flags = self._until(":)")
                if self._take() == ")":
                    # a bare flag group such as (?i) matches nothing and generates nothing
                    if not flags:
                        raise UnsupportedPattern("empty matches are not supported")
                    return None
        node = self._alternation()
        if not self._accept(")"):
            raise UnsupportedPattern("missing )")
        return node

    def _skip_past(self, char: str) -> None:
        self._until(char)
        self._take()

    def _until(self, stops: str) -> str:
        start = self._at
        while self._peek() and self._peek() not in stops:
            self._at += 1
        return self._text[start : self._at]

    def _repeated(self, node: _Node) -> _Node:
        while True:
            bounds = self._quantifier()
            if bounds is None:
                return node
            node = _Repeat(node, *bounds)
            self._accept("?")

    def _quantifier(self) -> tuple[int, int] | None:
        """The lowest count and one more than the highest; ``{n}`` and ``?`` leave no choice."""
        if self._accept("*"):
            return 0, _UNBOUNDED_EXTRA
        if self._accept("+"):
            return 1, _UNBOUNDED_EXTRA
        if self._accept("?"):
            return 0, 1
        if self._peek() != "{":
            return None
        closing = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(closing, 0)].partition(",")
        if closing < 0 or not _is_count(low) or (high and not _is_count(high)):
            return None  # a brace that starts no counted repetition is a literal
        self._at = closing + 1
        if not comma:
            return int(low), int(low)
        return int(low), int(high) if high else _UNBOUNDED_EXTRA

    def _escape(self) -> _Node | None:
        char = self._take()
        if char == "Q":
            end = self._text.find("\\E", self._at)
            stop = len(self._text) if end < 0 else end
            quoted = self._text[self._at : stop]
            self._at = min(len(self._text), stop + 2)
            return _Sequence([_Literal(item) for item in quoted]) if quoted else None
        if char in "bBAzZ":
            raise UnsupportedPattern(f"\\{char} is not supported")
        perl = _perl_class(char)
        if perl is not None:
            return _Class(perl)
        if char in "pP":
            raise UnsupportedPattern("Unicode classes are not supported")
        return _Literal(chr(self._code_point(char)))

    def _code_point(self, char: str) -> int:
        """The code point of an escape whose letter has been taken."""
        if char == "x":
            if self._accept("{"):
                digits = self._until("}")
                self._take()
            else:
                digits = self._take() + self._take()
            return min(int(digits, 16), _MAX_CODE_POINT)
        if char in "01234567":
            digits = char
            while len(digits) < 3 and self._peek() and self._peek() in "01234567":
                digits += self._take()
            return int(digits, 8)
        return _CONTROL.get(char, ord(char))

    def _bracket(self) -> list[Range]:
        negated = self._accept("^")
        ranges: list[Range] = []
        first = True
        while first or self._peek() != "]":
            first = False
            ranges += self._bracket_item()
        self._take()
        merged = _merge(ranges)
        return _complement(merged) if negated else merged

    def _bracket_item(self) -> list[Range]:
        if self._accept("[:"):
            name = self._until(":")
            self._at += 2
            return _complement(_merge(_POSIX[name[1:]])) if name.startswith("^") else _POSIX[name]
        low = self._bracket_char()
        if isinstance(low, list):
            return low
        if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("", "]"):
            self._take()
            high = self._bracket_char()
            if isinstance(high, int):
                return [(low, high)]
            return [(low, low), (45, 45), *high]
        return [(low, low)]

    def _bracket_char(self) -> int | list[Range]:
        char = self._take()
        if char != "\\":
            return ord(char)
        char = self._take()
        perl = _perl_class(char)
        if perl is not None:
            return perl
        if char in "pP":
            raise UnsupportedPattern("Unicode classes are not supported")
        return self._code_point(char)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _perl_class(char: str) -> list[Range] | None:
    ranges = {"d": _DIGIT, "w": _WORD, "s": _SPACE}.get(char.lower())
    if ranges is None:
        return None
    return ranges if char.islower() else _complement(ranges)


def _merge(ranges: list[Range]) -> list[Range]:
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _complement(ranges: list[Range]) -> list[Range]:
    """Every other code point; surrogates are left out, they cannot be written as UTF-8."""
    taken = _merge([*ranges, _SURROGATES])
    free: list[Range] = []
    start = 0
    for low, high in taken:
        if low > start:
            free.append((start, low - 1))
        start = high + 1
    if start <= _MAX_CODE_POINT:
        free.append((start, _MAX_CODE_POINT))
    return free
