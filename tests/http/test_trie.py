"""Which route answers: precedence, parameters, methods; and the trie against a naive matcher."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbhost.http.trie import RouteTrie, clean_path, parse_pattern

ROUTES = [
    ("GET", "/api/health"),
    ("GET", "/api/collections"),
    ("GET", "/api/collections/{collection}"),
    ("PUT", "/api/collections/import"),
    ("GET", "/api/collections/meta/scaffolds"),
    ("GET", "/api/collections/{collection}/records"),
    ("POST", "/api/collections/{collection}/records"),
    ("GET", "/api/collections/{collection}/records/{id}"),
    ("GET", "/{path...}"),
    ("*", "/hook/{name}"),
]


@pytest.fixture
def trie() -> RouteTrie[str]:
    made: RouteTrie[str] = RouteTrie()
    for method, pattern in ROUTES:
        assert made.add(method, pattern, f"{method} {pattern}") is None
    return made


@pytest.mark.parametrize(
    ("method", "path", "route", "params"),
    [
        ("GET", "/api/health", "GET /api/health", {}),
        ("HEAD", "/api/health", "GET /api/health", {}),
        ("GET", "/api/health/", "GET /{path...}", {"path": "api/health/"}),
        ("GET", "/API/health", "GET /{path...}", {"path": "API/health"}),
        ("POST", "/api/health", None, {}),
        ("GET", "/api/collections/import", "GET /api/collections/{collection}", {"collection": "import"}),
        ("GET", "/api/collections/meta/scaffolds", "GET /api/collections/meta/scaffolds", {}),
        ("GET", "/api/collections/meta/records", "GET /api/collections/{collection}/records", {"collection": "meta"}),
        ("GET", "/api/collections//records", "GET /{path...}", {"path": "api/collections//records"}),
        ("POST", "/api/collections/a%2Fb/records", "POST /api/collections/{collection}/records", {"collection": "a/b"}),
        (
            "GET",
            "/api/collections/a/records/%C3%A9",
            "GET /api/collections/{collection}/records/{id}",
            {"collection": "a", "id": "é"},
        ),
        ("GET", "/api/h%65alth", "GET /api/health", {}),
        ("GET", "/", "GET /{path...}", {"path": ""}),
        ("DELETE", "/hook/x", "* /hook/{name}", {"name": "x"}),
        ("DELETE", "/nowhere", None, {}),
    ],
)
def test_resolution(trie: RouteTrie[str], method: str, path: str, route: str | None, params: dict[str, str]) -> None:
    found = trie.resolve(method, path)
    if route is None:
        assert found is None
    else:
        assert found is not None
        assert (found[0].value, found[1]) == (route, params)


def test_a_later_registration_replaces_and_gives_back_the_earlier(trie: RouteTrie[str]) -> None:
    assert trie.add("GET", "/api/health", "mine") == "GET /api/health"
    found = trie.resolve("GET", "/api/health")
    assert found is not None
    assert found[0].value == "mine"


def test_the_same_pattern_with_other_parameter_names_is_the_same_route(trie: RouteTrie[str]) -> None:
    assert trie.add("GET", "/api/collections/{name}", "mine") == "GET /api/collections/{collection}"
    found = trie.resolve("GET", "/api/collections/posts")
    assert found is not None
    assert found[1] == {"name": "posts"}


@pytest.mark.parametrize("pattern", ["api", "/a{b}", "/{a}/{a}", "/{}", "/{a...}/b", "/{1x}", "/{a b}"])
def test_bad_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="route pattern"):
        parse_pattern(pattern)


def test_a_route_that_is_added_later_counts_for_paths_that_were_asked_for_before(trie: RouteTrie[str]) -> None:
    def value(path: str) -> str:
        found = trie.resolve("GET", path)
        assert found is not None
        return found[0].value

    assert value("/api/collections/posts/records/1") == "GET /api/collections/{collection}/records/{id}"
    trie.add("GET", "/api/collections/posts/records/{id}", "of its own")
    assert value("/api/collections/posts/records/1") == "of its own"
    assert value("/api/collections/users/records/1") == "GET /api/collections/{collection}/records/{id}"


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("/a/b", None),
        ("/a/b/", None),
        ("/a/.hidden", None),
        ("/a//b", "/a/b"),
        ("//evil.com/x", "/evil.com/x"),
        ("/a/../b", "/b"),
        ("/../../etc", "/etc"),
        ("/a/./b/", "/a/b/"),
        ("/a/..", "/"),
        ("/a/b/.", "/a/b/"),
        ("/a/%2e%2e/b", None),
    ],
)
def test_unclean_paths(path: str, cleaned: str | None) -> None:
    assert clean_path(path) == cleaned


def naive(routes: list[tuple[str, str]], method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Every pattern tried alone; of those that match, the one whose kinds sort first segment by segment."""
    segments = path[1:].split("/")
    best: tuple[list[int], str, dict[str, str]] | None = None
    for have in ("exact", "head", "any"):
        for route_method, pattern in routes:
            wanted = {"exact": method, "head": "GET" if method == "HEAD" else "", "any": "*"}[have]
            if route_method != wanted:
                continue
            params: dict[str, str] = {}
            rank: list[int] = []
            rest = list(segments)
            for kind, text in parse_pattern(pattern):
                if kind == "tail":
                    if not rest:
                        break
                    params[text] = "/".join(rest)
                    rest = []
                    rank.append(2)
                elif not rest or (kind == "static" and rest[0] != text) or (kind == "param" and not rest[0]):
                    break
                else:
                    if kind == "param":
                        params[text] = rest[0]
                    rank.append(0 if kind == "static" else 1)
                    rest.pop(0)
            else:
                if not rest and (best is None or rank < best[0]):
                    best = (rank, f"{route_method} {pattern}", params)
    return None if best is None else (best[1], best[2])


SEGMENT = st.sampled_from(["a", "b", "c", "{x}", "{y}"])
PATTERN = st.tuples(st.lists(SEGMENT, min_size=1, max_size=4), st.booleans()).map(
    lambda made: (
        "/" + "/".join([f"{{p{i}}}" if s[0] == "{" else s for i, s in enumerate(made[0])] + ["{t...}"] * made[1])
    )
)
PATH = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), min_size=1, max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "*"])


ROUTES_OF_ONE = st.lists(st.tuples(METHODS, PATTERN), max_size=8, unique=True)
REQUESTS = st.lists(st.tuples(METHODS.filter(lambda m: m != "*"), PATH), min_size=1, max_size=6)


@given(ROUTES_OF_ONE, REQUESTS, ROUTES_OF_ONE)
def test_the_trie_agrees_with_trying_every_pattern(
    routes: list[tuple[str, str]], requests: list[tuple[str, str]], later: list[tuple[str, str]]
) -> None:
    made: RouteTrie[str] = RouteTrie()
    known: list[tuple[str, str]] = []
    for added in (routes, later):
        for route_method, pattern in added:
            made.add(route_method, pattern, f"{route_method} {pattern}")
        known += [route for route in added if route not in known]
        # The second look for a path goes by what was remembered of the first.
        for method, path in requests * 2:
            found = made.resolve(method, path)
            assert (None if found is None else (found[0].value, found[1])) == naive(known, method, path)


@given(st.text(max_size=60))
def test_no_path_crashes_it(path: str) -> None:
    made: RouteTrie[str] = RouteTrie()
    made.add("GET", "/{a}/{b}/{c...}", "x")
    made.resolve("GET", path)
    cleaned = clean_path(path)
    assert cleaned is None or (cleaned.startswith("/") and not cleaned.startswith("//"))
