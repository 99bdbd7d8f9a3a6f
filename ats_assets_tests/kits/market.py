"""The market that the kits of strategies and risk rules run on: 50 sessions of eleven symbols, with what goes wrong in real ones.

A split, a dividend and a change of name inside windows, a halt, a listing, an end, and scores of a model that know a little of the next return.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.labels.methods.forward_returns import forward_returns
from ats_assets.plugins import Needs
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.settings import LabelsSettings, TrainingSettings
from ats_assets.sources.schema import BARS_SCHEMA

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(50)]
"""Its sessions; which weekday it is does not matter."""
TRAINING = TrainingSettings(horizon_sessions=1)
SPLIT, PAID, RENAMED = DAYS[24], DAYS[30], DAYS[36]
Frames = Mapping[str, pl.DataFrame]


@cache
def frames() -> Frames:
    """What additions may read, by the name of the asset."""
    random = np.random.default_rng(5)
    logs = np.cumsum(0.02 * random.standard_normal((len(DAYS), 11)), axis=0)
    closes = np.round(50.0 * np.exp(logs), 2)
    closes[DAYS.index(SPLIT) :, 0] = np.round(closes[DAYS.index(SPLIT) :, 0] / 4, 2)
    rows = []
    for j in range(11):
        first, last = (20 if j == 7 else 0), (33 if j == 8 else len(DAYS))
        traded = [i for i in range(first, last) if not (j == 3 and 26 <= i <= 29)]
        rows += [("T2" if j == 2 and DAYS[i] >= RENAMED else f"S{j}", DAYS[i], float(closes[i, j])) for i in traded]
    plain = pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64}, orient="row")
    same = dict.fromkeys(("open", "high", "low", "vwap"), pl.col("close"))
    bars = plain.with_columns(**same, volume=pl.lit(1e6)).select(BARS_SCHEMA.names()).cast(dict(BARS_SCHEMA)).sort("session", "symbol")
    told = [
        {"symbol": "S0", "session": SPLIT, "kind": "split", "ratio": 4.0},
        {"symbol": "S1", "session": PAID, "kind": "cash_dividend", "cash": 2.5},
        {"symbol": "S2", "session": RENAMED, "kind": "name_change", "new_symbol": "T2"},
    ]
    direction = pl.Series(["long", "short", "flat"]).gather(np.random.default_rng(6).integers(0, 3, size=bars.height))
    signals = bars.select("symbol", "session", rank=pl.lit(1, pl.UInt32), score=pl.lit(0.0), direction=direction).with_columns(
        probability=pl.lit(None, pl.Float64),
        target_weight=pl.col("direction").replace_strict({"long": 0.1, "short": -0.1, "flat": 0.0}, return_dtype=pl.Float64),
        model_session=pl.lit(None, pl.Date),
    )
    scored = bars.select("symbol", "session", score=pl.Series(random.standard_normal(bars.height)), model_session=pl.lit(DAYS[0]))
    chances = random.random(bars.height)
    return {
        "bars": bars,
        "corporate_actions": pl.DataFrame(told, schema=CORPORATE_ACTIONS_SCHEMA),
        "universe": bars.select("symbol", "session"),
        "predictions": scored.filter(pl.col("session") > DAYS[0]).cast(dict(PREDICTIONS_SCHEMA)),
        "regimes": bars.select(
            "symbol",
            "session",
            market_p0=pl.Series(chances, dtype=pl.Float32),
            market_p1=pl.Series(1.0 - chances, dtype=pl.Float32),
            market_entropy=pl.lit(0.5, pl.Float32),
            market_state=pl.Series(chances < 0.5).cast(pl.Float32),
            market_sessions_in_state=pl.lit(1.0, pl.Float32),
        ),
        "prediction_intervals": bars.select(
            "symbol",
            "session",
            expected_return=pl.Series(0.01 * (chances - 0.5)),
            lower=pl.Series(0.02 * chances - 0.01),
            upper=pl.Series(0.02 * chances),
            level=pl.lit(0.9),
            adapted_level=pl.lit(0.9),
            width=pl.lit(0.01),
            confidence=pl.Series(0.45 + 0.2 * chances),
        ),
        "momentum_signals": signals,
        "forward_returns": forward_returns(bars, DAYS, DAYS, LabelsSettings(horizons_sessions=(1, 5))),
    }


def windows(needs: Sequence[Needs], sessions: Sequence[date], rows: Frames | None = None) -> tuple[dict[str, pl.DataFrame], list[date]]:
    """What an addition is handed for neighbouring sessions, and the sessions of the exchange that it is told of."""
    found: dict[str, pl.DataFrame] = {}
    begin = DAYS.index(sessions[0])
    for need in needs:
        first, last = DAYS[max(0, begin - need.back)], DAYS[max(0, DAYS.index(sessions[-1]) - need.lag)]
        found[need.asset] = (rows or frames())[need.asset].filter(pl.col("session").is_between(first, last))
    back = max((need.back for need in needs), default=0)
    return found, DAYS[max(0, begin - back) : DAYS.index(sessions[-1]) + 1]


def other_future(last: date) -> Frames:
    """The same market up to a session, and another one after it: prices, scores and returns are others, a third of the symbols and all that was told are gone."""
    later = pl.col("session") > last
    made: dict[str, pl.DataFrame] = {}
    for asset, rows in frames().items():
        if asset == "corporate_actions":
            made[asset] = rows.filter(~later)
            continue
        numbers = [name for name, dtype in rows.schema.items() if dtype.is_float()]
        factors = pl.Series(np.exp(np.random.default_rng(9).standard_normal(rows.height)))
        other = rows.with_columns(pl.when(later).then(pl.col(name) * factors).otherwise(pl.col(name)) for name in numbers)
        made[asset] = other.filter(~(later & pl.col("symbol").is_in(["S1", "S4", "S7"])))
    return made
