"""Regimes as files of a run: the filtered probabilities of each session as text, for programs."""

import json
from collections.abc import Mapping

import polars as pl

ENDING = "_state"
"""Of the column of a regime's most likely state."""


def regime_files(rows: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """File -> text, one CSV for each asset of regimes: a row a session with the probability of each state, and its most likely state.

    Where each symbol has a regime of its own a row holds means over the symbols: of a state, the share of the symbols that are in it.

    Examples
    --------
    >>> from datetime import date
    >>> rows = pl.DataFrame({"symbol": ["A", "B"], "session": [date(2024, 3, 4)] * 2, "m_p0": [1.0, 0.5], "m_p1": [0.0, 0.5], "m_state": [0.0, 1.0]})
    >>> regime_files({"regimes": rows, "bars": rows.select("symbol")})["regimes/regimes.csv"].splitlines()
    ['session,symbols,m_p0,m_p1,in_state_0,in_state_1', '2024-03-04,2,0.75,0.25,0.5,0.5']
    """
    found: dict[str, str] = {}
    for asset, of_asset in rows.items():
        name = next((column.removesuffix(ENDING) for column in of_asset.columns if column.endswith(ENDING)), None)
        if name is None:
            continue
        state = pl.col(f"{name}{ENDING}")
        chances = [column for column in of_asset.columns if column.startswith(f"{name}_p") and column[len(name) + 2 :].isdigit()]
        known = of_asset.filter(state.is_not_nan())
        shares = [(state == k).mean().alias(f"in_state_{k}") for k in range(len(chances))]
        by_session = known.group_by("session").agg(pl.len().alias("symbols"), pl.col(chances).mean(), *shares).sort("session")
        found[f"regimes/{asset}.csv"] = by_session.write_csv()
    return found


def confusion_text(skill: Mapping[str, float | int | None]) -> str:
    """The confusion matrix of probabilities of events out of sample, as JSON; a positive is a probability above the threshold.

    Parameters
    ----------
    skill
        Fields of `EventSkill`.
    """
    counts = [[skill["true_negatives"], skill["false_positives"]], [skill["false_negatives"], skill["true_positives"]]]
    return json.dumps({"classes": ["lost", "gained"], "true_by_predicted": counts, "accuracy": skill["accuracy"]}, indent=1)
