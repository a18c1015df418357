"""``:excerpt(max, withEllipsis)``: the readable beginning of an HTML text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_SKIPPED = frozenset(
    [
        "head",
        "style",
        "script",
        "iframe",
        "embed",
        "applet",
        "object",
        "svg",
        "img",
        "picture",
        "dialog",
        "template",
        "button",
        "form",
        "textarea",
        "input",
        "select",
        "option",
    ]
)
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdo",
        "big",
        "br",
        "button",
        "cite",
        "code",
        "em",
        "i",
        "label",
        "q",
        "small",
        "span",
        "strong",
        "strike",
        "sub",
        "sup",
        "time",
    ]
)
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
_WHITESPACE = re.compile(r"\s+")


def excerpt(html: str, limit: int, with_ellipsis: bool = False) -> str:
    """The text of ``html``, white space collapsed, cut to ``limit`` characters.

    Args:
        html: HTML or plain text.
        limit: the greatest number of characters, before the ellipsis.
        with_ellipsis: append ``...`` when something was cut.
    """
    collector = _TextCollector(limit)
    collector.feed(html)
    collector.close()
    text = collector.text().strip()
    if len(text) <= limit:
        return text
    return text[:limit].strip() + ("..." if with_ellipsis else "")


class _TextCollector(HTMLParser):
    def __init__(self, limit: int) -> None:
        super().__init__(convert_charrefs=True)
        self._limit = limit
        self._parts: list[str] = []
        self._size = 0
        self._open_skipped: list[str] = []
        self._ends_in_space = True

    def text(self) -> str:
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._open_skipped:
            if tag == self._open_skipped[-1] and tag not in _VOID:
                self._open_skipped.append(tag)
            return
        if tag in _SKIPPED:
            if tag not in _VOID:
                self._open_skipped.append(tag)
            return
        if tag not in _INLINE:
            self._space()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # In HTML the slash of ``<div/>`` means nothing, so only void elements close themselves.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._open_skipped:
            if tag == self._open_skipped[-1]:
                self._open_skipped.pop()
            return
        if tag not in _INLINE and tag not in _SKIPPED:
            self._space()

    def handle_data(self, data: str) -> None:
        # Two bytes past the limit are enough to know that something was cut; the check is made once per text node.
        if self._open_skipped or self._size > self._limit + 2:
            return
        text = _WHITESPACE.sub(" ", data)
        if self._ends_in_space:
            text = text.removeprefix(" ")
        self._append(text)

    def _space(self) -> None:
        if not self._ends_in_space and self._size <= self._limit + 2:
            self._append(" ")

    def _append(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._size += len(text.encode("utf-8", "surrogatepass"))
            self._ends_in_space = text.endswith(" ")
