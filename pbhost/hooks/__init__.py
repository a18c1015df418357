"""Hook specifications, events, and how events reach the plugins."""

from pbhost.hooks.dispatch import Chain, HookRegistry, Skip
from pbhost.hooks.implementation import Implementation
from pbhost.hooks.markers import PbhostDeprecationWarning, hookimpl, hookspec

__all__ = ["Chain", "HookRegistry", "Implementation", "PbhostDeprecationWarning", "Skip", "hookimpl", "hookspec"]
