from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.bars import BARS_SCHEMA, universe
from ats_assets.bars.contracts import Universe
from ats_assets.settings import UniverseSettings
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.bars.real_bars import calendar, sp500_bars
from ats_assets_tests.market_data import needs_market_data

SESSIONS = calendar().sessions(date(2024, 1, 2), date(2024, 1, 31))


def bar(symbol: str, session: date, *, close: float = 10.0, volume: float = 100.0) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "session": session,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": volume,
        "vwap": None,
    }


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=BARS_SCHEMA)


def choose(bars: pl.DataFrame, session: date, **settings: Any) -> pl.DataFrame:
    defaults: dict[str, Any] = {"size": 2, "min_price": 5.0, "min_history_sessions": 3, "lookback_sessions": 4}
    return universe(bars, [session], UniverseSettings(**{**defaults, **settings}), calendar=calendar())


def test_ranked_by_median_dollar_volume() -> None:
    volumes = {"A": (1.0, 9.0, 2.0), "B": (3.0, 3.0, 3.0), "C": (1.0, 1.0, 99.0)}
    bars = frame(*(bar(symbol, SESSIONS[i], volume=v) for symbol, of in volumes.items() for i, v in enumerate(of)))
    chosen = choose(bars, SESSIONS[2])
    assert chosen.select("symbol", "rank", "median_dollar_volume", "history_sessions").rows() == [("A", 2, 20.0, 3), ("B", 1, 30.0, 3)]


def test_equal_medians_go_by_symbol() -> None:
    bars = frame(*(bar(symbol, day) for day in SESSIONS[:3] for symbol in "CAB"))
    assert choose(bars, SESSIONS[2]).select("symbol", "rank").rows() == [("A", 1), ("B", 2)]


def test_price_history_and_a_bar_at_the_session_are_needed() -> None:
    days = SESSIONS[:4]
    rows = (
        [bar("cheap", day, close=4.99) for day in days] + [bar("young", day) for day in days[2:]] + [bar("halted", day) for day in days[:3]]
    )
    assert choose(frame(*rows, *(bar("good", day) for day in days)), days[3])["symbol"].to_list() == ["good"]


def test_history_counts_within_the_lookback_only() -> None:
    rows = [bar("A", SESSIONS[i]) for i in (0, 1, 2, 5)]
    assert choose(frame(*rows), SESSIONS[5]).is_empty()
    assert choose(frame(*rows), SESSIONS[5], min_history_sessions=2)["history_sessions"].to_list() == [2]


def test_focus_symbols_are_members_beyond_the_size() -> None:
    days = SESSIONS[:3]
    rows = [bar(symbol, day, volume=volume) for symbol, volume in (("A", 30.0), ("B", 20.0), ("C", 10.0)) for day in days]
    chosen = choose(frame(*rows, bar("penny", days[2], close=0.01, volume=1e6)), days[2], focus=("A", "C", "penny", "absent"))
    assert chosen.select("symbol", "rank", "focus").rows() == [("A", 2, True), ("B", 3, False), ("C", 4, True), ("penny", 1, True)]


def test_start_of_history_and_no_bars() -> None:
    bars = frame(*(bar("A", day) for day in SESSIONS[:2]))
    assert choose(bars, SESSIONS[1]).is_empty()
    assert schema_violations(Universe, choose(bars.clear(), SESSIONS[1], focus=("A",))) == []
    assert universe(bars, [], UniverseSettings(), calendar=calendar()).is_empty()


@given(
    st.sets(st.tuples(st.sampled_from("ABCDE"), st.integers(0, 11)), min_size=1),
    st.sets(st.integers(0, 11), min_size=1),
    st.randoms(use_true_random=False),
)
def test_alone_as_in_a_range(present: set[tuple[str, int]], asked: set[int], random: Any) -> None:
    rows = [bar(symbol, SESSIONS[i], close=random.uniform(3, 20), volume=random.uniform(0, 5)) for symbol, i in present]
    settings = UniverseSettings(size=3, min_price=5.0, min_history_sessions=2, lookback_sessions=4, focus=("E",))
    sessions = [SESSIONS[i] for i in asked]
    together = universe(frame(*rows), sessions, settings, calendar=calendar())
    alone = [_alone(frame(*rows), session, settings) for session in sorted(sessions)]
    assert_frame_equal(pl.concat(alone), together, check_exact=True)
    assert schema_violations(Universe, together) == []


def _alone(bars: pl.DataFrame, session: date, settings: UniverseSettings) -> pl.DataFrame:
    """With the bars of its window alone: nothing earlier, nothing later, in another order."""
    window: Sequence[date] = calendar().window(session, settings.lookback_sessions)
    return universe(bars.filter(pl.col("session").is_in(window)).reverse(), [session], settings, calendar=calendar())


ORACLE = """
with calendar as (select session, row_number() over (order by session) as i from (select distinct session from bars)),
     numbered as (select b.*, c.i from bars b join calendar c using (session)),
     stats as (
        select d.session, w.symbol, median(w.close * w.volume) as median_dollar_volume, count(*) as history_sessions
        from calendar d join numbered w on w.i between d.i - $lookback + 1 and d.i
        where d.session in (select unnest($sessions)) group by all),
     candidates as (
        select s.*, b.close, s.symbol in (select unnest($focus)) as focus, b.close >= $price and s.history_sessions >= $history as qualified
        from stats s join bars b using (session, symbol)),
     leaders as (
        select *, row_number() over (partition by session, qualified order by median_dollar_volume desc, symbol) <= $size and qualified as leads
        from candidates)
select symbol, session, row_number() over (partition by session order by median_dollar_volume desc, symbol) as rank,
       median_dollar_volume, close, history_sessions, focus
from leaders where leads or focus order by session, symbol
"""


@needs_market_data
@pytest.mark.parametrize("focus", [(), ("NWS", "AAPL", "BHF")])
def test_against_sql(focus: tuple[str, ...]) -> None:
    bars = sp500_bars()
    sessions = bars["session"].unique().sort().to_list()
    asked = [*sessions[:25:6], *sessions[40:62:7], *sessions[200::150], sessions[-1]]
    settings = UniverseSettings(size=100, min_price=20.0, min_history_sessions=20, lookback_sessions=60, focus=focus)
    ours = universe(bars, asked, settings, calendar=calendar())
    parameters = {"lookback": 60, "sessions": asked, "focus": list(focus), "price": 20.0, "history": 20, "size": 100}
    with duckdb.connect() as connection:
        connection.register("bars", bars.to_arrow())
        oracle = pl.DataFrame(connection.execute(ORACLE, parameters).fetchall(), schema=ours.schema, orient="row")
    assert_frame_equal(ours, oracle, check_exact=False, rel_tol=1e-14)
    assert ours.height > 1_000


@needs_market_data
def test_real_sessions_alone_as_in_a_range() -> None:
    bars, settings = sp500_bars(), UniverseSettings(size=300)
    sessions = bars["session"].unique().sort().to_list()
    together = universe(bars, sessions[50:150], settings, calendar=calendar())
    for session in sessions[50:150:33]:
        assert_frame_equal(_alone(bars, session, settings), together.filter(pl.col("session") == session), check_exact=True)
