"""The clause in front of every rule, and whether it stands there."""

from __future__ import annotations

from collections.abc import Iterator

from pbhost.model import Rule


def guarded(rule: Rule, clause: str) -> Rule:
    """A rule that only holds where the clause does; one that is guarded already stays as it is.

    Args:
        rule: None stays None: nobody but superusers.
        clause: a filter expression without ``||``.
    """
    if rule is None or is_guarded(rule, clause):
        return rule
    # The line break ends a comment at the end of the rule, which would swallow the parenthesis.
    return f"{clause} && ({rule}\n)" if rule.strip() else clause


def is_guarded(rule: str, clause: str) -> bool:
    """Whether nothing of the rule holds without the clause."""
    if rule == clause:
        return True
    head = f"{clause} && ("
    return rule.startswith(head) and _closes_at_its_end(rule[len(head) :])


def _closes_at_its_end(text: str) -> bool:
    """Whether a parenthesis opened before the text is closed by its last character and not before."""
    depth = 1
    for place, character in _code(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def _code(text: str) -> Iterator[tuple[int, str]]:
    """The characters that are neither in a text in quotes nor in a comment, with their places."""
    quote, place = "", 0
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
