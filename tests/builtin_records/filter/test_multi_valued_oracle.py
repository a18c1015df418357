"""The meaning of multi-valued comparisons, stated once in Python and compared with what the database answers."""

from __future__ import annotations

import pytest

WORDS = ["", "a", "b", "A"]
SETS = [text.split() for text in ("", "t1", "t2", "t3", "t1 t2", "t3 t1", "t1 t2 t3", "t2 t2", "gone", "t1 gone")]
NAMES = {"t1": "a", "t2": "b", "t3": ""}


def holds(left, sign, right, known):
    """Whether a comparison holds: True, False, or None for NULL. ``known``: one side is a non-empty literal."""
    match sign:
        case "=" | "!=":
            same = left == right if known else (left or "") == (right or "")
            if known and (left is None or right is None) and sign == "=":
                return None
            return same if sign == "=" else not same
        case "~" | "!~":
            if left is None or right is None:
                return None
            found = right.lower() in left.lower()
            return found if sign == "~" else not found
        case _:
            if left is None or right is None:
                return None
            return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def expected(lefts, sign, rights, known, any_of, same_path):
    """One pair must satisfy the comparison and, without ``?``, none may contradict it.

    The joins of one path are shared, so with the same path on both sides a pair is a value and itself.
    """
    pairs = zip(lefts, lefts, strict=True) if same_path else ((left, right) for left in lefts for right in rights)
    if not any(holds(left, sign, right, known) for left, right in pairs):
        return False
    return any_of or all(holds(left, sign, right, known) is not False for left in lefts for right in rights)


@pytest.fixture(autouse=True)
def rows(world):
    for id, name in NAMES.items():
        world.insert("tags", id=id, name=name)
    for index, tags in enumerate(SETS):
        title = WORDS[index % len(WORDS)]
        labels = [NAMES.get(tag, "b") for tag in tags]
        world.insert("posts", id=f"p{index}", title=title, tags=tags, labels=labels)
        for number, tag in enumerate(tags):
            world.insert("comments", id=f"c{index}-{number}", post=f"p{index}", text=NAMES.get(tag, "b"))


def values_of(path, index):
    tags = SETS[index]
    match path:
        case "title":
            return [WORDS[index % len(WORDS)]]
        case "tags.name":
            return [NAMES.get(tag) for tag in tags] or [None]
        case _:
            return [NAMES.get(tag, "b") for tag in tags] or [None]


SIDES = ["title", "tags.name", "labels:each", "comments_via_post.text", "'a'", "'b'", "''"]


@pytest.mark.parametrize("any_of", ["", "?"])
@pytest.mark.parametrize("sign", ["=", "!=", "~", "!~", "<", "<=", ">", ">="])
def test_every_pair_of_sides(world, sign, any_of):
    for left in SIDES:
        for right in SIDES:
            literals = [side for side in (left, right) if side.startswith("'")]
            if len(literals) == 2:
                continue
            known = any(literal != "''" for literal in literals)
            text = f"{left} {any_of}{sign} {right}"
            want = []
            for index in range(len(SETS)):
                sides = [[side[1:-1]] if side in literals else values_of(side, index) for side in (left, right)]
                if expected(sides[0], sign, sides[1], known, any_of == "?", left == right):
                    want.append(f"p{index}")
            assert world.ids(text) == " ".join(want), text
