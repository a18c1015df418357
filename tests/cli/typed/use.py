"""What a plugin author may and may not write over the generated module; mypy checks it, the test runs ``main``."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from generated import PostsRecord, UsersRecord, posts, stats, users

from pbhost import App
from pbhost.errors import JSON


async def main(app: App) -> list[object]:
    user = await users(app).create({"email": "ann@example.com", "password": "password-of-ann"})
    post = await posts(app).create(
        {
            "title": "Hello",
            "status": "draft",
            "labels": ["a", "b"],
            "author": user.id,
            "price": Decimal("1.50"),
            "due": datetime(2031, 5, 6, tzinfo=UTC),
            "meta": {"deep": [1, 2]},
            "str": "taken",
        }
    )
    post.labels = ["c"]
    post.votes = 3
    post["title"] = "by name"
    await posts(app).save(post)
    changed = await posts(app).update(post.id, {"votes+": 2, "labels+": "a", "class": "first"})
    meta: JSON = changed.meta
    price: Decimal = changed.price
    found: PostsRecord | None = await posts(app).find_first("title = {:t}", {"t": "by name"}, expand="author")
    assert found is not None
    author: UsersRecord | None = found.expanded_one("author", UsersRecord)
    assert author is not None
    back = await users(app).get(user.id, expand="posts_via_author")
    mine: list[PostsRecord] = back.expanded_list("posts_via_author", PostsRecord)
    [line] = await stats(app).find_many()
    titles = [item.title async for item in posts(app).iterate()]
    facts: list[object] = [
        changed.title,
        changed.labels,
        changed.votes,
        changed.due,
        meta,
        price,
        changed.class_,
        changed.str_,
        changed.created != "",
        author.email,
        author.password,
        [item.id for item in mine] == [post.id],
        line.title,
        titles,
        await posts(app).count(),
    ]
    await posts(app).delete(post)
    return [*facts, await posts(app).count()]


async def wrong(app: App) -> None:
    await posts(app).create({"title": "x"})  # type: ignore[typeddict-item]  # status is required
    await posts(app).create({"title": "x", "status": "lost"})  # type: ignore[typeddict-item]
    await posts(app).update("x", {"titel": "x"})  # type: ignore[typeddict-unknown-key]
    await posts(app).update("x", {"created": "x"})  # type: ignore[typeddict-unknown-key]
    await stats(app).create({"title": "x"})  # type: ignore[arg-type]
    post = await posts(app).get("x")
    post.title = 5  # type: ignore[assignment]
    post.status = "lost"  # type: ignore[assignment]
    post.created = "2024-01-01"  # type: ignore[assignment]
    assert post.titel  # type: ignore[attr-defined]
    number: int = post.title  # type: ignore[assignment]
    assert number
    user = await users(app).get("x")
    await posts(app).save(user)  # type: ignore[arg-type]
