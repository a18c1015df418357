"""Switching plugins on and off in ``pbhost.toml``."""

from __future__ import annotations

import re
from pathlib import Path

from pbhost.errors import ConfigError

_BLOCK = re.compile(r"^[ \t]*block[ \t]*=[ \t]*\[[^\]]*\]", re.MULTILINE)
_PLUGINS = re.compile(r"^[ \t]*\[plugins\][^\n]*\n?", re.MULTILINE)
_NEXT_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def write_block(file: Path, names: list[str]) -> None:
    """Sets ``plugins.block`` in a configuration file; everything else in it, comments too, stays as it is.

    Raises:
        ConfigError: the result would not say what it should (an unusual spelling); the file is unchanged.
    """
    import os
    import tomllib

    text = file.read_text("utf-8") if file.is_file() else ""
    line = f"block = [{', '.join(_quoted(name) for name in names)}]"
    table = _PLUGINS.search(text)
    if table is None:
        changed = f"{text.rstrip()}\n\n[plugins]\n{line}\n".lstrip()
    else:
        following = _NEXT_TABLE.search(text, table.end())
        end = following.start() if following else len(text)
        body = text[table.end() : end]
        found = _BLOCK.search(body)
        body = body[: found.start()] + line + body[found.end() :] if found else f"{line}\n{body}"
        head = text[: table.end()]
        changed = (head if head.endswith("\n") else head + "\n") + body + text[end:]
    try:
        before, after = tomllib.loads(text), tomllib.loads(changed)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file.name}: set plugins.block = {names} by hand: {error}") from error
    before.setdefault("plugins", {})["block"] = names
    if before != after:
        raise ConfigError(f"{file.name}: set plugins.block = {names} by hand, it is spelled in an unusual way")
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(changed, "utf-8")
    if file.exists():
        draft.chmod(file.stat().st_mode & 0o777)
    os.replace(draft, file)


def _quoted(name: str) -> str:
    import json

    return json.dumps(name, ensure_ascii=False)
