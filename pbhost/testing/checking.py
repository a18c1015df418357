"""Runs the kits of the services that an installed plugin provides: for ``pbhost plugin check``.

pytest runs them in a process of its own, on temporary directories, with the built-ins and that plugin alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pbhost.config import Config, PluginsConfig
from pbhost.errors import JSON
from pbhost.plugins.checking import CheckResult
from pbhost.services import SERVICES
from pbhost.testing.kits import KITS

if TYPE_CHECKING:
    from pbhost.database import Engine
    from pbhost.services import PasswordHasher, Storage
    from pbhost.testing.running import Running

#: A kit that has not ended by then hangs.
_SECONDS: Final = 300.0
#: What the kit needs to know of a third party's transport or store, and how much can be asked without.
_PARTIAL: Final = {
    "mailer": "only whether the hooks are asked: what arrives, MailerKit shows in the plugin's own tests",
    "logs": "only that nothing breaks: what is kept, LogsKit shows in the plugin's own tests",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The plugin under test.

    Attributes:
        name: its short name.
        path: its file or directory in ``pb_plugins/``, "" if it is installed.
        load: ``module:object`` of a plugin that was named on the command line, "" otherwise.
        options: what its table in the configuration shall hold.
    """

    name: str
    path: str = ""
    load: str = ""
    options: Mapping[str, JSON] | None = None

    def config(self, directory: Path) -> Config:
        """The built-ins and this plugin alone, on an empty directory."""
        return Config(
            dir=directory / "pb_data",
            http="127.0.0.1:0",
            public_dir=directory / "pb_public",
            automigrate=False,
            plugins=PluginsConfig(
                dir=Path(self.path).parent if self.path else directory / "pb_plugins",
                only=(*dict.fromkeys(SERVICES.values()), "dashboard", self.name),
                load=(self.load,) if self.load else (),
                tables={self.name: self.options} if self.options else {},
            ),
        )

    def engine(self, directory: Path) -> Engine:
        """Its database engine, not opened yet."""
        from pbhost.app import App
        from pbhost.plugins import load_plugins

        config = self.config(directory)
        return App(config, load_plugins(config.plugins)).db


def run_kits(subject: Subject, services: Sequence[str]) -> list[CheckResult]:
    """One result for each service."""
    if find_spec("pytest") is None or find_spec("pytest_asyncio") is None:
        return [
            CheckResult(f"kit of {service}", "note", "not run: it needs \"pip install 'pbhost[testing]'\"")
            for service in services
        ]
    with tempfile.TemporaryDirectory(prefix="pbhost-check-") as scratch:
        directory = Path(scratch)
        (directory / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", "utf-8")
        (directory / "subject.json").write_text(json.dumps(asdict(subject)), "utf-8")
        lines = [
            "from pathlib import Path",
            "from pbhost.testing.checking import case",
            *(f"Test_{service} = case({service!r}, Path(__file__).parent / 'subject.json')" for service in services),
        ]
        (directory / "test_kits.py").write_text("\n".join(lines) + "\n", "utf-8")
        return _pytest(directory, services)


def _pytest(directory: Path, services: Sequence[str]) -> list[CheckResult]:
    report = directory / "report.xml"
    options = ("-q", "-p", "no:cacheprovider", f"--basetemp={directory / 'tmp'}", f"--junitxml={report}")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PBHOST_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", *options, "test_kits.py"]
    try:
        done = subprocess.run(  # noqa: S603  # no shell, no argument from outside
            command, cwd=directory, env=kept, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return [CheckResult(f"kit of {service}", "FAIL", f"not done in {_SECONDS:g} s") for service in services]
    if not report.exists():
        last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["it says nothing"]
        return [CheckResult(f"kit of {service}", "FAIL", f"pytest did not run: {last[0]}") for service in services]
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314  # pytest has just written it
    return [result for service in services for result in _of_service(service, cases)]


def _of_service(service: str, cases: Sequence[ET.Element]) -> list[CheckResult]:
    mine = [case for case in cases if case.attrib["classname"].endswith(f"Test_{service}")]
    failures = [
        CheckResult(f"kit of {service}", "FAIL", f"{case.attrib['name']}: {_reason(problem)}")
        for case in mine
        for problem in case
        if problem.tag in ("failure", "error")
    ]
    if failures:
        return failures
    if not mine:
        return [CheckResult(f"kit of {service}", "FAIL", "no test ran")]
    partial = _PARTIAL.get(service)
    count = f"{len(mine)} tests passed" if len(mine) > 1 else "1 test passed"
    return [CheckResult(f"kit of {service}", "ok", f"{count} ({partial})" if partial else count)]


def _reason(problem: ET.Element) -> str:
    return (problem.attrib.get("message") or problem.tag).strip().partition("\n")[0][:200]


# -- in the process of pytest ------------------------------------------------------------------------------------------


def case(service: str, file: Path) -> type:
    """The kit of a service as a test class for the plugin that ``file`` describes."""
    import pytest

    from pbhost.testing.running import running_config

    subject = Subject(**json.loads(file.read_text("utf-8")))

    class Case(_base(service)):  # type: ignore[misc]  # which kit is known at run time
        @pytest.fixture
        async def running(self, tmp_path: Path) -> AsyncIterator[Running]:
            async with running_config(subject.config(tmp_path)) as running:
                yield running

        @pytest.fixture
        def storage(self, running: Running) -> Storage:
            return running.app.storage

        @pytest.fixture
        def hasher(self, running: Running) -> PasswordHasher:
            return running.app.password_hasher

        def make_engine(self, directory: Path) -> Engine:
            return subject.engine(directory)

    Case.__name__ = Case.__qualname__ = f"Test_{service}"
    return Case


def _base(service: str) -> type:
    if service == "mailer":
        return _MailerCase
    if service == "logs":
        return _LogsCase
    module, name = KITS[service]
    kit: type = getattr(import_module(module), name)
    return kit


class _MailerCase:
    async def test_hooks_are_asked_and_may_keep_a_mail_back(self, running: Running) -> None:
        from pbhost.hooks import Skip, hookimpl
        from pbhost.hooks.events import MailerEvent
        from pbhost.testing.mailer_kit import a_mail

        asked: list[str] = []

        class Keeper:
            @hookimpl(tryfirst=True)
            def on_mailer_send(self, event: MailerEvent) -> None:
                asked.append(event.message.subject)
                raise Skip

        running.app.plugins.manager.register(Keeper(), "keeper")
        running.app.hooks.refresh()
        await running.app.mailer.send(a_mail("secret"))
        assert asked == ["secret"], "the mailer has to run the on_mailer_send hooks around each mail"


class _LogsCase:
    async def test_nothing_that_is_logged_can_break_the_one_who_logs(self, running: Running) -> None:
        from pbhost.testing.logs_kit import a_request

        running.app.logs.write(8, "odd \ud800", {"huge": "x" * 1_000_000, "nan": float("nan")})
        running.app.logs.write_request(a_request("/" + "%ff" * 5000))
        await running.app.logs.flush()
