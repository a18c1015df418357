"""The plain-text part of a mail, derived from its HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_SKIPPED = frozenset(("style", "script", "head", "title", "meta", "template"))
_BREAKING = frozenset(
    ("p", "div", "table", "tr", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "section")
)


def from_html(html: str) -> str:
    """Readable text: paragraphs apart, list items marked, a link's address in parentheses after its words."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._skipping = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            # Void elements have no end tag to leave them by.
            self._skipping += tag != "meta"
        elif tag == "br":
            self._parts.append("\n")
        elif tag == "li":
            self._parts.append("\n- ")
        elif tag in _BREAKING:
            self._parts.append("\n\n")
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        elif tag in _BREAKING:
            self._parts.append("\n\n")
        elif tag == "a" and self._links:
            address = self._links.pop()
            if address and not address.startswith("#"):
                self._parts.append(f" ({address})")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """What was read, with runs of space and of empty lines made short."""
        joined = re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(self._parts))
        return re.sub(r"\n{3,}", "\n\n", re.sub(r" {2,}", " ", joined)).strip()
