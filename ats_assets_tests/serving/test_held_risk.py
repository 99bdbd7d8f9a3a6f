"""How risky what is held is: figures beside pandas and beside what must hold, and the route."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment
from ats_assets.serving.queries import held_risk as queries
from ats_assets.serving.queries.held_risk import LEAST_SESSIONS, KeptReturns, correlations, held_risk, risk_sessions, weighted_risk

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, positions: int = 6, sessions: int = 250) -> tuple[np.ndarray, np.ndarray]:
    """Weights, and returns with a common part and some gaps."""
    chance = np.random.default_rng(seed)
    returns = chance.normal(0.0005, 0.01, (sessions, 1)) + chance.normal(0, 0.015, (sessions, positions))
    returns[chance.random(returns.shape) < 0.02] = np.nan
    return chance.uniform(-0.3, 0.5, positions), returns


@given(seed=SEEDS)
def test_figures_are_those_of_the_simulated_returns(seed: int) -> None:
    weights, returns = drawn(seed)
    market = np.nanmean(returns, axis=1)
    names = [f"S{i}" for i in range(len(weights))]
    found = weighted_risk(weights, returns, market, names)
    total = (pd.DataFrame(returns).fillna(0.0) * weights).sum(axis=1)
    assert found["volatility_year"] == pytest.approx(total.std() * 252**0.5)
    assert found["beta"] == pytest.approx(total.cov(pd.Series(market)) / np.var(market, ddof=1))
    assert found["value_at_risk_95"] == pytest.approx(total.sort_values().iloc[12])  # the 13th of 250: 5.2% are no better
    assert found["expected_shortfall_95"] == pytest.approx(total.nsmallest(13).mean())
    assert found["expected_shortfall_95"] <= found["value_at_risk_95"]


@given(seed=SEEDS)
def test_shares_of_the_variance_sum_to_one_and_scale_with_nothing(seed: int) -> None:
    weights, returns = drawn(seed)
    names = [f"S{i}" for i in range(len(weights))]
    shares = [one["share"] for one in weighted_risk(weights, returns, np.nanmean(returns, axis=1), names)["contributions"]]
    assert sum(shares) == pytest.approx(1.0)
    doubled = [one["share"] for one in weighted_risk(2 * weights, returns, np.nanmean(returns, axis=1), names)["contributions"]]
    assert doubled == pytest.approx(shares)


@given(seed=SEEDS)
def test_correlations_are_those_of_pandas_over_the_sessions_that_a_pair_shares(seed: int) -> None:
    weights, returns = drawn(seed)
    by_symbol = {f"S{i}": float(weight) for i, weight in enumerate(weights)}
    found = correlations(by_symbol, returns)
    frame = pd.DataFrame(returns, columns=list(by_symbol))[found["symbols"]]
    assert np.array(found["matrix"]) == pytest.approx(frame.corr().to_numpy())
    sizes = [abs(by_symbol[symbol]) for symbol in found["symbols"]]
    assert sizes == sorted(sizes, reverse=True)


def test_too_little_is_no_figure() -> None:
    weights, returns = drawn(1, sessions=LEAST_SESSIONS - 1)
    found = weighted_risk(weights, returns, np.nanmean(returns, axis=1), list("ABCDEF"))
    assert found["volatility_year"] is None
    assert found["contributions"] == []
    assert correlations({"A": 0.5, "B": 0.5}, returns[:10, :2])["matrix"][0][1] is None


def test_all_of_the_market_at_equal_weights_moves_as_the_market(deployment: Deployment) -> None:
    sessions = risk_sessions(deployment)
    symbols = deployment.warehouse.read("bars", sessions[-1:], ["symbol"])["symbol"].to_list()
    found = held_risk(deployment, dict.fromkeys(symbols, 1 / len(symbols)) | {"GONE": 0.1}, sessions)
    assert found["beta"] == pytest.approx(1.0, abs=0.1)
    assert found["sessions"] == len(sessions) - 1
    assert found["without_bars"] == ["GONE"]


def test_bars_are_read_once_until_one_changes_and_not_where_nothing_is_held(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the newest sessions alone, whatever the history is long."""
    sessions = risk_sessions(deployment)
    monkeypatch.setattr(queries, "SESSIONS", 40)
    monkeypatch.setattr(queries, "LEAST_SESSIONS", 20)
    newest = risk_sessions(deployment)
    assert newest == sessions[-41:]
    read, real = list[str](), deployment.warehouse.read

    def counted(asset: str, days: Sequence[date], columns: Sequence[str] | None = None) -> pl.DataFrame:
        assert set(days) <= set(newest)
        read.append(asset)
        return real(asset, days, columns)

    monkeypatch.setattr(deployment.warehouse, "read", counted)
    kept = KeptReturns(deployment)
    monkeypatch.setattr(deployment, "of", lambda _: kept)
    nothing = held_risk(deployment, {}, newest)
    assert (nothing["sessions"], nothing["volatility_year"], read) == (40, None, [])
    symbols = real("bars", newest[-1:], ["symbol"])["symbol"].to_list()
    told = [held_risk(deployment, {symbols[0]: weight}, newest)["volatility_year"] for weight in (0.5, 1.0)]
    assert told[1] == pytest.approx(2 * told[0])
    assert read.count("bars") == 1
    monkeypatch.setattr(queries, "joint_version", lambda *_: "another")
    held_risk(deployment, {symbols[0]: 0.5}, newest)
    assert read.count("bars") == 2


def test_the_route_tells_of_what_is_held(client: TestClient) -> None:
    answer = client.get("/api/v1/portfolio/risk")
    held = {row["symbol"] for row in client.get("/api/v1/portfolio/positions").json()["data"]}
    told = answer.json()
    assert {one["symbol"] for one in told["contributions"]} | set(told["without_bars"]) == held
    assert told["volatility_year"] > 0 > told["value_at_risk_95"]
    assert client.get("/api/v1/portfolio/risk", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
