"""``@hookimpl`` for plugins and ``@hookspec`` for the specifications."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar, overload

import pluggy

P = ParamSpec("P")
R = TypeVar("R")

PROJECT = "pbhost"
OPTIONS_ATTRIBUTE = "pbhost_hook_options"

hookspec = pluggy.HookspecMarker(PROJECT)
_pluggy_hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class HookOptions:
    """What ``@hookimpl`` says beyond pluggy's own options."""

    wrapper: bool = False
    collections: frozenset[str] = frozenset()


class PbhostDeprecationWarning(DeprecationWarning):
    """A plugin implements a hook, or takes an argument of one, that a later version will remove."""


@overload
def hookimpl(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def hookimpl(
    *,
    wrapper: bool = False,
    tryfirst: bool = False,
    trylast: bool = False,
    collections: Iterable[str] = (),
    specname: str | None = None,
    optional: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def hookimpl(
    function: Callable[P, R] | None = None,
    /,
    *,
    wrapper: bool = False,
    tryfirst: bool = False,
    trylast: bool = False,
    collections: Iterable[str] = (),
    specname: str | None = None,
    optional: bool = False,
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Marks a function as the implementation of the hook it is named after.

    Args:
        wrapper: the function is a generator (plain or async) that yields once: what stands before ``yield`` runs before
            the rest of the chain and the operation, what stands after it runs when they are done and sees their
            exception at the ``yield``.
        tryfirst: run as early as possible; trylast: as late as possible.
        collections: names or ids (exact) that a record hook is limited to, ``@auth`` for all of a type; empty for all.
        specname: the hook's name if the function has another one.
        optional: the hook belongs to a plugin that need not be installed; without it the function is never called.
    """

    def mark(target: Callable[P, R]) -> Callable[P, R]:
        setattr(target, OPTIONS_ATTRIBUTE, HookOptions(wrapper, frozenset(collections)))
        # pluggy accepts only plain generators as wrappers; order and wrapping of events are ours, see dispatch.
        return _pluggy_hookimpl(tryfirst=tryfirst, trylast=trylast, specname=specname, optionalhook=optional)(target)

    return mark if function is None else mark(function)
