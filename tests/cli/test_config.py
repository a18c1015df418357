"""Where a configuration value comes from, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbhost.cli.flags import hoist
from pbhost.config import OPTIONS, Config, load_config, parse_address
from pbhost.errors import ConfigError


def configured(tmp_path: Path, toml: str = "", env: dict[str, str] | None = None, **flags: object) -> Config:
    (tmp_path / "pbhost.toml").write_text(toml, "utf-8")
    return load_config(flags, env or {}, directory=tmp_path)


def test_the_defaults(tmp_path: Path) -> None:
    config = load_config({}, {}, directory=tmp_path)
    assert config.dir == tmp_path / "pb_data"
    assert config.public_dir == tmp_path / "pb_public"
    assert config.plugins.dir == tmp_path / "pb_plugins"
    assert (config.http, config.workers, config.origins) == ("127.0.0.1:8090", 1, ("*",))
    assert config.config_file is None


def test_file_then_environment_then_flags(tmp_path: Path) -> None:
    toml = 'http = "127.0.0.1:1"\nworkers = 2\nquery_timeout = 5\n'
    config = configured(tmp_path, toml, {"PBHOST_HTTP": "127.0.0.1:2", "PBHOST_WORKERS": "3"}, http="127.0.0.1:3")
    assert (config.http, config.workers, config.query_timeout) == ("127.0.0.1:3", 3, 5.0)


def test_directories_beside_the_data_follow_it(tmp_path: Path) -> None:
    config = configured(tmp_path, dir=Path("/srv/app/data"))
    assert config.public_dir == Path("/srv/app/pb_public")
    assert config.plugins.dir == Path("/srv/app/pb_plugins")


def test_paths_of_the_file_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "my.toml").write_text('dir = "data"\n', "utf-8")
    config = load_config({}, {}, file=Path("etc/my.toml"), directory=tmp_path)
    assert config.dir == tmp_path / "etc" / "data"


def test_plugin_tables_and_their_variables(tmp_path: Path) -> None:
    toml = '[plugins]\nblock = ["mail"]\n[plugins.files]\nurl = "memory://"\n'
    env = {"PBHOST_FILES__MAX_THUMBS": "4", "PBHOST_FILES__S3__SECRET": "x", "PBHOST_PLUGINS_ONLY": "a, b"}
    plugins = configured(tmp_path, toml, env).plugins
    assert plugins.tables == {"files": {"url": "memory://", "max_thumbs": 4, "s3": {"secret": "x"}}}
    assert (plugins.block, plugins.only) == (("mail",), ("a", "b"))


@pytest.mark.parametrize(
    ("toml", "env", "flags", "expected"),
    [
        ("htpp = 'x'", {}, {}, "pbhost.toml: unknown key 'htpp'; did you mean 'http'?"),
        ("workers = 'two'", {}, {}, "pbhost.toml: workers: expected a whole number, not 'two'"),
        ("workers = true", {}, {}, "expected a whole number, not True"),
        ("workers = 0", {}, {}, "workers must be between 1 and 64, not 0"),
        ("dev = 'perhaps'", {}, {}, "expected true or false"),
        ("query_timeout = -1", {}, {}, "expected a number of seconds"),
        ("origins = 5", {}, {}, "expected a list of names"),
        ("http = ", {}, {}, "pbhost.toml cannot be read: Invalid value"),
        ("", {"PBHOST_WORKERS": "x"}, {}, "PBHOST_WORKERS: expected a whole number"),
        ("", {"PBHOST_WORKER": "2"}, {}, "unknown variable PBHOST_WORKER; did you mean PBHOST_WORKERS?"),
        ("http = '8090'", {}, {}, "http must be host:port"),
        ("", {"PBHOST_CONFIG": "none.toml"}, {}, "the configuration file none.toml does not exist"),
    ],
)
def test_what_is_wrong_is_named_with_its_source(
    tmp_path: Path, toml: str, env: dict[str, str], flags: dict[str, object], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, toml, env, **flags)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), (":0", ("0.0.0.0", 0)), ("[::1]:8090", ("::1", 8090)), ("a.b:1", ("a.b", 1))],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("given", "hoisted"),
    [
        (["serve", "--dir", "x", "--http", "h"], ["--dir", "x", "serve", "--http", "h"]),
        (["superuser", "upsert", "a", "b", "--dir=x"], ["--dir=x", "superuser", "upsert", "a", "b"]),
        (["serve", "--dev", "--workers", "2"], ["--dev=true", "serve", "--workers", "2"]),
        (["serve", "--dev=false"], ["--dev=false", "serve"]),
        (["x", "--encryptionEnv", "K"], ["--encryptionEnv", "K", "x"]),
        (["x", "--", "--dir", "y"], ["x", "--", "--dir", "y"]),
        (["serve", "--unknown"], ["serve", "--unknown"]),
    ],
)
def test_global_flags_may_stand_anywhere(given: list[str], hoisted: list[str]) -> None:
    assert hoist(given) == hoisted


def test_every_option_has_one_spelling_of_its_own() -> None:
    for attribute in ("key", "env", "flag"):
        names = [getattr(option, attribute) for option in OPTIONS]
        assert len(set(names)) == len(names)
