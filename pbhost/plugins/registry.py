"""All plugins of an application: registered in order, with their options, and what they do as a list to look at."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import pluggy

from pbhost.config import PluginsConfig
from pbhost.errors import JSON, ConfigError, PbhostError, PluginError
from pbhost.hooks import specs
from pbhost.hooks.markers import PROJECT, PbhostDeprecationWarning
from pbhost.plugins.deprecation import deprecations
from pbhost.plugins.description import describe
from pbhost.plugins.discovery import discover, find_files
from pbhost.plugins.loading import LoadedPlugin, check_hooks, import_plugin, line_of, own_specs, stamp
from pbhost.plugins.options import check_options
from pbhost.services import SERVICES
from pbhost.validation import closest

if TYPE_CHECKING:
    from pbhost.hooks import HookRegistry

log = logging.getLogger("pbhost.plugins")


class PluginRegistry:
    """The loaded plugins, in load order.

    Attributes:
        manager: pluggy's registry with the specifications.
    """

    def __init__(self, config: PluginsConfig) -> None:
        self.config = config
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(specs)
        self._plugins: dict[str, LoadedPlugin] = {}
        #: Hooks that plugins define for others → who does.
        self._defined: dict[str, str] = {}

    def __iter__(self) -> Iterator[LoadedPlugin]:
        return iter(self._plugins.values())

    def names(self) -> list[str]:
        """In load order."""
        return list(self._plugins)

    def get(self, name: str) -> LoadedPlugin | None:
        """The plugin of that name, or None."""
        return self._plugins.get(name)

    def options(self, name: str) -> Mapping[str, JSON]:
        """The validated options of a plugin; {} for one that is not loaded."""
        plugin = self._plugins.get(name)
        return plugin.options if plugin is not None else {}

    def define_hooks(self, plugin: LoadedPlugin) -> None:
        """Takes in the hooks that a plugin defines for others. They stay when it is removed, and as they are when it is
        replaced by a newer state of itself.

        Raises:
            PluginError: such a hook cannot be called, or another plugin or pbhost itself has one of that name.
        """
        fresh = {}
        for name, function in own_specs(plugin).items():
            owner = self._defined.get(name)
            if owner == plugin.name:
                continue
            caller = getattr(self.manager.hook, name, None)
            if caller is not None and caller.has_spec():
                by = f"the plugin {owner!r}" if owner else "pbhost itself"
                raise PluginError(f"plugin {plugin.name!r}: {by} has a hook {name} already, rename yours")
            fresh[name] = function
        if fresh:
            namespace = ModuleType(f"hooks of {plugin.name}")
            vars(namespace).update(fresh)
            self.manager.add_hookspecs(namespace)
            self._defined.update(dict.fromkeys(fresh, plugin.name))

    def add(self, plugin: LoadedPlugin) -> None:
        """Checks a plugin's version range and options, then registers it; a plugin of that name is replaced.

        Raises:
            PluginError: it does not fit this version, or pluggy refuses it.
            ConfigError: its options are not acceptable.
        """
        self.define_hooks(plugin)
        _check_version(plugin)
        table = self.config.tables.get(plugin.name, {})
        plugin.options, plugin.secrets = check_options(plugin.name, plugin.schema, table)
        self.remove(plugin.name)
        try:
            with warnings.catch_warnings():
                # pluggy's own warnings do not say whose function it is; ours below do.
                warnings.simplefilter("ignore", PbhostDeprecationWarning)
                self.manager.register(plugin.target, plugin.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(f"plugin {plugin.name!r} ({plugin.where}) cannot be registered: {error}") from error
        self._plugins[plugin.name] = plugin
        plugin.deprecations = tuple(deprecations(self.manager, plugin.name, plugin.target))
        for line in plugin.deprecations:
            text = f"plugin {plugin.name!r} {plugin.version} ({plugin.where}) {line}"
            log.warning("%s", text)
            warnings.warn(PbhostDeprecationWarning(text), stacklevel=2)

    def remove(self, name: str) -> None:
        """Takes a plugin out; unknown names are ignored."""
        if self._plugins.pop(name, None) is not None:
            self.manager.unregister(name=name)

    def check_tables(self) -> None:
        """Every table of options must be for a plugin that is loaded.

        Raises:
            ConfigError: names the table and the nearest plugin.
        """
        for name in self.config.tables:
            if self.get(name) is None and name not in self.config.block and not self.config.only:
                near = closest(name, self.names())
                hint = f"did you mean [plugins.{near}]?" if near else "install it or remove the table"
                raise ConfigError(f"[plugins.{name}]: no plugin of this name is loaded; {hint}")

    def check_services(self) -> None:
        """Every service that a plugin requires must be provided by somebody.

        Raises:
            PluginError: names the plugin, the service, and who would provide it.
        """
        for plugin in self._plugins.values():
            for service in plugin.requires_services:
                if service not in SERVICES:
                    raise PluginError(
                        f"plugin {plugin.name!r} requires the service {service!r}, which does not exist; "
                        f"services are: {', '.join(SERVICES)}"
                    )
                if not self.providers(service):
                    raise PluginError(
                        f"plugin {plugin.name!r} {plugin.version} needs the {service} service, which no loaded plugin "
                        f"provides: load the built-in {SERVICES[service]!r} (is it in plugins.block, or missing from "
                        f"plugins.only?) or another plugin that provides it, or block {plugin.name!r} too"
                    )

    def providers(self, service: str) -> list[str]:
        """The plugins that would provide a service; the first one does."""
        caller = getattr(self.manager.hook, f"provide_{service}")
        return [impl.plugin_name for impl in reversed(caller.get_hookimpls())]

    # -- calling the hooks that are no events ------------------------------------------------------------------------

    def call_all(self, hook: str, app: object) -> list[tuple[str, object]]:
        """What each plugin gives for a ``register_*`` hook, with the plugin's name, in load order.

        Raises:
            PluginError: an implementation fails; names it.
        """
        return [(impl.plugin_name, self._call(impl, hook, app)) for impl in _implementations(self.manager, hook)]

    def call_first(self, hook: str, app: object) -> tuple[str, object] | None:
        """What a ``provide_*`` hook gives: the first result that is not None, later plugins are asked first.

        Raises:
            PluginError: an implementation fails; names it.
        """
        for impl in reversed(_implementations(self.manager, hook)):
            result = self._call(impl, hook, app)
            if result is not None:
                return impl.plugin_name, result
        return None

    def _call(self, impl: pluggy.HookImpl, hook: str, app: object) -> object:
        known = {"app": app}
        try:
            return impl.function(**{name: known[name] for name in impl.argnames})
        except PbhostError:
            raise
        except Exception as error:
            plugin = self._plugins.get(impl.plugin_name)
            where = f" ({plugin.where}{line_of(error, plugin.path)})" if plugin is not None else ""
            raise PluginError(
                f"plugin {impl.plugin_name!r}{where} failed in {hook}: {type(error).__name__}: {error}"
            ) from error

    def describe(self, hooks: HookRegistry | None = None) -> list[dict[str, JSON]]:
        """What is loaded; see :func:`pbhost.plugins.description.describe`."""
        return describe(self, hooks)

    # -- development -------------------------------------------------------------------------------------------------

    def reload_files(self) -> list[str]:
        """Loads ``pb_plugins/`` again; returns the names of what was added, changed or removed.

        All or nothing for each file: one that does not load keeps its running version.

        Raises:
            PluginError, ConfigError: of the first file that does not load, after the others were taken in.
        """
        candidates = {candidate.name: candidate for candidate in find_files(self.config.dir)}
        blocked = set(self.config.block)
        only = set(self.config.only)
        wanted = {name: c for name, c in candidates.items() if name not in blocked and (not only or name in only)}
        changed: list[str] = []
        for name in [p.name for p in self._plugins.values() if p.source == "file" and p.name not in wanted]:
            self.remove(name)
            changed.append(name)
        failure: Exception | None = None
        for name, candidate in wanted.items():
            before = self._plugins.get(name)
            if before is not None and before.stamp == stamp(candidate.path):
                continue
            try:
                fresh = import_plugin(candidate)
                self.define_hooks(fresh)
                check_hooks(fresh, self.manager.hook)
                self.add(fresh)
                self.check_services()
            except Exception as error:
                self.remove(name)
                if before is not None:
                    self.add(before)
                failure = failure or error
                continue
            changed.append(name)
        if failure is not None:
            raise failure
        return changed


def load_plugins(config: PluginsConfig, extra: Sequence[LoadedPlugin] = ()) -> PluginRegistry:
    """Discovers, checks, configures and registers all plugins.

    Args:
        config: what is loaded, and the options.
        extra: plugins given as objects, after all others; for tests and embedding.

    Raises:
        PluginError: a plugin cannot be used.
        ConfigError: ``only``, ``block`` or a plugin's options are wrong.
    """
    registry = PluginRegistry(config)
    by_name: dict[str, LoadedPlugin] = {}
    for plugin in map(import_plugin, discover(config)):
        # One that a flag names stands in the place of an installed one that calls itself the same.
        by_name.pop(plugin.name, None)
        by_name[plugin.name] = plugin
    found = list(by_name.values())
    for plugin in (*found, *extra):
        registry.define_hooks(plugin)
    for plugin in found:
        check_hooks(plugin, registry.manager.hook)
        registry.add(plugin)
    for plugin in extra:
        registry.add(plugin)
    registry.check_tables()
    registry.check_services()
    return registry


def _implementations(manager: pluggy.PluginManager, hook: str) -> list[pluggy.HookImpl]:
    caller: pluggy.HookCaller = getattr(manager.hook, hook)
    return list(caller.get_hookimpls())


def _check_version(plugin: LoadedPlugin) -> None:
    if not plugin.requires_pbhost:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from pbhost import __version__

    try:
        wanted = SpecifierSet(plugin.requires_pbhost)
    except InvalidSpecifier as error:
        raise PluginError(
            f"plugin {plugin.name!r}: requires_pbhost = {plugin.requires_pbhost!r} is not a version range "
            f"like '>=0.1,<1'"
        ) from error
    if not wanted.contains(__version__, prereleases=True):
        raise PluginError(
            f"plugin {plugin.name!r} {plugin.version} needs pbhost {wanted}, this is {__version__}: "
            f"install a version of the plugin that fits, or block it (plugins.block)"
        )
