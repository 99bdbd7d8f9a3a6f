"""Netting of strategies into targets, against sums of fractions; and what a whole graph of two strategies makes."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.corporate_actions.identity import Identities
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError, SettingsError
from ats_assets.lineage.explaining import Explaining
from ats_assets.lineage.index import LineageIndex
from ats_assets.portfolio.netting import netted, over_holding_period
from ats_assets.portfolio.schema import WANTED_SCHEMA, Targets
from ats_assets.portfolio.targets import targets_of
from ats_assets.risk import NamedRule
from ats_assets.risk.rules.limits import Limits, LimitsSettings
from ats_assets.runs.signals_table import show_signals
from ats_assets.serving.queries.stored_signals import signals_rows
from ats_assets.settings import load_settings
from ats_assets.strategies.schema import SIGNALS_SCHEMA
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

DAYS = [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)]
WEIGHT = st.sampled_from([0.0, 0.1, -0.1, 0.05, 0.15, -0.15, 1 / 3])
BOOK = st.dictionaries(st.tuples(st.sampled_from(DAYS), st.sampled_from("ABCDE")), WEIGHT, max_size=12)
LIMITS = NamedRule(name="limits", rule=Limits(LimitsSettings(max_weight=0.2)))
Books = Mapping[str, Mapping[tuple[date, str], float]]


def frames(books: Books) -> dict[str, pl.DataFrame]:
    rows = {name: [(symbol, day, weight) for (day, symbol), weight in book.items()] for name, book in books.items()}
    return {name: pl.DataFrame(found, schema=WANTED_SCHEMA, orient="row") for name, found in rows.items()}


def made(books: Books, capital: Mapping[str, float], *rules: NamedRule) -> pl.DataFrame:
    return Targets.validate(targets_of(frames(books), capital, rules, frames={}, days=DAYS, sessions=DAYS))


@given(BOOK)
def test_of_one_strategy_with_all_the_capital_the_targets_are_its_weights_to_the_bit(book: dict[tuple[date, str], float]) -> None:
    given_weights = frames({"one": book})["one"].sort("session", "symbol")
    found = made({"one": book}, {"one": 1.0})
    assert found.select("symbol", "session").equals(given_weights.select("symbol", "session"))
    for column in ("target_weight", "proposed_weight"):
        assert found[column].to_numpy().tobytes() == given_weights["target_weight"].to_numpy().tobytes()
    assert found["reasons"].list.len().sum() == 0


@settings(max_examples=60)
@given(st.fixed_dictionaries({"a": BOOK, "b": BOOK, "c": BOOK}))
def test_weights_times_capital_are_added_up_over_all_that_have_a_signal(books: dict[str, dict[tuple[date, str], float]]) -> None:
    capital = {"a": 0.5, "b": 0.3, "c": 0.2}
    found = made(books, capital)
    keys = {key for book in books.values() for key in book}
    assert [(day, symbol) for symbol, day in found.select("symbol", "session").rows()] == sorted(keys)
    for row in found.iter_rows(named=True):
        key = (row["session"], row["symbol"])
        exact = sum((Fraction(book.get(key, 0.0)) * Fraction(capital[name]) for name, book in books.items()), Fraction(0))
        assert row["proposed_weight"] == pytest.approx(float(exact), abs=1e-15)
        assert row["strategies"] == [name for name, book in books.items() if key in book]


@given(st.fixed_dictionaries({"a": BOOK, "b": BOOK}))
def test_each_session_is_a_function_of_its_own_signals(books: dict[str, dict[tuple[date, str], float]]) -> None:
    capital, whole = {"a": 0.9, "b": 0.4}, None
    whole = made(books, capital, LIMITS)
    for day in DAYS:
        alone = {name: {key: weight for key, weight in book.items() if key[0] == day} for name, book in books.items()}
        assert made(alone, capital, LIMITS).equals(whole.filter(session=day))


@given(BOOK, st.integers(1, 4))
def test_a_target_is_the_mean_of_what_was_wanted_in_the_sessions_that_it_is_held_for(
    book: dict[tuple[date, str], float], holding: int
) -> None:
    wanted = netted(frames({"one": book}), {"one": 1.0})
    found = over_holding_period(wanted, DAYS, DAYS, holding_sessions=holding)
    assert found.columns == wanted.columns
    assert found.select("symbol", "session").equals(wanted.select("symbol", "session"))
    there = {day for day, _ in book}
    for symbol, day, weight in found.select("symbol", "session", "proposed_weight").rows():
        window = [one for one in DAYS[: DAYS.index(day) + 1][-holding:] if one in there]
        exact = sum((Fraction(book.get((one, symbol), 0.0)) for one in window), Fraction(0)) / len(window)
        assert weight == pytest.approx(float(exact), abs=1e-15)
    for i, day in enumerate(DAYS):
        window = DAYS[max(0, i + 1 - holding) : i + 1]
        alone = over_holding_period(wanted.filter(pl.col("session").is_in(window)), window, [day], holding_sessions=holding)
        assert alone.equals(found.filter(session=day))


def test_what_was_wanted_follows_an_instrument_through_a_change_of_its_name() -> None:
    changes = pl.DataFrame({"session": [DAYS[1]], "symbol": ["FB"], "new_symbol": ["META"]})
    book = {(DAYS[0], "FB"): 0.4, (DAYS[1], "META"): 0.2, (DAYS[1], "FB"): 0.1, (DAYS[2], "META"): 0.0}
    wanted = netted(frames({"one": book}), {"one": 1.0})
    found = over_holding_period(wanted, DAYS, DAYS, holding_sessions=3, identities=Identities(changes))
    weights = {(day, symbol): weight for symbol, day, weight in found.select("symbol", "session", "proposed_weight").rows()}
    assert weights == pytest.approx(
        {(DAYS[0], "FB"): 0.4, (DAYS[1], "META"): 0.3, (DAYS[1], "FB"): 0.05, (DAYS[2], "META"): 0.2}  # the new FB is another company
    )


def test_what_one_wants_long_and_another_short_cancels_out_and_a_rule_says_what_it_changed() -> None:
    books = {"up": {(DAYS[0], "A"): 0.4, (DAYS[0], "B"): 0.6}, "down": {(DAYS[0], "A"): -0.4}}
    found = made(books, {"up": 0.5, "down": 0.5}, LIMITS)
    assert found.select("symbol", "proposed_weight", "target_weight").rows() == [("A", 0.0, 0.0), ("B", 0.3, 0.2)]
    assert found["reasons"].to_list() == [[], ["limits: max_weight 0.2: +30.0000% to +20.0000%"]]


def test_nobody_has_an_opinion_so_there_are_no_rows() -> None:
    assert made({"a": {}, "b": {}}, {"a": 0.5, "b": 0.5}, LIMITS).is_empty()
    assert made({"a": {}, "b": {(DAYS[1], "A"): 0.1}}, {"a": 0.5, "b": 0.5})["session"].to_list() == [DAYS[1]]


def test_a_weight_that_is_no_number_is_refused_with_its_strategy() -> None:
    with pytest.raises(ContractError, match="signals of a: B has no finite target_weight at 2024-01-03"):
        netted(frames({"a": {(DAYS[1], "B"): float("nan")}}), {"a": 1.0})


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        ({"momentum": {"capital": -0.1}}, "strategies.momentum.capital is -0.1: give a share of the equity from 0 to 10"),
        ({"momentum": {"capital": 60}}, "strategies.momentum.capital is 60"),
        ({"momentum": {"capital": "half"}}, "strategies.momentum.capital is 'half'"),
        (
            {"momentum": {"capital": 0.6}, "model_scores": {}},
            r"have 1\.1 of the equity together \(momentum 0\.6, model_scores 0\.5\), and 1 is the",
        ),
        ({"momentum": {"capital": 0}}, "no strategy has capital"),
    ],
)
def test_capital_that_is_none_is_refused(strategies: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(strategies=strategies)


def test_capital_is_shared_alike_unless_it_is_said() -> None:
    several = {"momentum": {}, "model_scores": {}, "slow": {"kind": "momentum"}, "watched": {"kind": "momentum", "capital": 0.0}}
    assert load_settings(strategies=several).capital == {"momentum": 0.25, "model_scores": 0.25, "slow": 0.25, "watched": 0.0}
    assert load_settings(strategies={"a": {"capital": 1.5}}, portfolio={"max_gross": 2.0}).capital == {"a": 1.5}
    assert load_settings(strategies={"a": {"capital": "0.5"}}).capital == {"a": 0.5}  # as the environment has it


def test_two_strategies_meet_in_the_targets_and_one_without_capital_is_shown_and_not_traded(tmp_path: Path) -> None:
    strategies = {
        "model_scores": {"capital": 0.75, "calibration_sessions": 5, "min_calibration_rows": 10},
        "rising": {"kind": "momentum", "lookback_sessions": 5, "skip_sessions": 1, "capital": 0.25},
        "watched": {"kind": "momentum", "lookback_sessions": 3, "skip_sessions": 0, "capital": 0.0},
    }
    deployment = small_market(
        tmp_path, **EARLY_MODELS, strategies=strategies, portfolio={"top_k": 3, "max_weight": 0.3, "without_signals_sessions": 4}
    )
    last = deployment.calendar.offset(FIRST, 20)
    assert make_history(deployment, FIRST, last).success
    read = deployment.warehouse.read
    own = {name: read(f"{name}_signals", [last]) for name in strategies}
    assert all(frame.height for frame in own.values())
    weights = {name: dict(frame.select("symbol", "target_weight").iter_rows()) for name, frame in own.items()}
    targets = read("targets", [last])
    assert targets["symbol"].to_list() == sorted(weights["model_scores"].keys() | weights["rising"].keys())
    for row in targets.iter_rows(named=True):
        wanted = 0.75 * weights["model_scores"].get(row["symbol"], 0.0) + 0.25 * weights["rising"].get(row["symbol"], 0.0)
        assert row["target_weight"] == row["proposed_weight"] == pytest.approx(wanted, abs=1e-15)
        assert "watched" not in row["strategies"]
    daily = build(deployment).resolve_job_def("daily_signals").asset_layer.executable_asset_keys
    assert {"targets", "watched_signals", "rising_signals"} <= {key.path[-1] for key in daily}
    index = LineageIndex(deployment)
    index.refresh()
    explained = Explaining(deployment, index.entries()).target(targets["symbol"][0], last.isoformat())
    assert {below.asset for below in explained.made_from} == {"model_scores_signals", "rising_signals", "bars", "corporate_actions"}

    days = deployment.calendar.window(last, 5)
    for day in days[2:]:
        deployment.warehouse.write("rising_signals", day, own["rising"].clear())
    for day, warned in zip(
        days[2:4], (None, f"rising has had no signals since {days[1]}, for 2 of 4 sessions: in 2 sessions nobody"), strict=True
    ):
        (check,) = make_targets(deployment, day)
        assert (check.passed, check.severity) == (warned is None, dg.AssetCheckSeverity.WARN)
        assert (check.description or "").startswith(warned or "")


def make_targets(deployment: Deployment, day: date) -> list[dg.AssetCheckEvaluation]:
    """Make those of a session anew; what the check says of strategies without signals."""
    done = make_history(deployment, day, day, ["targets"])
    assert done.success
    return [one for one in done.get_asset_check_evaluations() if one.check_name == "without_signals"]


def test_several_strategies_are_shown_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deployment = small_market(
        tmp_path, strategies={"fast": {"kind": "momentum", "capital": 0.4}, "slow": {"kind": "momentum", "capital": 0.0}}
    )
    for asset, symbols in (("fast_signals", ["B", "A"]), ("slow_signals", ["C"])):
        rows = {
            "symbol": symbols,
            "session": [FIRST] * len(symbols),
            "rank": range(1, len(symbols) + 1),
            "score": [0.0] * len(symbols),
            "direction": ["long"] * len(symbols),
            "target_weight": [0.1] * len(symbols),
        }
        absent = {"probability": pl.lit(None, pl.Float64), "model_session": pl.lit(None, pl.Date)}
        frame = pl.DataFrame(rows).with_columns(**absent).select(SIGNALS_SCHEMA.names()).cast(dict(SIGNALS_SCHEMA))
        deployment.warehouse.write(asset, FIRST, frame)
    told = signals_rows(deployment, FIRST)
    assert [(row["strategy"], row["symbol"]) for row in told["signals"]] == [("fast", "B"), ("fast", "A"), ("slow", "C")]
    show_signals(deployment, told, None)
    shown = capsys.readouterr().out
    assert "0 with a target weight (of all strategies together)" in shown
    assert shown.index("fast, 40% of the equity") < shown.index("2 symbols, 2 with a signal weight") < shown.index("slow, 0% of the equity")
