"""Filter text to its tree, by recursive descent. Any text gives a tree or a :class:`FilterError`, in bounded time.

expr    := term ( ("&&" | "||") term )*
term    := operand sign operand | "(" expr ")"
operand := identifier | number | text | function | "{:name}"
"""

from __future__ import annotations

from .ast import Call, Comparison, Group, Identifier, Join, Number, Operand, Operator, Placeholder
from .ast import Text as TextNode
from .errors import FilterError
from .tokens import Kind, Token, closing_parenthesis, next_token

MAX_COMPARISONS = 200
MAX_CALL_DEPTH = 3
MAX_ARGUMENTS = 100
#: The target has no bound of its own here; each level costs stack, ours and that of the database's parser.
MAX_NESTING = 100
#: Rules are written by superusers, who are not trusted to be brief either.
MAX_LENGTH = 100_000


def parse(text: str, *, placeholders: bool = False) -> Group:
    """The tree of a filter expression.

    Args:
        text: the expression; empty text is an error.
        placeholders: whether ``{:name}`` is an operand (only for text that code wrote).

    Raises:
        FilterError: the text is no expression, or exceeds a bound.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError("the expression is too long")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:  # a lone surrogate cannot be bound
            raise FilterError("invalid character", error.start) from None
    return _Parser(text, placeholders).group(0, len(text), 0)


class _Parser:
    def __init__(self, text: str, placeholders: bool) -> None:
        self._text = text
        self._placeholders = placeholders
        self._comparisons = 0
        self._pairs: dict[int, int] = {}

    def group(self, at: int, end: int, depth: int) -> Group:
        """The expression between two offsets."""
        if depth > MAX_NESTING:
            raise FilterError("the expression is nested too deep", at)
        terms: list[Comparison | Group] = []
        joins: list[Join] = []
        join: Join = "&&"
        joined = True
        while (token := next_token(self._text, at, end)).kind is not Kind.END:
            if token.kind is Kind.JOIN and not joined:
                join = "&&" if token.value == "&&" else "||"
                joined = True
                at = token.end
                continue
            # A group may follow another term without a join; it is then joined as the one before it was. Stored rules
            # of existing data directories may rely on it.
            if not joined and token.kind is not Kind.OPEN:
                raise FilterError(f"expected a join operator, got {token.value[:40]!r}", token.start)
            term, at = self._term(token, end, depth)
            if terms:
                joins.append(join)
            terms.append(term)
            joined = False
        if not terms:
            raise FilterError("empty filter expression", at)
        if joined:
            raise FilterError("the expression ends with a join operator", end)
        return Group(tuple(terms), tuple(joins))

    def _term(self, token: Token, end: int, depth: int) -> tuple[Comparison | Group, int]:
        if token.kind is Kind.OPEN:
            close = closing_parenthesis(self._text, token.start, end, self._pairs)
            return self.group(token.end, close, depth + 1), close + 1
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise FilterError(f"more than {MAX_COMPARISONS} comparisons", token.start)
        left, at = self._operand(token, end)
        sign = next_token(self._text, at, end)
        if sign.kind is not Kind.SIGN:
            raise FilterError("expected a sign operator after the left operand", sign.start)
        right, at = self._operand(next_token(self._text, sign.end, end), end)
        return Comparison(left, Operator(sign.value), right, token.start), at

    def _operand(self, token: Token, end: int, depth: int = 1) -> tuple[Operand, int]:
        match token.kind:
            case Kind.IDENTIFIER:
                if token.end < end and self._text[token.end] == "(":
                    return self._call(token, end, depth)
                return Identifier(token.value, token.start), token.end
            case Kind.NUMBER:
                return Number(float(token.value), token.start), token.end
            case Kind.TEXT:
                return TextNode(token.value, token.start), token.end
            case Kind.PLACEHOLDER if self._placeholders:
                return Placeholder(token.value, token.start), token.end
            case Kind.END:
                raise FilterError("expected an operand", token.start)
            case _:
                raise FilterError(f"expected an operand, got {token.value[:40]!r}", token.start)

    def _call(self, name: Token, end: int, depth: int) -> tuple[Call, int]:
        if depth > MAX_CALL_DEPTH:
            raise FilterError(f"functions are nested deeper than {MAX_CALL_DEPTH}", name.start)
        arguments: list[Operand] = []
        at = name.end + 1
        expect_comma = False
        while (token := next_token(self._text, at, end)).kind is not Kind.CLOSE:
            if token.kind is Kind.END:
                raise FilterError("missing closing parenthesis of a function", name.start)
            if expect_comma:
                if token.kind is not Kind.COMMA:
                    raise FilterError("expected a comma between arguments", token.start)
                at = token.end
            else:
                argument, at = self._operand(token, end, depth + 1)
                if len(arguments) == MAX_ARGUMENTS:
                    raise FilterError("too many arguments", token.start)
                arguments.append(argument)
            expect_comma = not expect_comma
        return Call(name.value, tuple(arguments), name.start), token.end
