"""The rule `evidence` on the S&P 500 of 2016 and 2017: what simple scores are worth there after costs, and what is held for it."""

from collections.abc import Mapping
from datetime import date

import polars as pl
import pytest

from ats_assets.labels.methods.forward_returns import forward_returns
from ats_assets.plugins import RISK_RULES
from ats_assets.portfolio.schema import Targets
from ats_assets.portfolio.targets import targets_of
from ats_assets.risk import NamedRule
from ats_assets.settings import LabelsSettings
from ats_assets_tests.market_data import SP500_2018, needs_market_data

TOP, HORIZON = 10, 5
SCORES = {
    "momentum": pl.col("close").shift(21) / pl.col("close").shift(252) - 1,
    "reversal": 1 - pl.col("close") / pl.col("close").shift(5),
    "low volatility": -(pl.col("close") / pl.col("close").shift(1) - 1).rolling_std(60),
}


@pytest.fixture(scope="module")
def panel() -> tuple[pl.DataFrame, list[date], pl.DataFrame]:
    """Bars, the sessions that are judged, and the outcomes of 260 decisions of each symbol."""
    bars = pl.read_parquet(SP500_2018).rename({"date": "session"}).drop_nulls("close").sort("symbol", "session")
    days = bars["session"].unique().sort().to_list()[-520:]
    bars = bars.filter(pl.col("session") >= days[0])
    judged = days[-260:]
    outcomes = forward_returns(
        bars.filter(pl.col("session") >= days[-275]), days[-275:], judged, LabelsSettings(horizons_sessions=(HORIZON,))
    )
    return bars, days, outcomes


def targets(scored: pl.DataFrame, days: list[date], outcomes: pl.DataFrame) -> pl.DataFrame:
    """Of the last session: the best by score, a tenth each, under the rule with the costs of a default backtest."""
    rule = RISK_RULES.made("evidence", {"top_k": TOP, "horizon_sessions": HORIZON})
    best = scored.filter(session=days[-1]).sort("score", descending=True).with_row_index()
    book = best.select("symbol", "session", target_weight=pl.when(pl.col("index") < TOP).then(1.0 / TOP).otherwise(0.0))
    frames: Mapping[str, pl.DataFrame] = {"predictions": scored, "forward_returns": outcomes}
    named = [NamedRule(name="evidence", rule=rule)]
    return Targets.validate(targets_of({"scores": book}, {"scores": 1.0}, named, frames=frames, days=days, sessions=days[-1:]))


@needs_market_data
@pytest.mark.parametrize("name", SCORES)
def test_where_there_is_no_edge_nothing_is_held_and_the_targets_say_so(
    name: str, panel: tuple[pl.DataFrame, list[date], pl.DataFrame]
) -> None:
    bars, days, outcomes = panel
    scored = bars.select("symbol", "session", score=SCORES[name].over("symbol")).filter(pl.col("score").is_finite())
    made = targets(scored, days, outcomes)
    assert made["proposed_weight"].sum() == pytest.approx(1.0)
    assert made["target_weight"].to_list() == [0.0] * made.height
    told = made.filter(pl.col("proposed_weight") > 0)["reasons"].to_list()
    assert len(told) == TOP
    assert all(
        len(reasons) == 1 and "evidence: the edge net of costs is" in reasons[0] and reasons[0].endswith("times 0.0000") for reasons in told
    )


@needs_market_data
def test_on_the_same_prices_an_edge_is_held(panel: tuple[pl.DataFrame, list[date], pl.DataFrame]) -> None:
    """Scores that know a little of what comes: of the next five sessions' return, and five times as much noise."""
    bars, days, outcomes = panel
    ahead = pl.col("close").shift(-HORIZON) / pl.col("close") - 1
    noise = pl.int_range(pl.len()).hash(seed=3) / 2.0**64 - 0.5
    scored = bars.select("symbol", "session", score=ahead.over("symbol").fill_null(0.0) + 0.5 * noise)
    made = targets(scored, days, outcomes)
    assert made["target_weight"].sum() > 0.4
