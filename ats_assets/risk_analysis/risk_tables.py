"""The tables of `monte_carlo`, from a backtest and the bars that it traded on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.backtests import BacktestResult
from ats_assets.backtests.metrics import annual_return, drawdown_figures, session_returns
from ats_assets.errors import ContractError
from ats_assets.impact import ImpactModel, model_named
from ats_assets.regimes.market_observations import DailyMoves
from ats_assets.risk_analysis.block_length import optimal_block_length
from ats_assets.risk_analysis.capacity import capacity_table
from ats_assets.risk_analysis.factor_exposure import factor_exposures, size_and_momentum
from ats_assets.risk_analysis.resampling import Floats, Resampling, chain_of
from ats_assets.risk_analysis.rolling_risk import rolling_risk
from ats_assets.risk_analysis.schema import SCHEMAS
from ats_assets.risk_analysis.simulated_paths import PathFigures, simulated_paths
from ats_assets.risk_analysis.stress import crises_in, shocks
from ats_assets.risk_analysis.tail_risk import first_moving, tail_estimates
from ats_assets.settings import BacktestSettings, MonteCarloSettings
from ats_assets.settings.monte_carlo import DrawnAgain

FAN_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FIGURE_QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
SHOWN_HOLDINGS = 8
DEVIATION_SESSIONS, VOLUME_SESSIONS = 252, 21
"""Before a session, from which a symbol's standard deviation and its usual dollar volume are taken."""


@dataclass(frozen=True, kw_only=True)
class RiskInputs:
    """What the tables are made from.

    Attributes
    ----------
    result
        The backtest.
    moves
        The bars at the sessions of its equity, with their dollar volume.
    states
        Session -> state of the market, as it was known at its close; for `by_state` alone.
    model
        Of market impact, that the backtest traded by; None where it knows none.
    """

    result: BacktestResult
    moves: DailyMoves
    states: pl.DataFrame | None = None
    model: ImpactModel | None = None


def risk_tables(inputs: RiskInputs, settings: MonteCarloSettings, backtest: BacktestSettings) -> dict[str, pl.DataFrame]:
    """Every table by its name, in the columns of `SCHEMAS`.

    Raises
    ------
    ContractError
        If the account has no return, or is worth nothing in between.
    """
    equity = inputs.result.equity
    values, benchmark = equity["equity"].to_numpy(), equity["benchmark"].to_numpy()
    returns = session_returns(values)
    if len(returns) < 2 or not np.isfinite(returns).all():
        raise ContractError(
            f"the backtest has {len(returns)} returns, or lost all in between: a Monte Carlo needs two at least, and an account above zero"
        )
    own, other = returns, session_returns(benchmark)
    held = inputs.result.positions.filter(pl.col("session") == equity["session"][-1])
    moves = inputs.moves
    rows = {
        **_of_paths(inputs, settings, returns),
        "tail_estimates": [
            {"estimate": name, "tail": tail, **asdict(found)}
            for tail in settings.tails
            for name, found in tail_estimates(own, tail).items()
        ],
        "stress": [asdict(one) for one in crises_in(equity["session"].to_list(), values, benchmark, settings.crises)]
        + [asdict(one) for one in shocks(own, other, *_held_now(held, moves), settings.market_shocks)],
        "factor_exposures": _exposures(own, other, moves),
        "held_correlations": _correlations(held, moves),
        "capacity": _capacity(inputs, settings, backtest, annual_return(values, backtest.sessions_per_year)),
    }
    tables = {name: pl.DataFrame(found, schema=SCHEMAS[name]) for name, found in rows.items()}
    return tables | {"rolling_tail": _rolling(equity["session"].to_list(), own, settings.tails[0])}


def _of_paths(inputs: RiskInputs, settings: MonteCarloSettings, returns: Floats) -> dict[str, list[dict[str, object]]]:
    trades = trade_returns(inputs.result)
    moving = returns[first_moving(returns) :]  # before its first trade the account stands still, which is no return of what it trades
    found: dict[str, list[dict[str, object]]] = {"fan": [], "path_quantiles": [], "path_summary": []}
    for way in settings.ways:
        drawn = trades if way.startswith("trades_") else moving
        states = None
        if way == "by_state":
            drawn, states = _with_states(inputs, returns)
        if len(drawn) < 2:
            continue
        resampling = _resampling(way, settings, drawn, states)
        horizon = settings.horizon_sessions if settings.horizon_sessions and drawn is not trades else len(drawn)
        how = {"paths": settings.paths, "seed": settings.seed, "ruin_level": settings.ruin_share, "threads": settings.threads}
        paths = simulated_paths(drawn, resampling, horizon=horizon, **how)
        for quantile in FAN_QUANTILES:
            at = np.quantile(paths.values, quantile, axis=0)
            found["fan"] += [
                {"way": way, "quantile": quantile, "step": int(step), "value": float(value)}
                for step, value in zip(paths.marks, at, strict=True)
            ]
        for figure in ("final", "drawdown", "longest_under_water", "share_under_water"):
            quantiles = np.quantile(getattr(paths, figure), FIGURE_QUANTILES)
            found["path_quantiles"] += [
                {"way": way, "figure": figure, "quantile": quantile, "value": float(value)}
                for quantile, value in zip(FIGURE_QUANTILES, quantiles, strict=True)
            ]
        found["path_summary"].append(_summary(way, settings, drawn, resampling, paths))
    return found


def _summary(way: DrawnAgain, settings: MonteCarloSettings, drawn: Floats, resampling: Resampling, paths: PathFigures) -> dict[str, object]:
    happened: Floats = np.append(1.0, np.cumprod(np.maximum(1.0 + drawn, 0.0)))
    worst = drawdown_figures(happened)[0] or 0.0
    return {
        "way": way,
        "paths": settings.paths,
        "horizon": int(paths.marks[-1]),
        "drawn_from": len(drawn),
        "block_length": resampling.block_length,
        "ruin_share": settings.ruin_share,
        "ruin_probability": paths.ruin_probability,
        "loss_probability": float((paths.final < 1.0).mean()),
        "mean_final": float(paths.final.mean()),
        "happened_final": float(happened[-1]),
        "happened_drawdown": worst,
        "deeper_share": float((paths.drawdown < worst).mean()),
    }


def _resampling(way: DrawnAgain, settings: MonteCarloSettings, drawn: Floats, states: NDArray[np.int64] | None) -> Resampling:
    if way == "trades_shuffled":
        return Resampling(way="shuffled")
    if way in {"trades_drawn", "independent"}:
        return Resampling(way="independent")
    stationary, circular = optimal_block_length(drawn)
    if way == "blocks":
        return Resampling(way="blocks", block_length=float(round(settings.block_length or circular)))
    length = settings.block_length or stationary
    if states is not None:
        return Resampling(way="by_state", block_length=length, chain=chain_of(states)[0])
    return Resampling(way="stationary", block_length=length)


def _with_states(inputs: RiskInputs, returns: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The returns of the sessions before whose open a state was known, and that state: what could be known of a session is the close before."""
    sessions = inputs.result.equity["session"]
    if inputs.states is None:
        return np.zeros(0), np.zeros(0, np.int64)
    known = dict(inputs.states.select("session", "state").iter_rows())
    before = np.array([known.get(day, float("nan")) for day in sessions[:-1]], dtype=np.float64)
    there = np.isfinite(before)
    return returns[there], before[there].astype(np.int64)


def trade_returns(result: BacktestResult) -> Floats:
    """What each closing trade added to the account, after costs, as a share of the equity at the close before; in the order of the trades.

    Trades that were open together are followed one after the other here, each for the share of the account that it had.
    """
    equity = result.equity.select("session", before=pl.col("equity").shift(1))
    closed = result.trades.filter(pl.col("realised_pnl").is_not_null()).sort("session", "sequence")
    found = closed.join(equity, on="session", how="left", maintain_order="left").filter(pl.col("before") > 0.0)
    return found.select(pl.col("realised_pnl") / pl.col("before")).to_series().to_numpy()


def _rolling(sessions: Sequence[date], returns: Floats, tail: float) -> pl.DataFrame:
    found = rolling_risk(returns, tail)
    return pl.DataFrame(
        {
            "session": sessions[1:],
            "account_return": returns,
            "volatility": found.volatility,
            "value_at_risk": pl.Series(found.value_at_risk).fill_nan(None),
            "exceeded": found.exceeded,
        },
        schema=SCHEMAS["rolling_tail"],
    )


def _column_of(moves: DailyMoves) -> dict[str, int]:
    """The column of each symbol, by its newest ticker among the bars."""
    found: dict[str, int] = {}
    for row in moves.place:
        there = np.flatnonzero(row >= 0)
        found |= dict(zip(moves.symbols.gather(row[there]), there.tolist(), strict=True))
    return found


def _held_now(held: pl.DataFrame, moves: DailyMoves) -> tuple[Floats, Floats]:
    """Weights of the positions, and the daily deviation of each, as a fraction; NaN where there are fewer than 20 returns."""
    columns = _column_of(moves)
    weights = held["weight"].cast(pl.Float64).fill_null(0.0).to_numpy()
    last = moves.returns[-DEVIATION_SESSIONS:] / 100.0
    return weights, np.array([_deviation_of(last[:, columns[one]]) if one in columns else np.nan for one in held["symbol"]], np.float64)


def _deviation_of(returns: Floats) -> float:
    known = returns[np.isfinite(returns)]
    return float(known.std(ddof=1)) if len(known) >= 20 else float("nan")


def _exposures(own: Floats, benchmark: Floats, moves: DailyMoves) -> list[dict[str, object]]:
    made = size_and_momentum(moves.returns / 100.0, moves.dollars)
    found, r_squared = factor_exposures(own, {"market": benchmark, **{name: values[1:] for name, values in made.items()}})
    return [{**asdict(one), "r_squared": r_squared} for one in found]


def _correlations(held: pl.DataFrame, moves: DailyMoves) -> list[dict[str, object]]:
    columns = _column_of(moves)
    largest = held.sort(pl.col("weight").abs(), "symbol", descending=[True, False], nulls_last=True)["symbol"].head(SHOWN_HOLDINGS)
    names = [one for one in largest if one in columns]
    last = moves.returns[-DEVIATION_SESSIONS:]
    rows: list[dict[str, object]] = []
    for one in names:
        for other in names:
            a, b = last[:, columns[one]], last[:, columns[other]]
            known = np.isfinite(a) & np.isfinite(b)
            if known.sum() >= 20 and a[known].std() > 1e-12 and b[known].std() > 1e-12:
                rows.append({"symbol": one, "other": other, "correlation": float(np.corrcoef(a[known], b[known])[0, 1])})
    return rows


def _capacity(
    inputs: RiskInputs, settings: MonteCarloSettings, backtest: BacktestSettings, a_year: float | None
) -> list[dict[str, object]]:
    """Each trade against what its symbol usually trades and moves, as it was known before it."""
    equity, moves = inputs.result.equity, inputs.moves
    place = {day: i for i, day in enumerate(equity["session"])}
    columns, values = _column_of(moves), equity["equity"].to_numpy()
    shares, volumes, deviations = [], [], []
    for day, symbol, notional in inputs.result.trades.select("session", "symbol", "notional").iter_rows():
        i, column = place[day], columns.get(symbol)
        if i == 0 or column is None or values[i - 1] <= 0.0:
            continue
        window = moves.dollars[max(0, i - VOLUME_SESSIONS) : i, column]
        known = window[np.isfinite(window)]
        shares.append(notional / values[i - 1])
        volumes.append(float(np.median(known)) / values[i - 1] if len(known) else np.nan)
        deviations.append(_deviation_of(moves.returns[max(0, i - DEVIATION_SESSIONS) : i, column] / 100.0))
    found = capacity_table(
        *(np.array(one, np.float64) for one in (shares, volumes, deviations)),
        annual_return=a_year,
        years=(len(equity) - 1) / backtest.sessions_per_year,
        capital=backtest.initial_cash,
        model=inputs.model or model_named("square_root", coefficient=settings.impact),
        is_paid=inputs.model is not None,
        multiples=sorted(settings.capital_multiples),
    )
    return [asdict(one) for one in found]
