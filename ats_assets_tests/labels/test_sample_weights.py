"""Sample weights by session: exact once they are known, the same alone and in a range, and what models learn with them."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import CalendarError, SettingsError
from ats_assets.labels import SAMPLE_WEIGHTS_SCHEMA, labels_known_at
from ats_assets.labels.contracts import SampleWeights
from ats_assets.labels.methods.forward_returns import ForwardReturnLabel
from ats_assets.labels.sample_weights import sample_weights, weighed_after
from ats_assets.leakcheck import find_leaks, of_deployment
from ats_assets.leakcheck.subjects import stored_bars
from ats_assets.orchestration.graph import READS
from ats_assets.settings import ForwardReturnsSettings, KnownAfter, load_settings
from ats_assets_tests.kits.market import DAYS as MARKET_DAYS
from ats_assets_tests.kits.market import frames
from ats_assets_tests.labels.test_assets import ENDS
from ats_assets_tests.small_market import ALL_ASSETS, EARLY_MODELS, FIRST, copy_until, differences, files_of, make_history, small_market

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(40)]
KNOWN = KnownAfter(first=1, last=4)
NO_ACTIONS = CORPORATE_ACTIONS_SCHEMA.to_frame()


def random_outcomes(seed: int, symbols: str = "AB") -> pl.DataFrame:
    """Labels that are known after 1 to 4 sessions; some decisions have none."""
    random = np.random.default_rng(seed)
    rows = [
        (symbol, DAYS[i + int(random.integers(1, 5))], DAYS[i], 1.0)
        for symbol in symbols
        for i in range(len(DAYS) - 4)
        if random.random() < 0.8
    ]
    return pl.DataFrame(rows, schema=["symbol", "session", "decision_session", "y"], orient="row")


def random_closes(seed: int) -> pl.DataFrame:
    closes = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(seed).standard_normal((len(DAYS), 2)), axis=0))
    rows = [(symbol, day, float(closes[i, j])) for i, day in enumerate(DAYS) for j, symbol in enumerate("AB")]
    return pl.DataFrame(rows, schema=["symbol", "session", "close"], orient="row").with_columns(volume=1.0)


def slowly(outcomes: pl.DataFrame, closes: dict[tuple[str, date], float] | None) -> dict[tuple[str, date], tuple[float, float]]:
    """Symbol and decision -> uniqueness and weight, of all labels at once, step by step."""
    found = {}
    for symbol, known, decided, _ in outcomes.iter_rows():
        own = [(d, k) for s, k, d, _ in outcomes.iter_rows() if s == symbol]
        steps = [i for i, day in enumerate(DAYS) if decided <= day < known]
        counts = [sum(d <= DAYS[i] < k for d, k in own) for i in steps]
        unique = sum(1 / n for n in counts) / len(counts)
        credit = unique
        if closes:
            moves = [np.log(closes[symbol, DAYS[i + 1]] / closes[symbol, DAYS[i]]) for i in steps]
            credit = abs(sum(move / n for move, n in zip(moves, counts, strict=True)))
        found[symbol, decided] = unique, credit
    return found


@pytest.mark.parametrize("by", ["uniqueness", "returns"])
def test_weights_are_those_of_all_labels_at_once(by: Any) -> None:
    outcomes, bars = random_outcomes(1), random_closes(2)
    closes = {(symbol, day): close for symbol, day, close, _ in bars.iter_rows()}
    made = sample_weights(outcomes, bars, NO_ACTIONS, DAYS, DAYS, KNOWN, by=by)
    SampleWeights.validate(made, lazy=True)
    expected = slowly(outcomes, closes if by == "returns" else None)
    assert made.height == sum(DAYS.index(decided) + 7 < len(DAYS) for _, decided in expected) > 40
    for symbol, session, decided, unique, weight in made.iter_rows():
        assert DAYS.index(session) == DAYS.index(decided) + weighed_after(KNOWN)
        assert (unique, weight) == pytest.approx(expected[symbol, decided], rel=1e-9)


@pytest.mark.parametrize("by", ["uniqueness", "returns"])
def test_a_session_alone_has_the_weights_that_it_has_in_a_range(by: Any) -> None:
    outcomes, bars = random_outcomes(3), random_closes(4)
    whole = sample_weights(outcomes, bars, NO_ACTIONS, DAYS, DAYS, KNOWN, by=by)
    back = weighed_after(KNOWN)
    for i in range(back, len(DAYS)):
        window = pl.col("session").is_between(DAYS[i - back + 1], DAYS[i])
        closes = bars.filter(pl.col("session").is_between(DAYS[i - back], DAYS[i]))
        days = DAYS[max(0, i - back - KNOWN.last) : i + 1]
        alone = sample_weights(outcomes.filter(window), closes, NO_ACTIONS, days, [DAYS[i]], KNOWN, by=by)
        assert alone.equals(whole.filter(session=DAYS[i])), DAYS[i]


def test_an_instrument_is_followed_through_a_change_of_name_and_a_split_is_no_return() -> None:
    """S2 becomes T2: labels before and after it overlap; S0's split by 4 is not what its labels are given credit for."""
    market, known = frames(), KnownAfter(first=2, last=2)
    label = ForwardReturnLabel(ForwardReturnsSettings(horizons_sessions=(1,)))
    labels = labels_known_at(label, market, MARKET_DAYS, MARKET_DAYS, adjust="splits_and_dividends")
    outcomes = labels.select("symbol", "session", "decision_session", y="forward_return")
    made = sample_weights(outcomes, market["bars"], market["corporate_actions"], MARKET_DAYS, MARKET_DAYS, known, by="returns")
    renamed = made.filter(pl.col("symbol").is_in(["S2", "T2"])).sort("session")
    assert renamed["symbol"].n_unique() == 2
    assert set(renamed["uniqueness"].to_list()[1:]) == {0.5}
    assert made.filter(symbol="S0")["weight"].max() < 0.2


def test_what_is_wrong_is_named() -> None:
    outcomes = random_outcomes(1)
    with pytest.raises(CalendarError, match=str(DAYS[0])):
        sample_weights(outcomes, None, NO_ACTIONS, DAYS[3:], DAYS[3:], KNOWN, by="uniqueness")
    nothing = sample_weights(outcomes.clear(), None, NO_ACTIONS, DAYS, DAYS, KNOWN, by="uniqueness")
    assert nothing.schema == SAMPLE_WEIGHTS_SCHEMA
    assert nothing.is_empty()
    with pytest.raises(SettingsError, match=r"oldest_weight is 0\.5, which sample_weights fade to"):
        load_settings(training={"oldest_weight": 0.5})


def weighed(root: Path, by: str = "returns", **changes: Any) -> Deployment:
    """A small market whose model learns the triple barrier with weights."""
    own = {**EARLY_MODELS, "labels": {"horizons_sessions": (1,), "ends": ENDS}} | changes
    weights = {"label_source": "ends", "label": "raw", "sample_weights": by, "oldest_weight": 0.5}
    return small_market(root, last_session=date(2021, 2, 5), **{**own, "training": {**own["training"], **weights}})


def reads_of(deployment: Deployment) -> dict[str, str]:
    return {spec.key.path[-1]: str(spec.metadata[READS]) for spec in build(deployment).resolve_all_asset_specs() if READS in spec.metadata}


def test_weights_are_an_asset_only_where_settings_ask_for_them(tmp_path: Path) -> None:
    """6 decision sessions, one of them to validate on, an embargo of 1, labels known after 3 sessions at the latest, their weights after 5."""
    assert "sample_weights" not in reads_of(small_market(tmp_path))
    assert "sample_weights" not in reads_of(small_market(tmp_path))["lightgbm_model"]
    found = reads_of(weighed(tmp_path))
    assert found["sample_weights"] == "ends[D-4..D-0], bars[D-5..D-0], corporate_actions[D-4..D-0]"
    assert "sample_weights[D-4..D-3]" in found["lightgbm_model"]
    assert "bars" not in reads_of(weighed(tmp_path, "uniqueness"))["sample_weights"]


def test_a_model_that_does_not_weigh_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "learners").mkdir()
    (tmp_path / "learners" / "mine.py").write_text(
        "from ats_assets.plugins import Plugin\nfrom ats_assets.settings import Section\n\n"
        "class Mine:\n    def __init__(self, settings):\n        self.settings = settings\n\nPLUGIN = Plugin(settings=Section, make=Mine)\n"
    )
    with pytest.raises(SettingsError, match=r"sample_weights is 'returns', but the model mine \(mine\) takes all rows for the same"):
        build(weighed(tmp_path, models={"mine": {}}, plugins={"folder": tmp_path}))


@pytest.mark.slow
def test_a_model_with_weights_is_made_without_the_future(tmp_path: Path) -> None:
    made, last, day = [*ALL_ASSETS, "ends", "sample_weights"], date(2021, 2, 5), date(2021, 1, 25)
    deployment = weighed(tmp_path / "all")
    make_history(deployment, FIRST, last, made)
    SampleWeights.validate(deployment.warehouse.read("sample_weights", deployment.valid_sessions("sample_weights")), lazy=True)
    assert deployment.model_store("lightgbm_model").active(last) is not None
    bars, days = stored_bars(deployment, 25, 12)
    subjects = {subject.name: subject for subject in of_deployment(deployment, bars, days)}
    for name in ("sample_weights", "lightgbm_model"):
        assert find_leaks(subjects[name], days, draws=2) == [], name
    before = max(session for session in deployment.valid_sessions("bars") if session < day)
    copy_until(tmp_path / "all", tmp_path / "until", before)
    make_history(weighed(tmp_path / "until"), day, day, made)
    assert not differences(files_of(tmp_path / "until", [day]), files_of(tmp_path / "all", [day]))
