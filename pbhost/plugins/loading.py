"""From a candidate to a plugin object whose hooks are known to fit."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from pbhost.errors import JSON, PluginError
from pbhost.hooks import hookimpl as hookimpl_marker
from pbhost.hooks.markers import OPTIONS_ATTRIBUTE, PROJECT
from pbhost.plugins.discovery import Candidate, Source
from pbhost.validation import closest

if TYPE_CHECKING:
    import pluggy

#: Single-file plugins are imported under this package name, so that they cannot shadow an installed module.
FILE_PACKAGE = "pb_plugins"
log = logging.getLogger("pbhost.plugins")
_HOOK_FAMILIES = ("on_", "provide_", "register_")
_FAMILY_NAMES = "on_, provide_ or register_"


@dataclass(slots=True)
class LoadedPlugin:
    """One plugin that takes part.

    Attributes:
        name: its short name: table in the configuration, name in logs and lists.
        version: of its distribution, or what the plugin says itself; "" if neither.
        target: the object that is registered: a module or an instance.
        stamp: names and times of its files when it was imported; empty for what is no file of ``pb_plugins/``.
        requires_pbhost: the version range it needs, "" for any.
        requires_services: services it cannot do without.
        schema: the JSON Schema of its options, None if it takes none.
        options: validated options, defaults filled in.
        deprecations: what it uses that a later version will remove, and what to use instead.
        secrets: dotted paths of options that came from a secret reference or are marked ``writeOnly``.
    """

    name: str
    source: Source
    where: str
    target: object
    version: str = ""
    description: str = ""
    path: Path | None = None
    stamp: tuple[tuple[str, int], ...] = ()
    requires_pbhost: str = ""
    requires_services: tuple[str, ...] = ()
    schema: Mapping[str, JSON] | None = None
    options: Mapping[str, JSON] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    deprecations: tuple[str, ...] = ()


def load(candidate: Candidate, specs: pluggy.HookRelay) -> LoadedPlugin:
    """Imports a candidate and checks its hooks.

    Raises:
        PluginError: it does not import, names an unknown hook, or says something about itself that cannot be used.
    """
    plugin = import_plugin(candidate)
    check_hooks(plugin, specs)
    return plugin


def import_plugin(candidate: Candidate) -> LoadedPlugin:
    """Imports a candidate; its hooks are not checked yet, for they may be those of a plugin that comes later.

    Raises:
        PluginError: it does not import, or says something about itself that cannot be used.
    """
    taken = stamp(candidate.path)
    target = _import(candidate)
    schema = _attribute(target, "CONFIG_SCHEMA")
    if schema is not None and not isinstance(schema, dict):
        raise PluginError(f"plugin {candidate.name!r}: CONFIG_SCHEMA must be a JSON Schema as a dict")
    services = _attribute(target, "requires_services") or ()
    if isinstance(services, str):
        services = (services,)
    name = candidate.name
    if candidate.source == "flag" and isinstance(own := _attribute(target, "NAME"), str) and own:
        # It has no entry point that names it; its options are asked for by the name that it gives itself.
        name = own
    return LoadedPlugin(
        name=name,
        source=candidate.source,
        where=candidate.where,
        target=target,
        version=candidate.version or str(_attribute(target, "VERSION") or _attribute(target, "__version__") or ""),
        description=_description(target),
        path=candidate.path,
        stamp=taken,
        requires_pbhost=str(_attribute(target, "requires_pbhost") or ""),
        requires_services=tuple(str(name) for name in cast("tuple[object, ...]", services)),
        schema=cast("Mapping[str, JSON] | None", schema),
    )


def own_specs(plugin: LoadedPlugin) -> dict[str, Callable[..., object]]:
    """The hooks that a plugin defines for others: the functions marked with ``@hookspec`` of its ``HOOK_SPECS``.

    Raises:
        PluginError: such a hook cannot be called.
    """
    defined = _attribute(plugin.target, "HOOK_SPECS")
    found: dict[str, Callable[..., object]] = {}
    for name, function in _functions(defined) if defined is not None else ():
        if getattr(function, f"{PROJECT}_spec", None) is None:
            continue
        takes = ("event", "app") if name.startswith("on_") else ("app",)
        if not name.startswith(_HOOK_FAMILIES):
            raise PluginError(f"plugin {plugin.name!r}: the name of its hook {name!r} must start with {_FAMILY_NAMES}")
        if tuple(inspect.signature(function).parameters) != takes:
            raise PluginError(f"plugin {plugin.name!r}: its hook {name} must take {' and '.join(takes)}")
        found[name] = function
    if defined is not None and not found:
        raise PluginError(f"plugin {plugin.name!r}: HOOK_SPECS has no function marked with @hookspec")
    return found


def stamp(path: Path | None) -> tuple[tuple[str, int], ...]:
    """Names and times of the Python files of a plugin in ``pb_plugins/``."""
    if path is None:
        return ()
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return tuple((str(file), file.stat().st_mtime_ns) for file in files)


def _attribute(target: object, name: str) -> object:
    """A fact that a plugin states about itself, on the registered object or on its module."""
    found = getattr(target, name, None)
    if found is None and not isinstance(target, ModuleType):
        found = getattr(sys.modules.get(type(target).__module__), name, None)
    return found


def _description(target: object) -> str:
    """The first line of the module's docstring, or of the object's."""
    module = target if isinstance(target, ModuleType) else sys.modules.get(type(target).__module__)
    text = inspect.getdoc(target) if module is None or module.__name__ == "__main__" else inspect.getdoc(module)
    return (text or inspect.getdoc(target) or "").partition("\n")[0]


# -- importing ---------------------------------------------------------------------------------------------------------


def _import(candidate: Candidate) -> object:
    try:
        if candidate.path is not None:
            module: ModuleType = _import_file(candidate.path, f"{FILE_PACKAGE}.{candidate.name}")
            attribute = ""
        else:
            name, _, attribute = candidate.target.partition(":")
            module = importlib.import_module(name)
        target: object = module
        for part in attribute.split(".") if attribute else ():
            target = getattr(target, part)
        if not attribute:
            target = getattr(module, "plugin", module)
        return target() if inspect.isclass(target) else target
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        line = line_of(error, candidate.path)
        block = f"start without it: plugins.block = [{candidate.name!r}]".replace("'", '"')
        raise PluginError(
            f"plugin {candidate.name!r} ({candidate.where}) cannot be imported: "
            f"{type(error).__name__}: {error}{line}. Mend it, or {block}"
        ) from error


def _import_file(path: Path, name: str) -> ModuleType:
    package = sys.modules.get(FILE_PACKAGE)
    if package is None:
        package = sys.modules[FILE_PACKAGE] = ModuleType(FILE_PACKAGE)
    # Lets the files of one directory import each other as ``from pb_plugins import other``.
    package.__path__ = [str(path.parent)]
    is_package = path.is_dir()
    location = path / "__init__.py" if is_package else path
    spec = importlib.util.spec_from_file_location(
        name, location, submodule_search_locations=[str(path)] if is_package else None
    )
    if spec is None or spec.loader is None:
        raise PluginError(f"plugin file {path.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def line_of(error: BaseException, path: Path | None) -> str:
    """`` (line N)``: where in the plugin's own file it went wrong; "" when that is not known."""
    if isinstance(error, SyntaxError):
        return ""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if path is not None and file.startswith(str(path)):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line else ""


# -- checking ----------------------------------------------------------------------------------------------------------


def check_hooks(plugin: LoadedPlugin, specs: pluggy.HookRelay) -> None:
    """Whether a plugin's functions fit the hooks that they are named after: pbhost's, its own, those of others.

    Raises:
        PluginError: one does not.
    """
    known: dict[str, tuple[str, ...]] = {
        name: tuple(caller.spec.argnames)
        for name, caller in vars(specs).items()
        if name.startswith(_HOOK_FAMILIES) and caller.spec is not None
    }
    known |= {name: tuple(inspect.signature(function).parameters) for name, function in own_specs(plugin).items()}
    target = plugin.target
    implemented = 0
    for name, function in _functions(target):
        options = getattr(function, f"{PROJECT}_impl", None)
        if options is None:
            if name in known and not isinstance(target, type) and _is_defined_here(function, target):
                raise PluginError(
                    f"plugin {plugin.name!r} ({plugin.where}) defines {name} without @hookimpl: "
                    f"add 'from pbhost import hookimpl' and decorate it, or rename the function"
                )
            continue
        implemented += 1
        hook = options.get("specname") or name
        if hook not in known and options.get("optionalhook"):
            continue
        if hook not in known:
            near = closest(hook, known)
            hint = f"did you mean {near!r}?" if near else "see docs/hooks.md for all of them"
            raise PluginError(f"plugin {plugin.name!r} ({plugin.where}): there is no hook {hook!r}; {hint}")
        _check_arguments(plugin, hook, function, known[hook])
        if not hook.startswith("on_") and (
            inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
        ):
            raise PluginError(f"plugin {plugin.name!r}: {hook} must be a plain function, not an async one")
        if not hook.startswith("on_") and getattr(function, OPTIONS_ATTRIBUTE).wrapper:
            raise PluginError(f"plugin {plugin.name!r}: {hook} cannot be a wrapper, only on_* hooks can")
    if not implemented:
        log.warning(
            "plugin %r (%s) has no hook: mark at least one function with @hookimpl, or name the object that has them "
            "'plugin'; a file that others import is left out when its name starts with '_'",
            plugin.name,
            plugin.where,
        )


def _functions(target: object) -> list[tuple[str, Callable[..., object]]]:
    found: list[tuple[str, Callable[..., object]]] = []
    for name in dir(target):
        if name.startswith("__"):
            continue
        # A property may do work or fail; hooks are functions.
        if isinstance(inspect.getattr_static(target, name, None), property):
            continue
        value = getattr(target, name, None)
        if inspect.isroutine(value) and value is not hookimpl_marker:
            found.append((name, value))
    return found


def _is_defined_here(function: Callable[..., object], target: object) -> bool:
    module = target.__name__ if isinstance(target, ModuleType) else type(target).__module__
    return getattr(function, "__module__", "") == module


def _check_arguments(plugin: LoadedPlugin, hook: str, function: Callable[..., object], known: tuple[str, ...]) -> None:
    for name, parameter in inspect.signature(function).parameters.items():
        if name in known or parameter.default is not inspect.Parameter.empty:
            continue
        near = closest(name, known)
        hint = f"did you mean {near!r}?" if near else f"it has: {', '.join(known)}"
        raise PluginError(f"plugin {plugin.name!r} ({plugin.where}): hook {hook} has no argument {name!r}; {hint}")
