"""``pbhost plugin new``: a complete distribution from the templates beside this file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from pbhost.errors import PluginError

#: What a new plugin may be, with its summary and its options as the README shows them.
KINDS: Final = {
    "logic": ("Gives new records a slug.", 'source = "title"\ntarget = "slug"'),
    "storage": ("Keeps uploaded files in memory.", "max_bytes = 100000000"),
    "auth-method": ("Sign-in for services that hold a shared key.", 'key = "env:SHARED_KEY"'),
    "field-type": ("A field type for telephone numbers.", 'default_country = "1"'),
    "service": ("Writes mails into a directory instead of sending them.", 'directory = "pb_mail"'),
}
_RENAMED: Final = {"gitignore": ".gitignore", "github": ".github"}


def create_plugin(name: str, kind: str, directory: Path) -> list[Path]:
    """Writes a distribution into a new directory below ``directory`` and returns its files, relative to it.

    Args:
        name: the plugin's short name: a Python name in lower case.
        kind: a key of :data:`KINDS`.
        directory: where the new directory ``pbhost-<name>`` is made.

    Raises:
        PluginError: the name cannot be used, or the directory exists already.
    """
    from pbhost import __version__

    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name):
        raise PluginError(f"{name!r} cannot be a plugin's name: take lower-case letters, digits and _, a letter first")
    if kind not in KINDS:
        raise PluginError(f"there is no kind {kind!r} of plugin; kinds are: {', '.join(KINDS)}")
    distribution = f"pbhost-{name.replace('_', '-')}"
    target = directory / distribution
    if target.exists():
        raise PluginError(f"{target.name} exists already; remove it or take another name")
    major, minor, *_ = (*__version__.split("."), "0")
    summary, options = KINDS[kind]
    words = {
        "name": name,
        "package": f"pbhost_{name}",
        "distribution": distribution,
        "class": "".join(part.capitalize() for part in name.split("_")) + "Plugin",
        "method": name.replace("_", "-") if kind == "auth-method" else name,
        "summary": summary,
        "options": options,
        "pbhost": f"{major}.{minor}",
        "next": str(int(major) + 1),
        "year": str(datetime.now(UTC).year),
    }
    written: list[Path] = []
    for source in ("common", kind):
        written += _render(resources.files(__name__) / "templates" / source, target, words)
    return sorted(path.relative_to(directory) for path in written)


def _render(source: Traversable, target: Path, words: dict[str, str]) -> list[Path]:
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for item in source.iterdir():
        name = _filled(item.name.removesuffix(".tmpl"), words)
        path = target / _RENAMED.get(name, name)
        if item.is_dir():
            written += _render(item, path, words)
        elif item.name.endswith(".tmpl"):
            path.write_text(_filled(item.read_text("utf-8"), words), "utf-8")
            written.append(path)
    return written


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"@([a-z]+)@", lambda found: words.get(found[1], found[0]), text)
