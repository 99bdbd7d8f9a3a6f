"""`ats doctor`: the settings in use and what is wrong, with how to fix it."""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, cast

import typer
from rich.table import Table
from rich.text import Text

from ats_assets.errors import SettingsError
from ats_assets.runs.diagnosis import diagnose
from ats_assets.runs.finding import Finding
from ats_assets.runs.writing import console, write_table
from ats_assets.settings import Settings, load_settings, settings_file

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
HIDDEN = "***"
_SECRET_NAME = re.compile(r"secret|token|password|credential|api_?key|access_?key", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def doctor(*, as_json: bool, deep: bool) -> None:
    """Write settings and findings to standard output; status 1 if one of them is a failure."""
    settings: Settings | None = None
    try:
        settings = load_settings()
        findings = list(diagnose(settings, deep=deep))
    except SettingsError as error:
        findings = [Finding(subject="settings", status="fail", text=str(error), advice="correct it, then run ats doctor again")]
    shown = without_secrets(settings.model_dump(mode="json")) if settings else {}
    if as_json:
        report = {"settings_file": str(settings_file()), "settings": shown, "findings": [vars(finding) for finding in findings]}
        sys.stdout.write(json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    else:
        _show(shown, findings)
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


def without_secrets(values: Any, name: str = "") -> Any:
    """The same with what looks like a secret, by its name or as a login in an address, hidden."""
    if isinstance(values, Mapping):
        return {key: without_secrets(value, key) for key, value in cast("Mapping[str, Any]", values).items()}
    if values is not None and _SECRET_NAME.search(name):
        return HIDDEN
    return _LOGIN.sub(HIDDEN, values) if isinstance(values, str) else values


def _show(settings: Mapping[str, Any], findings: list[Finding]) -> None:
    out = console()
    defaults = Settings.model_construct().model_dump(mode="json")
    if settings:
        out.print(f"Settings of {settings_file()} and the environment; * is not the default", style="bold")
        for section, values in settings.items():
            out.print(Text(f"[{section}]"))
            for name, value in _flat(values):
                mark = " " if value == dict(_flat(defaults[section])).get(name) else "*"
                out.print(Text(f"{mark} {name} = {json.dumps(value, ensure_ascii=False)}"))
        out.print()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        advice = f"\n→ {finding.advice}" if finding.advice else ""
        table.add_row(Text(finding.status, style=STYLES[finding.status]), finding.subject, Text(finding.text + advice))
    write_table(out, table)


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found += _flat(cast("Mapping[str, Any]", value), f"{before}{name}.")
        else:
            found.append((f"{before}{name}", value))
    return found
