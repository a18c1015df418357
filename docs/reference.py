"""Writes the reference pages that follow from the code: ``python docs/reference.py``. A test keeps them up to date."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from pbhost.config import OPTIONS
from pbhost.hooks.specs import additions, application, mail, provide, register, requests, writes
from pbhost.services import SERVICES
from pbhost.testing.kits import KITS

DOCS = Path(__file__).parent

SECTIONS = (
    (application, "The application"),
    (requests, "Requests"),
    (writes, "Writes of records and collections"),
    (mail, "Mail"),
    (additions, "Additions of pbhost"),
    (register, "Registering"),
    (provide, "Providing a service"),
)

HOOKS_HEAD = """# Hooks

Every hook that a plugin may implement, with its signature. Generated from the specifications; do not edit.

- A function marked with `@hookimpl` implements the hook of its name and takes any subset of its arguments.
- `on_*` hooks may be plain or async. A plain hook runs before the operation. `@hookimpl(wrapper=True)` on a generator that yields
  once wraps it: what follows `yield` runs when the rest of the chain and the operation are done, and sees their exception.
- Order: wrappers are outermost; then `tryfirst`, later plugins, earlier plugins, `trylast`.
- `@hookimpl(collections=["posts"])` limits a hook of records, files or sign-in to collections, by name or id; `"@auth"` means
  every collection of that type. For others no code of the plugin runs.
- Hooks around a write run inside its transaction. A plain one runs in the database's thread and uses `event.connection`; an async
  one uses `await event.tx.fetch_all(...)`. What they write is committed or rolled back together with the record.
- After-hooks run after the commit; their exceptions are logged and change nothing.
- Raising an `ApiError` refuses the operation with that answer. `raise Skip(result)` leaves it out without an error. Any other
  exception is a fault of the plugin: 500 for the client, the log names plugin and hook, the transaction is rolled back.
- A plugin may define hooks for other plugins: its `HOOK_SPECS` (a module) holds functions marked with `@hookspec`. `on_<name>(event,
  app)` is called with `app.hooks.chain("on_<name>")`, `register_<name>(app)` with `app.collect("register_<name>")`. Who implements a
  hook of a plugin that need not be installed says `@hookimpl(optional=True)`. See examples/plugins/webhooks.
- The order of a create: `on_record_create_request`, then in the transaction `on_record_create`, `on_model_create`,
  `on_record_validate`, `on_model_validate`, `on_record_create_execute`, `on_model_create_execute`, the SQL, and after the commit
  `on_record_after_create_success`, `on_model_after_create_success`.
"""

CONFIGURATION_HEAD = """# Configuration

Where a value comes from, the later wins: the default, `pbhost.toml` in the working directory (or `--config PATH`), a `PBHOST_*`
variable, a flag. `pbhost config` shows the result. Generated from the code; do not edit.

A plugin's options stand in `[plugins.<name>]` and are checked against its schema. A secret need not stand in the file:
`password = "env:SMTP_PASSWORD"` reads a variable, `"file:/run/secrets/smtp"` a file; neither is ever shown or logged.

| key in pbhost.toml | variable | flag | meaning |
|---|---|---|---|
"""

SERVICES_HEAD = """# Services

What a plugin may replace as a whole, and the built-in that provides it. A plugin that implements `provide_<name>` and comes after
the built-in wins; the methods are those of the Protocol in `pbhost.services` (the database: `pbhost.database`). A provider with
`async start()` and `async stop()` is started in this order and stopped in reverse. Generated from the code; do not edit.

| service | reached as | provided by | Protocol | kit, in `pbhost.testing` |
|---|---|---|---|---|
"""

SERVICES_TAIL = """
## Replacing one

```python
from pbhost import hookimpl


class PrintingMailer:
    async def send(self, message):
        print("to", [address.address for address in message.to], message.subject)


@hookimpl
def provide_mailer(app):
    return PrintingMailer()
```

## Its kit

Each service has a conformance kit: tests that any provider must pass, and that ours passes. A kit is a class; the tests of a
replacement subclass it and say how its server is started. For most kits that is all:

```py
# tests/test_conformance.py
import pytest
from pbhost.testing import running_app
from pbhost.testing.records_kit import RecordsKit


class TestRecords(RecordsKit):
    @pytest.fixture
    async def running(self, tmp_path):
        async with running_app(tmp_path) as running:  # installed plugins are loaded, this one among them
            yield running
```

What a kit needs beyond that (a `storage`, a `hasher`, the place where mails arrive) its module says. The kit of the database is given an
engine by `make_engine(directory)`. `pbhost plugin check NAME` runs the kits of an installed plugin on temporary directories, with its default
options; `--with-options` takes those of the configuration, and then the tests write and delete where those lead.

Blocking a built-in (`--block mail`) removes it; a plugin that needs its service refuses to start then, with a message that names
both. [examples/plugins/memory_storage](../examples/plugins/memory_storage) replaces the file storage.
"""


def hooks_page() -> str:
    """``docs/hooks.md``."""
    out = [HOOKS_HEAD]
    for module, title in SECTIONS:
        out.append(f"\n## {title}\n\n{inspect.getdoc(module)}\n")
        for name, spec in vars(module).items():
            if name.startswith(("on_", "register_", "provide_")):
                out.append(f"\n### {name}\n\n```\n{_signature(name, spec)}\n```\n\n{_text(spec)}\n")
    return "".join(out)


def configuration_page() -> str:
    """``docs/configuration.md``."""
    rows = [f"| `{item.key}` | `{item.env}` | `{item.flag}` | {item.help} |" for item in OPTIONS]
    return CONFIGURATION_HEAD + "\n".join(rows) + "\n" + _plugin_options()


def services_page() -> str:
    """``docs/services.md``."""
    rows = []
    for name, plugin in SERVICES.items():
        returned = str(inspect.signature(getattr(provide, f"provide_{name}")).return_annotation)
        protocol = returned.removesuffix(" | None")
        attribute = "db" if name == "database" else name
        rows.append(f"| {name} | `app.{attribute}` | `{plugin}` | `{protocol}` | {_kit(name)} |")
    return SERVICES_HEAD + "\n".join(rows) + "\n" + SERVICES_TAIL


def _kit(service: str) -> str:
    module, kit = KITS[service]
    return f"`{module.removeprefix('pbhost.testing.')}.{kit}`"


def _signature(name: str, spec: Callable[..., object]) -> str:
    return f"{name}{inspect.signature(spec)}".replace("'", "")


def _text(spec: Callable[..., object]) -> str:
    text, _, version = (inspect.getdoc(spec) or "").partition("versionadded: ")
    return f"{text.strip()}\n\nSince {version.strip()}."


def _plugin_options() -> str:
    from importlib import import_module

    out = []
    for name in ("sqlite", "records", "auth", "files", "realtime", "mail", "operations", "dashboard"):
        module = import_module(f"builtin_{name}")
        target = getattr(module, "plugin", module)
        schema = getattr(target, "CONFIG_SCHEMA", None)
        if not schema or not schema.get("properties"):
            continue
        out.append(f"\n## [plugins.{name}]\n\n| key | default | meaning |\n|---|---|---|\n")
        for key, option in schema["properties"].items():
            default = "" if "default" not in option else f"`{_toml(option['default'])}`"
            out.append(f"| `{key}` | {default} | {option.get('description', '')} |\n")
    return "".join(out)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


PAGES = {"hooks.md": hooks_page, "configuration.md": configuration_page, "services.md": services_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (DOCS / file).write_text(page())
        sys.stdout.write(f"wrote {file}\n")
