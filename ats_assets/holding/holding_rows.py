"""The rows of `holding_period`, and the holding periods that targets follow."""

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.holding.decay import HoldingCurve, Price, SessionDecay, holding_curve, session_decay
from ats_assets.holding.priced_holding import HoldingPrices
from ats_assets.holding.schema import HOLDING_SCHEMA
from ats_assets.impact.priced_trades import KNOWN
from ats_assets.kernels.weight_limits import Floats
from ats_assets.settings import BacktestSettings, HoldingPeriodSettings

KNOWN_AFTER = 2
"""Sessions from the decision of a return of one session to the close at which it is known."""


def holding_lookback(settings: HoldingPeriodSettings) -> int:
    """Sessions before its own of which scores are read: of the oldest return, those that are `longest_sessions` older."""
    return settings.sessions + KNOWN_AFTER + settings.longest_sessions


def cost_of_turnover(settings: BacktestSettings) -> float:
    """Of a unit of |change of weight|, whatever is traded at once: commission, half of the spread and slippage.

    Examples
    --------
    >>> round(1e4 * cost_of_turnover(BacktestSettings(commission_bps=1, spread_bps=4, slippage_bps=2)), 6)
    5.0
    """
    return (settings.commission_bps + settings.spread_bps / 2.0 + settings.slippage_bps) / 1e4


def holding_rows(
    signals: Mapping[str, pl.DataFrame],
    forward_returns: pl.DataFrame,
    days: Sequence[date],
    sessions: Sequence[date],
    settings: HoldingPeriodSettings,
    *,
    cost: float,
    known: Identities,
    trades: HoldingPrices | None = None,
) -> pl.DataFrame:
    """The rows of the contract `HoldingPeriod`.

    Parameters
    ----------
    signals
        By the name of each strategy: symbol, session, score, target_weight, of `days`.
    forward_returns
        Rows of the contract `ForwardReturns`; those of one session count.
    days
        Consecutive sessions, from `holding_lookback` before the first of `sessions` to the last; fewer at the start of history.
    sessions
        Those to make.
    cost
        Of a unit of turnover.
    trades
        What prices them where a unit costs more or less by their size.
    """
    bound, place = NormalDist().inv_cdf(settings.confidence), {day: i for i, day in enumerate(days)}
    outcomes = forward_returns.filter((pl.col("horizon_sessions") == 1) & pl.col("session").is_in(list(days)))
    outcomes = outcomes.select("symbol", "forward_return", session="decision_session").filter(pl.col("session").is_in(list(days)))
    curves: dict[tuple[date, str], HoldingCurve | None] = {}
    for name, rows in signals.items():
        priced = None if trades is None else (trades, trades.capital[name])
        decay = _laid_out(known, rows, outcomes, place, settings.longest_sessions, priced)
        for session in sessions:
            last = place[session] - KNOWN_AFTER
            window = slice(max(0, last - settings.sessions + 1), max(0, last + 1))
            cut = SessionDecay(
                rank_ic=decay.rank_ic[window],
                turnover=decay.turnover[window],
                dispersion=decay.dispersion[window],
                exposure=decay.exposure[window],
                spent=None if decay.spent is None else decay.spent[window],
            )
            curves[session, name] = holding_curve(cut, cost=cost, bound=bound, least=settings.min_sessions)
    made = [row for session in sessions for name in signals for row in _rows(session, name, curves[session, name], settings)]
    return pl.DataFrame(made, schema=HOLDING_SCHEMA, orient="row")


def _laid_out(  # noqa: PLR0917
    known: Identities,
    signals: pl.DataFrame,
    outcomes: pl.DataFrame,
    place: Mapping[date, int],
    longest: int,
    priced: tuple[HoldingPrices, float] | None,
) -> SessionDecay:
    """Of one strategy: matrices by session and instrument, and what each session says."""
    signals, outcomes = known.named(signals), known.named(outcomes)
    series = pl.concat([signals[INSTRUMENT], outcomes[INSTRUMENT]]).unique().sort()

    def matrix(rows: pl.DataFrame, name: str) -> Floats:
        found = np.full((len(place), len(series)), np.nan)
        at = rows["session"].replace_strict(place, return_dtype=pl.Int64).to_numpy(), series.search_sorted(rows[INSTRUMENT]).to_numpy()
        found[at] = rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return found

    def price_of(trades: HoldingPrices, capital: float) -> Price:
        market = trades.market
        rows = signals.clear() if market is None else known.named(market.filter(pl.col("session").is_in(list(place))))
        rows = rows.filter(pl.col(INSTRUMENT).is_in(series.implode()))
        of_market = {name: np.full((len(place), len(series)), np.nan) if market is None else matrix(rows, name) for name in KNOWN}
        instruments, days = series.to_list(), list(place)

        def price(t: int, places: NDArray[np.int64], traded: Floats) -> Floats:
            symbols = [known.symbol(instruments[i], days[t]) for i in places]
            given = {name: of_market[name][t, places] for name in KNOWN}
            return trades.prices.one_way(traded * capital, trades.prices.known_market(symbols, **given))

        return price

    own = signals.filter(pl.col("session").is_in(list(place)))
    price = None if priced is None else price_of(*priced)
    return session_decay(matrix(own, "score"), matrix(own, "target_weight"), matrix(outcomes, "forward_return"), longest, price)


def _rows(session: date, name: str, curve: HoldingCurve | None, settings: HoldingPeriodSettings) -> list[tuple[object, ...]]:
    if curve is None:
        return [(session, name, h, 0, *[None] * 8, False, None) for h in range(1, settings.longest_sessions + 1)]
    recommended = None if curve.best is None else curve.best + 1
    columns = np.column_stack(
        [
            curve.rank_ic,
            curve.standard_error,
            curve.shrunk_ic,
            1e4 * curve.gross,
            curve.turnover,
            1e4 * curve.cost,
            1e4 * curve.net,
            1e4 * curve.lower,
        ]
    )
    return [
        (session, name, h, curve.judged, *figures, h == recommended, recommended) for h, figures in enumerate(columns.tolist(), start=1)
    ]


def followed_holding(
    recommended: pl.DataFrame, strategies: Sequence[str], days: Sequence[date], sessions: Sequence[date], *, default: int, followed: int
) -> dict[str, dict[date, int]]:
    """The holding period of each strategy at each session: the rounded mean of its newest recommendations, so that one more moves it by a share of 1/followed at most.

    Parameters
    ----------
    recommended
        Rows of the contract `HoldingPeriod`, of the sessions and of the `followed - 1` before each.
    days
        Sessions of the exchange from there on; fewer at the start of history.
    default
        What counts where nothing is recommended.

    Examples
    --------
    >>> days = [date(2024, 1, 2), date(2024, 1, 3)]
    >>> rows = pl.DataFrame({"session": days, "strategy": "a", "recommendation": [9, None]}).cast({"recommendation": pl.Int32})
    >>> followed_holding(rows, ["a"], days, days[1:], default=5, followed=2)
    {'a': {datetime.date(2024, 1, 3): 7}}
    """
    told = recommended.group_by("session", "strategy").agg(pl.col("recommendation").first()).iter_rows()
    known = {(strategy, session): value for session, strategy, value in told}
    place = {day: i for i, day in enumerate(days)}
    found: dict[str, dict[date, int]] = {}
    for name in strategies:
        found[name] = {}
        for session in sessions:
            window = days[max(0, place[session] - followed + 1) : place[session] + 1]
            values = [default if known.get((name, day)) is None else known[name, day] for day in window]
            found[name][session] = (2 * sum(values) + len(values)) // (2 * len(values))  # half up, in whole numbers
    return found
