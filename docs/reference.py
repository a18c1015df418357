"""Writes the reference pages that follow from the code: ``python docs/reference.py``. A test keeps them up to date."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from pbhost.config import OPTIONS
from pbhost.errors import JSON
from pbhost.hooks import events
from pbhost.hooks.specs import additions, application, mail, provide, register, requests, writes
from pbhost.services import SERVICES
from pbhost.testing.kits import KITS

DOCS = Path(__file__).parent
ROOT = DOCS.parent
EXAMPLES = DOCS / "examples" / "hooks"

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

Every hook that a plugin may implement: signature, moment, transaction, what an exception does, what the event carries, and an
example. The examples stand in `docs/examples/hooks`; a test loads each into a server and lets it fire. Generated from the
specifications; do not edit.

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
  hook of a plugin that need not be installed says `@hookimpl(optional=True)`. See [webhooks](../examples/plugins/webhooks).
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

BUILT_INS = ("sqlite", "records", "auth", "files", "realtime", "mail", "operations", "dashboard")

COMMANDS_HEAD = """# The command line

Every command of `pbhost` with the built-in plugins; plugins may add more. Options that set the configuration stand in
[configuration](configuration.md) and are understood by every command. Generated from the code; do not edit.
"""

ROUTES_HEAD = """# Routes

Every route of a server with the built-in plugins. `GET /api/openapi.json` describes parameters, bodies and answers of each,
with those of your collections and of other plugins: see [OpenAPI](openapi.md). Generated from it; do not edit.
"""

SETTINGS_HEAD = """# Settings

What superusers change while the server runs: `GET` and `PATCH /api/settings`, or the dashboard. They are kept in the database and
take effect at once, in every worker. A plugin adds sections with [register_settings_sections](hooks.md#register_settings_sections).
Generated from the code; do not edit.
"""

GALLERY_HEAD = """# Examples

Complete plugins, each an installable distribution with tests and a README, which use only the public API and show one idea
each. Small ones, for every single hook, stand in [hooks](hooks.md). Generated from the READMEs; do not edit.
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

A plugin that adds to a service instead of replacing it asks for the provider that would serve without it:
`app.inherited("storage", by=self)`, passes on what it does not change, and sees every call, for everyone reaches the service through
`app`. The examples below do so where that is the usual case. A kit is a class of tests that yours subclasses: see
[storage](storage.md#another-storage).
"""


def hooks_page() -> str:
    """``docs/hooks.md``."""
    out = [HOOKS_HEAD]
    for module, title in SECTIONS:
        out.append(f"\n## {title}\n\n{inspect.getdoc(module)}\n")
        for name, spec in vars(module).items():
            if name.startswith(("on_", "register_", "provide_")):
                out.append(_hook(name, spec))
    return "".join(out)


def _hook(name: str, spec: Callable[..., object]) -> str:
    moment, transaction, failure = _rules(name)
    facts = f"| transaction | an exception |\n|---|---|\n| {transaction} | {failure} |\n"
    return f"\n### {name}\n\n```\n{_signature(name, spec)}\n```\n\n{_text(spec)}\n\n{moment}{facts}\n{_event(spec)}{example(name)}"


_REFUSES = "an `ApiError` is the answer to the client; any other is a fault of the plugin: 500 for the client"


def _rules(name: str) -> tuple[str, str, str]:
    """What holds for a hook by its family: a sentence on the moment, the transaction, and what an exception does."""
    if name.startswith("register_"):
        return "Called when the application starts.\n\n", "none", "stops the start; the message names the plugin"
    if name.startswith("provide_"):
        return "Called once, when the application starts.\n\n", "none", "stops the start; the message names the plugin"
    if name.endswith("_success"):
        return "", "over: it is committed", "is logged and changes nothing"
    if name.endswith("_error"):
        return "", "over: it was rolled back", "is logged and changes nothing"
    if re.fullmatch(r"on_(record|collection|model)_(validate|create|update|delete)(_execute)?", name):
        return (
            "",
            "that of the write: `event.connection` in a plain hook, `event.tx` in an async one",
            f"rolls the write back; {_REFUSES}",
        )
    if name in _SPECIAL:
        return "", "none", _SPECIAL[name]
    return "", "none", f"refuses the operation; {_REFUSES}"


_SPECIAL = {
    "on_bootstrap": "stops the start",
    "on_serve": "stops the start",
    "on_terminate": "is reported at the end; the services are stopped all the same",
    "on_settings_reload": "fails the request that changed the settings, which stay changed",
    "on_plugins_reload": "is logged and changes nothing",
    "on_realtime_message_send": "closes that client's connection; `Skip` drops the message alone",
    "on_cron_run": "the job does not run; it is logged",
    "on_storage_write": "the file is not stored, and the write that brought it is refused",
    "on_storage_delete": "the file stays, which is logged",
    "on_record_enrich": f"the answer fails: {_REFUSES}",
}


def _event(spec: Callable[..., object]) -> str:
    """The class of the event and what it carries."""
    annotation = (
        str(inspect.signature(spec).parameters["event"].annotation)
        if "event" in inspect.signature(spec).parameters
        else ""
    )
    kind = getattr(events, annotation.strip("'").removeprefix("events."), None)
    if kind is None:
        return ""
    names = ", ".join(f"`{item.name}`" for item in fields(kind))
    first = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("``", "`").replace("\n", " ")
    return f"`{kind.__name__}`: {first} It carries {names}.\n\n"


def example(name: str) -> str:
    """The example of a hook as a block of the page; a test runs each."""
    return f"```python\n{(EXAMPLES / f'{name}.py').read_text().strip()}\n```\n"


def configuration_page() -> str:
    """``docs/configuration.md``."""
    rows = [f"| `{item.key}` | `{item.env}` | `{item.flag}` | {item.help} |" for item in OPTIONS]
    return CONFIGURATION_HEAD + "\n".join(rows) + "\n" + _plugin_options()


def services_page() -> str:
    """``docs/services.md``."""
    rows = []
    for name, plugin in SERVICES.items():
        attribute = "db" if name == "database" else name
        rows.append(f"| [{name}](#{name}) | `app.{attribute}` | `{plugin}` | `{_protocol(name)}` | {_kit(name)} |")
    return SERVICES_HEAD + "\n".join(rows) + "\n" + SERVICES_TAIL + "".join(_service(name) for name in SERVICES)


def _protocol(name: str) -> str:
    returned = str(inspect.signature(getattr(provide, f"provide_{name}")).return_annotation)
    return returned.removesuffix(" | None")


def _service(name: str) -> str:
    from importlib import import_module

    module, _, kind = f"pbhost.{_protocol(name)}".rpartition(".")
    protocol = getattr(import_module(module if module != "pbhost" else "pbhost.database"), kind)
    methods = [
        f"| `{method}` | {_first_sentence(function)} |"
        for method, function in vars(protocol).items()
        if not method.startswith("_") and (inspect.isfunction(function) or isinstance(function, property))
    ]
    table = "| method | |\n|---|---|\n" + "\n".join(methods)
    return (
        f"\n## {name}\n\n{_first_sentence(protocol)} Its kit: {_kit(name)}.\n\n{table}\n\n{example(f'provide_{name}')}"
    )


def _first_sentence(thing: object) -> str:
    text = (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`").replace("|", "\\|")
    return re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)


def _kit(service: str) -> str:
    module, kit = KITS[service]
    return f"`{module.removeprefix('pbhost.testing.')}.{kit}`"


def commands_page() -> str:
    """``docs/commands.md``."""
    import click

    from pbhost.app import App
    from pbhost.cli.root import root
    from pbhost.config import Config, PluginsConfig
    from pbhost.plugins import load_plugins

    nowhere = Path("nowhere")  # no file is read or written to know the commands
    plugins = PluginsConfig(dir=nowhere, only=BUILT_INS)
    app = App(Config(dir=nowhere, public_dir=nowhere, plugins=plugins), load_plugins(plugins))
    commands = dict(root.commands)
    for item in app.collect("register_commands"):
        assert isinstance(item, click.Command)
        commands[str(item.name)] = item
    return COMMANDS_HEAD + "".join(_command(f"pbhost {name}", commands[name]) for name in sorted(commands))


def _command(name: str, command: object) -> str:
    import click

    assert isinstance(command, click.Command)
    text = re.sub(r"\s*\n\s*", " ", inspect.cleandoc(command.help or "").replace("\n\n", "\0")).replace("\0", "\n\n")
    arguments = "".join(
        f" {item.make_metavar(click.Context(command))}" for item in command.params if isinstance(item, click.Argument)
    )
    out = [f"\n## {name}\n\n{text.strip()}\n"]
    if not isinstance(command, click.Group):
        out.append(f"\n```sh\n{name}{arguments}\n```\n")
    options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
    if options:
        rows = [f"| `{', '.join(item.opts)}` | {(item.help or '').replace('|', chr(92) + '|')} |" for item in options]
        out.append("\n| option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n")
    if isinstance(command, click.Group):
        out += [_command(f"{name} {sub}", command.commands[sub]) for sub in sorted(command.commands)]
    return "".join(out)


def routes_page() -> str:
    """``docs/api.md``, from ``/api/openapi.json`` of a server on an empty directory."""
    document = asyncio.run(_openapi())
    paths = document["paths"]
    assert isinstance(paths, dict)
    groups: dict[str, list[str]] = {}
    for path, item in _generalised(paths).items():
        for method, operation in sorted(item.items()):
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            group = path.split("/")[2] if path.count("/") > 1 else path
            groups.setdefault(group, []).append(f"| `{method.upper()}` | `{path}` | {operation.get('summary', '')} |")
    tables = [
        f"\n## {group}\n\n| method | path | |\n|---|---|---|\n" + "\n".join(rows) + "\n"
        for group, rows in sorted(groups.items())
    ]
    return ROUTES_HEAD + "".join(tables)


def _generalised(paths: Mapping[str, JSON]) -> dict[str, dict[str, dict[str, str]]]:
    """The routes of every single collection as those of ``{collection}``."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for path, item in sorted(paths.items()):
        assert isinstance(item, dict)
        general = re.sub(r"^/api/collections/(_\w+|users)/", "/api/collections/{collection}/", path)
        found.setdefault(general, {}).update(item)  # type: ignore[arg-type]  # the document has operations there
    return dict(sorted(found.items()))


async def _openapi() -> dict[str, JSON]:
    from tempfile import TemporaryDirectory

    from pbhost.testing import running_app

    with TemporaryDirectory() as directory:
        async with running_app(Path(directory), only=BUILT_INS) as running:
            answer = await running.request("GET", "/api/openapi.json", token=await running.superuser())
            assert isinstance(answer.body, dict)
            return answer.body


def settings_page() -> str:
    """``docs/settings.md``.

    Raises:
        KeyError: a setting that docs/settings.toml says nothing of.
    """
    from builtin_operations.settings.schema import DEFAULTS

    meanings = tomllib.loads((DOCS / "settings.toml").read_text())
    out = [SETTINGS_HEAD]
    for section, values in DEFAULTS.items():
        out.append(f"\n## {section}\n\n| key | default | meaning |\n|---|---|---|\n")
        for key, default in _leaves(section, values):
            shown = "" if isinstance(default, list) and default else f"`{json.dumps(default)}`"
            out.append(f"| `{key}` | {shown} | {meanings[key]} |\n")
    return "".join(out)


def _leaves(path: str, value: JSON) -> Iterator[tuple[str, JSON]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for key, item in value.items():
        yield from _leaves(f"{path}.{key}", item)


def gallery_page() -> str:
    """``docs/examples.md``."""
    items = []
    for readme in sorted(ROOT.glob("examples/plugins/*/README.md")):
        head, _, rest = readme.read_text().partition("\n\n")
        name = readme.parent.name
        lead = rest.split("\n\n")[0].strip()
        # Links of the README are relative to it; here the text alone is enough.
        lead = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", lead)
        items.append(f"\n## {name}\n\n{lead}\n\n[{head.lstrip('# ')}](../examples/plugins/{name})\n")
    return GALLERY_HEAD + "".join(items)


def _signature(name: str, spec: Callable[..., object]) -> str:
    return f"{name}{inspect.signature(spec)}".replace("'", "")


def _text(spec: Callable[..., object]) -> str:
    text, _, version = (inspect.getdoc(spec) or "").partition("versionadded: ")
    return f"{text.strip()}\n\nSince {version.strip()}."


def _plugin_options() -> str:
    from importlib import import_module

    out = []
    for name in BUILT_INS:
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


PAGES = {
    "api.md": routes_page,
    "commands.md": commands_page,
    "configuration.md": configuration_page,
    "examples.md": gallery_page,
    "hooks.md": hooks_page,
    "services.md": services_page,
    "settings.md": settings_page,
}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (DOCS / file).write_text(page())
        sys.stdout.write(f"wrote {file}\n")
