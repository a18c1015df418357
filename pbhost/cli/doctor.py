"""``pbhost doctor``: what is wrong or unwise about an installation, and what to do about it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Final

import click

from pbhost.services.checks import Severity

if TYPE_CHECKING:
    from pbhost.cli.diagnosis import Diagnosis
    from pbhost.cli.invocation import Invocation
    from pbhost.services.checks import Finding

_COLOURS: Final = {Severity.ADVICE: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "red"}
_INDENT: Final = " " * 9
_SHOWN_DETAILS: Final = 10


@click.command(name="doctor")
@click.option("--full", is_flag=True, help="look at everything: whole files, whole directories, however long it takes")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=20.0,
    show_default=True,
    help="what each check may take without --full",
)
@click.option("--check", "only", multiple=True, metavar="ID", help="run only this check, or all of a plugin (files)")
@click.option("--strict", is_flag=True, help="exit with 1 for advice too")
@click.option("--json", "as_json", is_flag=True, help="machine-readable")
@click.pass_obj
def doctor_command(
    invocation: Invocation, /, *, full: bool, seconds: float, only: tuple[str, ...], strict: bool, as_json: bool
) -> None:
    """Check the data directory and the configuration, and say what to do.

    Writes nothing, also while a server runs. Exits with 0 if there is nothing but advice, 1 for warnings, 2 for errors.
    """
    from pbhost.cli.diagnosis import Scope, diagnose

    def report(diagnosis: Diagnosis) -> None:
        if as_json:
            click.echo(json.dumps(diagnosis.to_json(), indent=2))
        else:
            _print(diagnosis)
        if diagnosis.is_stuck:
            # A thread waits for a storage that does not answer; leaving in good order would wait for it, too.
            sys.stdout.flush()
            os._exit(diagnosis.exit_code(strict=strict))

    scope = Scope(full=full, seconds=seconds, only=only)
    diagnosis = diagnose(lambda: invocation.config, scope, report=report)
    raise SystemExit(diagnosis.exit_code(strict=strict))


def _print(diagnosis: Diagnosis) -> None:
    found = [finding for result in diagnosis.results for finding in result.findings]
    for finding in sorted(found, key=lambda finding: -finding.severity):
        _print_finding(finding)
    for result in diagnosis.results:
        if result.state == "skipped":
            click.echo(f"left out: {result.title}: {result.reason}")
    counted = [f"{sum(finding.severity == level for finding in found)} {level.word}" for level in reversed(Severity)]
    in_order = sum(result.state == "ok" for result in diagnosis.results)
    click.echo(f"{len(diagnosis.results)} checks, {in_order} in order; findings: {', '.join(counted)}")


def _print_finding(finding: Finding) -> None:
    word = click.style(f"{finding.severity.word:<9}", fg=_COLOURS[finding.severity], bold=True)
    click.echo(word + _wrapped(finding.what))
    for line in finding.details[:_SHOWN_DETAILS]:
        click.echo(f"{_INDENT}- {line}")
    if len(finding.details) > _SHOWN_DETAILS:
        click.echo(f"{_INDENT}  and {len(finding.details) - _SHOWN_DETAILS} more: --json shows them")
    click.echo(f"{_INDENT}why: {_wrapped(finding.why, 5)}")
    click.echo(f"{_INDENT}do:  {_wrapped(finding.remedy, 5)}\n")


def _wrapped(text: str, further: int = 0) -> str:
    width = max(60, min(shutil.get_terminal_size((110, 0)).columns, 120))
    lines = textwrap.wrap(text, width - len(_INDENT) - further, break_long_words=False, break_on_hyphens=False)
    return ("\n" + _INDENT + " " * further).join(lines)
