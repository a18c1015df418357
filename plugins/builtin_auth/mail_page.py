"""Filling in a mail template: placeholders of subject and body, and the page around the body."""

from __future__ import annotations

from collections.abc import Mapping

from pbhost.model import Record

# Their text form cannot carry markup; everything else is escaped.
_PLAIN_TYPES = frozenset(("number", "bool", "date", "autodate"))

_PAGE = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<style>
body {{ margin: 0; padding: 16px; font: 15px/1.5 sans-serif; color: #20262e; background: #ffffff; }}
p {{ margin: 0 0 12px; }}
a {{ color: #1055c9; }}
em {{ font-style: italic; }}
strong {{ font-weight: 700; }}
.btn {{ display: inline-block; padding: 10px 22px; border-radius: 5px; background: #20262e; color: #ffffff !important;
  font-weight: 700; text-decoration: none; }}
.hidden {{ display: none !important; }}
</style>
</head>
<body>
{content}
</body>
</html>
"""


def escape(text: str) -> str:
    """HTML-escaped text, quotes in numeric form."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;"), ("'", "&#39;")):
        text = text.replace(char, entity)
    return text


def record_placeholders(record: Record) -> dict[str, str]:
    """``{RECORD:field}`` of every field that is not hidden. Hidden fields stay as written, so no secret is mailed."""
    out: dict[str, str] = {}
    for field in record.collection.fields:
        if field.hidden:
            continue
        text = _text(field.to_json(record[field.name]))
        out[f"{{RECORD:{field.name}}}"] = text if field.type in _PLAIN_TYPES else escape(text)
    return out


def fill(template: str, placeholders: Mapping[str, str]) -> str:
    """``template`` with its placeholders replaced; unknown ones stay.

    One pass over the text, so that a value that looks like a placeholder is never expanded itself.
    """
    out: list[str] = []
    position = 0
    while True:
        start = template.find("{", position)
        end = template.find("}", start) if start >= 0 else -1
        if end < 0:
            out.append(template[position:])
            return "".join(out)
        # The innermost opening brace is the placeholder's: "{{TOKEN}" keeps its first brace.
        start = template.rfind("{", start, end)
        out.append(template[position:start])
        key = template[start : end + 1]
        out.append(placeholders.get(key, key))
        position = end + 1


def page(content: str) -> str:
    """The whole HTML document around a filled-in body."""
    return _PAGE.format(content=content)


def _text(value: object) -> str:
    import orjson

    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return orjson.dumps(value).decode()
