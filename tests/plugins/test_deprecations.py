"""A hook or an argument that will go away: one warning that names the plugin and what to use instead."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest
from packaging.version import Version

import pbhost
from pbhost import hookimpl, hookspec
from pbhost.config import PluginsConfig
from pbhost.hooks import PbhostDeprecationWarning, specs
from pbhost.plugins import LoadedPlugin, PluginRegistry


class OldSpecs:
    """Hooks as a later version of pbhost might have them."""

    @hookspec(warn_on_impl=PbhostDeprecationWarning("use on_record_create"))
    def on_old(self, event: object, app: object) -> None:
        """A hook that will be removed."""

    @hookspec(warn_on_impl_args={"app": PbhostDeprecationWarning("use event.app")})
    def on_changed(self, event: object, app: object) -> None:
        """A hook one of whose arguments will be removed."""


class Behind:
    @hookimpl
    def on_old(self, event: object) -> None: ...

    @hookimpl
    def on_changed(self, event: object, app: object) -> None: ...


class UpToDate:
    @hookimpl
    def on_changed(self, event: object) -> None: ...


@pytest.fixture
def registry(tmp_path: Path) -> PluginRegistry:
    registry = PluginRegistry(PluginsConfig(dir=tmp_path))
    registry.manager.add_hookspecs(OldSpecs)
    return registry


def plugin(target: object) -> LoadedPlugin:
    return LoadedPlugin(name="behind", source="package", where="pbhost-behind 1.0", target=target, version="1.0")


def test_each_use_gives_one_warning_with_the_replacement(
    registry: PluginRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        registry.add(plugin(Behind()))
    expected = [
        "plugin 'behind' 1.0 (pbhost-behind 1.0) implements on_old, which is deprecated: use on_record_create",
        "plugin 'behind' 1.0 (pbhost-behind 1.0) takes 'app' of on_changed, which is deprecated: use event.app",
    ]
    assert sorted(str(warning.message) for warning in caught) == expected
    assert {warning.category for warning in caught} == {PbhostDeprecationWarning}
    # Python hides warnings of that kind from those who run a server; the log does not.
    assert sorted(record.getMessage() for record in caplog.records) == expected
    [described] = registry.describe()
    assert len(described["deprecations"]) == 2  # type: ignore[arg-type]


def test_who_does_not_use_it_hears_nothing(registry: PluginRegistry) -> None:
    registry.add(plugin(UpToDate()))  # warnings are errors here
    assert registry.describe()[0]["deprecations"] == []


def test_the_tests_of_a_plugin_can_refuse_deprecated_hooks(registry: PluginRegistry) -> None:
    with pytest.raises(PbhostDeprecationWarning, match="is deprecated"):
        registry.add(plugin(Behind()))


def test_every_hook_says_since_when_it_exists() -> None:
    hooks = {name: hook for name, hook in vars(specs).items() if re.match("on_|provide_|register_", name)}
    for name, hook in hooks.items():
        since = re.search(r"versionadded: (\d+\.\d+)$", hook.__doc__ or "", re.MULTILINE)
        assert since is not None, name
        assert Version(since[1]) <= Version(pbhost.__version__), name
