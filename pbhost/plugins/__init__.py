"""Plugins: found, checked, ordered, configured, and shown.

The life of a plugin:

1. *found* (:mod:`~pbhost.plugins.discovery`): the entry points of group ``pbhost.plugins`` (the built-ins first), the
   files and packages of ``pb_plugins/``, ``--plugin module:object``. ``plugins.only`` and ``plugins.block`` decide what
   is imported.
2. *checked* (:mod:`~pbhost.plugins.loading`): it imports, its hooks exist and take known arguments, ``requires_pbhost``
   admits this version, the services of ``requires_services`` are provided.
3. *configured* (:mod:`~pbhost.plugins.options`): the table ``[plugins.<name>]`` against ``CONFIG_SCHEMA``, defaults
   filled in.
4. *registered* (:mod:`~pbhost.plugins.registry`): a later plugin's hooks run before an earlier one's.

What is wrong with a plugin stops the start with one line that names it and says what to do: running without a plugin
that guards something would be worse.
"""

from pbhost.plugins.loading import LoadedPlugin
from pbhost.plugins.registry import PluginRegistry, load_plugins

__all__ = ["LoadedPlugin", "PluginRegistry", "load_plugins"]
