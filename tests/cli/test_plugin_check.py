"""``pbhost plugin check`` runs the kits of the services that a plugin provides, and says what is wrong with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "pbhost" / "plugins" / "scaffold" / "templates"

SETTINGS = """
from pbhost import hookimpl

class Forgetful:
    def __init__(self, settings):
        self.settings = settings
    def __getattr__(self, name):
        return getattr(self.settings, name)
    async def start(self):
        await self.settings.start()
    async def stop(self):
        await self.settings.stop()
    def on_change(self, callback):
        pass

class Plugin:
    @hookimpl
    def provide_settings(self, app):
        return Forgetful(app.inherited("settings", by=self))

plugin = Plugin()
"""

MAILER = """
from pbhost import hookimpl

class Mailer:
    async def send(self, message): ...

@hookimpl
def provide_mailer(app):
    return Mailer()
"""

NEEDY = """
from pbhost import hookimpl

CONFIG_SCHEMA = {"type": "object", "required": ["url"], "properties": {"url": {"const": "memory://"}}}

class Limiter:
    is_active = False
    def allow(self, labels, bucket, context): return True

@hookimpl
def provide_rate_limiter(app):
    return Limiter()
"""


def check(place: Path, name: str, text: str = "", *arguments: str) -> tuple[int, str]:
    (place / "pb_plugins").mkdir(exist_ok=True)
    if text:
        (place / "pb_plugins" / f"{name}.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pbhost", "plugin", "check", name, *arguments]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PBHOST_")}
    done = subprocess.run(command, cwd=place, env=kept, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_broken_service_is_found_by_its_kit(tmp_path: Path) -> None:
    code, output = check(tmp_path, "mine", SETTINGS)
    assert (code, "FAIL kit of settings: test_listeners_hear_of_a_change_and_see_it: AssertionError" in output) == (
        1,
        True,
    ), output
    assert "ok   import and hooks" in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pb_plugins"], "nothing is left behind"


def test_a_mailer_that_goes_past_the_hooks_is_found(tmp_path: Path) -> None:
    code, output = check(tmp_path, "mine", MAILER)
    assert code == 1
    assert "the mailer has to run the on_mailer_send hooks" in output


def test_options_of_the_configuration_are_used_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "pbhost.toml").write_text('[plugins.mine]\nurl = "memory://"\n')
    code, output = check(tmp_path, "mine", NEEDY)
    assert code == 0
    assert "note kit of rate_limiter: not run: plugins.mine: 'url' is a required property; --with-options" in output
    code, output = check(tmp_path, "mine", "", "--with-options")
    assert code == 1
    assert "FAIL kit of rate_limiter: test_a_client_is_refused_above_its_limit" in output
    code, output = check(tmp_path, "mine", "", "--with-options", "--no-kits")
    assert (code, "kit" in output) == (0, False)


def test_a_plugin_package_with_a_storage_passes(tmp_path: Path) -> None:
    package = tmp_path / "pb_plugins" / "attic"
    shutil.copytree(TEMPLATES / "storage" / "@package@", package)
    words = {"@package@": "pb_plugins.attic", "@class@": "Attic", "@name@": "attic", "@summary@": "Keeps files."}
    for template in package.glob("*.tmpl"):
        text = template.read_text()
        for word, meaning in {**words, "@pbhost@": "0.1", "@next@": "1"}.items():
            text = text.replace(word, meaning)
        template.with_suffix("").write_text(text)
        template.unlink()
    code, output = check(tmp_path, "attic")
    assert code == 0, output
    assert "ok   version range and options: >=0.1,<1" in output
    assert "ok   kit of storage: " in output


def test_an_unknown_name_is_said(tmp_path: Path) -> None:
    code, output = check(tmp_path, "recrods")
    assert (code, "did you mean 'records'?" in output) == (1, True)
