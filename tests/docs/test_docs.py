"""The documentation says what is true: reference pages match the code, links lead somewhere, samples load and run."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pluggy
import pytest

import pbhost
from pbhost.hooks import specs
from pbhost.hooks.markers import PROJECT
from pbhost.plugins.discovery import Candidate
from pbhost.plugins.loading import load
from pbhost.testing import running_app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("examples/plugins/*/README.md"))]


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python_samples() -> list[tuple[str, str]]:
    return [
        (f"{page.relative_to(ROOT)}-{index}", code)
        for page in PAGES
        for index, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    ]


@pytest.mark.parametrize("name", ["hooks.md", "configuration.md", "services.md"])
def test_the_reference_pages_are_what_the_code_says(name: str) -> None:
    expected = reference().PAGES[name]()
    assert (ROOT / "docs" / name).read_text() == expected, "run: python docs/reference.py"


def test_every_hook_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "hooks.md").read_text()
    names = [name for name in vars(specs) if name.startswith(("on_", "register_", "provide_"))]
    assert [name for name in names if f"### {name}\n" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("code", [code for _, code in python_samples()], ids=[name for name, _ in python_samples()])
def test_every_python_sample_is_a_plugin_that_loads(code: str, tmp_path: Path) -> None:
    ast.parse(code)
    file = tmp_path / "sample.py"
    file.write_text(code)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    loaded = load(Candidate(name="sample", source="file", target=str(file), path=file), manager.hook)
    manager.register(loaded.target)
    assert any(caller.get_hookimpls() for caller in vars(manager.hook).values() if hasattr(caller, "get_hookimpls"))


async def test_the_plugin_of_the_readme_does_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "pb_plugins").mkdir()
    sample = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert sample is not None
    (tmp_path / "pb_plugins" / "slugs.py").write_text(sample[1])
    fields = [{"name": "title", "type": "text"}, {"name": "slug", "type": "text"}]
    async with running_app(tmp_path) as running:
        token = await running.superuser()
        await running.request("POST", "/api/collections", {"name": "posts", "fields": fields}, token=token)
        made = await running.request("POST", "/api/collections/posts/records", {"title": "Hello, World!"}, token=token)
        assert made["slug"] == "hello-world"


def test_the_public_names_exist_and_say_what_they_are() -> None:
    for name in pbhost.__all__:
        assert getattr(pbhost, name) is not None
        if name != "__version__":
            assert getattr(pbhost, name).__doc__, name
