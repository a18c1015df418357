"""Which deprecated hooks a plugin still uses.

A specification says so itself, in pluggy's own way, with what to use instead::

    @hookspec(warn_on_impl=PbhostDeprecationWarning("use on_record_create"))
    @hookspec(warn_on_impl_args={"name": PbhostDeprecationWarning("use event.name")})
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pluggy


def deprecations(manager: pluggy.PluginManager, name: str, target: object) -> Iterator[str]:
    """One line for each deprecated hook that a registered plugin implements, and each deprecated argument it takes."""
    for caller in sorted(manager.get_hookcallers(target) or (), key=lambda caller: caller.name):
        spec = caller.spec
        if spec is None:
            continue
        for impl in caller.get_hookimpls():
            if impl.plugin_name != name:
                continue
            if spec.warn_on_impl is not None:
                yield f"implements {caller.name}, which is deprecated: {spec.warn_on_impl}"
            for argument, warning in (spec.warn_on_impl_args or {}).items():
                if argument in impl.argnames:
                    yield f"takes {argument!r} of {caller.name}, which is deprecated: {warning}"
