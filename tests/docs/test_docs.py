"""The documentation says what is true: reference pages match the code, links lead somewhere, samples load and run."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pluggy
import pytest

import pbhost
from pbhost.config import OPTIONS
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


@pytest.mark.parametrize("name", sorted(reference().PAGES))
def test_the_reference_pages_are_what_the_code_says(name: str) -> None:
    expected = reference().PAGES[name]()
    assert (ROOT / "docs" / name).read_text() == expected, "run: python docs/reference.py"


def test_every_hook_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "hooks.md").read_text()
    names = [name for name in vars(specs) if name.startswith(("on_", "register_", "provide_"))]
    assert [name for name in names if f"### {name}\n" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("code", [code for _, code in python_samples()], ids=[name for name, _ in python_samples()])
def test_every_python_sample_is_a_plugin_that_loads(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ast.parse(code)
    file = tmp_path / "sample.py"
    file.write_text(code)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    for name in re.findall(r"^(?:from|import) pbhost_(\w+)", code, re.MULTILINE):  # an example, not installed here
        monkeypatch.syspath_prepend(str(ROOT / "examples" / "plugins" / name))
        module = importlib.import_module(f"pbhost_{name}")
        own = getattr(getattr(module, "plugin", module), "HOOK_SPECS", None)
        if own is not None:
            manager.add_hookspecs(own)
    loaded = load(Candidate(name="sample", source="file", target=str(file), path=file), manager.hook)
    manager.register(loaded.target)
    assert any(caller.get_hookimpls() for caller in vars(manager.hook).values() if hasattr(caller, "get_hookimpls"))


def blocks(*languages: str) -> list[object]:
    """The fenced blocks of some languages, each a parameter with its page and place as id."""
    pattern = re.compile(rf"^```(?:{'|'.join(languages)})\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [
        pytest.param(code, id=f"{page.relative_to(ROOT)}-{index}")
        for page in PAGES
        for index, code in enumerate(pattern.findall(page.read_text()))
    ]


@pytest.mark.parametrize("code", blocks("toml"))
def test_every_toml_sample_is_a_configuration_whose_keys_exist(code: str) -> None:
    given = tomllib.loads(code)
    known = {option.key.partition(".")[0] for option in OPTIONS} | {"project", "build-system", "tool"}
    assert set(given) <= known
    page = (ROOT / "docs" / "configuration.md").read_text()
    for plugin, options in given.get("plugins", {}).items():
        section = page.partition(f"## [plugins.{plugin}]\n")[2].partition("\n## ")[0]
        if section and isinstance(options, dict):  # of the built-ins; other plugins have options of their own
            assert [key for key in options if f"| `{key}` |" not in section] == []


@pytest.mark.parametrize("code", blocks("json"))
def test_every_json_sample_parses(code: str) -> None:
    json.loads(code)


@pytest.mark.parametrize("code", blocks("py"))
def test_every_fragment_of_python_parses(code: str) -> None:
    compile(code, "sample", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_every_javascript_sample_parses(tmp_path: Path) -> None:
    samples = [(param.id, param.values[0]) for param in blocks("js")]  # type: ignore[attr-defined]
    for index, (_, code) in enumerate(samples):
        (tmp_path / f"{index}.mjs").write_text(code)
    script = f"for i in $(seq 0 {len(samples) - 1}); do node --check $i.mjs || exit 1; done"
    checked = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, (checked.stderr, [name for name, _ in samples])


def test_every_shell_sample_parses(tmp_path: Path) -> None:
    for param in blocks("sh"):
        code = param.values[0]  # type: ignore[attr-defined]
        # NAME and [NAME] stand for what a reader puts there, and are words to a shell too.
        checked = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, (param.id, checked.stderr)  # type: ignore[attr-defined]


def pbhost_lines() -> list[tuple[str, str]]:
    """Every line of a shell sample that calls pbhost."""
    found = []
    for param in blocks("sh"):
        for line in param.values[0].splitlines():  # type: ignore[attr-defined]
            command = re.sub(r"\s+#.*", "", line.strip())
            if re.match(r"(?:\w+=\S+ )*pbhost ", command):
                found.append((param.id, command.partition("pbhost ")[2]))  # type: ignore[attr-defined]
    return found


def test_every_command_of_the_samples_exists_with_its_options() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    flags = {option.flag for option in OPTIONS} | {"--config", "--help", "--version"}
    flags |= {"--no-" + flag.removeprefix("--") for flag in flags}
    wrong = []
    for place, line in pbhost_lines():
        words = shlex.split(line)
        name = "pbhost"
        for word in words:
            if f"## {name} {word}\n" not in page:
                break
            name += f" {word}"
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        known = set(re.findall(r"--[\w-]+", section)) | flags
        unknown = [word for word in words[name.count(" ") :] if not word.startswith("-")]
        if f"## {name} " in page and unknown:  # a group, and what follows is none of its commands
            wrong.append((place, line, "no such command"))
        elif given - known:
            wrong.append((place, line, f"no such option: {given - known}"))
    # Commands that the page's own plugin adds, told right beside.
    assert [item for item in wrong if "README" not in item[0]] == []


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


def test_the_site_is_built_without_a_warning_and_each_example_has_its_page(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr  # with --quiet warnings are not counted
    assert "WARNING" not in built.stderr
    pages = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.html")}
    expected = {f"{page.stem}.html" for page in (ROOT / "docs").glob("*.md")}
    expected |= {f"examples/plugins/{readme.parent.name}.html" for readme in ROOT.glob("examples/plugins/*/README.md")}
    assert expected <= pages
    assert not [name for name in pages if name.startswith("examples/hooks")]
