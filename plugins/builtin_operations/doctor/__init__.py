"""What ``pbhost doctor`` looks at in the operation of a server: settings, limits, disk, backups, logs, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_operations.doctor.directory import directory_checks
from builtin_operations.doctor.history import history_checks
from builtin_operations.doctor.settings import settings_checks

if TYPE_CHECKING:
    from builtin_operations.backups.service import Backups
    from pbhost.app import App
    from pbhost.services import Check


def operations_checks(app: App, backups: Backups) -> list[Check]:
    """The checks of this plugin."""
    return [*directory_checks(app.config.dir), *settings_checks(app), *history_checks(app, backups)]
