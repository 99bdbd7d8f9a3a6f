"""A wheel and covered calls over AAPL's real chains of June 2014, by settings alone: the assets from the delivery to the backtest, every cash flow added up by hand.

The set has no quotes, only closes: settings say how wide they are taken to be. There is no chain at 2014-06-06, and a split of 7 for 1 at 2014-06-09.
"""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets_tests.small_market import make_history, run_job, small_market

STORED = Path("../shared/data/us_options/chains_with_greeks.parquet")
FIRST, LAST = date(2014, 6, 2), date(2014, 6, 12)
NO_CHAIN, SPLIT = date(2014, 6, 6), date(2014, 6, 9)
SOON = {"days": 18, "days_tolerance": 10}
BARS = ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions")
OPTIONS = ("raw_option_chains", "option_chains", "rejected_option_chains", "raw_announced_dividends", "greeks")
STRATEGIES = {
    "wheel": {"underlyings": ["AAPL"], "capital": 0.5, "puts": SOON, "calls": SOON},
    "covered": {"kind": "covered_call", "underlyings": ["AAPL"], "capital": 0.5, "calls": SOON},
}

pytestmark = pytest.mark.skipif(not STORED.is_file(), reason=f"the stored chains are not at {STORED}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The history of the chains, and the backtest."""
    root = tmp_path_factory.mktemp("stored")
    closes = pl.read_parquet(STORED).filter(pl.col("expiry").is_null(), pl.col("underlying") == "AAPL", pl.col("date") <= LAST)
    closes.select("date", "open", "high", "low", "close", "volume", symbol="underlying").write_csv(root / "bars.csv")
    (root / "actions.csv").write_text(f"symbol,date,kind,ratio\nAAPL,{SPLIT},split,7\n", encoding="utf-8")
    deployment = small_market(
        root,
        calendar={"first_session": date(2014, 1, 2)},
        source={"kind": "files", "files": {"path": root / "bars.csv", "actions": root / "actions.csv"}},
        options={
            "chains": {"path": STORED.resolve()},
            "underlyings": ["AAPL"],
            "spot": "delivered",
            "unquoted_half_spread_share": 0.02,
            "screening": {"max_rejected_share": 0.6},
        },
        option_strategies=STRATEGIES,
        option_backtest={"initial_cash": 400_000, "fee_per_contract": 0.65},
    )
    assert make_history(deployment, FIRST, LAST, BARS + OPTIONS).success
    assert run_job(deployment, "backtest_reports", assets=["option_backtest"]).success
    return deployment


def table(made: Deployment, name: str) -> pl.DataFrame:
    return made.warehouse.read_part("option_backtest", name)


def test_every_position_and_underlying_has_a_decision_with_its_reason_at_every_session(made: Deployment) -> None:
    decisions = table(made, "decisions")
    sessions = made.calendar.sessions(FIRST, LAST)
    for name in STRATEGIES:
        assert decisions.filter(strategy=name)["session"].unique().sort().to_list() == sessions
    assert (decisions["reason"].str.len_chars() > 20).all()
    without = decisions.filter(session=NO_CHAIN)
    assert set(without["rule"]) == {"no_chain"}
    assert set(without["action"]) == {"hold", "skip"}
    assert {"sell_put", "buy_shares", "sell_call"} <= set(decisions.filter(outcome="filled")["rule"])


def test_every_cash_flow_is_listed_and_adds_up(made: Deployment) -> None:
    flows, equity = table(made, "cash_flows"), table(made, "equity")
    fills = table(made, "option_fills")
    for name in STRATEGIES:
        own, traded = flows.filter(strategy=name), fills.filter(strategy=name)
        assert own["cash"].cum_sum().round(2).to_list() == own["balance"].round(2).to_list()
        assert own["balance"][-1] == pytest.approx(equity.filter(strategy=name)["cash"][-1])
        by_hand = 200_000.0
        for row in traded.iter_rows(named=True):
            by_hand -= row["quantity"] * row["price"] * (1 if row["contract"] is None else row["multiplier"])
            by_hand -= 0 if row["contract"] is None else abs(row["quantity"]) * 0.65
        assert own["balance"][-1] == pytest.approx(by_hand, abs=0.01 * traded.height)


def test_each_fill_is_at_a_quote_of_its_own_session_and_never_zero(made: Deployment) -> None:
    fills = table(made, "option_fills").filter(pl.col("contract").is_not_null())
    assert fills.height >= 2
    for row in fills.iter_rows(named=True):
        assert row["session"] == made.calendar.after(row["decision_session"])
        quote = made.warehouse.read("option_chains", [row["session"]]).filter(contract=row["contract"]).row(0, named=True)
        assert quote["mark"] > 0
        assert row["price"] == pytest.approx(quote["mark"] - quote["half_spread"] * (1 if row["quantity"] < 0 else -1))


def test_positions_go_through_the_split_in_sevens(made: Deployment) -> None:
    before = made.calendar.before(SPLIT)
    held = table(made, "positions").filter(pl.col("session").is_in([before, SPLIT]))
    for name in STRATEGIES:
        sums = {
            (session, is_share): quantity
            for session, is_share, quantity in held.filter(strategy=name)
            .group_by("session", pl.col("contract").is_null())
            .agg(pl.col("quantity").sum())
            .iter_rows()
        }
        for is_share in {share for _, share in sums}:
            assert sums[SPLIT, is_share] == 7 * sums[before, is_share]
