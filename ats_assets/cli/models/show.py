"""`ats models show`: what is known of one model."""

import json
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any

from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.runs.writing import console, write_rows
from ats_assets.serving.queries.known_models import model_facts
from ats_assets.settings import load_settings

FEATURES = 10
"""Of the signature, so many are named in the table."""


def show_model(*, name: str, session: date | None, form: str) -> None:
    """Write the facts of a model to standard output."""
    facts = model_facts(Deployment(load_settings()), name, session)
    if form == "json":
        sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
        return
    names = [one["name"] for one in facts.pop("signature")["inputs"]]
    shown = {key.replace("_", " "): _told(value) for key, value in facts.items() if value not in (None, "", {}, [])}
    more = f" and {len(names) - FEATURES} more" if len(names) > FEATURES else ""
    shown["signature"] = f"{how_many(len(names), 'feature')} (float) -> score (double): {', '.join(names[:FEATURES])}{more}"
    write_rows(console(), [(Text(key, style="bold"), Text(value)) for key, value in shown.items()])


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
