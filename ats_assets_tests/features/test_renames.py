"""Windows follow the instrument: a change of name continues them, a ticker that another had before starts over."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.bars import universe
from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import INSTRUMENT, identities_of
from ats_assets.features import FeatureFamily, compute, features_of
from ats_assets.features.built_in import FAMILIES
from ats_assets.labels.methods.forward_returns import forward_returns
from ats_assets.settings import LabelsSettings, UniverseSettings
from ats_assets_tests.bars.companies import ACTIONS_SCHEMA, name_change_actions
from ats_assets_tests.expressions.panels import calendar, random_walks, same_bits
from ats_assets_tests.rounds import rounds

SESSIONS = 40
DAYS = calendar(SESSIONS)
FAMILY = FeatureFamily(
    name="renames",
    expressions={
        "MA": "Mean($close, 10)/$close",
        "ROC": "Ref($close, 15)/$close",
        "VMA": "Mean($volume, 5)/$volume",
        "EMA": "EMA($close, 9)/$close",
        "Z": "CSZScore(Delta($close, 3))",
        "N": "CSNeutralize($close, $volume > 200000)",
        "RANK": "Mean(CSRank($close), 3)",
        "BETA": "Corr($close, Mask($close, S00), 8)",
    },
)
PAID = pl.DataFrame(
    [(DAYS[14], "S01", "split", None, 2.0, None, None), (DAYS[25], "S02", "cash_dividend", None, None, 0.5, None)],
    schema=ACTIONS_SCHEMA,
    orient="row",
)


def market() -> pl.DataFrame:
    return random_walks(5, SESSIONS, seed=3).sort("session", "symbol")


def renamed(rows: pl.DataFrame, changes: list[tuple[date, str, str]]) -> pl.DataFrame:
    """The rows under the tickers of their sessions, where each ticker of the changes is borne by one company all the time."""
    for day, old, new in changes:
        rows = rows.with_columns(
            pl.when((pl.col("session") >= day) & (pl.col("symbol") == old)).then(pl.lit(new)).otherwise("symbol").alias("symbol")
        )
    return rows.sort("session", "symbol")


CHANGES = st.lists(
    st.tuples(st.integers(1, SESSIONS - 1), st.sampled_from(["S01", "S02", "S03", "S04"])),
    unique_by=(lambda one: one[0], lambda one: one[1]),
)


def made(bars: pl.DataFrame, actions: pl.DataFrame, sessions: list[date]) -> pl.DataFrame:
    back = max(0, DAYS.index(sessions[0]) - FAMILY.lookback)
    span = DAYS[back : DAYS.index(sessions[-1]) + 1]
    inside = pl.col("session").is_in(span)
    known = pl.col("session") > span[0]
    return features_of(
        FAMILY, bars.filter(inside), actions.filter(inside & known), calendar=span, sessions=sessions, adjust="splits_and_dividends"
    )


@settings(max_examples=rounds(6, 15))
@given(CHANGES)
def test_a_rename_changes_no_bit_of_the_features_but_the_ticker(drawn: list[tuple[int, str]]) -> None:
    """Random renames, in whose names the alphabet is another; splits and payments before and after them follow the instrument."""
    changes = [(DAYS[i], symbol, f"A{symbol}") for i, symbol in drawn]
    bars, expected = market(), made(market(), PAID, DAYS)
    actions = pl.concat(
        [name_change_actions(*changes), renamed(PAID, [(DAYS[DAYS.index(day) + 1], *names) for day, *names in changes if day < DAYS[-1]])]
    )
    whole = made(renamed(bars, changes), actions, DAYS)
    assert same_bits(whole, renamed(expected, changes))
    for first, last in ((0, 11), (12, 26), (27, 27), (28, SESSIONS - 1)):
        alone = made(renamed(bars, changes), actions, DAYS[first : last + 1])
        assert same_bits(alone, whole.filter(pl.col("session").is_between(DAYS[first], DAYS[last])))


def test_a_reused_ticker_starts_with_its_first_bar_not_with_the_other_companys() -> None:
    """META was an ETF at 13 until January, and is the former FB at 196 from June on; here no FB bars are stored."""
    xnys = session_calendar("XNYS", date(2010, 1, 1))
    etf, company = xnys.sessions(date(2021, 7, 1), date(2022, 1, 28)), xnys.sessions(date(2022, 6, 9), date(2022, 6, 16))
    rows = [("META", day, 13.0, 13.1, 12.9, 13.0, 13.0, 1e5) for day in etf]
    rows += [("META", day, 196.0, 197.0, 195.0, 196.0, 196.0, 3e7) for day in company]
    days = xnys.sessions(etf[0], company[-1])
    rows += [("SPY", day, 400.0, 401.0, 399.0, 400.0, 400.0, 8e7) for day in days]
    bars = pl.DataFrame(rows, schema=["symbol", "session", "open", "high", "low", "close", "vwap", "volume"], orient="row")
    actions = name_change_actions((date(2022, 1, 31), "META", "METV"), (company[0], "FB", "META"))
    for family in (FAMILIES["technical"], FAMILIES["alpha158"]):
        given_all = features_of(family, bars, actions, calendar=days, sessions=company, adjust="splits_and_dividends")
        own = compute(bars.filter(pl.col("session") >= company[0], symbol="META"), family.expressions, sessions=company)
        assert same_bits(given_all.filter(symbol="META"), own)
    assert adjustments(actions, bars, "splits_and_dividends").is_empty()


def test_a_symbol_in_an_expression_is_who_bears_it_at_the_session() -> None:
    """Mask(…, S00) before and after S00 gives its ticker to S01: alone and in a range."""
    family = FeatureFamily(name="masked", expressions={"X": "Mask($close, S00)", "L": "Ref(Mask($close, S00), 1)"})
    changes = [(DAYS[20], "S00", "OLD"), (DAYS[20], "S02", "S00")]
    bars = random_walks(3, SESSIONS, seed=5, gaps=False, missing=False).sort("session", "symbol")
    renamed_bars, actions = renamed(bars, changes), name_change_actions(*changes)

    def features(first: int, last: int) -> pl.DataFrame:
        span = DAYS[max(0, first - 1) : last + 1]
        inside = pl.col("session").is_in(span)
        rows = renamed_bars.filter(inside), actions.filter(inside & (pl.col("session") > span[0]))
        return features_of(family, *rows, calendar=span, sessions=DAYS[first : last + 1], adjust="none")

    whole = features(0, SESSIONS - 1)
    assert same_bits(whole, pl.concat([features(i, i) for i in range(SESSIONS)]))
    close = {(symbol, day): value for symbol, day, value in bars.select("symbol", "session", "close").iter_rows()}
    for day in (DAYS[19], DAYS[20], DAYS[30]):
        meant = "S00" if day < DAYS[20] else "S02"
        x, lagged = whole.filter(pl.col("session") == day).select("X", "L").row(0)
        assert (x, lagged) == (np.float32(close[meant, day]), np.float32(close[meant, DAYS[DAYS.index(day) - 1]]))


@settings(max_examples=rounds(6, 15))
@given(CHANGES)
def test_labels_and_universe_follow_the_instrument(drawn: list[tuple[int, str]]) -> None:
    """One label for a decision before and an exit after the rename, under the ticker of the decision; a rename costs no place in the universe."""
    changes = [(DAYS[i], symbol, f"A{symbol}") for i, symbol in drawn]
    bars = market()
    actions = pl.concat(
        [name_change_actions(*changes), renamed(PAID, [(DAYS[DAYS.index(day) + 1], *names) for day, *names in changes if day < DAYS[-1]])]
    )
    known = identities_of(actions)
    followed = known.named(renamed(bars, changes))
    horizons = LabelsSettings(horizons_sessions=(1, 5))
    labels = forward_returns(followed, DAYS, DAYS, horizons, adjustments(known.of_actions(actions), followed, "splits_and_dividends"))
    plain = forward_returns(bars, DAYS, DAYS, horizons, adjustments(PAID, bars, "splits_and_dividends"))
    of_decision = renamed(plain.rename({"session": "known", "decision_session": "session"}), changes).rename(
        {"session": "decision_session", "known": "session"}
    )
    keys = ["session", "horizon_sessions", "symbol"]
    assert_frame_equal(labels, of_decision.select(labels.columns).sort(keys), check_exact=True)
    assert labels.equals(labels.sort(keys))
    how = UniverseSettings(size=3, min_price=0, min_history_sessions=5, lookback_sessions=10, focus=("S00",))
    xnys = session_calendar("24/7", date(2019, 1, 1))
    members = universe(bars.with_columns(pl.col("close").fill_null(1.0), pl.col("volume").fill_null(1.0)), DAYS, how, calendar=xnys)
    moved = universe(followed.with_columns(pl.col("close").fill_null(1.0), pl.col("volume").fill_null(1.0)), DAYS, how, calendar=xnys)
    assert_frame_equal(moved, renamed(members, changes), check_exact=True)


def test_a_label_of_fb_ends_at_metas_open() -> None:
    days = DAYS[:6]
    rows = [("FB", day, 200.0, 200.0, 1.0) for day in days[:3]] + [("META", day, 210.0, 220.0, 1.0) for day in days[3:]]
    bars = pl.DataFrame(rows, schema=["symbol", "session", "open", "close", "volume"], orient="row")
    known = identities_of(name_change_actions((days[3], "FB", "META")))
    labels = forward_returns(known.named(bars), days, days, LabelsSettings(horizons_sessions=(2,)))
    assert labels.select("symbol", "decision_session", "forward_return", "exit").rows() == [
        ("FB", days[0], pytest.approx(0.05), "open"),
        ("FB", days[1], pytest.approx(0.05), "open"),
        ("FB", days[2], 0.0, "open"),
    ]
    assert INSTRUMENT not in labels.columns
