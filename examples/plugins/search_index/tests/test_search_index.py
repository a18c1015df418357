"""What is found, who finds it, and that the index is never behind for good."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest
import pytest_asyncio
from pbhost_search_index import SearchIndexPlugin
from pbhost_search_index.fts5 import FILE, Fts5Index
from pbhost_search_index.memory import MemoryIndex
from pbhost_search_index.provider import Document, IndexState, Key, SearchError, SearchProvider

from pbhost import App, hookimpl
from pbhost.errors import JSON, ConfigError
from pbhost.testing import Client, Running, running_app

POSTS = "/api/collections/posts/records"
#: The plugin as an installed distribution, if these tests run where it is one.
INSTALLED = [point.name for point in entry_points(group="pbhost.plugins") if point.value == "pbhost_search_index"]
FIELDS: dict[str, JSON] = {"posts": ["title", "body", "tags", "secret", "salary"], "pages": ["title"]}


class Library:
    """By another author: an index of their own, which can be out of order."""

    NAME = "library"

    def __init__(self) -> None:
        self.broken = False
        self.index = MemoryIndex()

    @hookimpl
    def register_search_providers(self, app: App) -> list[SearchProvider]:
        library = self

        class Index(MemoryIndex):
            async def apply(self, documents: Sequence[Document], gone: Sequence[Key], position: int) -> None:
                if library.broken:
                    raise SearchError("out of order")
                await super().apply(documents, gone, position)

        self.index = Index()
        return [SearchProvider("library", lambda _app: self.index)]


class Site:
    """A server with a search index."""

    def __init__(self, running: Running, plugin: SearchIndexPlugin, root: Client) -> None:
        self.running = running
        self.plugin = plugin
        self.root = root
        self.anyone = Client(running)

    async def find(self, words: str, client: Client | None = None, more: str = "") -> list[JSON]:
        """The titles that a client finds, best first, once the index has followed."""
        async with asyncio.timeout(10):
            await self.plugin.follower.caught_up()
        answer = await (client or self.anyone).get(f"/api/search?q={words}{more}")
        assert answer.status == 200, answer.body
        items = answer["items"]
        assert isinstance(items, list)
        return [
            item["record"]["title"] for item in items if isinstance(item, dict) and isinstance(item["record"], dict)
        ]


@asynccontextmanager
async def a_site(directory: Path, *plugins: object, provider: str = "fts5", **options: JSON) -> AsyncIterator[Site]:
    plugin = SearchIndexPlugin()
    table: dict[str, JSON] = {"provider": provider, "collections": FIELDS, **options}
    async with running_app(directory, plugin, *plugins, options={"search_index": table}) as running:
        root = Client(running, await running.superuser())
        if running.app.collections.find("posts") is None:
            rules = dict.fromkeys(("viewRule", "createRule", "updateRule", "deleteRule"), "")
            fields = [
                {"name": "title", "type": "text"},
                {"name": "body", "type": "editor"},
                {"name": "tags", "type": "select", "maxSelect": 2, "values": ["green", "blue"]},
                {"name": "secret", "type": "text", "hidden": True},
                {"name": "salary", "type": "text"},
                {"name": "owner", "type": "text"},
            ]
            body = {
                "name": "posts",
                "fields": fields,
                "listRule": "owner = '' || owner = @request.auth.id",
                "fieldRules": {"salary": {"read": "owner = @request.auth.id"}},
                **rules,
            }
            made = await root.post("/api/collections", body)
            assert made.status == 200, made.body
            await root.patch("/api/settings", {"batch": {"enabled": True}})
        yield Site(running, plugin, root)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["fts5", "memory"])
async def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with a_site(tmp_path_factory.mktemp("search"), provider=str(request.param)) as site:
        yield site


@pytest.mark.asyncio(loop_scope="module")
class TestEveryProvider:
    """One server for each provider; each test searches for words of its own."""

    async def test_words_are_found_whatever_their_case_accents_and_place(self, site: Site) -> None:
        await site.anyone.post(POSTS, {"title": "Žluťoučký kůň", "body": "<p>a <b>bold&amp;brave</b> horse</p>"})
        await site.anyone.post(POSTS, {"title": "horse horse horse", "tags": ["green"]})
        assert await site.find("ZLUTOUCKY") == ["Žluťoučký kůň"]
        assert await site.find("brave hor") == ["Žluťoučký kůň"]
        assert await site.find("horse") == ["horse horse horse", "Žluťoučký kůň"]
        assert await site.find("green") == ["horse horse horse"]
        assert await site.find("horse", more="&limit=1") == ["horse horse horse"]
        assert await site.find("bol horse") == [], "only the last word is a prefix"
        assert await site.find("b") == ["Žluťoučký kůň"]

    async def test_the_index_follows_what_is_committed(self, site: Site) -> None:
        post = await site.anyone.post(POSTS, {"title": "larch"})
        await site.anyone.patch(f"{POSTS}/{post['id']}", {"title": "willow"})
        assert (await site.find("larch"), await site.find("willow")) == ([], ["willow"])
        requests = [
            {"method": "POST", "url": POSTS, "body": {"title": "willow rolled back"}},
            {"method": "DELETE", "url": f"{POSTS}/nothing00000000"},
        ]
        assert (await site.anyone.post("/api/batch", {"requests": requests})).status == 400
        assert await site.find("willow") == ["willow"]
        await site.anyone.delete(f"{POSTS}/{post['id']}")
        assert await site.find("willow") == []

    async def test_everyone_finds_what_the_list_rule_shows_them(self, site: Site) -> None:
        record, token = await site.running.user()
        owner = Client(site.running, token, record)
        # The best hits are all somebody else's, and more than one page of the index.
        async with site.running.app.transaction() as tx:
            for number in range(230):
                values = {"title": f"cedar cedar {number}", "owner": "somebody"}
                await site.running.app.records.create("posts", values, tx=tx)
        await site.root.post(POSTS, {"title": "cedar mine", "owner": record.id})
        await site.root.post(POSTS, {"title": "cedar open"})
        assert set(map(str, await site.find("cedar"))) == {"cedar open"}
        assert set(map(str, await site.find("cedar", owner))) == {"cedar open", "cedar mine"}
        assert len(await site.find("cedar", site.root, "&limit=100")) == 100

    async def test_what_not_everyone_reads_is_not_searchable(self, site: Site) -> None:
        await site.root.post(POSTS, {"title": "spruce", "secret": "hiddenword", "salary": "ninethousand"})
        assert await site.find("spruce") == ["spruce"]
        for client in (site.anyone, site.root):
            assert await site.find("hiddenword", client) == []
            assert await site.find("ninethousand", client) == []

    async def test_a_query_is_words_and_nothing_else(self, site: Site) -> None:
        await site.anyone.post(POSTS, {"title": "near or not"})
        for query in ("near OR nothing", '"', "title:near", "NEAR(near not)", "near*", "-near", "{near}", "near\x00"):
            answer = await site.anyone.get(f"/api/search?q={query}")
            assert answer.status == (400 if query == '"' else 200), answer.body
        assert await site.find('near" OR "n') == ["near or not"]
        for path in ("?q=", "?q=x&limit=0", "?q=x&limit=101", "?q=x&limit=x"):
            assert (await site.anyone.get(f"/api/search{path}")).status == 400
        assert (await site.anyone.get("/api/search?q=x&collection=users")).status == 404
        assert await site.find("x" * 8000) == []

    async def test_a_collection_that_is_made_closed_or_dropped_later(self, site: Site) -> None:
        fields = [{"name": "title", "type": "text"}]
        made = await site.root.post("/api/collections", {"name": "pages", "fields": fields, "listRule": ""})
        await site.root.post("/api/collections/pages/records", {"title": "poplar"})
        assert await site.find("poplar") == ["poplar"]
        assert await site.find("poplar", more="&collection=posts") == []
        await site.root.patch("/api/collections/pages", {"listRule": None})
        assert (await site.find("poplar"), await site.find("poplar", site.root)) == ([], ["poplar"])
        hidden = [{**field, "hidden": True} for field in made["fields"] if field["name"] == "title"]  # type: ignore[index,union-attr,dict-item,call-overload]
        await site.root.patch("/api/collections/pages", {"fields": hidden})
        assert await site.find("poplar", site.root) == [], "a field that is hidden later leaves the index"
        assert (await site.root.delete("/api/collections/pages")).status == 204
        assert await site.find("poplar", site.root) == []


async def test_what_happened_while_the_index_was_away_is_caught_up(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.anyone.post(POSTS, {"title": "before"})
        assert await site.find("before") == ["before"]
    async with running_app(tmp_path, block=INSTALLED) as running:  # without the plugin
        posts = await running.app.records.find_many("posts")
        await running.app.records.delete(posts[0])
        await running.app.records.create("posts", {"title": "meanwhile"})
    # Somebody looks whether it is really caught up and not built anew: that would forget what only the index knows.
    index = Fts5Index(tmp_path / "pb_data" / FILE)
    state = await index.state()
    assert state is not None
    await index.apply([Document(("other", "x"), "marker")], [], state.position)
    await index.close()
    async with a_site(tmp_path) as site:
        assert (await site.find("before"), await site.find("meanwhile")) == ([], ["meanwhile"])
        await site.plugin.follower.caught_up()
    index = Fts5Index(tmp_path / "pb_data" / FILE)
    assert [hit.key for hit in await index.search(["marker"], ["other"], limit=9, offset=0)] == [("other", "x")]
    await index.close()

    async with running_app(tmp_path, block=INSTALLED) as running:
        await running.app.records.create("posts", {"title": "pruned"})
        await running.app.db.write(lambda tx: tx.execute("DELETE FROM _pbhost_changes"))
    async with a_site(tmp_path) as site:
        assert await site.find("pruned") == ["pruned"], "the feed is gone, so it is built anew"


async def test_a_crash_in_the_middle_leaves_the_index_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Fts5Index(tmp_path / FILE)
    await index.open()

    async def batches(*texts: str) -> AsyncIterator[Sequence[Document]]:
        for text in texts:
            if text == "crash":
                raise RuntimeError("in the middle")
            yield [Document(("posts", text), text)]

    await index.replace(batches("one", "two"), IndexState(7, "layout"))
    with pytest.raises(RuntimeError):
        await index.replace(batches("three", "crash"), IndexState(9, "other"))
    # Two documents with one key cannot be written: the second breaks what the first has begun.
    twice = [Document(("posts", "four"), "four")] * 2
    with pytest.raises(SearchError):
        await index.apply(twice, [("posts", "one")], 8)
    assert await index.state() == IndexState(7, "layout")
    found = {
        word: len(await index.search([word], ["posts"], limit=9, offset=0)) for word in ("one", "two", "three", "four")
    }
    assert found == {"one": 1, "two": 1, "three": 0, "four": 0}
    await index.apply([Document(("posts", "one"), "changed")], [("posts", "two")], 8)
    await index.apply([Document(("posts", "one"), "changed")], [("posts", "two")], 8)
    assert len(await index.search(["changed"], ["posts"], limit=9, offset=0)) == 1
    await index.close()


async def test_an_index_that_is_out_of_order_catches_up_when_it_is_back(tmp_path: Path) -> None:
    library = Library()
    async with a_site(tmp_path, library, provider="library") as site:
        await site.find("x")
        library.broken = True
        answer = await site.anyone.post(POSTS, {"title": "patience"})
        assert answer.status == 200, "a write does not depend on the index"
        assert (await site.anyone.get("/api/search?q=patience"))["items"] == []
        library.broken = False
        assert await site.find("patience") == ["patience"]


async def test_a_broken_file_is_made_anew_and_the_command_rebuilds_it(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.anyone.post(POSTS, {"title": "phoenix"})
        await site.find("phoenix")
    file = tmp_path / "pb_data" / FILE
    file.write_bytes(b"this is no database " * 500)
    async with a_site(tmp_path) as site:
        assert await site.find("phoenix") == ["phoenix"]
    file.unlink()
    (tmp_path / "pb_plugins").mkdir()
    (tmp_path / "pb_plugins" / "search_index.py").write_text("from pbhost_search_index import plugin\n")
    (tmp_path / "pbhost.toml").write_text('[plugins.search_index.collections]\nposts = ["title"]\n')
    command = [sys.executable, "-m", "pbhost", "search", "rebuild"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "The index has 1 documents.\n"), done.stderr


async def test_a_provider_that_nobody_brings_stops_the_start(tmp_path: Path) -> None:
    sample = re.search(r"```py\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    assert sample is not None
    brings = ModuleType("brings")
    exec(sample[1], vars(brings))
    with pytest.raises(ConfigError, match=r"there is no 'solr'; there are: fts5, meilisearch, memory"):
        async with a_site(tmp_path, brings, provider="solr"):
            pass
