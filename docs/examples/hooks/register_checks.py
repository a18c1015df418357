"""Lets ``pbhost doctor`` say when posts have no title."""

from pbhost import hookimpl
from pbhost.services import Check, Finding, Severity


@hookimpl
def register_checks(app):
    async def examine(budget):
        if app.collections.find("posts") is None:
            return []
        empty = await app.records.count("posts", "title = ''")
        if not empty:
            return []
        return [
            Finding(
                severity=Severity.ADVICE,
                what=f"{empty} posts have no title",
                why="they cannot be found in lists",
                remedy="pbhost posts tidy",
            )
        ]

    return [Check("blog.titles", "titles of posts", examine, needs=("collections", "records"))]
