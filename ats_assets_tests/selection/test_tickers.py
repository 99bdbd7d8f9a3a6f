"""Ticker selection: hysteresis from a bounded window, the same alone as in any range, and the right ones in front."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ats_assets.selection.contracts import TickerSelection
from ats_assets.selection.ticker_rows import TickerFrames, ticker_rows, ticker_windows
from ats_assets.selection.ticker_states import entered_since
from ats_assets.selection.traded_panel import TradedRows, traded_panel
from ats_assets.settings import TickerSelectionSettings
from ats_assets_tests.rounds import rounds
from ats_assets_tests.selection.selection_market import Market, between, random_selection_market

SMALL = TickerSelectionSettings(
    active=5, focus=3, band=2, focus_band=1, memory_sessions=6, lookback_sessions=8, min_sessions=3, skill_sessions=10
)


def rows_of(market: Market, own: TickerSelectionSettings, places: range, horizon: int = 1) -> pl.DataFrame:
    """Made of the windows of these sessions, and of nothing else."""
    windows = ticker_windows(own, horizon)

    def back(n: int) -> object:
        return market.days[max(0, places[0] - n)]

    last = market.days[places[-1]]
    first = min(market.days[max(0, places[0] - n)] for n in (windows.bars, windows.predictions))
    frames = TickerFrames(
        bars=between(market.bars, back(windows.bars), last),  # pyright: ignore[reportArgumentType]
        corporate_actions=between(market.actions, first, last),
        universe=between(market.universe, back(windows.universe), last),  # pyright: ignore[reportArgumentType]
        predictions=between(market.predictions, back(windows.predictions), last),  # pyright: ignore[reportArgumentType]
        forward_returns=between(market.forward_returns, back(windows.forward_returns), last),  # pyright: ignore[reportArgumentType]
        known=market.known,
        adjust="splits_and_dividends",
        horizon_sessions=horizon,
    )
    days = [day for day in market.days if first <= day <= last]
    return ticker_rows(frames, days, [market.days[i] for i in places], own)


@settings(max_examples=rounds(6, 60), deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9))
def test_a_session_alone_is_the_same_as_in_any_range(seed: int, symbols: int) -> None:
    market = random_selection_market(seed, 34, symbols)
    whole = TickerSelection.validate(rows_of(market, SMALL, range(34)))
    for place in (0, 3, 17, 30, 33):
        assert rows_of(market, SMALL, range(place, place + 1)).equals(whole.filter(session=market.days[place]))
    assert rows_of(market, SMALL, range(20, 29)).equals(whole.filter(pl.col("session").is_in(market.days[20:29])))
    assert whole.filter(state="focus").group_by("session").len()["len"].max() in {None, 1, 2, 3}
    assert (whole.filter(pl.col("state") != "out").group_by("session").len()["len"] <= SMALL.active).all()


@settings(max_examples=rounds(40, 400))
@given(st.lists(st.one_of(st.none(), st.integers(1, 12)), min_size=1, max_size=30), st.integers(1, 8), st.integers(0, 4))
def test_hysteresis_is_that_of_a_memory_that_begins_anew(ranks: list[int | None], enter: int, band: int) -> None:
    """The oracle reads the sessions backwards: in, if a rank that enters came after the last that leaves."""
    column = np.array([[np.nan if rank is None else float(rank)] for rank in ranks])
    found = int(entered_since(column, enter, enter + band)[0])
    last_out = max((i for i, rank in enumerate(ranks) if rank is None or rank > enter + band), default=-1)
    entries = [i for i, rank in enumerate(ranks) if i > last_out and rank is not None and rank <= enter]
    assert found == (len(ranks) - 1 - entries[0] if entries else -1)


def test_what_trades_most_at_the_narrowest_spread_is_in_focus_and_says_why() -> None:
    market = random_selection_market(3, 40, 9)
    own = SMALL.model_copy(update={"skill_weight": 0.0, "volatility_weight": 0.0, "spread_weight": 0.0})
    made = rows_of(market, own, range(40))
    newest = made.filter(session=market.days[-1]).sort("rank", nulls_last=True)
    volumes = newest["dollar_volume"].drop_nulls().to_list()
    assert volumes == sorted(volumes, reverse=True)
    assert set(made.filter(pl.col("rank") <= own.focus - own.focus_band)["state"]) == {"focus"}
    assert set(made.filter(pl.col("rank") > own.active)["state"]) == {"out"}
    kept = made.filter((pl.col("rank") > own.active - own.band) & (pl.col("state") == "active"))
    assert kept.height
    assert kept["reason"].str.contains("keeps its place").all()


def test_a_split_moves_neither_volatility_nor_spread() -> None:
    """Planted: one for two in the middle of a quiet price."""
    days = random_selection_market(0, 20, 2).days
    factor = np.where(np.arange(20) >= 10, 0.5, 1.0)
    plain = pl.DataFrame({"symbol": "A", "session": days, "high": 101.0 - np.arange(20) % 2, "low": 99.0, "close": 100.0, "volume": 1e3})
    split = plain.with_columns(pl.col("high", "low", "close") * pl.Series(factor), pl.col("volume") / pl.Series(factor))
    market = random_selection_market(0, 20, 2)
    actions = market.actions.clear()
    told = pl.DataFrame([(days[10], "A", "split", None, 2.0, None, None)], schema=actions.schema, orient="row")
    for estimator in ("corwin_schultz", "abdi_ranaldo"):
        panels = [
            traded_panel(TradedRows(bars=bars, actions=of, known=market.known, adjust="splits_and_dividends"), days, estimator)
            for bars, of in ((plain, actions), (split, told))
        ]
        for figure in ("volatility", "spread", "dollar_volume"):
            one, other = (getattr(panel, figure)(19, 20, 3)[0] for panel in panels)
            assert one == pytest.approx(other, abs=1e-12), (estimator, figure)


def test_quotes_go_before_estimates() -> None:
    market = random_selection_market(1, 12, 3)
    quoted = market.bars.filter(symbol="S00").select("symbol", "session", quoted_spread=pl.lit(0.0004))
    given = TradedRows(bars=market.bars, actions=market.actions, known=market.known, adjust="splits", quoted=quoted)
    panel = traded_panel(given, market.days, "corwin_schultz")
    spread = dict(zip(panel.instruments, panel.spread(11, 12, 3).tolist(), strict=True))
    assert spread["S00"] == pytest.approx(0.0004)
    assert all(value != pytest.approx(0.0004) for name, value in spread.items() if name != "S00")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"band": 150}, "narrower than its places"),
        ({"focus": 140}, "focus .140. must be at most"),
        ({"min_sessions": 61}, "at most lookback_sessions"),
        ({"liquidity_weight": 0, "spread_weight": 0, "volatility_weight": 0, "skill_weight": 0}, "nothing ranks"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TickerSelectionSettings(**values)  # pyright: ignore[reportArgumentType]
