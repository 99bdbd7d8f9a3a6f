"""`ats models compare`: the paired test of two models."""

import json
import sys
from dataclasses import asdict

from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.runs.model_comparison import ModelComparison, compared_models
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import console, say, write_rows
from ats_assets.settings import load_settings


def compare_models(*, challenger: str, champion: str, form: str) -> None:
    """Write the test, or its sessions, to standard output."""
    with LongJob("ats models compare"):
        found = compared_models(Deployment(load_settings()), challenger, champion)
    if form == "json":
        sys.stdout.write(json.dumps(_plain(found), indent=2, ensure_ascii=False, default=str) + "\n")
    elif form == "csv":
        say(_verdict(found))
        sys.stdout.write(found.ics.write_csv())
    else:
        rows = [(name, "" if mean is None else f"{mean:+.4f}") for name, mean in found.mean_rank_ics.items()]
        write_rows(console(), [(Text("model", style="bold"), Text("mean rank IC", style="bold")), *(tuple(map(Text, row)) for row in rows)])
        console().print(_verdict(found))


def _verdict(found: ModelComparison) -> str:
    outcome = "would be promoted" if found.challenge.wins else "stays challenger"
    return f"{found.challenger}: {found.challenge.text}: {outcome}"


def _plain(found: ModelComparison) -> dict[str, object]:
    challenge = found.challenge
    return {
        "challenger": found.challenger,
        "champion": found.champion,
        "mean_rank_ics": dict(found.mean_rank_ics),
        **asdict(challenge.paired),
        "needed": challenge.needed,
        "tries": challenge.tries,
        "models_tried": found.tried,
        "wins": challenge.wins,
        "text": _verdict(found),
    }
