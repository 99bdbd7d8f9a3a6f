"""`ats models list`: the models of the settings."""

import csv
import json
import sys
from dataclasses import asdict, fields

from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.runs.writing import console, write_rows
from ats_assets.serving.queries.known_models import KnownModel, known_models
from ats_assets.settings import load_settings

HEADINGS = ("", "model", "kind", "fitted", "sessions ago", "validation rank IC", "out of sample", "of sessions", "why")


def list_models(*, form: str) -> None:
    """Write the models to standard output."""
    found = known_models(Deployment(load_settings()))
    if form == "json":
        sys.stdout.write(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False, default=str) + "\n")
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, [one.name for one in fields(KnownModel)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(one) for one in found)
    else:
        rows = [tuple(Text(heading, style="bold") for heading in HEADINGS), *map(_row, found)]
        if not any(one.judged_sessions for one in found):  # a single model is compared with none
            rows = [(*row[:6], *row[8:]) for row in rows]
        write_rows(console(), rows)


def _row(one: KnownModel) -> tuple[Text, ...]:
    fitted = str(one.fitted_session) if one.fitted_session else ("none" if one.status == "ensemble" else one.status)
    age = "" if one.age_sessions is None else str(one.age_sessions)
    cells = (one.name, one.kind, fitted, age, _signed(one.validation_rank_ic), _signed(one.rank_ic), str(one.judged_sessions or ""))
    return (Text("*" if one.is_champion else " ", style="bold green"), *map(Text, cells), Text(one.reason))


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"
