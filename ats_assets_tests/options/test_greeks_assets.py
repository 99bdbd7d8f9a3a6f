"""Greeks as assets: one row for each contract of the chain, the same bytes in any order, with the dividends that the source had announced."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.sources import RAW_ACTIONS_SCHEMA
from ats_assets.sources.adapters.synthetic.source import SyntheticSource
from ats_assets_tests.options.chains import CHAINS, market_with_options
from ats_assets_tests.small_market import run_job

WEEK = [date(2021, 1, day) for day in (4, 5, 6)]
BARS = ("raw_bars", "bars", "rejected_bars")
OURS = ("raw_announced_dividends", "greeks")


def test_greeks_are_the_same_bytes_alone_in_a_range_and_in_any_order(tmp_path: Path) -> None:
    one, other = (market_with_options(tmp_path / name, dividend_yields={"SYN0001": 0.02}) for name in "ab")
    run_job(one, "history", WEEK, [*BARS, *CHAINS, *OURS])
    run_job(other, "history", WEEK, [*BARS, *CHAINS])
    for day in reversed(WEEK):
        run_job(other, "history", [day], list(OURS))
    for asset in OURS:
        for day in WEEK:
            assert one.warehouse.path(asset, day).read_bytes() == other.warehouse.path(asset, day).read_bytes(), (asset, day)
    chains, greeks = one.warehouse.read("option_chains", WEEK), one.warehouse.read("greeks", WEEK)
    key = ["session", "underlying", "contract"]
    assert greeks.select(key).equals(chains.select(key))
    assert (greeks["why"] == "").sum() > 0.7 * greeks.height  # prices in cents: what is deep in the money may be below its intrinsic value
    assert one.warehouse.read("raw_announced_dividends", WEEK).is_empty()


@pytest.fixture
def paying(monkeypatch: pytest.MonkeyPatch) -> None:
    """The synthetic source announces, on 2021-01-05, that each symbol pays 1 from 2021-01-08 on."""

    def actions(source: SyntheticSource, sessions: list[date], symbols: Any = None) -> pl.DataFrame:
        ex = date(2021, 1, 8)
        row = {"date": ex, "session": ex, "kind": "cash_dividend", "cash": 1.0, "announced": date(2021, 1, 5)}
        rows = [dict.fromkeys(RAW_ACTIONS_SCHEMA) | row | {"symbol": symbol} for symbol in source.symbols()] if ex in sessions else []
        return pl.DataFrame(rows, schema=RAW_ACTIONS_SCHEMA)

    monkeypatch.setattr(SyntheticSource, "actions", actions)


def deployment_of(root: Path) -> Deployment:
    deployment = market_with_options(root)
    run_job(deployment, "history", WEEK, [*BARS, *CHAINS, *OURS])
    return deployment


@pytest.mark.usefixtures("paying")
def test_a_dividend_counts_from_its_announcement_on_for_contracts_that_outlive_it(tmp_path: Path) -> None:
    deployment = deployment_of(tmp_path)
    joined = deployment.warehouse.read("greeks", WEEK).join(deployment.warehouse.read("option_chains", WEEK), on=["session", "contract"])
    outlives = (pl.col("last_session") >= date(2021, 1, 8)) & (pl.col("session") >= date(2021, 1, 5))
    assert joined.filter(outlives)["dividends"].min() == pytest.approx(1.0, abs=1e-3)
    assert joined.filter(~outlives)["dividends"].max() == 0.0
    assert joined.filter(outlives).height > 100
