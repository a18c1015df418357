"""A condition in front of an API rule, for plugins that restrict what collections show whatever their rules say."""

from __future__ import annotations

from collections.abc import Iterator

from pbhost.model.collection import Rule


def guarded(rule: Rule, clause: str) -> Rule:
    """A rule that only holds where the clause does; one that is guarded already comes back as it is.

    Args:
        rule: None stays None: nobody but superusers.
        clause: a filter expression without ``||`` outside of parentheses.
    """
    if rule is None or is_guarded(rule, clause):
        return rule
    # The line break ends a comment at the end of the rule, which would swallow the parenthesis.
    return f"{clause} && ({rule}\n)" if rule.strip() else clause


def is_guarded(rule: str, clause: str) -> bool:
    """Whether nothing of the rule holds without the clause, by the form that :func:`guarded` gives it.

    Several guards may stand in front of each other.
    """
    while rule != clause:
        head = f"{clause} && ("
        if rule.startswith(head):
            return _closing(rule, len(head)) == len(rule) - 1
        # What stands in front may be the guard of another plugin, of which only the parenthesis counts.
        start = rule.find(" && (")
        if start < 0 or "||" in rule[:start] or not _ends_in_code(rule[:start]):
            return False
        if _closing(rule, start + 5) != len(rule) - 1:
            return False
        rule = rule[start + 5 : -1].removesuffix("\n")
    return True


def _closing(text: str, start: int) -> int:
    """The place of the parenthesis that closes one opened just before ``start``; -1 if none does."""
    depth = 1
    for place, character in _code(text, start):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place
    return -1


def _ends_in_code(text: str) -> bool:
    """Whether what follows the text is neither quoted nor commented out by it."""
    return any(place == len(text) for place, _ in _code(f"{text};", 0))


def _code(text: str, place: int) -> Iterator[tuple[int, str]]:
    """The characters that are neither in a text in quotes nor in a comment, with their places."""
    quote = ""
    while place < len(text):
        character = text[place]
        if quote:
            if character == "\\":
                place += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif text.startswith("//", place):
            end = text.find("\n", place)
            place = len(text) if end < 0 else end
        else:
            yield place, character
        place += 1
