"""The command line as a process: what it prints and its exit code."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PLUGIN = """
import click
from pbhost import ConfigError, Route, hookimpl

@hookimpl
def register_routes(app):
    async def health(request):
        return {"pid": __import__("os").getpid(), "worker": app.config.worker}
    async def die(request):
        __import__("os")._exit(9)
    return [Route("GET", "/api/health", health), Route("GET", "/die", die)]

@hookimpl
def register_commands(app):
    @click.command("greet")
    @click.argument("name")
    def greet(name):
        '''Say hello.'''
        async def work(app):
            if name == "nobody":
                raise ConfigError("there is nobody to greet")
            click.echo(f"hello {name} from {app.config.dir.name}")
        app.run(work)
    return [greet]
""".replace("from pbhost import ConfigError, ", "from pbhost.errors import ConfigError\nfrom pbhost import ")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "pb_plugins").mkdir()
    (tmp_path / "pb_plugins" / "demo.py").write_text(PLUGIN, "utf-8")
    (tmp_path / "pbhost.toml").write_text('[plugins]\nonly = ["demo"]\n', "utf-8")
    return tmp_path


def pbhost(here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PBHOST_")}
    return subprocess.run(
        [sys.executable, "-m", "pbhost", *arguments],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def serving(here: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pbhost", "serve", "--http", "127.0.0.1:0", *arguments],
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "Server started at " in line, line + (process.stderr.read() if process.stderr else "")
        yield process, line.rsplit(" ", 1)[1].strip()
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=10)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read(), "utf-8")


def test_help_names_the_kernels_and_the_plugins_commands(here: Path) -> None:
    done = pbhost(here, "--help")
    assert done.returncode == 0
    for expected in ("serve", "plugins", "config", "greet", "Say hello.", "--dir", "PBHOST_DIR", "Examples:"):
        assert expected in done.stdout


def test_without_a_command_the_help_is_shown(here: Path) -> None:
    done = pbhost(here)
    assert "Usage: pbhost" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["greet", "Ann", "--dir", "store"], 0, "hello Ann from store"),
        (["greet", "nobody"], 1, "Error: there is nobody to greet"),
        (["gret", "Ann"], 2, "unknown command 'gret' for 'pbhost'. Did you mean 'greet'?"),
        (["serve", "--htpp", "x"], 2, "No such option '--htpp'"),
        (["serve", "--dir"], 2, "Option '--dir' requires an argument."),
        (["serve", "--workers", "many"], 2, "'many' is not a valid integer"),
        (["serve", "--http", "nonsense"], 1, "Error: http must be host:port"),
        (["serve", "--only", "dmeo"], 1, "no plugin is named 'dmeo'; did you mean 'demo'?"),
        (["serve", "example.com"], 2, "reverse proxy"),
        (["--version"], 0, "pbhost "),
        (["plugins"], 0, "register_routes (1)"),
        (["plugins", "--json"], 0, '"name": "demo"'),
        (["config"], 0, "PBHOST_WORKERS, --workers"),
    ],
)
def test_output_and_exit_code(here: Path, arguments: list[str], code: int, expected: str) -> None:
    done = pbhost(here, *arguments)
    assert expected in done.stdout + done.stderr
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_plugin_that_does_not_import_stops_the_start_with_one_line(here: Path) -> None:
    (here / "pb_plugins" / "faulty.py").write_text("import nothing_like_this", "utf-8")
    done = pbhost(here, "serve", "--only", "demo,faulty", "--http", "127.0.0.1:0")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: plugin 'faulty' (pb_plugins/faulty.py) cannot be imported")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "def register_routes(app): return 1/0",
            "plugin 'faulty' (pb_plugins/faulty.py (line 3)) failed in register_routes: ZeroDivisionError",
        ),
        ("def register_routes(app): return 5", "plugin 'faulty': register_routes must return a list, not int"),
        ("def register_routes(app): return [5]", "every item must be a Route, not 5"),
        ("def provide_mailer(app): raise KeyError('x')", "failed in provide_mailer: KeyError: 'x'"),
        ("async def on_bootstrap(event): 1/0", "plugin 'faulty' failed in on_bootstrap: ZeroDivisionError"),
        ("def on_bootstrap(event): yield", "on_bootstrap: a generator needs @hookimpl(wrapper=True)"),
    ],
)
def test_a_plugin_that_fails_while_the_server_starts(here: Path, text: str, expected: str) -> None:
    (here / "pb_plugins" / "faulty.py").write_text(f"from pbhost import hookimpl\n@hookimpl\n{text}\n", "utf-8")
    done = pbhost(here, "serve", "--only", "demo,faulty", "--http", "127.0.0.1:0")
    assert done.returncode == 1
    assert expected in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("Error: ")


def test_a_busy_port_is_one_clear_message(here: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for workers in ("1", "2"):
            done = pbhost(here, "serve", "--http", f"127.0.0.1:{port}", "--workers", workers)
            assert done.returncode == 1
            assert done.stderr.splitlines() == [
                f"Error: cannot listen on 127.0.0.1:{port}: port {port} is in use; stop the other server or choose "
                f"another port with --http 127.0.0.1:PORT"
            ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_answers_and_ends_on_a_signal(here: Path, number: signal.Signals, workers: str) -> None:
    with serving(here, "--workers", workers) as (process, url):
        assert '"worker":' in get(url + "/api/health")
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_worker_that_dies_is_replaced(here: Path) -> None:
    with serving(here, "--workers", "2") as (process, url):
        before = {get(url + "/api/health") for _ in range(40)}
        victim = json.loads(get(url + "/api/health"))["pid"]
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        while get(url + "/api/health") in before:
            assert time.monotonic() - began < 20
        assert process.poll() is None


def test_workers_end_with_their_parent_even_when_it_is_killed(here: Path) -> None:
    with serving(here, "--workers", "2") as (process, url):
        pids = {json.loads(get(url + "/api/health"))["pid"] for _ in range(40)}
        process.kill()
        process.wait(10)
        began = time.monotonic()
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            assert time.monotonic() - began < 20


def test_a_worker_that_cannot_start_ends_the_server(here: Path) -> None:
    (here / "pb_plugins" / "demo.py").write_text(
        PLUGIN + "\n@hookimpl\ndef on_serve(event):\n    raise ConfigError('no moon tonight')\n", "utf-8"
    )
    for workers in ("1", "2"):
        done = pbhost(here, "serve", "--http", "127.0.0.1:0", "--workers", workers)
        assert done.returncode == 1
        assert "Error: no moon tonight" in done.stderr
        assert "Traceback" not in done.stderr
