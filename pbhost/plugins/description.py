"""What is loaded and what it costs: for ``pbhost plugins``, ``GET /api/plugins`` and the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pluggy

from pbhost.errors import JSON
from pbhost.plugins.options import redacted
from pbhost.services import SERVICES

if TYPE_CHECKING:
    from pbhost.hooks import HookRegistry, Implementation
    from pbhost.plugins.registry import PluginRegistry


def describe(plugins: PluginRegistry, hooks: HookRegistry | None = None) -> list[dict[str, JSON]]:
    """Each plugin in load order: services, hooks with their place in the order of calls and what they cost so far,
    options with secrets redacted.

    Args:
        hooks: with the statistics; without it there are none.
    """
    described: list[dict[str, JSON]] = []
    for plugin in plugins:
        needed: list[JSON] = [*plugin.requires_services]
        services: list[JSON] = [name for name in SERVICES if plugins.providers(name)[:1] == [plugin.name]]
        facts: dict[str, JSON] = {
            "name": plugin.name,
            "version": plugin.version,
            "source": plugin.source,
            "where": plugin.where,
            "description": plugin.description,
            "requiresPbhost": plugin.requires_pbhost,
            "requiresServices": needed,
            "services": services,
            "hooks": [*_hooks_of(plugin.name, plugins.manager, hooks)],
            "deprecations": [*plugin.deprecations],
            "options": redacted(plugin.options, plugin.secrets),
        }
        described.append(facts | (_totals(_statistics(hooks, plugin.name)) if hooks is not None else {}))
    return described


def metrics(plugins: PluginRegistry, hooks: HookRegistry, worker: int) -> str:
    """The same statistics in the text format of Prometheus (version 0.0.4)."""
    items = [item for plugin in plugins for item in _statistics(hooks, plugin.name)]
    lines = ["# HELP pbhost_plugin_info The loaded plugins.", "# TYPE pbhost_plugin_info gauge"]
    for plugin in plugins:
        labels = {"plugin": plugin.name, "version": plugin.version, "source": plugin.source, "worker": str(worker)}
        lines.append(f"pbhost_plugin_info{_labels(labels)} 1")
    for name, kind, text, attribute in _SERIES:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        summed: dict[str, float] = {}
        for item in items:
            labels = {"plugin": item.plugin, "hook": item.hook, "kind": item.kind, "worker": str(worker)}
            value = getattr(item, attribute)
            key = _labels(labels)
            # A plugin may have two functions for one hook.
            summed[key] = max(summed.get(key, 0), value) if kind == "gauge" else summed.get(key, 0) + value
        lines += [f"{name}{labels} {value:.10g}" for labels, value in summed.items()]
    return "\n".join(lines) + "\n"


_SERIES = (
    ("pbhost_hook_calls_total", "counter", "Calls of a plugin's function for a hook.", "calls"),
    ("pbhost_hook_seconds_total", "counter", "Time spent in it, waiting included.", "seconds"),
    ("pbhost_hook_longest_seconds", "gauge", "The longest time spent in it without a break.", "longest"),
    ("pbhost_hook_slow_total", "counter", "Calls that took longer than slow_hook.", "slow_calls"),
    ("pbhost_hook_failures_total", "counter", "Calls that raised an unexpected exception.", "failures"),
)


def _hooks_of(name: str, manager: pluggy.PluginManager, hooks: HookRegistry | None) -> Iterator[JSON]:
    for hook, caller in sorted(vars(manager.hook).items()):
        if not isinstance(caller, pluggy.HookCaller):
            continue
        items = hooks.implementations.get(hook, ()) if hooks is not None else ()
        statistics = {id(item.function): item for item in items if item.plugin == name}
        for order, impl in enumerate(reversed(caller.get_hookimpls()), start=1):
            if impl.plugin_name != name:
                continue
            entry: dict[str, JSON] = {"hook": hook, "order": order}
            item = statistics.get(id(impl.function))
            if item is not None:
                entry |= {"kind": item.kind, **_totals([item]), "collections": [*sorted(item.collections)]}
            yield entry


def _totals(items: Iterable[Implementation]) -> dict[str, JSON]:
    listed = list(items)
    last = max(listed, key=lambda item: item.last_failure, default=None)
    failure: JSON = None
    if last is not None and last.last_failure:
        failure = {"hook": last.hook, "date": last.last_failure, "error": last.last_error}
    return {
        "calls": sum(item.calls for item in listed),
        "seconds": round(sum(item.seconds for item in listed), 6),
        "longest": round(max((item.longest for item in listed), default=0.0), 6),
        "slow": sum(item.slow_calls for item in listed),
        "failures": sum(item.failures for item in listed),
        "lastFailure": failure,
    }


def _statistics(hooks: HookRegistry | None, plugin: str) -> Iterator[Implementation]:
    for items in hooks.implementations.values() if hooks is not None else ():
        yield from (item for item in items if item.plugin == plugin)


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
