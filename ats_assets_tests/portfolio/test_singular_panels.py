"""A panel whose covariance is singular, and limits that conflict, from bars to orders: what is wrong is named, and nothing is ordered, unless a fallback is asked for."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import CorruptPartitionError
from ats_assets.runs.signals_table import show_signals
from ats_assets.serving.queries.stored_signals import signals_rows
from ats_assets.sources import MEASURES
from ats_assets_tests.small_market import FIRST, make_history, run_job, small_market

LAST = date(2021, 2, 12)
"""The 29th session; there are bars of three more."""
BEFORE = ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions", "universe")
DECIDED = ("signals", "targets")
SINGULAR = {"lookback_sessions": 20, "shrinkage": "none", "fallback": "inverse_volatility"}
"""Twenty returns of the 27 symbols that moved have a covariance of rank 19 at most, in which two columns are equal besides."""
FEW = {"few": {"symbols": ["S03", "S04"], "least": 0.9}}


def market(root: Path, strategies: dict[str, Any] | None = None, **options: Any) -> Deployment:
    """28 symbols: S00 and S01 have the same prices, S02 a constant one. At the session after `LAST` nobody trades S26, and S27 has a price of zero."""
    return small_market(
        root,
        source={"kind": "files", "path": root / "bars.parquet"},
        universe={"size": 30},
        strategies=strategies or {"momentum": {"lookback_sessions": 5, "skip_sessions": 1}},
        portfolio={"method": "minimum_variance", "holding_sessions": 1, "max_weight": 0.2, "options": {**SINGULAR, **options}},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    root = tmp_path_factory.mktemp("singular")
    deployment = market(root)
    days, random = deployment.calendar.sessions(FIRST, date(2021, 2, 18)), np.random.default_rng(1)
    closes = (40.0 * np.exp(np.cumsum(0.02 * random.standard_normal((len(days), 28)), axis=0))).round(2)
    closes[:, 1], closes[:, 2] = closes[:, 0], 25.0
    rows = [(f"S{j:02}", day, float(closes[i, j])) for i, day in enumerate(days) for j in range(28)]
    bars = pl.DataFrame(rows, schema=["symbol", "date", "close"], orient="row")
    same = {name: pl.col("close") for name in MEASURES if name not in {"close", "volume"}}
    bought = pl.col("date") == deployment.calendar.after(LAST)
    bars = bars.with_columns(close=pl.when(bought & (pl.col("symbol") == "S27")).then(0.0).otherwise("close"))
    volume = pl.when(bought & (pl.col("symbol") == "S26")).then(0.0).otherwise(1e6)
    bars.with_columns(**same, volume=volume).write_parquet(root / "bars.parquet")
    make_history(deployment, days[0], days[-1], BEFORE)
    make_history(deployment, FIRST, LAST, DECIDED)
    return deployment


def decided(deployment: Deployment, day: date = LAST) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The targets of a session, and the orders that are planned and sent after them."""
    run_job(deployment, "trading", [day])
    return deployment.warehouse.read("targets", [day]), deployment.warehouse.read("order_plan", [day])


def test_of_a_singular_covariance_the_fallback_is_held_and_every_target_says_why(made: Deployment) -> None:
    targets, plan = decided(made)
    told = "momentum: no best weights: the covariance is not positive definite; shrink it, or give more sessions. The book is the fallback, inverse_volatility"
    assert targets.height == 28
    assert all(reasons[0] == told for reasons in targets["reasons"].to_list())
    weights = dict(targets.select("symbol", "target_weight").iter_rows())
    assert weights["S02"] == 0.0, "nobody knows the risk of what did not move"
    assert weights["S00"] == weights["S01"] > 0.0
    assert sum(weights.values()) == pytest.approx(1.0)
    assert plan.height > 0
    assert "S02" not in plan["symbol"].to_list()


def test_shrunk_it_is_not_singular(made: Deployment) -> None:
    shrunk = market(made.warehouse.root.parent, shrinkage="constant_correlation")
    make_history(shrunk, LAST, LAST, DECIDED)
    targets = shrunk.warehouse.read("targets", [LAST])
    assert targets["reasons"].list.len().sum() == 0
    assert targets["target_weight"].sum() == pytest.approx(1.0)


def test_where_the_fallback_breaks_a_limit_too_nothing_is_ordered(made: Deployment) -> None:
    """Two symbols of a fifth each can't have nine tenths. The signals before had a column of reasons and these have no rows."""
    strict = market(made.warehouse.root.parent, groups=FEW, shrinkage="identity")
    result = make_history(strict, LAST, LAST, DECIDED)
    metadata = result.asset_materializations_for_node("signals")[0].metadata
    told = str(metadata["fallbacks"].value)
    assert "these can't be kept together: each of 27 weights at most 0.2; few at least 0.9" in told
    assert "The fallback, inverse_volatility, does not keep these either: few at least 0.9. What is held stays. Nothing is ordered" in told
    targets, plan = decided(strict)
    assert targets.is_empty()
    assert plan.is_empty()
    assert strict.warehouse.read("orders", [LAST]).is_empty()


def test_a_fallback_that_is_cash_is_what_was_asked_for(made: Deployment) -> None:
    cash = market(made.warehouse.root.parent, groups=FEW, fallback="cash")
    make_history(cash, LAST, LAST, DECIDED)
    targets, plan = decided(cash)
    assert targets["target_weight"].to_list() == [0.0] * 28
    assert "The book is the fallback, cash" in targets["reasons"].to_list()[0][0]
    assert plan.is_empty()


def without_volume_and_at_a_price_of_zero_nothing_is_ordered(made: Deployment, day: date) -> None:
    """Beside others that are bought; the records say why. The zero is quarantined, so that there is no bar."""
    rejected = made.warehouse.read("rejected_bars", [day]).filter(symbol="S27")
    assert "close_not_positive" in rejected["reasons"].to_list()[0]
    plan = made.warehouse.read("order_plan", [day])
    quiet = plan.filter(symbol="S26").select("quantity", "client_order_id", "reason").rows()
    assert quiet == [(0.0, None, "no_volume")]
    assert plan.filter(symbol="S27").is_empty()
    assert made.warehouse.read("orders", [day]).filter(pl.col("symbol").is_in(["S26", "S27"])).is_empty()


def test_by_default_what_is_held_stays_and_no_order_is_sent(made: Deployment) -> None:
    """A book is bought, but for a symbol without volume and one at a price of zero; after that the covariance is singular, and then limits conflict: nothing of it is sold, and nothing is bought."""
    root, day = made.warehouse.root.parent, made.calendar.after(LAST)
    bought = market(root, shrinkage="identity")
    make_history(bought, day, day, DECIDED)
    assert decided(bought, day)[1].filter(pl.col("quantity") > 0).height > 10
    without_volume_and_at_a_price_of_zero_nothing_is_ordered(bought, day)
    conflict = "these can't be kept together: each of 27 weights at most 0.2; few at least 0.9"
    for options, why in (
        ({}, "the covariance is not positive definite; shrink it, or give more sessions"),
        ({"groups": FEW, "shrinkage": "identity"}, conflict),
    ):
        day = made.calendar.after(day)
        held = market(root, fallback="hold", **options)
        result = make_history(held, day, day, DECIDED)
        told = str(result.asset_materializations_for_node("signals")[0].metadata["fallbacks"].value)
        assert told.endswith(f"{why}. What is held stays. Nothing is ordered")
        targets, plan = decided(held, day)
        assert held.warehouse.read("positions", [day]).height > 10
        assert targets.is_empty()
        assert plan.is_empty()
        assert held.warehouse.read("orders", [day]).is_empty()


def test_beside_another_strategy_what_is_held_stays_and_the_other_trades_its_own(
    made: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first buys a book of least variance, the second one share; then limits conflict for the first, and the second wants another share."""
    root, day = made.warehouse.root.parent, made.calendar.after(LAST)
    both = {"momentum": {"lookback_sessions": 5, "skip_sessions": 1, "capital": 0.5}}

    def world(symbol: str, **options: Any) -> Deployment:
        second = {"buy_and_hold": {"symbols": [symbol], "capital": 0.1}}
        return market(root / "both", strategies={**both, **second}, **options)

    (root / "both").mkdir()
    (root / "both" / "bars.parquet").write_bytes((root / "bars.parquet").read_bytes())
    bought = world("S05", shrinkage="identity")
    make_history(bought, FIRST, made.calendar.after(day), BEFORE)
    signals = ("momentum_signals", "buy_and_hold_signals")
    make_history(bought, FIRST, day, (*signals, "targets"))
    assert decided(bought, day)[1].filter(pl.col("quantity") > 0).height > 10
    before, day = day, made.calendar.after(day)
    held = world("S06", groups=FEW, shrinkage="identity", fallback="hold")
    result = make_history(held, day, day, (*signals, "targets"))
    told = str(result.asset_materializations_for_node("momentum_signals")[0].metadata["fallbacks"].value)
    assert told.endswith("What is held stays, or is made smaller by risk rules and the brake; the other strategies trade theirs")
    targets, plan = decided(held, day)
    assert set(plan.filter(pl.col("quantity") > 0)["symbol"]) == {"S05", "S06"}
    stays = targets.filter(pl.col("allowed_change") == "none")
    assert stays.height > 10
    assert stays["reasons"].list.first().unique().to_list() == [f"momentum: no signals since {before}, what it held stays"]
    assert not {"S05", "S06"} & set(stays["symbol"])
    show_signals(held, signals_rows(held, day), None)
    shown = f"No signals: what it holds stays, {stays.height} positions; 0 under a risk rule"
    assert shown in capsys.readouterr().out
    held.warehouse.write(
        "targets", day, pl.concat([targets, stays.head(1).with_columns(symbol=pl.lit("ZZZ"), reasons=pl.lit([], pl.List(pl.String)))])
    )  # of another
    show_signals(held, signals_rows(held, day), None)
    assert shown in capsys.readouterr().out


def test_windows_may_span_a_change_of_what_has_reasons_and_no_other(made: Deployment) -> None:
    """Signals of a method by score have no reasons; beside those of a method by risk they have none."""
    plain = small_market(
        made.warehouse.root.parent,
        source={"kind": "files", "path": made.warehouse.root.parent / "bars.parquet"},
        universe={"size": 30},
        strategies={"momentum": {"lookback_sessions": 5, "skip_sessions": 1}},
        portfolio={"holding_sessions": 2},
    )
    before = made.calendar.before(LAST)
    for day, other in ((LAST, before), (before, LAST)):
        make_history(plain, day, day, ("signals",))
        make_history(market(made.warehouse.root.parent), other, other, ("signals",))
        found = plain.warehouse.read("signals", [before, LAST])
        assert found["reason"].is_null().to_list() == (found["session"] == day).to_list()
        make_history(plain, LAST, LAST, ("targets",))
        assert plain.warehouse.read("targets", [LAST]).height == 28
    path = plain.warehouse.path("signals", LAST)
    plain.warehouse.read("signals", [LAST]).drop("score").write_parquet(path)
    with pytest.raises(CorruptPartitionError):
        plain.warehouse.read("signals", [before, LAST])
