"""The command line. Plugins add commands through ``register_commands``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pbhost.errors import PbhostError


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and ends the process: 0 done, 1 failed, 2 not understood."""
    import click

    from pbhost.cli.flags import hoist
    from pbhost.cli.root import root

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        root.main(args=hoist(given), prog_name="pbhost")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except PbhostError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201  # the one place where an error becomes text
        sys.exit(1)
