"""``--dev`` and ``--trace-hooks``: what somebody who writes a plugin sees while the server runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLUGIN = """
from pbhost import Route, hookimpl

@hookimpl
def register_routes(app):
    async def answer(request):
        return {"answer": ANSWER}
    return [Route("GET", "/answer", answer)]

@hookimpl
async def on_request(event):
    pass
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[str, Path]]]:
    plugins = tmp_path / "pb_plugins"
    plugins.mkdir()
    (plugins / "mine.py").write_text(PLUGIN.replace("ANSWER", "1"), "utf-8")
    (tmp_path / "pbhost.toml").write_text('[plugins]\nonly = ["mine", "second"]\n', "utf-8")
    (plugins / "second.py").write_text(PLUGIN.replace("/answer", "/second").replace("ANSWER", "2"), "utf-8")
    processes: list[subprocess.Popen[str]] = []
    log = (tmp_path / "log.txt").open("w")

    def run(*arguments: str) -> tuple[str, Path]:
        process = subprocess.Popen(
            [sys.executable, "-m", "pbhost", "serve", "--http", "127.0.0.1:0", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        return process.stdout.readline().rsplit(" ", 1)[1].strip(), tmp_path

    yield run
    for process in processes:
        process.terminate()
        process.communicate(timeout=10)
    log.close()


def get(url: str) -> object:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


def until(condition: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 20
        time.sleep(0.02)


def test_a_changed_file_takes_effect_and_a_broken_one_does_not(start: Callable[..., tuple[str, Path]]) -> None:
    url, directory = start("--dev")
    mine = directory / "pb_plugins" / "mine.py"
    assert get(url + "/answer") == {"answer": 1}
    mine.write_text(PLUGIN.replace("ANSWER", "42"), "utf-8")
    until(lambda: get(url + "/answer") == {"answer": 42})
    mine.write_text("this is no Python", "utf-8")
    until(lambda: "plugin 'mine' (pb_plugins/mine.py) cannot be imported" in (directory / "log.txt").read_text())
    assert get(url + "/answer") == {"answer": 42}
    assert get(url + "/second") == {"answer": 2}
    mine.write_text(PLUGIN.replace("ANSWER", "43"), "utf-8")
    until(lambda: get(url + "/answer") == {"answer": 43})


def test_the_trace_shows_each_call_with_its_plugin_and_time(start: Callable[..., tuple[str, Path]]) -> None:
    url, directory = start("--trace-hooks")
    get(url + "/answer")
    until(lambda: "ms" in (directory / "log.txt").read_text())
    lines = [line for line in (directory / "log.txt").read_text().splitlines() if line.startswith("hook on_request")]
    assert [line.split()[2] for line in lines] == ["second", "mine"]
