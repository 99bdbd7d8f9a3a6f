from collections.abc import Mapping
from datetime import date, timedelta
from typing import ClassVar

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.calendar import session_calendar
from ats_assets.errors import CalendarError, ContractError
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.labels.contracts import ForwardReturns
from ats_assets.labels.methods.forward_returns import PLUGIN, forward_returns, lookback_sessions
from ats_assets.settings import LabelsSettings
from ats_assets_tests.kits.labels import LabelKit
from ats_assets_tests.market_data import SP500_2018, needs_market_data
from ats_assets_tests.rounds import rounds

LABELS = LabelsSettings(horizons_sessions=(1, 3, 5))
DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(16)]

ORACLE = """
WITH days AS (SELECT unnest AS session, row_number() OVER (ORDER BY unnest) AS i FROM unnest($days)),
     b AS (SELECT bars.*, i FROM bars JOIN days USING (session)),
     traded AS (FROM b WHERE volume > 0),
     labels AS (
        SELECT entry.symbol, entry.i - 1 AS d, h, entry.open AS bought,
               (SELECT open FROM traded WHERE traded.symbol = entry.symbol AND traded.i = entry.i + h) AS sold,
               (SELECT arg_max(close, i) FROM b WHERE b.symbol = entry.symbol AND b.i >= entry.i AND b.i < entry.i + h) AS last_close
        FROM traded AS entry JOIN traded AS decision ON decision.symbol = entry.symbol AND decision.i = entry.i - 1, (SELECT unnest AS h FROM unnest($horizons)))
SELECT symbol, known.session, decided.session AS decision_session, h::INT AS horizon_sessions,
       coalesce(sold, last_close) / bought - 1 AS forward_return,
       (rank() OVER w + (count(*) OVER (PARTITION BY known.session, h, coalesce(sold, last_close) / bought - 1) - 1) / 2) / count(*) OVER (PARTITION BY known.session, h) AS rank,
       CASE WHEN sold IS NULL THEN 'last_close' ELSE 'open' END AS exit
FROM labels JOIN days AS known ON known.i = d + 1 + h JOIN days AS decided ON decided.i = d
WINDOW w AS (PARTITION BY known.session, h ORDER BY coalesce(sold, last_close) / bought - 1)
ORDER BY session, horizon_sessions, symbol
"""


def by_sql(bars: pl.DataFrame, days: list[date], horizons: tuple[int, ...]) -> pl.DataFrame:
    with duckdb.connect() as db:
        db.register("bars", bars.to_arrow())
        found = db.execute(ORACLE, {"days": days, "horizons": list(horizons)}).fetchall()
    return pl.DataFrame(found, schema=FORWARD_RETURNS_SCHEMA, orient="row")


def bars_of(cells: Mapping[tuple[str, int], tuple[float, float] | tuple[float, float, float]]) -> pl.DataFrame:
    """(symbol, day) -> open, close and volume, 1 where none is given."""
    rows = [(symbol, DAYS[i], *cell, 1.0)[:5] for (symbol, i), cell in cells.items()]
    schema = {"symbol": pl.String, "session": pl.Date, "open": pl.Float64, "close": pl.Float64, "volume": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


prices = st.sampled_from([1.0, 1.5, 2.0, 3.0, 3.7, 8.0])
panels = st.dictionaries(
    st.tuples(st.sampled_from("ABCDE"), st.integers(0, len(DAYS) - 1)),
    st.tuples(prices, prices, st.sampled_from([5.0, 5.0, 5.0, 0.0])),
    max_size=60,
).map(bars_of)


def test_a_hand_calculated_case() -> None:
    bars = bars_of(
        {("A", 0): (9, 9), ("A", 1): (10, 11), ("A", 2): (12, 13), ("B", 0): (5, 5), ("B", 1): (4, 6), ("C", 1): (1, 1), ("C", 2): (2, 2)}
    )
    labels = forward_returns(bars, DAYS, [DAYS[2]], LabelsSettings(horizons_sessions=(1,)))
    assert labels.select("symbol", "decision_session", "forward_return", "rank", "exit").rows() == [
        ("A", DAYS[0], 12 / 10 - 1, 0.5, "open"),
        ("B", DAYS[0], 6 / 4 - 1, 1.0, "last_close"),  # gone at the exit: its last close. C was not there to be decided on
    ]


def test_what_could_not_be_bought_has_no_label_and_what_could_not_be_sold_its_worth() -> None:
    """A is bought on a filler of no volume, B decided on at one: nobody earned their 20% (a label said so). C can't be sold on a filler and is worth its close before."""
    bars = bars_of(
        {
            **{("A", i): cell for i, cell in enumerate([(10, 10), (10, 10, 0), (12, 12)])},
            **{("B", i): cell for i, cell in enumerate([(10, 10, 0), (10, 10), (12, 12)])},
            **{("C", i): cell for i, cell in enumerate([(10, 10), (10, 11), (12, 12, 0)])},
        }
    )
    labels = forward_returns(bars, DAYS, [DAYS[2]], LabelsSettings(horizons_sessions=(1,)))
    assert labels.select("symbol", "forward_return", "exit").rows() == [("C", 11 / 10 - 1, "last_close")]


@settings(deadline=None, max_examples=rounds(20, 60))
@given(panels)
def test_equals_sql(bars: pl.DataFrame) -> None:
    labels = forward_returns(bars, DAYS, DAYS, LABELS)
    ForwardReturns.validate(labels, lazy=True)
    assert_frame_equal(labels, by_sql(bars, DAYS, LABELS.horizons_sessions), rel_tol=1e-12)


@settings(deadline=None, max_examples=rounds(20, 60))
@given(panels, st.integers(0, len(DAYS) - 1), st.randoms(use_true_random=False))
def test_a_session_alone_has_the_bits_that_it_has_in_a_range(bars: pl.DataFrame, i: int, random) -> None:
    session, start = DAYS[i], max(0, i - lookback_sessions(LABELS))
    whole = forward_returns(bars, DAYS, DAYS, LABELS).filter(session=session)
    seen = bars.filter(pl.col("session").is_between(DAYS[start], session))
    order = list(range(seen.height))
    random.shuffle(order)
    alone = forward_returns(seen[order], DAYS[start : i + 1], [session], LABELS)
    assert alone.equals(whole)


def test_before_history_there_are_no_rows_and_the_schema_stays() -> None:
    nothing = forward_returns(bars_of({}), DAYS, DAYS, LABELS)
    assert nothing.is_empty()
    assert nothing.schema == FORWARD_RETURNS_SCHEMA
    assert forward_returns(bars_of({("A", 0): (1, 1)}), DAYS[:1], DAYS[:1], LABELS).is_empty()


def test_what_is_wrong_is_named() -> None:
    bars = bars_of({("A", 0): (1, 1)})
    with pytest.raises(CalendarError, match="2023-12-30 is not one of the 16 sessions"):
        forward_returns(bars, DAYS, [date(2023, 12, 30)], LABELS)
    with pytest.raises(ContractError, match="A has more than one bar at 2024-01-01"):
        forward_returns(pl.concat([bars, bars]), DAYS, DAYS, LABELS)


@needs_market_data
def test_equals_sql_on_the_real_market() -> None:
    bars = pl.read_parquet(SP500_2018).rename({"date": "session"}).select("symbol", "session", "open", "close", "volume").drop_nulls()
    days = session_calendar("XNYS", date(2013, 1, 1)).sessions(date(2016, 1, 4), date(2016, 4, 29))
    bars = bars.filter(pl.col("session").is_between(days[0], days[-1]))
    labels = forward_returns(bars, days, days, LabelsSettings())
    ForwardReturns.validate(labels, lazy=True)
    assert_frame_equal(labels, by_sql(bars, days, (1, 5, 20)), rel_tol=1e-12)
    assert labels.height > 90_000
    assert np.isfinite(labels["forward_return"].to_numpy()).all()


def test_actions_between_entry_and_exit_scale_the_entry() -> None:
    """Bought at the open of day 1. A dividend on day 1 comes before the entry; a split on day 2 and a dividend on day 3 lie in between; nothing after the exit counts."""
    bars = bars_of(
        {("A", i): (price, price) for i, price in enumerate([100.0, 98.0, 49.0, 44.1, 44.1])} | {("B", i): (1.0, 2.0) for i in (0, 1, 2)}
    )
    rows = [("A", 1, 0.98), ("A", 2, 0.5), ("A", 3, 0.9), ("A", 4, 0.1), ("B", 2, 0.5), ("B", 3, 0.1)]
    schema = {"symbol": pl.String, "session": pl.Date, "price": pl.Float64}
    actions = pl.DataFrame([(symbol, DAYS[i], price) for symbol, i, price in rows], schema=schema, orient="row")
    settings_ = LabelsSettings(horizons_sessions=(1, 2))
    made = forward_returns(bars, DAYS[:5], DAYS[:4], settings_, actions)
    first = made.filter(pl.col("decision_session") == DAYS[0]).sort("symbol", "horizon_sessions")
    expected = [
        49 / 49 - 1,
        44.1 / (98 * 0.5 * 0.9) - 1,
        1.0 / 0.5 - 1,
        2.0 / 0.5 - 1,
    ]  # B leaves at its last close, before the action of day 3
    np.testing.assert_allclose(first["forward_return"], expected, atol=1e-12)
    assert first["exit"].to_list() == ["open", "open", "open", "last_close"]
    alone = [forward_returns(bars, DAYS[:5], [day], settings_, actions) for day in DAYS[:4]]
    assert_frame_equal(pl.concat(alone), made, check_exact=True)


class TestForwardReturns(LabelKit):
    plugin = PLUGIN
    small: ClassVar = {"horizons_sessions": (1, 5)}
