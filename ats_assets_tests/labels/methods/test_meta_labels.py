"""Meta-labels: by hand on both sides, beside the triple barrier and the kernel of bars, and as an asset that reads a strategy's signals."""

from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.labels import labels_known_at
from ats_assets.labels.daily_barriers import BarrierRules, daily_ends
from ats_assets.labels.methods.meta_labels import PLUGIN, MetaLabel, MetaLabels, MetaLabelSettings
from ats_assets.labels.methods.triple_barrier import TripleBarrierLabel, TripleBarrierSettings
from ats_assets.labels.touches import OPEN_STILL, first_touches
from ats_assets.leakcheck import find_leaks, of_deployment
from ats_assets.leakcheck.subjects import stored_bars
from ats_assets.orchestration.graph import READS
from ats_assets_tests.kits.labels import LabelKit
from ats_assets_tests.kits.market import DAYS, frames
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import ALL_ASSETS, EARLY_MODELS, FIRST, copy_until, differences, files_of, make_history, small_market

SMALL = {"max_holding_sessions": 3, "volatility_span_sessions": 3, "min_returns": 2}
ADJUST = "splits_and_dividends"


class TestMetaLabels(LabelKit):
    plugin = PLUGIN
    small: ClassVar = SMALL


def signals(*rows: tuple[str, date, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "direction": pl.String}, orient="row")


def test_all_long_they_are_triple_barriers() -> None:
    bars = frames()["bars"]
    market = dict(frames()) | {"momentum_signals": bars.select("symbol", "session", direction=pl.lit("long"))}
    made = labels_known_at(MetaLabel(MetaLabelSettings(**SMALL)), market, DAYS, DAYS, adjust=ADJUST)
    MetaLabels.validate(made, lazy=True)
    ends = labels_known_at(TripleBarrierLabel(TripleBarrierSettings(**SMALL)), market, DAYS, DAYS, adjust=ADJUST)
    shared = ["symbol", "session", "decision_session", "horizon_sessions", "volatility", "return", "touched_session", "exit"]
    assert made.select(shared).equals(ends.select(shared))
    right = (ends["label"] == 1) | ((ends["label"] == 0) & (ends["return"] > 0))
    assert made["label"].to_list() == right.cast(pl.Int8).to_list()


def judged(direction: str, *after: tuple[float, float, float, float], **how: Any) -> list[tuple[object, ...]]:
    """Closes of 100, 110 and 99 (a volatility of 0.1 * sqrt(2)), a signal after the third, and the bars that follow: label, barrier, return, exit."""
    rows = [*((price, price, price, price) for price in (100.0, 110.0, 99.0)), *after]
    bars = pl.DataFrame(rows, schema=["open", "high", "low", "close"], orient="row").with_columns(
        symbol=pl.lit("A"), session=pl.Series(DAYS[: len(rows)]), volume=1.0
    )
    market = {"bars": bars, "momentum_signals": signals(("A", DAYS[2], direction))}
    label = MetaLabel(MetaLabelSettings.model_validate({"max_holding_sessions": 2, "volatility_span_sessions": 3, "min_returns": 2} | how))
    made = labels_known_at(label, market, DAYS[: len(rows)], DAYS[: len(rows)], adjust="none")
    return made.select("label", "barrier", pl.col("return").round(6), "exit").rows()


def test_a_short_signal_is_right_where_the_price_falls() -> None:
    """Two volatilities are 28.3%."""
    size = round(0.2 * 2**0.5, 6)
    assert judged("short", (100, 101, 71, 90)) == [(1, "gain", size, "barrier")]
    assert judged("short", (100, 129, 90, 100)) == [(0, "loss", -size, "barrier")]
    assert judged("short", (100, 129, 71, 100)) == [(0, "loss", -size, "barrier")], "both in one session: the loss, which is above"
    assert judged("long", (100, 129, 71, 100)) == [(0, "loss", -size, "barrier")], "both in one session: the loss, which is below"
    assert judged("short", (100, 100, 100, 100), (60, 60, 60, 60)) == [(1, "gain", 0.4, "open")], "beyond the barrier at the open"
    assert judged("short", (100, 100, 100, 100), (150, 150, 150, 150)) == [(0, "loss", -0.5, "open")]
    calm = (100.0, 100.0, 100.0, 100.0)
    assert judged("short", calm, calm, (95, 99, 90, 95)) == [(1, "vertical", 0.05, "open")]
    assert judged("short", calm, calm, (95, 99, 90, 95), vertical="loss") == [(0, "vertical", 0.05, "open")]
    assert judged("short", calm, calm, (105, 105, 105, 105)) == [(0, "vertical", -0.05, "open")]
    assert judged("short", (100, 900, 1, 100), calm, calm, gain_multiple=0, loss_multiple=0) == [(0, "vertical", 0.0, "open")], "never hit"
    assert judged("flat", (100, 129, 71, 100)) == [], "nothing was bet"


@settings(max_examples=rounds(20, 1_000), deadline=None)
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 6), gain=st.floats(0.2, 3.0), loss=st.floats(0.2, 3.0))
def test_both_sides_end_where_the_kernel_of_bars_says(seed: int, horizon: int, gain: float, loss: float) -> None:
    """Of one symbol that trades at each session: another implementation, that is tested against a third."""
    random = np.random.default_rng(seed)
    n = 40
    opens = 100 + np.cumsum(np.round(2 * random.standard_normal(n)) / 2)
    closes = opens + random.integers(-3, 4, size=n) / 2
    highs, lows = (
        np.maximum(opens, closes) + random.integers(0, 4, size=n) / 2,
        np.minimum(opens, closes) - random.integers(0, 4, size=n) / 2,
    )
    days = DAYS[:n]
    bars = pl.DataFrame({"symbol": "A", "session": days, "open": opens, "high": highs, "low": lows, "close": closes, "volume": 1.0})
    sides = bars.select("symbol", "session", side=pl.Series(random.choice([-1, 1], size=n), dtype=pl.Int8))
    rules = BarrierRules(
        unit="volatility",
        gain=gain,
        loss=loss,
        min_holding_sessions=1,
        max_holding_sessions=horizon,
        volatility_span_sessions=3,
        min_returns=2,
        min_volatility=1e-4,
    )
    made = daily_ends(bars, days, days, rules, sides=sides)
    decided = np.array([days.index(day) for day in made["decision_session"]], dtype=np.int64)
    entered, side = decided + 1, made["side"].to_numpy()
    entry, size = opens[entered], made["volatility"].to_numpy()
    above, below = entry * (1 + np.where(side > 0, gain, loss) * size), entry * (1 - np.where(side > 0, loss, gain) * size)
    ends, closed = np.full(len(decided), n), np.zeros(len(decided), np.bool_)
    places, met, how, price = first_touches.compiled(
        opens, highs, lows, closes, entered, entered + horizon, ends, closed, above, below, -side, 0, True
    )
    assert not (places == OPEN_STILL).any()
    assert made["session"].to_list() == [days[place] for place in places]
    assert made["met"].to_list() == (met * side).tolist()
    assert made["return"].to_list() == pytest.approx((side * (price / entry - 1)).tolist(), abs=1e-12)
    assert [("barrier", "open")[way] for way in how] == made["exit"].to_list()


META = {"kind": "meta_labels", "strategy": "momentum", **SMALL, "max_holding_sessions": 2, "gain_multiple": 0.5, "loss_multiple": 3.0}
STRATEGIES = {"momentum": {"lookback_sessions": 3, "skip_sessions": 1, "capital": 0.0}, "meta_labelled": {"primary": "momentum"}}


def market(root: Path, last_session: date = date(2021, 2, 5), **changes: Any) -> Deployment:
    """A small market whose model learns when momentum was right, and whose orders follow momentum by that."""
    own = {**EARLY_MODELS, "labels": {"horizons_sessions": (1,), "right": META}, "strategies": STRATEGIES}
    own["training"] = {**own["training"], "label_source": "right", "label": "raw"}
    return small_market(root, last_session=last_session, **{**own, **changes})


def test_it_reads_the_signals_of_its_strategy(tmp_path: Path) -> None:
    found = {spec.key.path[-1]: str(spec.metadata.get(READS)) for spec in build(market(tmp_path)).resolve_all_asset_specs()}
    assert "momentum_signals[D-3..D-1]" in found["right"]
    assert "right[D-" in found["lightgbm_model"]
    assert found["meta_labelled_signals"] == "momentum_signals[D-0..D-0], predictions[D-0..D-0]"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategies": {"model_scores": {}}}, r"right reads 'momentum_signals', which it can't.*model_scores_signals"),
        (
            {"strategies": {"model_scores": {}}, "labels": {"horizons_sessions": (1,), "right": META | {"strategy": "model_scores"}}},
            r"labels.right judges the signals of model_scores, which are made of predictions, and models learn labels.right: a circle",
        ),
        (
            {"strategies": STRATEGIES | {"meta_labelled": {"primary": "reversal"}}},
            r"the strategy of meta_labelled_signals reads 'reversal_signals', which it can't: it may read .*momentum_signals",
        ),
        (  # a direction of the price, learnt as it is, was taken for the probability that a side is right, of short ones too
            {"training": EARLY_MODELS["training"] | {"label_source": "forward_returns", "label": "raw"}},
            r"strategies.meta_labelled\] follows momentum .* models learn something else \(forward_returns.*: set training.label_source to a label",
        ),
        (
            {"training": EARLY_MODELS["training"] | {"label_source": "right", "label": "raw", "label_column": "return"}},
            r"models learn the return of positions \(right.return\)",
        ),
        (
            {"strategies": {"momentum": {}, "other": {"kind": "momentum"}, "meta_labelled": {"primary": "other"}}},
            r"follows other .* models learn whether the sides of momentum are right",
        ),
        (  # bets would have been sized by log-odds
            {"models": {"lightgbm": {"objective": "classification"}}},
            r"takes predictions for probabilities, but the scores of \[models.lightgbm\] \(lightgbm, objective = 'classification'\) are log-odds",
        ),
        (
            {"models": {"lightgbm": {"objective": "dollar_profit"}}},
            r"the scores of \[models.lightgbm\] .* are none: set its objective to 'regression'",
        ),
    ],
)
def test_what_can_not_be_judged_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build(market(tmp_path, **changes))


@pytest.mark.slow
def test_a_meta_model_and_what_follows_it_are_made_without_the_future(tmp_path: Path) -> None:
    made = [*(name for name in ALL_ASSETS if name != "signals"), "right", "momentum_signals", "meta_labelled_signals"]
    last, day = date(2021, 2, 5), date(2021, 1, 25)
    deployment = market(tmp_path / "all")
    make_history(deployment, FIRST, last, made)
    found = deployment.warehouse.read("right", deployment.valid_sessions("right"))
    MetaLabels.validate(found, lazy=True)
    assert set(found["label"]) == {0, 1}
    followed = deployment.warehouse.read("meta_labelled_signals", deployment.valid_sessions("meta_labelled_signals"))
    assert {"long", "flat"} <= set(followed["direction"])
    bars, days = stored_bars(deployment, 25, 12)
    subjects = {subject.name: subject for subject in of_deployment(deployment, bars, days)}
    for name in ("right", "lightgbm_model", "meta_labelled_signals"):
        assert find_leaks(subjects[name], days, draws=2) == [], name
    before = max(session for session in deployment.valid_sessions("bars") if session < day)
    copy_until(tmp_path / "all", tmp_path / "until", before)
    make_history(market(tmp_path / "until", day), day, day, made)
    assert not differences(files_of(tmp_path / "until", [day]), files_of(tmp_path / "all", [day]))
