"""Running all checks of an installation, one after the other, none of which can stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeAlias

from pbhost.errors import JSON, ConfigError, PbhostError
from pbhost.services.checks import Budget, Check, Finding, Severity

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.config import Config
    from pbhost.plugins import PluginRegistry

State: TypeAlias = Literal["ok", "found", "skipped"]

#: Seconds after its time is up that a check may take to end by itself.
_GRACE = 10.0
_NO_START = "the server does not start"
_DEFAULT_REMEDY = "do what the message says"
_REMEDIES = {
    "database": "do what the message says; if the file is damaged: pbhost backup restore ARCHIVE",
    "settings": "give the same --encryption-env and key as the server has, or had when it stored them; without the key "
    "only a backup from before the encryption helps",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check."""

    id: str
    title: str
    state: State
    findings: tuple[Finding, ...] = ()
    reason: str = ""


@dataclass(slots=True)
class Diagnosis:
    """What all checks found.

    Attributes:
        is_stuck: whether a check was broken off, so that threads may still be waiting for whatever it waited for.
    """

    results: list[Result] = field(default_factory=list)
    is_stuck: bool = False

    @property
    def worst(self) -> Severity | None:
        """The severity of the worst finding, None for a clean bill."""
        return max((finding.severity for result in self.results for finding in result.findings), default=None)

    def exit_code(self, *, strict: bool = False) -> int:
        """0 nothing, or nothing but advice; 1 warnings (with ``strict``: or advice); 2 errors."""
        match self.worst:
            case Severity.ERROR:
                return 2
            case Severity.WARNING:
                return 1
            case Severity.ADVICE:
                return int(strict)
            case _:
                return 0

    def to_json(self) -> dict[str, JSON]:
        """For machines; findings in the order of the checks."""
        checks: list[JSON] = []
        findings: list[JSON] = []
        for result in self.results:
            entry: dict[str, JSON] = {"id": result.id, "title": result.title, "state": result.state}
            checks.append(entry | {"reason": result.reason} if result.reason else entry)
            findings += [{"check": result.id, **finding.to_json()} for finding in result.findings]
        return {"worst": self.worst.word if self.worst else "ok", "findings": findings, "checks": checks}

    def add(self, id_: str, title: str, findings: Sequence[Finding] = ()) -> None:
        """The result of a check that ran."""
        self.results.append(Result(id_, title, "found" if findings else "ok", tuple(findings)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is looked at, and how long.

    Attributes:
        full: look at everything, however long that takes.
        seconds: for each check otherwise.
        only: ids of checks, or the part before the dot; empty for all.
    """

    full: bool = False
    seconds: float = 20.0
    only: tuple[str, ...] = ()

    def has(self, check: Check) -> bool:
        """Whether a check is wanted."""
        return not self.only or any(check.id == name or check.id.startswith(f"{name}.") for name in self.only)


def diagnose(
    configure: Callable[[], Config], scope: Scope, *, report: Callable[[Diagnosis], None] = lambda _diagnosis: None
) -> Diagnosis:
    """Examines an installation; what keeps it from starting is a finding like any other.

    Args:
        configure: gives the configuration, or raises why there is none.
        scope: what is looked at.
        report: called with the result as soon as it is known; closing what was opened may take a while after that.
    """
    diagnosis = Diagnosis()
    try:
        config = configure()
    except ConfigError as error:
        diagnosis.add("config", "configuration", [_broken(str(error), _NO_START)])
        report(diagnosis)
        return diagnosis
    diagnosis.add("config", "configuration")
    plugins = _loaded(config, diagnosis)
    if plugins is not None:
        from pbhost.app import App

        asyncio.run(_examine(App(config, plugins), diagnosis, scope, report))
    else:
        report(diagnosis)
    return diagnosis


def _loaded(config: Config, diagnosis: Diagnosis) -> PluginRegistry | None:
    """The plugins; those that cannot be loaded are reported and left out, so that the others' checks still run."""
    from pbhost.plugins import PluginRegistry
    from pbhost.plugins.discovery import discover
    from pbhost.plugins.loading import LoadedPlugin, check_hooks, import_plugin

    faults: list[str] = []
    registry = PluginRegistry(config.plugins)
    try:
        candidates = discover(config.plugins)
    except PbhostError as error:
        diagnosis.add("plugins", "plugins can be loaded", [_broken(str(error), _NO_START)])
        return None
    imported: list[LoadedPlugin] = []
    for candidate in candidates:
        try:
            plugin = import_plugin(candidate)
            registry.define_hooks(plugin)
            imported.append(plugin)
        except PbhostError as error:
            faults.append(str(error))
    for plugin in imported:
        try:
            check_hooks(plugin, registry.manager.hook)
            registry.add(plugin)
        except PbhostError as error:
            faults.append(str(error))
    if not faults:
        # What a broken plugin would have brought is missing of course.
        for fits in (registry.check_tables, registry.check_services):
            try:
                fits()
            except PbhostError as error:
                faults.append(str(error))
    diagnosis.add("plugins", "plugins can be loaded", [_broken(fault, _NO_START) for fault in faults])
    return registry


async def _examine(app: App, diagnosis: Diagnosis, scope: Scope, report: Callable[[Diagnosis], None]) -> None:
    checks: dict[str, Check] = {}
    try:
        checks = {check.id: check for check in app.collect_of("register_checks", Check) if scope.has(check)}
    except PbhostError as error:
        diagnosis.add("checks", "checks of the plugins", [_broken(str(error), "nothing else could be checked")])
    async with app.inspection() as unreadable:
        for name, reason in unreadable.items():
            remedy = _REMEDIES.get(name, _DEFAULT_REMEDY)
            diagnosis.add(name, f"the {name} can be read", [_broken(str(reason), _NO_START, remedy)])
        for check in checks.values():
            missing = [name for name in check.needs if _is_missing(app, name, unreadable)]
            if missing:
                left_out = f"cannot be looked at without: {', '.join(missing)}"
                diagnosis.results.append(Result(check.id, check.title, "skipped", reason=left_out))
            else:
                diagnosis.add(check.id, check.title, await _findings(check, scope, diagnosis))
        report(diagnosis)


def _is_missing(app: App, name: str, unreadable: Mapping[str, PbhostError]) -> bool:
    # Nothing stored can be read without the database, and the services after it were not even tried.
    return name in unreadable or ("database" in unreadable and name != "storage") or not app.has(name)


async def _findings(check: Check, scope: Scope, diagnosis: Diagnosis) -> Sequence[Finding]:
    budget = Budget(is_full=scope.full, deadline=monotonic() + scope.seconds)
    try:
        async with asyncio.timeout(None if scope.full else scope.seconds + _GRACE):
            return await check.examine(budget)
    except TimeoutError:
        diagnosis.is_stuck = True
        reason = "it took too long and was broken off"
    except PbhostError as error:
        reason = str(error)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    return [
        Finding(
            severity=Severity.WARNING,
            what=f"the check {check.id!r} failed: {reason}",
            why="what it looks for may be there",
            remedy="mend the reason if it is one of this installation, or report it to the author of the plugin",
        )
    ]


def _broken(what: str, why: str, remedy: str = _DEFAULT_REMEDY) -> Finding:
    return Finding(severity=Severity.ERROR, what=what, why=why, remedy=remedy)
