"""`ats doctor`: what is wrong and how to fix it, and the settings in use."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import typer
from rich.text import Text

from ats_assets.errors import SettingsError, how_many
from ats_assets.runs.diagnosis import diagnose
from ats_assets.runs.finding import Finding
from ats_assets.runs.writing import console, write_line, write_rows
from ats_assets.serving.queries.shown_settings import flat_values, without_secrets
from ats_assets.settings import Settings, load_settings, setting_origins, settings_file

STYLES = {"fail": "bold red", "warn": "yellow", "ok": "green"}
"""By status, the worst first."""


def doctor(*, as_json: bool, deep: bool, with_settings: bool = False) -> None:
    """Write the verdict and the findings to standard output, and the settings where they are asked for; status 1 if a finding is a failure."""
    settings: Settings | None = None
    try:
        settings = load_settings()
        findings = list(diagnose(settings, deep=deep))
    except SettingsError as error:
        findings = [Finding(subject="settings", status="fail", text=str(error), advice="correct it, then run ats doctor again")]
    shown = without_secrets(settings.model_dump(mode="json")) if settings else {}
    if as_json:
        report = {
            "verdict": verdict(findings),
            "settings_file": str(settings_file()),
            "settings": shown,
            "settings_origins": setting_origins() if settings else {},
            "findings": [vars(finding) for finding in findings],
        }
        sys.stdout.write(json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    else:
        _show(shown if with_settings and settings else None, findings)
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


def verdict(findings: Sequence[Finding]) -> str:
    """What the findings come to, in one line.

    Examples
    --------
    >>> verdict([Finding(subject="bars", status="fail", text="damaged"), Finding(subject="Python", status="ok", text="3.11")])
    '1 failure, 0 warnings in 2 checks'
    >>> verdict([Finding(subject="Python", status="ok", text="3.11")])
    'All is well: 1 check'
    """
    failed, warned = (sum(finding.status == status for finding in findings) for status in ("fail", "warn"))
    checks = how_many(len(findings), "check")
    return f"{how_many(failed, 'failure')}, {how_many(warned, 'warning')} in {checks}" if failed or warned else f"All is well: {checks}"


def _show(settings: Mapping[str, Any] | None, findings: Sequence[Finding]) -> None:
    """The verdict, what is wrong, what is not, and the settings where they are asked for."""
    out = console()
    worst = next((status for status in STYLES if any(finding.status == status for finding in findings)), "ok")
    out.print(Text(verdict(findings), style=STYLES[worst]))
    out.print()
    rows: list[list[Text]] = []
    for finding in sorted(findings, key=lambda one: list(STYLES).index(one.status)):
        advice = f"\n→ {finding.advice}" if finding.advice else ""
        rows.append([Text(finding.status, style=STYLES[finding.status]), Text(finding.subject), Text(finding.text + advice)])
    write_rows(out, rows)
    if settings is not None:
        _show_settings(settings)


def _show_settings(settings: Mapping[str, Any]) -> None:
    out = console()
    defaults = Settings.model_construct().model_dump(mode="json")
    out.print()
    origins = setting_origins()
    write_line(out, Text(f"Settings of {settings_file()} and the environment; * is not the default", style="bold"))
    for section, values in settings.items():
        if values is None:  # a table that is not there
            continue
        out.print(Text(f"[{section}]"))
        for name, value in flat_values(values):
            mark = " " if value == dict(flat_values(defaults[section] or _of_table(section))).get(name) else "*"
            origin = origins.get(f"{section}.{name}", str(settings_file()))
            told = "" if origin == str(settings_file()) else f"  # {origin}"
            write_line(out, Text(f"{mark} {name} = {json.dumps(value, ensure_ascii=False)}{told}"))


def _of_table(section: str) -> Mapping[str, Any]:
    """The defaults of a section that is there only where it is written."""
    (of_table, _) = get_args(Settings.model_fields[section].annotation)
    return of_table().model_dump(mode="json")
