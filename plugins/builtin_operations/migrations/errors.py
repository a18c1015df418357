"""What stops a migration."""

from __future__ import annotations

from pbhost.errors import PbhostError


class MigrationError(PbhostError):
    """A migration cannot be loaded, applied or reverted; nothing was changed. The message names its file."""
