"""The synthetic source: its edge is as strong as said, its bars depend on the seed alone, and it has everything a real delivery has."""

from datetime import date

import lightgbm
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from ats_assets.calendar import session_calendar
from ats_assets.errors import SourceError
from ats_assets.settings import Settings, SyntheticSettings
from ats_assets.sources import PRICES, RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.adapters.synthetic import open_synthetic
from ats_assets.sources.adapters.synthetic.simulated_market import CHARACTERISTIC_HALF_LIFE, draw_presence
from ats_assets.sources.adapters.synthetic.source import SyntheticSource, planted_characteristic
from ats_assets.sources.contracts import RAW_ACTIONS, RAW_BARS

XNYS = session_calendar("XNYS", date(2010, 1, 1))
SMALL = SyntheticSettings(
    symbols=12, first_session=date(2021, 1, 4), last_session=date(2021, 6, 30), defective_share=0.01, splits_per_year=0.5
)


def all_bars(source: SyntheticSource | object) -> pl.DataFrame:
    return source.bars(XNYS.sessions(source.first_session(), source.latest_session()))


@pytest.fixture(scope="module")
def small() -> SyntheticSource:
    return SyntheticSource(SMALL, XNYS)


def test_bars_have_the_schema_and_the_order(small: SyntheticSource) -> None:
    bars = all_bars(small)
    assert bars.schema == RAW_BARS_SCHEMA
    RAW_BARS.validate(bars)
    assert bars.equals(bars.sort("session", "symbol", maintain_order=True))
    assert (bars["date"] == bars["session"]).all()


def test_the_same_seed_gives_the_same_bars_and_another_seed_others() -> None:
    assert all_bars(SyntheticSource(SMALL, XNYS)).equals(all_bars(SyntheticSource(SMALL, XNYS)), null_equal=True)
    other = SyntheticSource(SMALL.model_copy(update={"seed": -3}), XNYS)
    assert not all_bars(other).equals(all_bars(SyntheticSource(SMALL, XNYS)))


@settings(max_examples=20)
@given(data=st.data())
def test_a_session_depends_on_nothing_later_and_on_nothing_asked_for(small: SyntheticSource, data: st.DataObject) -> None:
    sessions = XNYS.sessions(small.first_session(), small.latest_session())
    last = data.draw(st.sampled_from(sessions))
    shorter = SyntheticSource(SMALL.model_copy(update={"last_session": last}), XNYS)
    assert shorter.latest_session() == last
    asked = data.draw(st.lists(st.sampled_from(XNYS.sessions(sessions[0], last)), min_size=1))
    names = data.draw(st.none() | st.lists(st.sampled_from(small.symbols())))
    wanted = pl.col("session").is_in(asked) & (pl.lit(value=True) if names is None else pl.col("symbol").is_in(names))
    expected = all_bars(small).filter(wanted)
    assert shorter.bars(asked, names).equals(expected, null_equal=True)


@pytest.mark.parametrize(("planted", "tolerance"), [(0.05, 0.015), (0.0, 0.015), (0.3, 0.02)])
def test_the_characteristic_has_the_planted_correlation(planted: float, tolerance: float) -> None:
    """The standard error of a correlation over 60 x 752 pairs is 0.0047: the tolerance is three of them."""
    market = SyntheticSource(SyntheticSettings(planted_ic=planted), XNYS).market
    realised = np.corrcoef(market.characteristic[:-1].ravel(), market.idiosyncratic[1:].ravel())[0, 1]
    assert realised == pytest.approx(planted, abs=tolerance)
    same_session = np.corrcoef(market.characteristic.ravel(), market.idiosyncratic.ravel())[0, 1]
    assert same_session == pytest.approx(planted * 0.5 ** (1 / CHARACTERISTIC_HALF_LIFE), abs=tolerance)  # through its persistence only


def test_the_characteristic_can_be_read_off_the_bars() -> None:
    source = SyntheticSource(SyntheticSettings(defective_share=0.0), XNYS)
    bars = all_bars(source)
    read = planted_characteristic(bars)
    latent = source.market.characteristic[source.market.present]
    ok = np.isfinite(read)
    assert ok.mean() > 0.995
    assert np.corrcoef(read[ok], latent[ok])[0, 1] > 0.99


def panel(planted: float, seed: int) -> pl.DataFrame:
    """Features that anyone would try, and the return from the next open to the open five sessions later."""
    source = SyntheticSource(SyntheticSettings(planted_ic=planted, defective_share=0.0, splits_per_year=0.0, seed=seed), XNYS)
    bars = all_bars(source).with_columns((pl.col("high") - pl.col("low")).alias("range"))
    past, close = {n: pl.col("close").shift(n).over("symbol") for n in (1, 5, 20)}, pl.col("close")
    low, high = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    return bars.select(
        "symbol",
        "session",
        klow=(low - pl.col("low")) / pl.col("range"),
        kup=(pl.col("high") - high) / pl.col("range"),
        kmid=(close - pl.col("open")) / pl.col("open"),
        klen=pl.col("range") / pl.col("open"),
        reversal=close / past[1] - 1,
        week=close / past[5] - 1,
        month=close / past[20] - 1,
        volume=(pl.col("volume") / pl.col("volume").rolling_mean(20).over("symbol")).log(),
        outcome=(pl.col("open").shift(-6) / pl.col("open").shift(-1)).over("symbol") - 1,
    ).drop_nulls()


def out_of_sample(planted: float, seed: int, *, trees: bool) -> tuple[float, float]:
    """Mean IC over the last 250 sessions of a model of those before, and its t statistic over stretches that do not overlap."""
    frame = panel(planted, seed).with_columns(y=pl.col("outcome").rank().over("session") / pl.len().over("session"))
    sessions = frame["session"].unique().sort()
    names = ["klow", "kup", "kmid", "klen", "reversal", "week", "month", "volume"]
    train = frame.filter(pl.col("session") < sessions[-256])
    test = frame.filter(pl.col("session") >= sessions[-250])
    x, mean, deviation = train[names].to_numpy(), train[names].mean().to_numpy(), train[names].std().to_numpy()
    if trees:
        parameters = {
            "objective": "regression",
            "num_leaves": 7,
            "learning_rate": 0.05,
            "min_data_in_leaf": 300,
            "verbosity": -1,
            "num_threads": 1,
        }
        model = lightgbm.train(
            {**parameters, "deterministic": True, "seed": 1}, lightgbm.Dataset((x - mean) / deviation, train["y"].to_numpy()), 80
        )
    else:
        model = Ridge(alpha=100.0).fit((x - mean) / deviation, train["y"].to_numpy())
    scores = np.asarray(model.predict((test[names].to_numpy() - mean) / deviation))
    ic = (
        test.with_columns(score=pl.Series(scores))
        .group_by("session", maintain_order=True)
        .agg(pl.corr("score", "y"))
        .sort("session")["score"]
        .to_numpy()
    )
    blocks = ic[: len(ic) // 10 * 10].reshape(-1, 10).mean(axis=1)
    return float(ic.mean()), float(blocks.mean() / (blocks.std(ddof=1) / np.sqrt(len(blocks))))


@pytest.mark.parametrize("trees", [False, True], ids=["ridge", "lightgbm"])
def test_a_planted_edge_is_found_out_of_sample(trees: bool) -> None:
    ic, t = out_of_sample(0.05, 7, trees=trees)
    assert ic > 0.04
    assert t > 3


@pytest.mark.parametrize("trees", [False, True], ids=["ridge", "lightgbm"])
def test_without_a_planted_edge_none_is_found(trees: bool) -> None:
    """The t statistic of nothing, over six markets: its mean has a standard error of 0.41, each beyond 3 has a chance of 1 in 200."""
    found = [out_of_sample(0.0, seed, trees=trees)[1] for seed in range(1, 7)]
    assert abs(np.mean(found)) < 1.3
    assert max(map(abs, found)) < 3.5


def test_the_market_has_what_real_ones_have() -> None:
    source = SyntheticSource(SyntheticSettings(), XNYS)
    present, close = source.market.present, source.market.bars[:, 3]
    returns = np.diff(np.log(close), axis=0)
    ordinary = np.abs(returns) < 0.4
    unsplit = returns[:, ordinary.all(axis=0)]
    correlations = np.corrcoef(unsplit.T)[np.triu_indices(unsplit.shape[1], 1)]
    assert 0.1 < correlations.mean() < 0.4
    size = np.abs(unsplit)
    assert np.mean([np.corrcoef(size[1:, i], size[:-1, i])[0, 1] for i in range(size.shape[1])]) > 0.04  # volatility clusters
    assert np.abs(np.mean([np.corrcoef(unsplit[1:, i], unsplit[:-1, i])[0, 1] for i in range(size.shape[1])])) < 0.02  # returns do not
    assert 0 < (~ordinary).sum() < 15  # splits
    assert not present[0].all()  # listings
    assert (present[0] & ~present[-60:].any(axis=0)).any()  # delistings
    assert ((~present[1:-1]) & present[:-2] & present[2:]).any()  # halts
    volume = source.market.bars[:, 4]
    change = np.log(volume[1:]) - np.log(volume).mean(axis=0)
    assert np.corrcoef(change[ordinary], np.abs(returns)[ordinary])[0, 1] > 0.1


def test_defects_are_as_many_as_asked_and_all_else_keeps_the_contract() -> None:
    clean = all_bars(SyntheticSource(SyntheticSettings(defective_share=0.0), XNYS))
    low, high = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    good = (pl.col("low") > 0) & (pl.col("low") <= low) & (high <= pl.col("high")) & (pl.col("volume") >= 1)
    good &= pl.col("vwap").is_between("low", "high") & pl.all_horizontal(pl.col(*PRICES).is_finite())
    assert clean.select(good.all()).item()
    assert not clean.select("session", "symbol").is_duplicated().any()
    dirty = all_bars(SyntheticSource(SyntheticSettings(defective_share=0.01), XNYS))
    bad = dirty.filter(~good.fill_null(value=False) | pl.struct("session", "symbol").is_duplicated())
    assert bad.height / dirty.height == pytest.approx(0.01 * 8 / 7, rel=0.25)
    everyone = dirty.join(bad.select("session", "symbol").unique(), on=["session", "symbol"], how="anti")
    assert everyone.join(clean, on=["session", "symbol", *PRICES, "volume", "vwap"], how="anti").is_empty()


def test_a_calendar_that_never_closes_has_fractional_volume() -> None:
    calendar = session_calendar("24/7", date(2020, 1, 1))
    source = open_synthetic(SMALL, calendar, Settings())
    bars = source.bars([date(2021, 1, 9)])
    assert bars.height > 5
    assert source.capabilities.fractional_volume
    assert (bars["volume"] != bars["volume"].round(0)).any()
    assert source.known_at(date(2021, 1, 9)) == calendar.closes_at(date(2021, 1, 9))


def test_a_range_without_sessions_is_refused() -> None:
    source = SyntheticSource(SyntheticSettings(first_session=date(2021, 1, 2), last_session=date(2021, 1, 3)), XNYS)
    with pytest.raises(SourceError, match=r"no session from 2021-01-02 to 2021-01-03"):
        source.latest_session()


@pytest.mark.parametrize("changes", [{}, {"defective_share": 0.0}, {"defective_share": 0.2, "halts_per_year": 40.0, "seed": 3}])
def test_the_description_counts_what_is_delivered(changes: dict[str, float]) -> None:
    """It is made without drawing prices, which takes half a second with its imports."""
    source = SyntheticSource(SMALL.model_copy(update=changes), XNYS)
    rows = source.bars(XNYS.sessions(source.first_session(), source.latest_session()))
    assert f"{len(source.symbols())} symbols" in source.describe()
    assert f" {rows.height:,} rows" in source.describe()
    n_sessions = len(XNYS.sessions(source.first_session(), source.latest_session()))
    assert (draw_presence(source._settings, n_sessions, 252) == source.market.present).all()


def test_the_description_says_size_and_edge(small: SyntheticSource) -> None:
    text = small.describe()
    assert "12 symbols" in text
    assert "planted IC 0.05" in text


def test_the_splits_are_delivered_as_actions_at_the_session_where_the_price_jumps() -> None:
    often = SMALL.model_copy(update={"splits_per_year": 2.0, "defective_share": 0.0})
    source = SyntheticSource(often, XNYS)
    sessions = XNYS.sessions(source.first_session(), source.latest_session())
    actions = source.actions(sessions)
    assert actions.schema == RAW_ACTIONS_SCHEMA
    RAW_ACTIONS.validate(actions)
    assert actions.height > 4
    assert pl.concat([source.actions([day]) for day in sessions]).equals(actions, null_equal=True)
    frame = all_bars(source).sort("symbol", "session").with_columns(before=pl.col("close").shift(1).over("symbol"))
    jumps = frame.filter((pl.col("before") / pl.col("open") > 1.6) | (pl.col("before") / pl.col("open") < 0.6))
    shown = actions.join(frame.drop_nulls("before"), on=["symbol", "session"])
    assert set(jumps.select("symbol", "session").rows()) == set(shown.select("symbol", "session").rows())
    ratio = shown["before"] / shown["open"] / shown["ratio"]
    assert ((ratio - 1).abs() < 0.1).all()
