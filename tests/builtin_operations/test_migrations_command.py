"""``pbhost migrate``: what it prints and how it exits."""

from __future__ import annotations

from pathlib import Path

import pytest
from builtin_operations.migrations.commands import migrate_group
from click.testing import CliRunner, Result

from pbhost.app import App
from pbhost.config import Config, PluginsConfig
from pbhost.database import Migration, Transaction
from pbhost.hooks import markers
from pbhost.plugins import load_plugins
from pbhost.plugins.loading import LoadedPlugin


class Tables:
    @markers.hookimpl
    def register_migrations(self) -> list[Migration]:
        def up(tx: Transaction) -> None:
            tx.execute("CREATE TABLE things (id TEXT)")

        def down(tx: Transaction) -> None:
            tx.execute("DROP TABLE things")

        return [Migration("0001", up, down)]


def migrate(directory: Path, *arguments: str, answer: str = "") -> Result:
    plugins = PluginsConfig(dir=directory / "pb_plugins")
    config = Config(
        dir=directory / "pb_data",
        public_dir=directory / "pb_public",
        migrations_dir=directory / "pb_migrations",
        plugins=plugins,
    )
    extra = LoadedPlugin(name="tables", source="flag", where="test", target=Tables(), schema=None)
    app = App(config, load_plugins(plugins, [extra]))
    return CliRunner().invoke(migrate_group(app), list(arguments), input=answer)


def test_a_migration_from_creation_to_reverting(tmp_path: Path) -> None:
    made = migrate(tmp_path, "create", "Add posts", answer="y\n")
    assert made.exit_code == 0, made.output
    (path,) = (tmp_path / "pb_migrations").iterdir()
    assert path.name.endswith("_add_posts.py")
    assert f'Successfully created file "{path}"' in made.output
    for arguments, expected in (
        (("up",), f"Applied {path.name}\n"),
        ((), "No new migrations to apply.\n"),
        (("down", "--yes"), f"Reverted {path.name}\n"),
        (("down", "-1", "--yes"), "No migrations to revert.\n"),
        (("up",), f"Applied {path.name}\n"),
        (("down", "--plugin", "tables", "--yes"), "Reverted 0001\n"),
        (("history-sync",), "The _migrations table was synced with the available migrations.\n"),
    ):
        result = migrate(tmp_path, *arguments)
        assert (result.output, result.exit_code) == (expected, 0), arguments


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_without_consent_nothing_happens(tmp_path: Path, answer: str) -> None:
    result = migrate(tmp_path, "create", "x", answer=answer)
    assert result.exit_code == 1
    assert result.output.endswith("The command has been cancelled\n")
    assert not (tmp_path / "pb_migrations").exists()


def test_a_failure_is_an_exit_code(tmp_path: Path) -> None:
    assert migrate(tmp_path, "create").output == "Error: missing migration file name\n"
    (tmp_path / "pb_migrations").mkdir()
    (tmp_path / "pb_migrations" / "1_bad.py").write_text("def up(tx):\n    tx.execute('NONSENSE')\n")
    result = migrate(tmp_path, "up")
    assert result.exit_code == 1
    # The command line prints errors of pbhost in one place.
    assert "failed to apply migration 1_bad.py" in str(result.exception)


def test_a_snapshot_is_applied_already_and_builds_the_same_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for directory in (here, there):
        directory.mkdir()
    result = migrate(here, "collections", "--yes")
    assert result.exit_code == 0, result.output
    assert migrate(here, "up").output == "No new migrations to apply.\n"
    (here / "pb_migrations").rename(there / "pb_migrations")
    assert migrate(there, "up").output.endswith("_collections_snapshot.py\n")
