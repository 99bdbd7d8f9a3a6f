"""Random markets with scores and outcomes for the tests of selection: bars with gaps, splits, a ticker that changes, and skill that is planted."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import Identities, identities_of
from ats_assets_tests.bars.companies import ACTIONS_SCHEMA, name_change_actions

MONDAY = date(2020, 1, 6)


@dataclass(frozen=True, kw_only=True)
class Market:
    """Frames of a market, by the names of their assets."""

    days: list[date]
    bars: pl.DataFrame
    actions: pl.DataFrame
    universe: pl.DataFrame
    predictions: pl.DataFrame
    forward_returns: pl.DataFrame
    known: Identities


def random_selection_market(seed: int, n_days: int, n_symbols: int, horizons: tuple[int, ...] = (1, 3)) -> Market:
    """A market without skill."""
    random = np.random.default_rng(seed)
    days = [MONDAY + timedelta(days=i) for i in range(n_days)]
    rows, members, scores, outcomes = [], [], [], []
    changes = [(days[int(random.integers(1, n_days))], f"S{j:02}", f"N{j:02}") for j in range(n_symbols) if random.random() < 0.2]
    renamed = {old: (day, new) for day, old, new in changes}

    def ticker(j: int, day: date) -> str:
        old = f"S{j:02}"
        return renamed[old][1] if old in renamed and day >= renamed[old][0] else old

    splits = []
    for j in range(n_symbols):
        price = float(random.uniform(5, 200))
        for i, day in enumerate(days):
            price *= float(np.exp(random.normal(0, 0.02)))
            if random.random() < 0.01 and i:
                splits.append((day, ticker(j, days[i - 1]), "split", None, 2.0, None, None))
                price /= 2.0
            if random.random() > 0.05:
                high, low = price * (1 + abs(random.normal(0, 0.01))), price * (1 - abs(random.normal(0, 0.01)))
                rows.append((ticker(j, day), day, price, high, low, price, float(random.integers(1, 1000)) * 10 ** (j % 3)))
            if random.random() > 0.1:
                members.append((ticker(j, day), day))
                scores.append((ticker(j, day), day, float(random.normal()), day - timedelta(days=1)))
                for horizon in horizons:
                    if i + horizon + 1 < n_days:
                        known = days[i + horizon + 1]
                        outcomes.append((ticker(j, day), known, day, horizon, float(random.normal(0, 0.02)), 0.5, "open"))
    actions = pl.concat([name_change_actions(*changes), pl.DataFrame(splits, schema=ACTIONS_SCHEMA, orient="row")])
    return Market(
        days=days,
        bars=_frame(rows, ["symbol", "session", "open", "high", "low", "close", "volume"]),
        actions=actions,
        universe=_frame(members, ["symbol", "session"]),
        predictions=_frame(scores, ["symbol", "session", "score", "model_session"]),
        forward_returns=_frame(
            outcomes, ["symbol", "session", "decision_session", "horizon_sessions", "forward_return", "rank", "exit"]
        ).with_columns(pl.col("horizon_sessions").cast(pl.Int32)),
        known=identities_of(actions),
    )


def _frame(rows: list[tuple[object, ...]], columns: list[str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=columns, orient="row").sort("session", "symbol")


def between(rows: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Rows of some sessions."""
    return rows.filter(pl.col("session").is_between(first, last))
