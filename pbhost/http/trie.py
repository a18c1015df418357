"""A trie over path patterns: which route answers a method and a path.

Patterns are made of static segments, ``{param}`` (one segment, never empty) and a last ``{tail...}`` (the rest, may
be empty):

    /api/collections/{collection}/records/{id}
    /_/{path...}

A static segment beats a parameter and a parameter beats a tail; when the preferred branch leads nowhere for the
method, the next one is tried. Matching is case-sensitive and there is no optional trailing slash. ``GET`` also
answers ``HEAD`` unless ``HEAD`` is registered; the method ``*`` answers what no other method of the same pattern does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Generic, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")

ANY_METHOD = "*"


@dataclass(slots=True)
class Leaf(Generic[T]):
    """What is registered under one pattern and method."""

    method: str
    pattern: str
    names: tuple[str, ...]
    value: T


@dataclass(slots=True)
class _Node(Generic[T]):
    static: dict[str, _Node[T]] = field(default_factory=dict)
    param: _Node[T] | None = None
    leaves: dict[str, Leaf[T]] = field(default_factory=dict)
    tails: dict[str, Leaf[T]] = field(default_factory=dict)


#: A node, and the values of the parameters on the way to it.
_Way: TypeAlias = tuple[_Node[T], tuple[str, ...]]
_MOST_WAYS: Final = 1024
_LONGEST_HEAD: Final = 256


class RouteTrie(Generic[T]):
    """Registered values by method and path pattern."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        # A path without parameters is one dict look-up.
        self._exact: dict[tuple[str, str], Leaf[T]] = {}
        # By path up to the last slash. Bounded, for parameters are what the client makes of them.
        self._ways: dict[str, _Way[T]] = {}

    def add(self, method: str, pattern: str, value: T) -> T | None:
        """Register ``value``; returns what it replaces, if anything.

        Raises:
            ValueError: the pattern is not one.
        """
        method = method.upper()
        segments = parse_pattern(pattern)
        self._ways.clear()
        node = self._root
        names: list[str] = []
        is_tail = False
        for kind, text in segments:
            if kind == "static":
                node = node.static.setdefault(text, _Node())
            elif kind == "param":
                names.append(text)
                node.param = node.param or _Node()
                node = node.param
            else:
                names.append(text)
                is_tail = True
        leaf = Leaf(method, pattern, tuple(names), value)
        table = node.tails if is_tail else node.leaves
        replaced = table.get(method)
        table[method] = leaf
        if not names:
            self._exact[method, pattern] = leaf
        return replaced.value if replaced is not None else None

    def resolve(self, method: str, path: str) -> tuple[Leaf[T], dict[str, str]] | None:
        """The leaf for a method and a raw (percent-encoded) path, with the decoded parameters, or None."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, {}
        if not path.startswith("/"):
            return None
        if "%" in path:
            return self._search(method, [decode_segment(segment) for segment in path[1:].split("/")])
        # The branches that are preferred lead there nearly always, and to the last segment often by the same way.
        head, _, last = path.rpartition("/")
        way = self._ways.get(head) or self._descend(head)
        if way is not None:
            node, values = way
            child = node.static.get(last)
            if child is None and last:
                child, values = node.param, (*values, last)
            if child is not None:
                leaf = _pick(child.leaves, method)
                if leaf is not None:
                    return leaf, dict(zip(leaf.names, values, strict=True))
        return self._search(method, path[1:].split("/"))

    def leaves(self) -> list[Leaf[T]]:
        """Everything registered, by pattern and method."""
        found: list[Leaf[T]] = []
        stack = [self._root]
        while stack:
            node = stack.pop()
            found += [*node.leaves.values(), *node.tails.values()]
            stack += node.static.values()
            if node.param is not None:
                stack.append(node.param)
        return sorted(found, key=lambda leaf: (leaf.pattern, leaf.method))

    def _descend(self, head: str) -> _Way[T] | None:
        """Where the preferred branches lead, with the parameters on the way; remembered. None if they end before."""
        node, values = self._root, []
        for segment in head[1:].split("/") if head else ():
            child = node.static.get(segment)
            if child is None:
                child = node.param
                if child is None or not segment:
                    return None
                values.append(segment)
            node = child
        way = (node, tuple(values))
        if len(head) <= _LONGEST_HEAD:
            if len(self._ways) >= _MOST_WAYS:
                self._ways.clear()
            self._ways[head] = way
        return way

    def _search(self, method: str, segments: list[str]) -> tuple[Leaf[T], dict[str, str]] | None:
        """All branches, in the order of preference; the segments are decoded."""
        values: list[str] = []
        leaf = self._walk(self._root, method, segments, 0, values)
        return None if leaf is None else (leaf, dict(zip(leaf.names, values, strict=True)))

    def _walk(self, node: _Node[T], method: str, segments: list[str], index: int, values: list[str]) -> Leaf[T] | None:
        if index == len(segments):
            return _pick(node.leaves, method)
        segment = segments[index]
        child = node.static.get(segment)
        if child is not None:
            leaf = self._walk(child, method, segments, index + 1, values)
            if leaf is not None:
                return leaf
        if node.param is not None and segment:
            values.append(segment)
            leaf = self._walk(node.param, method, segments, index + 1, values)
            if leaf is not None:
                return leaf
            values.pop()
        if node.tails:
            leaf = _pick(node.tails, method)
            if leaf is not None:
                values.append("/".join(segments[index:]))
                return leaf
        return None


def _pick(table: dict[str, Leaf[T]], method: str) -> Leaf[T] | None:
    leaf = table.get(method)
    if leaf is None and method == "HEAD":
        leaf = table.get("GET")
    return leaf if leaf is not None else table.get(ANY_METHOD)


def parse_pattern(pattern: str) -> list[tuple[str, str]]:
    """The segments of a pattern as (``static`` | ``param`` | ``tail``, text).

    Raises:
        ValueError: no leading slash, a nameless or repeated parameter, a tail that is not last, braces inside a
            segment.
    """
    if not pattern.startswith("/"):
        raise ValueError(f"route pattern {pattern!r} must start with '/'")
    parts = pattern[1:].split("/")
    segments: list[tuple[str, str]] = []
    names: set[str] = set()
    for index, part in enumerate(parts):
        if not (part.startswith("{") and part.endswith("}")):
            if "{" in part or "}" in part:
                raise ValueError(f"route pattern {pattern!r}: a parameter must be a whole segment, not {part!r}")
            segments.append(("static", part))
            continue
        name = part[1:-1]
        kind = "param"
        if name.endswith("..."):
            kind, name = "tail", name[:-3]
            if index != len(parts) - 1:
                raise ValueError(f"route pattern {pattern!r}: {part!r} must be the last segment")
        if not name.isidentifier() or name in names:
            raise ValueError(f"route pattern {pattern!r}: parameter {part!r} needs a name of its own")
        names.add(name)
        segments.append((kind, name))
    return segments


def decode_segment(segment: str) -> str:
    """Percent-decoding of one path segment; an escaped slash stays inside it, bad UTF-8 becomes U+FFFD."""
    return unquote_to_bytes(segment).decode("utf-8", "replace") if "%" in segment else segment


def clean_path(path: str) -> str | None:
    """The cleaned form of a raw path with ``//`` or ``.``/``..`` segments, or None when it is clean already.

    A trailing slash stays. The result always starts with exactly one slash, so it can be used in a ``Location`` header
    without pointing to another host.
    """
    if "//" not in path and "/." not in path and path.startswith("/"):
        return None
    kept: list[str] = []
    for segment in path.split("/"):
        if segment in ("", "."):
            continue
        if segment == "..":
            if kept:
                kept.pop()
            continue
        kept.append(segment)
    cleaned = "/" + "/".join(kept)
    if len(cleaned) > 1 and path.endswith(("/", "/.", "/..")):
        cleaned += "/"
    return cleaned if cleaned != path else None
