"""A script for the admin interface; it is served below ``/_/extensions/greeting/``."""

from pathlib import Path
from tempfile import mkdtemp

from pbhost import hookimpl
from pbhost.services import DashboardExtension


@hookimpl
def register_dashboard_extensions(app):
    # A package keeps the file beside its code: directory = Path(__file__).parent / "dashboard"
    directory = Path(mkdtemp(prefix="greeting-"))
    (directory / "main.js").write_text('console.log("hello from the plugin");\n')
    return [DashboardExtension("greeting", directory)]
