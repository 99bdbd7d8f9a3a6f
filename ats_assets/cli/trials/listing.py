"""The ledger of trials as a table and as JSON."""

import json
import math
import sys
from typing import Any

import numpy as np
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.evaluation.trial_selection import count_trials
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import console, say, write_rows
from ats_assets.settings import load_settings
from ats_assets.trials import RecordedTrial, ledger_of

HEADINGS = ("begun", "trial", "of", "sessions", "figure", "what")


def listed(*, as_json: bool) -> None:
    """List every trial on standard output; what is wrong with the ledger on standard error."""
    deployment = Deployment(load_settings())
    ledger = deployment.of(ledger_of)
    found, fault, year = ledger.trials(), ledger.fault(), deployment.settings.backtest.sessions_per_year
    if as_json:
        sys.stdout.write(json.dumps([_plain(one, year) for one in found], indent=2, ensure_ascii=False) + "\n")
    elif not found:
        console().print(f"No trial is in {ledger.folder}: models and backtests record themselves when they are made.")
    else:
        rows = [tuple(Text(heading, style="bold") for heading in HEADINGS), *(_row(_plain(one, year)) for one in found)]
        write_rows(console(), rows)
        with LongJob("counting different bets"):
            count = count_trials(found)
        whole = f"{how_many(count.trials, 'trial')}, models that a backtest trades alone apart"
        console().print(f"{whole}; {how_many(count.effective, 'different bet')}. The report takes the deflated Sharpe ratio from that.")
    if fault:
        say(f"ats trials: {fault}")


def _plain(one: RecordedTrial, sessions_per_year: int) -> dict[str, Any]:
    """As JSON has it."""
    values = one.series["value"].to_numpy() if one.series is not None else np.empty(0)
    return {
        "begun": one.begun.isoformat(),
        "kind": one.trial.kind,
        "name": one.trial.name,
        "tried": one.trial.tried,
        "made_of": list(one.trial.made_of),
        "chosen_from": list(one.trial.chosen_from),
        "what": dict(one.trial.what),
        "measure": one.trial.measure,
        "sessions": len(values),
        "first_session": str(one.series["session"][0]) if one.series is not None and len(values) else None,
        "last_session": str(one.series["session"][-1]) if one.series is not None and len(values) else None,
        "sharpe": _yearly(values, sessions_per_year) if one.trial.measure == "return" else None,
        "mean_rank_ic": float(values.mean()) if one.trial.measure == "rank_ic" and len(values) else None,
    }


def _yearly(returns: np.ndarray, sessions_per_year: int) -> float | None:
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    return float(returns.mean()) / deviation * math.sqrt(sessions_per_year) if deviation > 0 else None


def _row(plain: dict[str, Any]) -> tuple[Text, ...]:
    figure = "" if plain["mean_rank_ic"] is None else f"rank IC {plain['mean_rank_ic']:+.4f}"
    figure = figure if plain["sharpe"] is None else f"Sharpe {plain['sharpe']:+.2f}"
    what = ", ".join(f"{name} {_told(value)}" for name, value in plain["what"].items() if value not in ({}, [], None))
    return tuple(map(Text, (plain["begun"][:10], plain["kind"].replace("_", "-"), plain["name"], f"{plain['sessions']:,}", figure, what)))


def _told(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_told(one)}" for name, one in value.items()) + ")"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
